"""Evidence as it came, and the facts that stages read out of it."""

from typing import Literal

from cas.records.base import ActorId, Count, Name, Pairs, Part, Record, Text
from cas.records.forms import Digest, Instant

EvidenceKind = Literal[
    "sbom",
    "vex",
    "provenance",
    "attestation",
    "advisory",
    "findings",
    "generic",
    "tests",
    "coverage",
    "secrets",
    "licenses",
    "reachability",
    "signature",
]
"""The vocabulary grows; a value never changes its meaning."""

Binding = Literal["attested", "embedded", "asserted"]
VexStatus = Literal["not_affected", "affected", "fixed", "under_investigation"]


class Evidence(Record, frozen=True, kw_only=True, tag="evidence/1"):
    """Raw bytes, what they are, what they speak of, and how they are bound to it.

    ``raw`` is the document byte for byte; ``envelope`` the DSSE envelope it travelled in, if any. ``attested``: a
    verified signature covers the subject digest; ``embedded``: the document names it; ``asserted``: the submitter said
    so.
    """

    raw: Digest
    envelope: Digest | None
    format: Name  # "cyclonedx-json/1.6"
    type: EvidenceKind
    subject: Digest
    binding: Binding
    verification: Digest | None


class Admission(Record, frozen=True, kw_only=True, tag="admission/1"):
    """A member of a head ``evidence/<subject>``: the evidence with what was computed when it came in.

    ``facts`` is the output of normalise/1, ``admitted_at`` the instance's clock. It says nothing of what was admitted
    before, so that the order of submission never shows in a question; the entry tells its position.
    """

    evidence: Digest
    facts: Digest
    subject: Digest
    type: EvidenceKind
    binding: Binding
    verification: Digest | None
    admitted_at: Instant
    submitter: ActorId


class NormaliseInput(Record, frozen=True, kw_only=True, tag="normalise_input/1"):
    """The question of normalise/1: read this document as this format."""

    raw: Digest
    format: Name


class Package(Part, frozen=True, kw_only=True):
    """A component of an SBOM. ``pointer`` is the JSON pointer of its place in the raw document."""

    ref: str  # the document's own id
    purl: str  # canonical; empty when the document gives none
    name: str
    version: str
    type: str  # library, application, operating-system, …
    licenses: tuple[str, ...]
    hashes: Pairs
    pointer: str
    source: str = ""  # name@version of the source package when the document says so outside the purl


class SbomFacts(Record, frozen=True, kw_only=True, tag="sbom_facts/1"):
    """What an SBOM says. Packages sorted by (purl, name, version, ref); ``depends`` are (ref, ref) edges."""

    format: Name
    serial: str
    created_at: str  # Instant, or empty when the document gives none
    tools: tuple[str, ...]
    subjects: tuple[Digest, ...]  # digests the document names as what it describes
    packages: tuple[Package, ...]
    depends: Pairs


class ScanRun(Record, frozen=True, kw_only=True, tag="scan_run/1"):
    """How an SBOM was made: what a generator looked at, and how it was set. Travels in a statement about the image.

    ``subject`` is the image that was looked at, empty for a directory that stands for none. ``arguments`` are the
    generator's own, ``{source}`` where it was pointed to; ``configuration`` is its settings in its own words.
    """

    sbom: Digest  # bytes as generated, without blanks around them
    format: Name
    tool: Name
    tool_version: Name
    arguments: tuple[str, ...]
    configuration: Text
    source_kind: Literal["directory", "image"]
    source: str  # as it was named
    platform: str
    subject: str
    components: Count


class VexProduct(Part, frozen=True, kw_only=True):
    """A product of a statement, as written; ``components`` are its subcomponents."""

    id: str
    identifiers: Pairs  # purl, cpe22, cpe23
    hashes: Pairs
    components: tuple[str, ...]


class VexStatement(Part, frozen=True, kw_only=True):
    """One claim: status of a vulnerability in products."""

    vulnerability: Name
    aliases: tuple[str, ...]
    status: VexStatus
    justification: str
    impact: Text
    action: Text
    products: tuple[VexProduct, ...]
    issued_at: str
    pointer: str


class VexFacts(Record, frozen=True, kw_only=True, tag="vex_facts/1"):
    """What a VEX document claims."""

    format: Name
    id: str
    author: str
    role: str
    issued_at: str
    version: str
    statements: tuple[VexStatement, ...]


class AttestationFacts(Record, frozen=True, kw_only=True, tag="attestation_facts/1"):
    """What an in-toto statement says: subjects, predicate type, and for SLSA provenance who built what from where."""

    predicate_type: str
    subjects: tuple[tuple[str, Digest], ...]  # (name, digest), sorted
    builder: str
    build_type: str
    source: str
    source_digest: str
    started_at: str
    finished_at: str


class Severity(Part, frozen=True, kw_only=True):
    """A score as an advisory gives it, by system ("CVSS_V3") with its vector; ``score_tenths`` when it was computed."""

    system: str
    vector: str
    score_tenths: Count | None


class VersionEvent(Part, frozen=True, kw_only=True):
    """A bound of a range. ``key`` is its order-preserving form (hex), empty when the ecosystem's order gives none."""

    event: Literal["introduced", "fixed", "last_affected", "limit"]
    version: str
    key: str


class VersionRange(Part, frozen=True, kw_only=True):
    """OSV range: events in order."""

    type: str  # ECOSYSTEM, SEMVER, GIT
    events: tuple[VersionEvent, ...]


class Advisory(Part, frozen=True, kw_only=True):
    """One advisory as it speaks of one package."""

    id: Name
    aliases: tuple[str, ...]
    upstream: tuple[str, ...]
    related: tuple[str, ...]
    modified: str
    published: str
    withdrawn: str
    summary: str
    severities: tuple[Severity, ...]
    severity_label: str  # critical, high, medium, low, negligible, unknown
    score_tenths: Count | None
    ranges: tuple[VersionRange, ...]
    versions: tuple[str, ...]
    raw: Digest  # the document it came from
    pointer: str
