"""CTRF JSON (Common Test Report Format). What its summary counts as failed without listing it counts too."""

from typing import Final

import msgspec

from cas.records.report import TestFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Status, outcomes
from pipeline.formats.reports.report import at, count, holds, report_format

NAME: Final = "ctrf-json"
_STATUSES: Final[dict[str, Status]] = {
    "passed": "passed", "failed": "failed", "skipped": "skipped", "pending": "skipped",
}  # fmt: skip


class _Tool(msgspec.Struct, gc=False):
    name: str | None = ""


class _Summary(msgspec.Struct, gc=False):
    failed: int | None = 0


class _Test(msgspec.Struct, gc=False):
    name: str = ""
    status: str | None = ""
    suite: str | tuple[str, ...] | None = ""
    message: str | None = ""


class _Results(msgspec.Struct, gc=False):
    tool: _Tool | None = None
    summary: _Summary | None = None
    tests: tuple[_Test, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    results: _Results = msgspec.field(default_factory=_Results)
    timestamp: str | None = ""


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run; a status that is none of CTRF's is an error.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    results = document.results
    return outcomes(
        f"{NAME}/{version}",
        (results.tool.name or "") if results.tool else "",
        (
            (
                _STATUSES.get(each.status or "", "error"),
                each.suite if isinstance(each.suite, str) else " ".join(each.suite or ()),
                each.name,
                each.message or "",
                at("results", "tests", place),
            )
            for place, each in enumerate(results.tests or ())
        ),
        created_at=document.timestamp,
        failed_at_least=count(results.summary.failed) if results.summary else 0,
    )


def _detects(content: Content) -> bool:
    results = content.object.get("results")
    return holds(results, tests=list, summary=dict, tool=dict)


CTRF: Final[Format] = report_format(NAME, _detects, read, "tests", about=__doc__)
