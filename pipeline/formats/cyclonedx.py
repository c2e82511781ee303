"""CycloneDX JSON 1.2 to 1.7 as SBOM facts, each version judged by its own published schema. Must not know feeds."""

from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import EvidenceKind, SbomFacts
from pipeline.formats.cyclonedx_model import Bom, facts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format

NAME: Final = "cyclonedx-json"
VERSIONS: Final = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_BOM: Final = msgspec.json.Decoder(Bom)


def _place(above: str, at: int) -> str:
    return f"{above}/components/{at}"


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of a CycloneDX document.

    Raises: evidence.unreadable, cas.too_large
    """
    return facts(typed(data, _BOM, NAME), f"{NAME}/{version}", "", _place)


def _kind(content: Content) -> EvidenceKind | None:
    """Tell a document that lists vulnerabilities and no component: it is VEX, and no SBOM."""
    document = content.object
    described = (document.get("metadata") or {}).get("component") or {}
    empty = not document.get("components") and not described.get("components")
    return None if empty and document.get("vulnerabilities") else "sbom"


def _detects(content: Content) -> bool:
    document = content.object
    return document.get("bomFormat") == "CycloneDX" or (
        "bomFormat" in document and "specVersion" in document and "spdxVersion" not in document
    )


def _version(content: Content) -> str:
    return str(content.object.get("specVersion", ""))


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


CYCLONEDX: Final = Format(
    name=NAME,
    media_types=("application/vnd.cyclonedx+json",),
    schemas=tuple((version, f"bom-{version}.schema.json") for version in VERSIONS),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
)
