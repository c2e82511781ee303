"""Further readings of CycloneDX JSON: the VEX in it, the vulnerabilities nobody analysed, the call stacks."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import EvidenceKind, VexFacts
from cas.records.report import ReachFacts, ReportFacts
from pipeline.formats import cyclonedx_claims as claims
from pipeline.formats.cyclonedx_analysis import JSON_PLACES, Bom
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format

WITHIN: Final = "cyclonedx-json"
NAME: Final = "cyclonedx-vex"
FINDINGS: Final = "cyclonedx-vulnerabilities"
CALLSTACKS: Final = "cyclonedx-callstacks"
VERSIONS: Final = ("1.4", "1.5", "1.6", "1.7")  # vulnerabilities came with 1.4
CALLING_VERSIONS: Final = ("1.5", "1.6", "1.7")
_BOM: Final = msgspec.json.Decoder(Bom)


def _bom(data: bytes) -> Bom:
    return typed(data, _BOM, WITHIN)


def read_vex(data: bytes, version: str) -> VexFacts:
    """Give the claims of a document.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.vex(_bom(data), f"{NAME}/{version}", JSON_PLACES)


def read_findings(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities without an analysis.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.findings(_bom(data), f"{FINDINGS}/{version}", JSON_PLACES)


def read_callstacks(data: bytes, version: str) -> ReachFacts:
    """Give the uses that call stacks show.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.reached(_bom(data), f"{CALLSTACKS}/{version}", JSON_PLACES)


def _listed(content: Content) -> Iterable[Mapping[str, Any]]:
    found = content.object.get("vulnerabilities")
    return found if isinstance(found, list) else ()


def has_claim(vulnerability: Mapping[str, Any]) -> bool:
    """Tell whether a vulnerability carries an analysis."""
    return bool((vulnerability.get("analysis") or {}).get("state"))


def _vex(content: Content) -> EvidenceKind | None:
    return "vex" if any(map(has_claim, _listed(content))) else None


def _findings(content: Content) -> EvidenceKind | None:
    return "findings" if not all(map(has_claim, _listed(content))) else None


def _callstacks(content: Content) -> EvidenceKind | None:
    if b'"callstack"' not in content.data:
        return None
    todo = list(content.object.get("components") or ())
    while todo:
        part = todo.pop()
        if part.get("purl") and ((part.get("evidence") or {}).get("callstack") or {}).get("frames"):
            return "reachability"
        todo += part.get("components") or ()
    return None


def _version(content: Content) -> str:
    return str(content.object.get("specVersion", ""))


def _yes(_content: Content) -> bool:
    return True


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


def versioned(versions: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """List versions whose schema is that of the document itself, which has been asked."""
    return tuple((version, "") for version in versions)


VEX: Final = Format(
    name=NAME,
    media_types=(),
    schemas=versioned(VERSIONS),
    detects=_yes,
    version=_version,
    kind=_vex,
    read=read_vex,
    subjects=claims.subjects,
    within=WITHIN,
    about="""The claims of a document's `vulnerabilities[].analysis`: [VEX](../../vex.md). States resolved,
exploitable, in_triage, false_positive and not_affected become the four statuses; responses,
recommendation and workaround say what to do. Versions and ranges of `affects` narrow the claim, and
may say otherwise than it. Pointers lead to the analysis.""",
)
VULNERABILITIES: Final = Format(
    name=FINDINGS,
    media_types=(),
    schemas=versioned(VERSIONS),
    detects=_yes,
    version=_version,
    kind=_findings,
    read=read_findings,
    subjects=_subjects,
    within=WITHIN,
    about="""Vulnerabilities that carry no analysis: what a scanner wrote into the document, as its findings. One that
names nothing affected is in [cyclonedx-unplaced](cyclonedx-unplaced.md).""",
)
STACKS: Final = Format(
    name=CALLSTACKS,
    media_types=(),
    schemas=versioned(CALLING_VERSIONS),
    detects=_yes,
    version=_version,
    kind=_callstacks,
    read=read_callstacks,
    subjects=_subjects,
    within=WITHIN,
    about="""Call stacks of components (`evidence.callstack`): a package is used, and by whom.""",
)
