"""OWASP dependency-check XML: dependencies with their vulnerabilities, those suppressed by its rules included.

Read as dependency-check 1.3 and later write it (namespaces ``dependency-check.1.3.xsd`` to ``4``). The package is the
first package URL among a dependency's identifiers; before namespace 2.0 it is the coordinates of an identifier of type
maven. The score is that of the newest CVSS version told; the severity, where none stands by itself, is the worst of all
of them. An analysis exception makes the report incomplete.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import report, report_format, result, tree
from pipeline.versions import purl

NAME: Final = "dependency-check-xml"
_NAMESPACE: Final = re.compile(r"https?://jeremylong\.github\.io/DependencyCheck/dependency-check\.[\d.]{1,9}\.xsd\Z")
_COORDINATES: Final = re.compile(r"\(?([^\s():]{1,255}):([^\s():]{1,255}):([^\s():]{1,255})\)?\Z")
_SCORES: Final = (("cvssV4", "baseScore"), ("cvssV3", "baseScore"), ("cvssV2", "score"))
_SEVERITIES: Final = (("cvssV4", "baseSeverity"), ("cvssV3", "baseSeverity"), ("cvssV2", "severity"))


class _Package(NamedTuple):
    purl: str
    name: str
    version: str


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of all dependencies.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    listed = xml.child(root, "dependencies")
    found = xml.children(listed, "dependency", "/analysis/dependencies") if listed is not None else ()
    return report(
        f"{NAME}/{version}",
        "OWASP dependency-check",
        (one for each, place in found for one in _findings(each, place)),
        tool_version=xml.text(xml.child(root, "scanInfo"), "engineVersion"),
        created_at=xml.text(xml.child(root, "projectInfo"), "reportDate"),
        complete=not any(xml.local(each) == "analysisExceptions" and len(each) for each in root.iter()),
    )


def _package(dependency: Element) -> _Package:
    """Name the package; the file's own name when no identifier does."""
    listed = xml.child(dependency, "identifiers")
    for each, _ in xml.children(listed, "package") if listed is not None else ():
        text = purl.canonical(xml.text(each, "id"))
        if text:
            known = purl.parse(text)
            return _Package(text, known.name, known.version)
    for each, _ in xml.children(listed, "identifier") if listed is not None else ():
        told = _COORDINATES.match(xml.text(each, "name")) if each.get("type") == "maven" else None
        if told is not None:
            group, name, version = told.groups()
            return _Package(words.package_url("maven", f"{group}:{name}", version), name, version)
    return _Package("", xml.text(dependency, "fileName"), "")


def _findings(dependency: Element, place: str) -> Iterator[ReportedFinding]:
    listed = xml.child(dependency, "vulnerabilities")
    if listed is None:
        return
    package = _package(dependency)
    for name, why in (("vulnerability", ""), ("suppressedVulnerability", "suppressed")):
        for each, here in xml.children(listed, name, f"{place}/vulnerabilities"):
            rule = xml.text(each, "name")
            score = next((found for at in _SCORES if (found := words.tenths(_told(each, at))) is not None), None)
            own = words.severity(xml.text(each, "severity"))
            rated = words.worst(words.severity(_told(each, at)) for at in _SEVERITIES)
            yield result(
                "vulnerability",
                here,
                rule=rule,
                names=words.named(rule),
                severity=own if own != "unknown" else rated,
                score=score if score is not None else words.tenths(xml.text(each, "cvssScore")),
                purl=package.purl,
                package=package.name,
                version=package.version,
                path=xml.text(dependency, "filePath"),
                message=xml.text(each, "description"),
                suppressed=": ".join(filter(None, (why, xml.text(each, "notes")))) if why else "",
            )


def _told(vulnerability: Element, at: tuple[str, str]) -> str:
    within, name = at
    return xml.text(xml.child(vulnerability, within), name)


def _detects(content: Content) -> bool:
    return content.root == "analysis" and _NAMESPACE.match(content.namespace) is not None


DEPENDENCY_CHECK_XML: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
