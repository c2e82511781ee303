"""Brakeman JSON: security warnings of Rails applications; ignored ones are kept. Errors make the report incomplete."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts, Severity
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, count, holds, report, report_format, result

NAME: Final = "brakeman-json"
_CONFIDENCE: Final[dict[str, Severity]] = {"high": "high", "medium": "medium", "weak": "low"}


class _Warning(msgspec.Struct, gc=False):
    warning_type: str | None = ""
    warning_code: int | None = 0
    check_name: str | None = ""
    message: str | None = ""
    file: str | None = ""
    line: int | None = 0
    fingerprint: str | None = ""
    confidence: str | None = ""
    note: str | None = ""


class _Info(msgspec.Struct, gc=False):
    brakeman_version: str | None = ""


class _Report(msgspec.Struct, gc=False):
    scan_info: _Info | None = None
    warnings: tuple[_Warning, ...] | None = ()
    ignored_warnings: tuple[_Warning, ...] | None = ()
    errors: tuple[Any, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the warnings; Brakeman's confidence stands for the severity that it does not give.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Brakeman",
        (
            *_findings(document.warnings or (), "warnings"),
            *_findings(document.ignored_warnings or (), "ignored_warnings"),
        ),
        tool_version=document.scan_info.brakeman_version if document.scan_info else "",
        complete=not document.errors,
    )


def _findings(given: tuple[_Warning, ...], member: str) -> Iterator[ReportedFinding]:
    for place, each in enumerate(given):
        yield result(
            "code",
            at(member, place),
            rule=each.check_name or each.warning_type,
            severity=_CONFIDENCE.get((each.confidence or "").lower(), "unknown"),
            path=each.file,
            line=count(each.line),
            message=each.message,
            suppressed=(each.note or "ignored") if member == "ignored_warnings" else "",
            fingerprint=each.fingerprint,
        )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, scan_info=dict, warnings=list) and "brakeman_version" in document["scan_info"]


BRAKEMAN: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
