"""A further reading of CycloneDX XML 1.2 and 1.3: the extension for vulnerabilities, as scanners wrote it before 1.4.

An entry stands in a component, or at the document's end with a reference to one (``ref``). Must not know how a document
is judged.
"""

from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from cas.digest import Digest
from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats import cyclonedx_claims as claims
from pipeline.formats import cyclonedx_vex_xml, xml
from pipeline.formats.cyclonedx_analysis import image_digests
from pipeline.formats.cyclonedx_vex import versioned
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import report, result, tree

NAME: Final = "cyclonedx-xml-extension"
NAMESPACE: Final = "http://cyclonedx.org/schema/ext/vulnerability/1.0"
_TAG: Final = f"{{{NAMESPACE}}}vulnerability"
_LISTED: Final = f"{{{NAMESPACE}}}vulnerabilities"


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of the extension, each in the component that it stands in or refers to.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    metadata = cyclonedx_vex_xml.bom(data).metadata
    tool, tool_version = claims.tool(metadata) if metadata is not None else ("", "")
    return report(
        f"{NAME}/{version}",
        tool,
        _findings(root),
        tool_version=tool_version,
        created_at=metadata.timestamp if metadata is not None else "",
        subjects=image_digests(metadata.component) if metadata is not None else (),
    )


def _findings(root: Element) -> Iterator[ReportedFinding]:
    by_ref = {each.get("bom-ref", ""): each for each in root.iter() if xml.local(each) == "component"}
    todo: list[tuple[Element, str]] = [(root, "/bom")]
    while todo:
        holder, place = todo.pop()
        for listed in (each for each in holder if each.tag == _LISTED):
            for entry, here in xml.children(listed, "vulnerability", f"{place}/vulnerabilities"):
                itself = holder if holder is not root else by_ref.get(entry.get("ref", ""))
                yield _finding(entry, here, itself)
        held = xml.child(holder, "components")
        if held is not None:
            todo += xml.children(held, "component", f"{place}/components")


def _finding(entry: Element, place: str, component: Element | None) -> ReportedFinding:
    ratings = xml.child(entry, "ratings")
    rated = [each for each, _ in xml.children(ratings, "rating")] if ratings is not None else []
    scores = [words.tenths(xml.text(xml.child(each, "score"), "base")) for each in rated]
    url = xml.text(component, "purl") if component is not None else entry.get("ref", "")
    name = xml.text(entry, "id")
    return result(
        "vulnerability",
        place,
        rule=name,
        names=words.named(name),
        severity=words.worst(words.severity(xml.text(each, "severity")) for each in rated),
        score=max((each for each in scores if each is not None), default=None),
        purl=url if url.startswith("pkg:") else "",
        package=xml.text(component, "name") if component is not None else entry.get("ref"),
        version=xml.text(component, "version") if component is not None else "",
        message=xml.text(entry, "description"),
    )


def _version(content: Content) -> str:
    return content.namespace.removeprefix(cyclonedx_vex_xml.NAMESPACE)


def _detects(content: Content) -> bool:
    return NAMESPACE.encode() in content.data and next(content.value.iter(_TAG), None) is not None


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


EXTENSION: Final = Format(
    name=NAME,
    media_types=(),
    schemas=versioned(("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")),
    detects=_detects,
    version=_version,
    kind=lambda _content: "findings",
    read=read,
    subjects=_subjects,
    within=cyclonedx_vex_xml.WITHIN,
    about=f"""Vulnerabilities in the extension of CycloneDX XML (`{NAMESPACE}`), which scanners used before
version 1.4 of the standard had them: findings, each in the component that it stands in or that its `ref` names.
Severity and score are the worst that its ratings say.""",
)
