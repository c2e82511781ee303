"""PMD JSON: rule violations by file; suppressed ones are kept. Processing errors make the report incomplete.

Other reports of PMD are [pmd-xml](pmd-xml.md) and [pmd-csv](pmd-csv.md).
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts, Severity
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "pmd-json"
PRIORITIES: Final[dict[int, Severity]] = {1: "high", 2: "high", 3: "medium", 4: "low", 5: "low"}


class _Violation(msgspec.Struct, gc=False):
    beginline: int | None = 0
    description: str | None = ""
    rule: str = ""
    ruleset: str | None = ""
    priority: int = 0


class _File(msgspec.Struct, gc=False):
    filename: str = ""
    violations: tuple[_Violation, ...] | None = ()


class _Suppressed(msgspec.Struct, gc=False):
    filename: str | None = ""
    rule: str = ""
    suppressiontype: str | None = ""
    usermsg: str | None = ""


class _Report(msgspec.Struct, gc=False, rename="camel"):
    pmd_version: str | None = ""
    timestamp: str | None = ""
    files: tuple[_File, ...] | None = ()
    suppressed_violations: tuple[_Suppressed, ...] | None = ()
    processing_errors: tuple[Any, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the violations.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "PMD",
        _findings(document),
        tool_version=document.pmd_version,
        created_at=document.timestamp,
        complete=not document.processing_errors,
    )


def _findings(document: _Report) -> Iterator[ReportedFinding]:
    for number, file in enumerate(document.files or ()):
        for place, each in enumerate(file.violations or ()):
            yield result(
                "code",
                at("files", number, "violations", place),
                rule=f"{each.ruleset}/{each.rule}" if each.ruleset else each.rule,
                severity=PRIORITIES.get(each.priority, "unknown"),
                path=file.filename,
                line=each.beginline,
                message=each.description,
            )
    for place, one in enumerate(document.suppressed_violations or ()):
        why = ": ".join(filter(None, (one.suppressiontype, one.usermsg)))
        yield result(
            "code", at("suppressedViolations", place), rule=one.rule, path=one.filename, suppressed=why or "yes"
        )


def _detects(content: Content) -> bool:
    return holds(content.object, pmdVersion=str, files=list)


PMD: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
