"""Cases that test a pack: small documents of facts, and what the pack must answer. Must not know how they are judged.

What a case leaves out has a harmless default, so that it says only what it is about. The shape is published as JSON
Schema inside the pack's own.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from cas import jcs
from cas.digest import Digest
from cas.problems import Fault
from cas.records.base import Count, Instant, Millionths, Name, Slug, Tenths
from cas.records.evidence import Binding, EvidenceKind
from cas.records.report import ReachState
from cas.records.verdict import GateStatus, Outcome, SeverityLabel, VexState

MAX_CASES: Final = 200
MAX_ITEMS: Final = 500
_PATH: Final = re.compile(r" - at `\$(?P<path>[^`]*)`$")

Many = msgspec.Meta(max_length=MAX_ITEMS)
Purl = Annotated[str, msgspec.Meta(max_length=1024)]
Short = Annotated[str, msgspec.Meta(max_length=512)]


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of a case."""


class CaseComponent(Shape, frozen=True, kw_only=True):
    """A component on a platform, with how many packages and SBOMs are known of it."""

    component: Slug = "web"
    platform: Short = "linux/amd64"
    packages: Count = 5
    sboms: Count = 1


class CaseEvidence(Shape, frozen=True, kw_only=True):
    """A piece of evidence. ``attested`` is verified. ``facts`` are those of a report: ``kind``, and what matters."""

    type: EvidenceKind = "sbom"
    component: Slug = "web"
    platform: Short = "linux/amd64"
    format: Name = "cyclonedx-json/1.6"
    binding: Binding = "attested"
    standing: Literal["verified", "unsigned", "bad", ""] = ""
    signers: Annotated[tuple[Short, ...], Many] = ("ci",)
    predicate_type: Short = ""
    builder: Short = ""
    source: Short = ""
    created_at: Short = ""
    admitted_at: Instant | None = None  # as of the case
    facts: dict[str, Any] | None = None


class CaseClaim(Shape, frozen=True, kw_only=True):
    """What somebody says of a finding, and its weight."""

    status: Literal["not_affected", "affected", "fixed", "under_investigation"] = "not_affected"
    justification: Short = ""
    author: Short = "vendor"
    signer: Short = "vendor"
    verified: bool = True
    score: Millionths = 800_000


