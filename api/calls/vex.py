"""VEX: why a statement applies or not, the consensus, what changed, whom we trust, and the claims written out."""

from typing import Annotated, Literal

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Instant
from cas.records.policy import VexTrustTable
from cas.records.verdict import Claim

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Purl = Annotated[str, msgspec.Meta(max_length=4096)]


class ExplainVex(Ask, frozen=True, kw_only=True):
    """Every statement in the store about a vulnerability, as it is for a release or an image (by digest)."""

    subject: Name
    vulnerability: Name
    component: Purl = ""
    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """A statement for one package of one component. ``why`` is ``counts``, or the code of the check that failed."""

    component: str
    platform: str
    purl: str
    state: str
    status: str
    applies: bool
    why: str
    meaning: str
    detail: str
    specificity: int
    score: int
    source: str
    strength: str
    justification: str
    author: str
    signers: tuple[str, ...]
    verified: bool
    issued_at: Instant
    format: str
    evidence: Digest
    pointer: str


class VexExplained(Answer, frozen=True, kw_only=True):
    """What was found, those that apply first."""

    subject: str
    vulnerability: str
    items: tuple[StatementLine, ...]


class ListConsensus(PageAsk, frozen=True, kw_only=True):
    """The consensus of the newest verdicts, sorted by id."""

    release: Annotated[str, msgspec.Meta(max_length=255)] = ""
    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""


class ConsensusView(Answer, frozen=True, kw_only=True):
    """What issuers together say of one vulnerability in one package of a release. Fractions in millionths."""

    id: str
    vulnerability: str
    purl: str
    component: str
    platform: str
    release: str
    environment: str
    consensus_state: str
    confidence: int
    issuers: tuple[str, ...]
    rationale: str
    reach: str
    claims: tuple[Claim, ...]  # their weights are their scores
    verdict: Digest
    as_of: Instant


class ConsensusPage(Answer, frozen=True, kw_only=True):
    """A page of consensus."""

    items: tuple[ConsensusView, ...]
    next_cursor: str


class GetConsensus(Ask, frozen=True, kw_only=True):
    """By id, as the list gives it."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]


class CompareVex(Ask, frozen=True, kw_only=True):
    """Two verdicts, by digest or id."""

    old: Name
    new: Name


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One change between two rounds."""

    component: str
    platform: str
    purl: str
    vulnerability: str
    kind: str
    old: str
    new: str
    issuer: str
    evidence: str
    pointer: str
    reasons: tuple[str, ...]


class VexDelta(Answer, frozen=True, kw_only=True):
    """What changed."""

    old: Digest
    new: Digest
    items: tuple[ChangeLine, ...]


class ShowTrustTable(Ask, frozen=True, kw_only=True):
    """The table that counts: of an environment's active pack, by digest, or the built-in one."""

    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""
    table: Annotated[str, msgspec.Meta(max_length=71)] = ""


class SetTrustTable(Ask, frozen=True, kw_only=True):
    """A table as YAML or JSON. It counts where a pack names its digest."""

    yaml: Annotated[str, msgspec.Meta(min_length=1, max_length=262144)]


class TrustTableView(Answer, frozen=True, kw_only=True):
    """A table, its digest for packs (empty for the built-in one unless stored), and as YAML to start from."""

    digest: str
    table: VexTrustTable
    yaml: str


class ExportVex(Ask, frozen=True, kw_only=True):
    """The consensus about a release as documents."""

    release: Name
    format: Literal["openvex", "csaf", "cyclonedx"] = "openvex"
    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""
    author: Annotated[str, msgspec.Meta(max_length=255)] = ""
    namespace: Annotated[str, msgspec.Meta(max_length=1024)] = ""


class VexFile(msgspec.Struct, frozen=True, kw_only=True):
    """A document."""

    name: str
    sha256: Digest
    data: bytes  # base64 in JSON


class VexExported(Answer, frozen=True, kw_only=True):
    """One document; of CycloneDX one for each image."""

    format: str
    files: tuple[VexFile, ...]


EXPLAIN = Call(
    "vex.explain",
    "GET",
    "/vex/explain",
    ExplainVex,
    VexExplained,
    "gate:read",
    "Tell of every VEX statement about a vulnerability why it applies, or why not.",
)
CONSENSUS = Call(
    "vex.consensus",
    "GET",
    "/vex/consensus",
    ListConsensus,
    ConsensusPage,
    "gate:read",
    "List what issuers together say, as the newest verdicts found it.",
)
GET = Call("vex.get", "GET", "/vex/consensus/one", GetConsensus, ConsensusView, "gate:read", "Show one consensus.")
DELTA = Call(
    "vex.delta",
    "GET",
    "/vex/delta",
    CompareVex,
    VexDelta,
    "gate:read",
    "List claims that came, went or weigh otherwise between two verdicts, and states that flipped.",
)
TRUST_SHOW = Call(
    "vex.trust_show",
    "GET",
    "/vex/trust",
    ShowTrustTable,
    TrustTableView,
    "policy:read",
    "Show how VEX claims are weighed.",
)
TRUST_SET = Call(
    "vex.trust_set",
    "POST",
    "/vex/trust",
    SetTrustTable,
    TrustTableView,
    "policy:write",
    "Store a VEX trust table that packs may name.",
)
EXPORT = Call(
    "vex.export",
    "GET",
    "/vex/export/{release}",
    ExportVex,
    VexExported,
    "gate:read",
    "Write the consensus about a release as OpenVEX, CSAF or CycloneDX.",
)

CALLS = (EXPLAIN, CONSENSUS, GET, DELTA, TRUST_SHOW, TRUST_SET, EXPORT)
