"""Further readings of CycloneDX: vulnerabilities without an analysis that name nothing affected, in JSON and XML.

They are findings in what the document describes. Must not know how a document is judged.
"""

from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import EvidenceKind
from cas.records.report import ReportFacts
from pipeline.formats import cyclonedx_claims as claims
from pipeline.formats import cyclonedx_vex, cyclonedx_vex_xml, xml
from pipeline.formats.cyclonedx_analysis import JSON_PLACES, Bom
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format

NAME: Final = "cyclonedx-unplaced"
XML_NAME: Final = "cyclonedx-xml-unplaced"
_BOM: Final = msgspec.json.Decoder(Bom)
_ABOUT: Final = """Vulnerabilities that carry no analysis and name nothing affected (no `affects`): findings in what the
document describes, with its name as their package. Those that name what they affect are in [{0}]({0}.md)."""


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of a JSON document that name nothing affected.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.unplaced(typed(data, _BOM, cyclonedx_vex.WITHIN), f"{NAME}/{version}", JSON_PLACES)


def read_xml(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of an XML document that name nothing affected.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.unplaced(cyclonedx_vex_xml.bom(data), f"{XML_NAME}/{version}", cyclonedx_vex_xml.PLACES)


def _kind(content: Content) -> EvidenceKind | None:
    listed = content.object.get("vulnerabilities")
    found = listed if isinstance(listed, list) else ()
    return "findings" if any(not each.get("affects") and not cyclonedx_vex.has_claim(each) for each in found) else None


def _xml_kind(content: Content) -> EvidenceKind | None:
    listed = xml.child(content.value, "vulnerabilities")
    for each, _ in xml.children(listed, "vulnerability") if listed is not None else ():
        targets, analysis = xml.child(each, "affects"), xml.child(each, "analysis")
        if (targets is None or not len(targets)) and not (analysis is not None and xml.text(analysis, "state")):
            return "findings"
    return None


def _version(content: Content) -> str:
    return str(content.object.get("specVersion", ""))


def _yes(_content: Content) -> bool:
    return True


def _native(content: Content) -> bool:
    return content.namespace.removeprefix(cyclonedx_vex_xml.NAMESPACE) in cyclonedx_vex.VERSIONS


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


UNPLACED: Final = Format(
    name=NAME,
    media_types=(),
    schemas=cyclonedx_vex.versioned(cyclonedx_vex.VERSIONS),
    detects=_yes,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
    within=cyclonedx_vex.WITHIN,
    about=_ABOUT.format(cyclonedx_vex.FINDINGS),
)
UNPLACED_XML: Final = Format(
    name=XML_NAME,
    media_types=(),
    schemas=cyclonedx_vex.versioned(cyclonedx_vex.VERSIONS),
    detects=_native,
    version=_version,
    kind=_xml_kind,
    read=read_xml,
    subjects=_subjects,
    within=cyclonedx_vex_xml.WITHIN,
    about=_ABOUT.format(cyclonedx_vex_xml.FINDINGS),
)
