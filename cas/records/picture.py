"""What assess/2 leaves: a picture of a release's evidence that does not know who asked, and the answer that names it.

Two questions about the same evidence share one picture, so what is large is stored, decoded and replayed once.
"""

from typing import Final, Literal

from cas.problems import RecordInvalid
from cas.records.base import Count, Millionths, Name, Part, Record
from cas.records.evidence import Binding, EvidenceKind
from cas.records.forms import Digest, Instant, Slug
from cas.records.report import ReachState
from cas.records.verdict import (
    AssessedFinding,
    Assessment,
    Claim,
    ComponentRow,
    EvidenceRef,
    EvidenceRow,
    SeverityLabel,
    UnknownRow,
    VexState,
)

Effect = Literal["", "suppress", "defer", "downgrade", "require_control"]


class Match2(Part, frozen=True, kw_only=True):
    """A package in an affected range. ``package`` is the digest of the feed's object, ``pointer`` the place in it."""

    purl: str
    name: str
    version: str
    component_pointer: str  # in the raw SBOM
    ecosystem: Name
    advisory: Name
    aliases: tuple[str, ...]  # every other name of this vulnerability, sorted
    related: tuple[str, ...]  # names of others that the advisory joins to it: what closes those does not close this
    published: str  # Instant, or empty
    severity: SeverityLabel
    severity_source: str  # who said the severity that counts: vendor, nvd, ghsa, advisory, score, or empty
    score_tenths: Count | None
    fixed_in: tuple[str, ...]
    package: Digest
    pointer: str
    epss: Millionths | None
    kev: str  # the name under which the catalogue lists it, of any of the names; or empty
    kev_due: str  # YYYY-MM-DD, or empty


class Findings2(Record, frozen=True, kw_only=True, tag="findings/2"):
    """The answer of match/2; matches sorted by (purl, advisory, component_pointer, package, pointer)."""

    facts: Digest
    feed: Digest
    packages: Count
    matches: tuple[Match2, ...]
    unknowns: tuple[UnknownRow, ...]


class Reach(Part, frozen=True, kw_only=True):
    """Whether the vulnerable code is reached: the state, its witness (package → file → … → entry), who said so."""

    state: ReachState
    path: tuple[str, ...]
    confidence: Millionths
    evidence: tuple[EvidenceRef, ...]  # what was said for and against, sorted


NOWHERE: Final = Reach(state="U", path=(), confidence=0, evidence=())
"""Nothing was said of reachability."""


class AssessedFinding2(Part, frozen=True, kw_only=True, array_like=True):
    """One vulnerability in one package of one component, after VEX, reachability and waivers. Nothing is ever dropped.

    A row: its values stand in an array, in this order, since a picture holds thousands of them and their names would
    weigh more than they do; the documents that many rows point at are told once, in ``Picture.documents``.

    ``severity`` and ``score_tenths`` are what counts; ``raw_severity`` and ``raw_score_tenths`` what was found, before
    a waiver made it less. ``origin`` tells whether our matching found it, a scanner reported it, or both;
    ``reported_by`` names the scanners.
    """

    component: Slug
    platform: str
    purl: str
    version: str
    vulnerability: Name  # the name shown first: a CVE where there is one
    advisory: Name
    aliases: tuple[str, ...]
    severity: SeverityLabel
    score_tenths: Count | None
    vex: VexState
    waived_by: Digest | None
    open: bool  # neither not_affected, fixed nor waived
    new: bool  # not in the baseline
    epss: Millionths | None
    kev: str
    kev_due: str
    sbom: Count  # which of the documents: the raw SBOM, or the report where no SBOM names the package
    sbom_pointer: str
    feed_package: Count  # which of the documents: the feed's object, or the report where no feed speaks of it
    feed_pointer: str
    related: tuple[str, ...]
    ecosystem: str
    published: str
    raw_severity: SeverityLabel
    raw_score_tenths: Count | None
    severity_source: str
    fixed_in: tuple[str, ...]
    origin: Literal["matched", "reported", "both"]
    reported_by: tuple[str, ...]
    claims: tuple[Claim, ...]
    reached: Reach | None  # None: nothing was said
    waiver_effect: Effect
    waiver_until: str  # Instant, or empty
    control: str  # what the waiver demands to be in place, or empty

    @property
    def reach(self) -> Reach:
        """Give what was said of reachability, which may be nothing."""
        return self.reached or NOWHERE


class EvidenceRow2(Part, frozen=True, kw_only=True):
    """One piece of evidence that counts for one component, with its standing.

    ``standing``: a signature of a trusted signer holds, there is none that we can check, or one is bad. ``signers`` are
    logins, ``server``, ``root``, or ``sigstore:<issuer>#<identity>``.
    """

    component: Slug
    platform: str
    admission: Digest
    evidence: Digest
    raw: Digest
    facts: Digest
    type: EvidenceKind
    format: Name
    binding: Binding
    verified: bool
    standing: Literal["verified", "unsigned", "bad"]
    signers: tuple[str, ...]
    predicate_type: str
    builder: str
    source: str
    created_at: str  # by the document's own word, or empty
    admitted_at: Instant


class Picture(Record, frozen=True, kw_only=True, tag="picture/1"):
    """What is known about a release's evidence; each tuple totally ordered."""

    components: tuple[ComponentRow, ...]
    evidence: tuple[EvidenceRow2, ...]
    documents: tuple[Digest, ...]  # what findings point at, by place; sorted
    findings: tuple[AssessedFinding2, ...]
    unknowns: tuple[UnknownRow, ...]
    template: Digest | None  # TemplateFacts of the release's template
    trust_table: Digest

    def document(self, place: int) -> Digest:
        """Give a document that a finding points at.

        Raises: cas.record_invalid
        """
        if place >= len(self.documents):
            raise RecordInvalid(kind="Picture", reason=f"no document at {place}")
        return self.documents[place]


class AssessInput2(Record, frozen=True, kw_only=True, tag="assess_input/2"):
    """The question of assess/2."""

    question: Digest
    findings: tuple[Digest, ...]  # outputs of match/2, one per SBOM facts named by the question; sorted
    baseline: Digest | None  # assessment of the release deployed before, for cve_delta
    template: Digest | None  # TemplateFacts of the release's template


class Assessment2(Record, frozen=True, kw_only=True, tag="assessment/2"):
    """The picture that answers a question, and the earliest instant at which a weight, a waiver or a term changes."""

    question: Digest
    picture: Digest
    valid_until: Instant | None


class JudgeInput2(Record, frozen=True, kw_only=True, tag="judge_input/2"):
    """The question of judge/2. ``answers`` are what custom rules said of this picture (rego_answer records), sorted."""

    question: Digest
    assessment: Digest
    answers: tuple[Digest, ...]


class DecideInput2(Record, frozen=True, kw_only=True, tag="decide_input/2"):
    """The question of decide/2: as decide_input/1, and whether two people set the verdict aside."""

    promotion: Digest
    verdict: Digest
    environment: Digest
    directory: Digest | None
    approvals: tuple[Digest, ...]  # AdmittedApproval records, sorted
    stop_line: Digest | None
    source_deployed: Digest | None
    break_glass: Digest | None  # BreakGlass of this release in this environment
    unreviewed: tuple[Digest, ...]  # BreakGlass records of the environment that nobody has reviewed, sorted
    as_of: Instant


AnyFinding = AssessedFinding | AssessedFinding2
"""What a reader takes that uses only what both have."""

AnyRow = EvidenceRow | EvidenceRow2
AnyPicture = Assessment | Picture
