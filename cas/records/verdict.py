"""Question, findings, assessment, verdict, decision: what judging leaves."""

from typing import Literal

from cas.records.base import Count, Millionths, Name, Part, Record
from cas.records.evidence import Binding, EvidenceKind
from cas.records.forms import Digest, Instant, Slug
from cas.records.policy import Enforcement

PurposeOfAsking = Literal["promotion", "rollback", "simulation"]
SeverityLabel = Literal["critical", "high", "medium", "low", "negligible", "unknown"]
VexState = Literal["fixed", "not_affected", "affected", "conflict", "unknown", "none"]
GateStatus = Literal["pass", "warn", "fail", "unknown", "not_applicable"]
Outcome = Literal["allow", "deny", "undecided"]


class Head(Part, frozen=True, kw_only=True):
    """A ref as it stood."""

    name: Name
    digest: Digest | None


class GatherInput(Record, frozen=True, kw_only=True, tag="gather_input/1"):
    """The question of gather/1. The caller chooses release, environment, purpose; heads and time are the instance's."""

    release: Digest
    environment: Digest
    purpose: PurposeOfAsking
    heads: tuple[Head, ...]  # sorted by name; every head that may sway the answer, absent ones included
    log_size: Count
    log_root: Digest
    as_of: Instant


class ComponentQuestion(Part, frozen=True, kw_only=True):
    """One component on one platform: whose evidence counts (index, manifest, config: downward only)."""

    component: Slug
    platform: str
    image: Digest  # the platform manifest
    subjects: tuple[Digest, ...]  # digests whose evidence applies here: root, manifest, config
    admissions: tuple[Digest, ...]  # sorted


class Question(Record, frozen=True, kw_only=True, tag="question/1"):
    """All that may sway the verdict, by digest. ``as_of`` is never earlier than the newest entry."""

    release: Digest
    environment: Digest
    purpose: PurposeOfAsking
    as_of: Instant
    heads: tuple[Head, ...]
    components: tuple[ComponentQuestion, ...]
    policy: Digest | None
    feed: Digest | None
    waivers: tuple[Digest, ...]
    baseline: Digest | None  # release deployed there before
    trust_root: Digest


class Gathered(Record, frozen=True, kw_only=True, tag="gathered/1"):
    """Where the log stood when the question was derived: an auditor sees that nothing admitted before was left out."""

    question: Digest
    log_size: Count
    log_root: Digest


class MatchInput(Record, frozen=True, kw_only=True, tag="match_input/1"):
    """The question of match/1: which advisories of this snapshot speak of these packages?"""

    facts: Digest
    feed: Digest


class Match(Part, frozen=True, kw_only=True):
    """A package in an affected range. ``package`` is the digest of the FeedPackage, ``pointer`` the place in it."""

    purl: str
    name: str
    version: str
    component_pointer: str  # in the raw SBOM
    advisory: Name
    aliases: tuple[str, ...]  # every other name of this vulnerability, sorted
    related: tuple[str, ...]  # names of others that the advisory joins to it: what closes those does not close this
    severity: SeverityLabel
    score_tenths: Count | None
    fixed_in: tuple[str, ...]
    package: Digest
    pointer: str
    epss: Millionths | None
    kev: str  # the name under which the catalogue lists it, of any of the names; or empty
    kev_due: str  # YYYY-MM-DD, or empty


class UnknownRow(Part, frozen=True, kw_only=True):
    """Something we do not know, with its reason code and where it was noticed."""

    reason: Literal[
        "AnalyzerLimit", "Reachability", "Identity", "Provenance", "VexConflict", "FeedGap", "ConfigUnknown"
    ]
    code: Slug  # "package_without_purl", "ecosystem_not_in_feed", "version_not_ordered", …
    subject: str  # purl, component name or digest
    entropy: Millionths
    evidence: Digest | None
    pointer: str


class Findings(Record, frozen=True, kw_only=True, tag="findings/1"):
    """The answer of match/1; matches sorted by (purl, advisory, component_pointer)."""

    facts: Digest
    feed: Digest
    packages: Count
    matches: tuple[Match, ...]
    unknowns: tuple[UnknownRow, ...]


class AssessInput(Record, frozen=True, kw_only=True, tag="assess_input/1"):
    """The question of assess/1."""

    question: Digest
    findings: tuple[Digest, ...]  # outputs of match/1, one per SBOM facts named by the question; sorted
    baseline: Digest | None  # Assessment of the release deployed before, for cve_delta
    template: Digest | None  # TemplateFacts of the release's template


