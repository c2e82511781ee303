"""tfsec JSON: misconfigurations in Terraform code; ignored ones (status 2) are kept, passed ones (1) are none.

Read are tfsec 1 (a number as status), 0.40 to 0.63 (a word) and before (``passed``, severities ERROR, WARNING, INFO). A
run that found nothing writes ``{"results": null}`` or an empty list: it is taken when the format is declared.
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "tfsec-json"
_PASSED: Final = (1, "passed")
_IGNORED: Final = (2, "ignored")


class _Location(msgspec.Struct, gc=False):
    filename: str | None = ""
    start_line: int | None = 0


class _Result(msgspec.Struct, gc=False):
    rule_id: str = ""
    long_id: str | None = ""
    description: str | None = ""
    rule_description: str | None = ""
    severity: str | None = ""
    status: int | str | None = 0
    passed: bool | None = False
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
                suppressed="ignored" if each.status in _IGNORED else "",
            )
            for place, each in enumerate(document.results or ())
            if each.status not in _PASSED and not each.passed
        ),
    )


def _result(value: Any) -> bool:
    return holds(value, rule_id=str, location=dict) and (
        isinstance(value.get("rule_service"), str) or holds(value, rule_provider=str, rule_description=str)
    )


def _detects(content: Content) -> bool:
    results = content.object.get("results")
    listed = isinstance(results, list) and bool(results)
    return listed and all(map(_result, results or ()))


TFSEC: Final[Format] = report_format(NAME, _detects, read, blanks=({"results": None}, {"results": []}), about=__doc__)
