"""Further readings of CycloneDX XML, by the same projection as of JSON: VEX, vulnerabilities, call stacks."""

from typing import Any, Final
from xml.etree.ElementTree import Element

from cas.digest import Digest
from cas.records.evidence import EvidenceKind, VexFacts
from cas.records.report import ReachFacts, ReportFacts
from pipeline.formats import cyclonedx_claims as claims
from pipeline.formats import xml
from pipeline.formats.cyclonedx_analysis import (
    Affected,
    Analysis,
    Bom,
    Contact,
    Evidence,
    Frame,
    Hash,
    Metadata,
    Part,
    Places,
    Property,
    Rating,
    Reference,
    Stack,
    Tools,
    Version,
    Vulnerability,
)
from pipeline.formats.cyclonedx_vex import CALLING_VERSIONS, VERSIONS, versioned
from pipeline.formats.format import Content, Format
from pipeline.formats.problems import DocumentUnreadable

WITHIN: Final = "cyclonedx-xml"
NAME: Final = "cyclonedx-xml-vex"
FINDINGS: Final = "cyclonedx-xml-vulnerabilities"
CALLSTACKS: Final = "cyclonedx-xml-callstacks"
NAMESPACE: Final = "http://cyclonedx.org/schema/bom/"
PLACES: Final = Places(
    vulnerability=lambda at: f"/bom/vulnerabilities/vulnerability[{at + 1}]",
    affected=lambda above, at: f"{above}/affects/target[{at + 1}]",
    version=lambda above, at: f"{above}/versions/version[{at + 1}]",
    component=lambda above, at: f"{above}/components/component[{at + 1}]",
    root="/bom",
)


