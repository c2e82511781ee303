"""OWASP dependency-check JSON: dependencies with their vulnerabilities, those suppressed by its rules included.

An analysis exception makes the report incomplete.
The XML report of the same runs is [dependency-check-xml](dependency-check-xml.md).
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result
from pipeline.versions import purl

NAME: Final = "dependency-check-json"


class _Cvss2(msgspec.Struct, gc=False):
    score: float | None = None


class _Cvss3(msgspec.Struct, gc=False, rename="camel"):
    base_score: float | None = None


class _Vulnerability(msgspec.Struct, gc=False):
    name: str = ""
    severity: str | None = ""
    description: str | None = ""
    cvssv2: _Cvss2 | None = None
    cvssv3: _Cvss3 | None = None


class _Package(msgspec.Struct, gc=False):
    id: str | None = ""


class _Dependency(msgspec.Struct, gc=False, rename="camel"):
    file_name: str | None = ""
    file_path: str | None = ""
    packages: tuple[_Package, ...] | None = ()
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()
    suppressed_vulnerabilities: tuple[_Vulnerability, ...] | None = ()


class _Info(msgspec.Struct, gc=False, rename="camel"):
    engine_version: str | None = ""
    analysis_exceptions: Any = None


class _Project(msgspec.Struct, gc=False, rename="camel"):
    report_date: str | None = ""


class _Report(msgspec.Struct, gc=False, rename="camel"):
    scan_info: _Info | None = None
    project_info: _Project | None = None
    dependencies: tuple[_Dependency, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of all dependencies.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    info = document.scan_info or _Info()
    return report(
        f"{NAME}/{version}",
        "OWASP dependency-check",
        (
            found
            for place, each in enumerate(document.dependencies or ())
            for found in _findings(each, at("dependencies", place))
        ),
        tool_version=info.engine_version,
        created_at=document.project_info.report_date if document.project_info else "",
        complete=not info.analysis_exceptions,
    )


def _findings(given: _Dependency, pointer: str) -> Iterator[ReportedFinding]:
    listed: tuple[tuple[str, tuple[_Vulnerability, ...], str], ...] = (
        ("vulnerabilities", given.vulnerabilities or (), ""),
        ("suppressedVulnerabilities", given.suppressed_vulnerabilities or (), "suppressed"),
    )
    named = next((text for each in given.packages or () if (text := purl.canonical(each.id or ""))), "")
    package = purl.parse(named) if named else None
    for member, found, why in listed:
        for place, each in enumerate(found):
            three, two = each.cvssv3 or _Cvss3(), each.cvssv2 or _Cvss2()
            score = words.tenths(three.base_score)
            yield result(
                "vulnerability",
                pointer + at(member, place),
                rule=each.name,
                names=words.named(each.name),
                severity=words.severity(each.severity),
                score=score if score is not None else words.tenths(two.score),
                purl=named,
                package=package.name if package else given.file_name,
                version=package.version if package else "",
                path=given.file_path,
                message=each.description,
                suppressed=why,
            )


def _detects(content: Content) -> bool:
    return holds(content.object, reportSchema=str, scanInfo=dict, dependencies=list)


DEPENDENCY_CHECK: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