class CaseFinding(Shape, frozen=True, kw_only=True):
    """A vulnerability in a package. It is open unless VEX closes it or it is waived."""

    vulnerability: Name = "CVE-2026-0001"
    component: Slug = "web"
    platform: Short = "linux/amd64"
    purl: Purl = "pkg:pypi/example@1.0.0"
    version: Short = "1.0.0"
    severity: SeverityLabel = "high"
    score_tenths: Tenths | None = None
    fixed_in: Annotated[tuple[Short, ...], Many] = ()
    vex: VexState = "none"
    claims: Annotated[tuple[CaseClaim, ...], Many] = ()
    waived_until: Instant | None = None
    new: bool = True
    epss: Millionths | None = None
    kev_due: Annotated[str, msgspec.Meta(pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    published: Short = "2026-01-01T00:00:00Z"
    reach: ReachState = "U"
    confidence: Millionths = 0


class CaseUnknown(Shape, frozen=True, kw_only=True):
    """Something that is not known."""

    reason: Literal[
        "AnalyzerLimit", "Reachability", "Identity", "Provenance", "VexConflict", "FeedGap", "ConfigUnknown"
    ] = "FeedGap"
    code: Slug = "ecosystem_not_in_feed"
    subject: Short = "pkg:cran/example"
    entropy: Millionths = 500_000


class CaseService(Shape, frozen=True, kw_only=True):
    """A service of the deployment template."""

    name: Short = "web"
    component: Short = "web"
    privileged: bool = False
    cap_add: Annotated[tuple[Short, ...], Many] = ()
    security_opt: Annotated[tuple[Short, ...], Many] = ()
    devices: Annotated[tuple[Short, ...], Many] = ()
    secrets: Annotated[tuple[Short, ...], Many] = ()
    unclear: Annotated[tuple[Short, ...], Many] = ()


class CaseFeed(Shape, frozen=True, kw_only=True):
    """The advisory feed: when it was captured, and whether it holds the KEV catalogue and EPSS."""

    captured_at: Instant | None = None
    kev: bool = True
    epss: bool = True


class CaseAnswer(Shape, frozen=True, kw_only=True):
    """What a custom rule answers; the engine is not asked."""

    rule: Digest
    deny: Annotated[tuple[Short, ...], Many] = ()
    warn: Annotated[tuple[Short, ...], Many] = ()


class Given(Shape, frozen=True, kw_only=True):
    """The facts. By default one component, one service, a feed with everything, and nothing found."""

    components: Annotated[tuple[CaseComponent, ...], Many] = (CaseComponent(),)
    evidence: Annotated[tuple[CaseEvidence, ...], Many] = ()
    findings: Annotated[tuple[CaseFinding, ...], Many] = ()
    unknowns: Annotated[tuple[CaseUnknown, ...], Many] = ()
    services: Annotated[tuple[CaseService, ...], Many] = (CaseService(),)
    feed: CaseFeed | None = CaseFeed()
    rules: Annotated[tuple[CaseAnswer, ...], Many] = ()
    first_release: bool = False


class Expected(Shape, frozen=True, kw_only=True):
    """What must come out. ``codes`` are those of all findings of gates that decided; ``gates`` statuses by id."""

    outcome: Outcome
    codes: Annotated[tuple[Slug, ...], Many] | None = None
    gates: dict[str, GateStatus] = {}


class Case(Shape, frozen=True, kw_only=True):
    """One case: in this environment, at this time, given these facts, the pack must answer so."""

    name: Name
    environment: Slug = "production"
    as_of: Instant = "2026-03-01T12:00:00Z"
    given: Given = Given()
    expect: Expected


def read(value: Any, pointer: str = "/cases") -> tuple[tuple[Case, ...], tuple[Fault, ...]]:
    """Read cases from plain values: those that can be read, and one fault for each that cannot."""
    if not isinstance(value, list) or len(value) > MAX_CASES:
        return (), (Fault(pointer, "policy.cases_type", f"must be a list of at most {MAX_CASES}"),)
    found: list[Case] = []
    faults: list[Fault] = []
    for at, item in enumerate(value):
        try:
            found.append(msgspec.convert(item, Case))
        except msgspec.ValidationError as error:
            place = _PATH.search(str(error))
            below = _pointer(place["path"]) if place else ""
            said = _PATH.sub("", str(error))
            faults.append(Fault(f"{pointer}/{at}{below}", "policy.case_invalid", f"{said}; {_allowed(below)}"))
    if len({case.name for case in found}) < len(found):
        faults.append(Fault(pointer, "policy.case_twice", "two cases have the same name"))
    return tuple(found), tuple(faults)


def _pointer(path: str) -> str:
    """Turn msgspec's ``.given.findings[0].epss`` into a JSON pointer; ``[...]`` is a key of a mapping."""
    return "".join(f"/{part}" for part in re.findall(r"[A-Za-z_][A-Za-z0-9_]*|\d+", path))


def _allowed(below: str) -> str:
    kinds: dict[str, type[Shape]] = {
        "components": CaseComponent,
        "evidence": CaseEvidence,
        "findings": CaseFinding,
        "unknowns": CaseUnknown,
        "services": CaseService,
        "feed": CaseFeed,
        "rules": CaseAnswer,
        "given": Given,
        "expect": Expected,
    }
    names = [part for part in below.split("/") if part in kinds]
    kind = kinds[names[-1]] if names else Case
    return f"allowed: {', '.join(kind.__struct_fields__)}"


def written(cases: Sequence[Case]) -> bytes:
    """Give the canonical JSON of cases, as a pack names it."""
    return jcs.canonical(msgspec.json.encode([msgspec.to_builtins(case) for case in cases]), max_bytes=1 << 22)


def parsed(data: bytes) -> tuple[Case, ...]:
    """Read back what ``written`` gave.

    Raises: msgspec.ValidationError for anything else
    """
    return msgspec.json.decode(data, type=tuple[Case, ...])


def schema() -> dict[str, Any]:
    """Give the JSON Schema of cases, with definitions beside: (schema, definitions)."""
    (found,), definitions = msgspec.json.schema_components([Case], ref_template="#/$defs/{name}")
    return {"cases": {"type": "array", "maxItems": MAX_CASES, "items": found}, "$defs": definitions}
