"""Terrascan JSON: violations of policies in infrastructure code; skipped ones are kept. Scan errors: incomplete."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "terrascan-json"


class _Violation(msgspec.Struct, gc=False):
    rule_id: str = ""
    rule_name: str | None = ""
    description: str | None = ""
    severity: str | None = ""
    file: str | None = ""
    line: int | None = 0
    skip_comment: str | None = ""


class _Results(msgspec.Struct, gc=False):
    violations: tuple[_Violation, ...] | None = ()
    skipped_violations: tuple[_Violation, ...] | None = ()
    scan_errors: tuple[Any, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    results: _Results = msgspec.field(default_factory=_Results)


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the violations.

    Raises: evidence.unreadable, cas.too_large
    """
    results = typed(data, _REPORT, NAME).results
    return report(
        f"{NAME}/{version}",
        "Terrascan",
        (
            *_findings(results.violations or (), "violations"),
            *_findings(results.skipped_violations or (), "skipped_violations"),
        ),
        complete=not results.scan_errors,
    )


def _findings(given: tuple[_Violation, ...], member: str) -> Iterator[ReportedFinding]:
    for place, each in enumerate(given):
        yield result(
            "misconfiguration",
            at("results", member, place),
            rule=each.rule_id,
            severity=words.severity(each.severity),
            path=each.file,
            line=each.line,
            message=each.description or each.rule_name,
            suppressed=(each.skip_comment or "skipped") if member == "skipped_violations" else "",
        )


def _detects(content: Content) -> bool:
    results = content.object.get("results")
    return holds(results, scan_summary=dict) and ("violations" in results or "skipped_violations" in results)


TERRASCAN: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
