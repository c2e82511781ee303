"""Retire.js JSON: JavaScript libraries with known vulnerabilities. Its errors make the report incomplete."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "retire-json"


class _Identifiers(msgspec.Struct, gc=False):
    cve: tuple[str, ...] | None = msgspec.field(default=(), name="CVE")
    github: str | None = msgspec.field(default="", name="githubID")
    summary: str | None = ""
    issue: Any = None


class _Vulnerability(msgspec.Struct, gc=False):
    below: str | None = ""
    severity: str | None = ""
    identifiers: _Identifiers | None = None


class _Library(msgspec.Struct, gc=False):
    component: str = ""
    npmname: str | None = ""
    version: str | None = ""
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()


class _File(msgspec.Struct, gc=False):
    file: str = ""
    results: tuple[_Library, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    version: str | None = ""
    start: str | None = ""
    data: tuple[_File, ...] | None = ()
    errors: tuple[Any, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Retire.js found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Retire.js",
        (one for place, each in enumerate(document.data or ()) for one in _findings(each, at("data", place))),
        tool_version=document.version,
        created_at=document.start,
        complete=not document.errors,
    )


def _findings(file: _File, pointer: str) -> Iterator[ReportedFinding]:
    for number, library in enumerate(file.results or ()):
        for place, each in enumerate(library.vulnerabilities or ()):
            told = each.identifiers or _Identifiers()
            names = words.named(*(told.cve or ()), told.github)
            yield result(
                "vulnerability",
                f"{pointer}{at('results', number, 'vulnerabilities', place)}",
                rule=next(iter(names), str(told.issue or "")),
                names=names,
                severity=words.severity(each.severity),
                purl=words.package_url("npm", library.npmname or library.component, library.version or ""),
                package=library.npmname or library.component,
                version=library.version,
                fixed_in=(each.below,),
                path=file.file,
                message=told.summary,
            )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, data=list) and {"messages", "errors"} <= document.keys() and all(
        holds(each, file=str, results=list) for each in document["data"]
    )  # fmt: skip


RETIRE: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