class Claim(Part, frozen=True, kw_only=True):
    """One VEX statement that applies, and its weight."""

    evidence: Digest
    pointer: str
    status: Literal["not_affected", "affected", "fixed", "under_investigation"]
    justification: str
    author: str
    signer: str
    verified: bool
    score: Millionths


class AssessedFinding(Part, frozen=True, kw_only=True):
    """One vulnerability in one package of one component, after VEX and waivers. Nothing is ever dropped."""

    component: Slug
    platform: str
    purl: str
    version: str
    vulnerability: Name  # the name shown first: a CVE where there is one
    advisory: Name
    aliases: tuple[str, ...]
    related: tuple[str, ...]
    severity: SeverityLabel
    score_tenths: Count | None
    fixed_in: tuple[str, ...]
    sbom: Digest  # raw document
    sbom_pointer: str
    feed_package: Digest
    feed_pointer: str
    vex: VexState
    claims: tuple[Claim, ...]
    waived_by: Digest | None
    open: bool  # neither not_affected, fixed nor waived
    new: bool  # not in the baseline
    epss: Millionths | None
    kev: str
    kev_due: str


class EvidenceRow(Part, frozen=True, kw_only=True):
    """One piece of evidence that counts for one component, with its standing."""

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
    signers: tuple[str, ...]
    predicate_type: str
    builder: str
    source: str
    admitted_at: Instant


class ComponentRow(Part, frozen=True, kw_only=True):
    """A component on a platform, counted."""

    component: Slug
    platform: str
    image: Digest
    packages: Count
    sboms: Count


class Assessment(Record, frozen=True, kw_only=True, tag="assessment/1"):
    """What is known about the release at ``as_of``: evidence, findings, unknowns; each tuple totally ordered."""

    question: Digest
    components: tuple[ComponentRow, ...]
    evidence: tuple[EvidenceRow, ...]
    findings: tuple[AssessedFinding, ...]
    unknowns: tuple[UnknownRow, ...]
    template: Digest | None  # TemplateFacts of the release's template
    trust_table: Digest
    valid_until: Instant | None  # earliest instant at which a claim's weight or a waiver changes


class JudgeInput(Record, frozen=True, kw_only=True, tag="judge_input/1"):
    """The question of judge/1."""

    question: Digest
    assessment: Digest


class EvidenceRef(Part, frozen=True, kw_only=True):
    """The one line that a finding rests on."""

    digest: Digest
    pointer: str


class Finding(Part, frozen=True, kw_only=True):
    """A gate's finding: codes and arguments only; prose is rendered at the door from the catalog.

    ``arguments`` fill the code's sentence; ``flips`` are codes, with arguments, of what would turn it.
    """

    code: Slug
    arguments: tuple[tuple[str, str], ...]
    severity: SeverityLabel
    component: str
    purl: str
    vulnerability: str
    evidence: tuple[EvidenceRef, ...]
    path: tuple[str, ...]  # package → file → call path
    flips: tuple[tuple[str, str], ...]  # (flip code, argument)


class GateResult(Part, frozen=True, kw_only=True):
    """What one gate answered. ``findings`` are sorted, whatever the order of the input."""

    id: Slug
    gate: str
    enforcement: Enforcement
    status: GateStatus
    findings: tuple[Finding, ...]
    counted: tuple[tuple[str, Count], ...]  # what was counted, by name


class Verdict(Record, frozen=True, kw_only=True, tag="verdict/1"):
    """The answer for the evidence. Holds no wall time but those it relied on."""

    question: Digest
    assessment: Digest
    release: Digest
    environment: Digest
    policy: Digest | None
    purpose: PurposeOfAsking
    as_of: Instant
    outcome: Outcome
    gates: tuple[GateResult, ...]
    valid_until: Instant


class DecideInput(Record, frozen=True, kw_only=True, tag="decide_input/1"):
    """The question of decide/1: does the newest verdict, with approvals, at this moment, let the promotion go on?"""

    promotion: Digest
    verdict: Digest
    environment: Digest
    directory: Digest | None
    approvals: tuple[Digest, ...]  # AdmittedApproval records, sorted
    stop_line: Digest | None
    source_deployed: Digest | None  # the Deployed record in the environment before, if one is demanded
    as_of: Instant


class Decision(Record, frozen=True, kw_only=True, tag="decision/1"):
    """The answer for the moment; spent once, by the entry that moves the promotion to deploying."""

    promotion: Digest
    verdict: Digest
    release: Digest
    environment: Digest
    purpose: PurposeOfAsking
    as_of: Instant
    outcome: Literal["approved", "pending", "rejected"]
    gates: tuple[GateResult, ...]
    approvals: tuple[Digest, ...]
    valid_until: Instant
