"""Checkov JSON: failed and skipped checks of infrastructure code, for one framework or an array of them.

Skipped checks are kept, marked suppressed with their comment. Findings of Checkov's secrets framework are of category
secret, those of its package scan vulnerabilities. Files that could not be parsed make the report incomplete, and so
does a run that found no file of any framework: Checkov then writes its counts alone, and nothing was checked.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import Category, ReportedFinding, ReportFacts
from pipeline.formats.decode import bound, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, count, first, holds, identity, report, report_format, result

NAME: Final = "checkov-json"


class _Outcome(msgspec.Struct, gc=False):
    suppress_comment: str | None = ""


class _Details(msgspec.Struct, gc=False):
    id: str | None = ""
    package_name: str | None = ""
    package_version: str | None = ""
    package_type: str | None = ""
    lowest_fixed_version: str | None = ""
    cvss: float | None = None


class _Check(msgspec.Struct, gc=False):
    check_id: str = ""
    check_name: str | None = ""
    check_result: _Outcome | None = None
    file_path: str | None = ""
    file_line_range: tuple[int, ...] | None = ()
    resource: str | None = ""
    severity: str | None = ""
    vulnerability_details: _Details | None = None


class _Results(msgspec.Struct, gc=False):
    failed_checks: tuple[_Check, ...] | None = ()
    skipped_checks: tuple[_Check, ...] | None = ()
    parsing_errors: tuple[Any, ...] | None = ()


class _Summary(msgspec.Struct, gc=False):
    parsing_errors: int | None = 0
    checkov_version: str | None = ""


class _Report(msgspec.Struct, gc=False):
    check_type: str | None = ""
    results: _Results | None = None
    summary: _Summary | None = None
    checkov_version: str | None = ""


_ONE: Final = msgspec.json.Decoder(_Report)
_MANY: Final = msgspec.json.Decoder(tuple[_Report, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the checks that did not pass.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    many = data.lstrip()[:1] == b"["
    reports = typed(data, _MANY, NAME) if many else (typed(data, _ONE, NAME),)
    versions = {_tool_version(each) for each in reports if each.summary or each.checkov_version}
    return report(
        f"{NAME}/{version}",
        "Checkov",
        (found for place, each in enumerate(reports) for found in _findings(each, at(place) if many else "")),
        tool_version=versions.pop() if len(versions) == 1 else "",
        complete=all(map(_complete, reports)),
    )


def _tool_version(given: _Report) -> str:
    return (given.summary.checkov_version if given.summary else given.checkov_version) or ""


def _complete(given: _Report) -> bool:
    results, summary = given.results or _Results(), given.summary or _Summary()
    return given.results is not None and not results.parsing_errors and not summary.parsing_errors


def _findings(given: _Report, pointer: str) -> Iterator[ReportedFinding]:
    results, kind = given.results or _Results(), given.check_type or ""
    for place, each in enumerate(results.failed_checks or ()):
        yield _finding(each, kind, pointer + at("results", "failed_checks", place), "")
    for place, each in enumerate(results.skipped_checks or ()):
        why = (each.check_result.suppress_comment or "").strip() if each.check_result else ""
        yield _finding(each, kind, pointer + at("results", "skipped_checks", place), why or "skipped")


def _finding(check: _Check, kind: str, pointer: str, suppressed: str) -> ReportedFinding:
    details = check.vulnerability_details or _Details()
    about: Category = (
        "secret" if kind == "secrets"
        else "vulnerability" if check.vulnerability_details is not None
        else "license" if check.check_id.startswith("BC_LIC")
        else "misconfiguration"
    )  # fmt: skip
    line = next(iter(check.file_line_range or ()), 0)
    kind = words.purl_type(details.package_type or "")
    return result(
        about,
        pointer,
        rule=check.check_id,
        names=words.named(details.id) if about == "vulnerability" else (),
        severity=words.severity(check.severity),
        score=words.tenths(details.cvss),
        purl=words.package_url(kind, details.package_name or "", details.package_version or ""),
        package=details.package_name,
        version=details.package_version,
        fixed_in=(details.lowest_fixed_version,),
        path=check.file_path,
        line=count(line),
        message=check.check_name,
        suppressed=suppressed,
        fingerprint=identity(
            check.check_id, check.file_path or "", "" if about == "secret" else check.resource or "", line
        ),
    )


def _report(value: Any) -> bool:
    return holds(value, check_type=str, results=dict) or (
        holds(value, passed=int, failed=int, skipped=int, checkov_version=str) and value["failed"] == 0
    )


def _detects(content: Content) -> bool:
    return _report(content.object or (first(content) if content.syntax == "json" else {}))


CHECKOV: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
