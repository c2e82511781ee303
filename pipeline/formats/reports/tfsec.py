"""tfsec JSON: misconfigurations in Terraform code; ignored ones (status 2) are kept, passed ones (1) are none."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "tfsec-json"
_PASSED: Final = 1
_IGNORED: Final = 2


class _Location(msgspec.Struct, gc=False):
    filename: str | None = ""
    start_line: int | None = 0


class _Result(msgspec.Struct, gc=False):
    rule_id: str = ""
    long_id: str | None = ""
    description: str | None = ""
    rule_description: str | None = ""
    severity: str | None = ""
    status: int | None = 0
    location: _Location | None = None


class _Report(msgspec.Struct, gc=False):
    results: tuple[_Result, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what tfsec found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "tfsec",
        (
            result(
                "misconfiguration",
                at("results", place),
                rule=each.long_id or each.rule_id,
                severity=words.severity(each.severity),
                path=each.location.filename if each.location else "",
                line=each.location.start_line if each.location else 0,
                message=each.description or each.rule_description,
                suppressed="ignored" if each.status == _IGNORED else "",
            )
            for place, each in enumerate(document.results or ())
            if each.status != _PASSED
        ),
    )


def _detects(content: Content) -> bool:
    results = content.object.get("results")
    listed = isinstance(results, list) and bool(results)
    return listed and all(holds(each, rule_id=str, rule_service=str, location=dict) for each in results or ())


TFSEC: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