def _listed(element: Element, *names: str) -> list[Element]:
    """Give the elements at the end of a path of names."""
    found = [element]
    for name in names:
        found = [inner for each in found for inner, _ in xml.children(each, name)]
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _line(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _properties(element: Element) -> tuple[Property, ...]:
    return tuple(
        Property(name=each.get("name", ""), value=xml.text(each)) for each in _listed(element, "properties", "property")
    )


def _frame(element: Element) -> Frame:
    return Frame(
        package=xml.text(element, "package"),
        module=xml.text(element, "module"),
        function=xml.text(element, "function"),
        line=_line(xml.text(element, "line")),
        file=xml.text(element, "fullFilename"),
    )


def _part(element: Element) -> Part:
    frames = _listed(element, "evidence", "callstack", "frames", "frame")
    return Part(
        ref=element.get("bom-ref", ""),
        name=xml.text(element, "name"),
        group=xml.text(element, "group"),
        version=xml.text(element, "version"),
        purl=xml.text(element, "purl"),
        cpe=xml.text(element, "cpe"),
        hashes=tuple(
            Hash(alg=each.get("alg", ""), content=xml.text(each)) for each in _listed(element, "hashes", "hash")
        ),
        properties=_properties(element),
        components=tuple(map(_part, _listed(element, "components", "component"))),
        evidence=Evidence(callstack=Stack(frames=tuple(map(_frame, frames)))) if frames else None,
    )


def _contact(metadata: Element, name: str) -> Contact | None:
    found = xml.child(metadata, name)
    return Contact(name=xml.text(found, "name")) if found is not None else None


def _metadata(root: Element) -> Metadata | None:
    found = xml.child(root, "metadata")
    if found is None:
        return None
    about = xml.child(found, "component")
    tools: Any = Tools(components=tuple(map(_part, _listed(found, "tools", "components", "component"))))
    return Metadata(
        timestamp=xml.text(found, "timestamp"),
        component=_part(about) if about is not None else None,
        tools=tools if tools.components else tuple(map(_part, _listed(found, "tools", "tool"))),
        authors=tuple(Contact(name=xml.text(each, "name")) for each in _listed(found, "authors", "author")),
        supplier=_contact(found, "supplier"),
        manufacturer=_contact(found, "manufacturer"),
    )


def _analysis(vulnerability: Element) -> Analysis | None:
    found = xml.child(vulnerability, "analysis")
    if found is None:
        return None
    return Analysis(
        state=xml.text(found, "state"),
        justification=xml.text(found, "justification"),
        response=tuple(xml.text(each) for each in _listed(found, "responses", "response")),
        detail=xml.text(found, "detail"),
        first=xml.text(found, "firstIssued"),
        last=xml.text(found, "lastUpdated"),
    )


def _affected(element: Element) -> Affected:
    return Affected(
        ref=xml.text(element, "ref"),
        versions=tuple(
            Version(version=xml.text(each, "version"), range=xml.text(each, "range"), status=xml.text(each, "status"))
            for each in _listed(element, "versions", "version")
        ),
    )


def _vulnerability(element: Element) -> Vulnerability:
    return Vulnerability(
        id=xml.text(element, "id"),
        references=tuple(Reference(id=xml.text(each, "id")) for each in _listed(element, "references", "reference")),
        ratings=tuple(
            Rating(score=_number(xml.text(each, "score")), severity=xml.text(each, "severity"))
            for each in _listed(element, "ratings", "rating")
        ),
        description=xml.text(element, "description"),
        recommendation=xml.text(element, "recommendation"),
        workaround=xml.text(element, "workaround"),
        updated=xml.text(element, "updated"),
        analysis=_analysis(element),
        affects=tuple(map(_affected, _listed(element, "affects", "target"))),
        properties=_properties(element),
    )


def bom(data: bytes) -> Bom:
    """Project a document.

    Raises: evidence.unreadable, cas.too_large
    """
    try:
        root = xml.parse(data)
    except xml.XmlInvalidError as error:
        raise DocumentUnreadable(format=WITHIN, reason=str(error)) from error
    return Bom(
        serial=root.get("serialNumber", ""),
        version=_line(root.get("version", "1")) or 1,
        metadata=_metadata(root),
        components=tuple(map(_part, _listed(root, "components", "component"))),
        vulnerabilities=tuple(map(_vulnerability, _listed(root, "vulnerabilities", "vulnerability"))),
    )


def read_vex(data: bytes, version: str) -> VexFacts:
    """Give the claims of a document.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.vex(bom(data), f"{NAME}/{version}", PLACES)


def read_findings(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities without an analysis.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.findings(bom(data), f"{FINDINGS}/{version}", PLACES)


def read_callstacks(data: bytes, version: str) -> ReachFacts:
    """Give the uses that call stacks show.

    Raises: evidence.unreadable, cas.too_large
    """
    return claims.reached(bom(data), f"{CALLSTACKS}/{version}", PLACES)


def _states(content: Content) -> list[str]:
    found = _listed(content.value, "vulnerabilities", "vulnerability")
    return [analysis.state if (analysis := _analysis(each)) is not None else "" for each in found]


def _vex(content: Content) -> EvidenceKind | None:
    return "vex" if any(_states(content)) else None


def _findings(content: Content) -> EvidenceKind | None:
    return "findings" if not all(_states(content)) else None


def _callstacks(content: Content) -> EvidenceKind | None:
    if b"callstack" not in content.data:
        return None
    todo = _listed(content.value, "components", "component")
    while todo:
        element = todo.pop()
        if xml.text(element, "purl") and _listed(element, "evidence", "callstack", "frames", "frame"):
            return "reachability"
        todo += _listed(element, "components", "component")
    return None


def _version(content: Content) -> str:
    return content.namespace.removeprefix(NAMESPACE)


def _yes(_content: Content) -> bool:
    return True


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


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
names nothing affected is in [cyclonedx-xml-unplaced](cyclonedx-xml-unplaced.md); those of the extension before 1.4
in [cyclonedx-xml-extension](cyclonedx-xml-extension.md).""",
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
