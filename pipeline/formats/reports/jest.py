"""Jest and Vitest JSON (``--json``, ``--reporter=json``). A test file that could not run is an error."""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import TestFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Outcome, Status, outcomes
from pipeline.formats.reports.report import at, holds, report_format

NAME: Final = "jest-json"
_STATUSES: Final[dict[str, Status]] = {
    "passed": "passed", "failed": "failed", "skipped": "skipped", "pending": "skipped", "todo": "skipped",
    "disabled": "skipped",
}  # fmt: skip


class _Assertion(msgspec.Struct, gc=False, rename="camel"):
    full_name: str | None = ""
    title: str | None = ""
    status: str | None = ""
    failure_messages: tuple[str, ...] | None = ()


class _File(msgspec.Struct, gc=False, rename="camel"):
    name: str | None = ""
    status: str | None = ""
    message: str | None = ""
    assertion_results: tuple[_Assertion, ...] | None = ()


class _Report(msgspec.Struct, gc=False, rename="camel"):
    test_results: tuple[_File, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    files = document.test_results or ()
    return outcomes(
        f"{NAME}/{version}", "Jest", (one for place, each in enumerate(files) for one in _outcomes(each, place))
    )


def _outcomes(file: _File, place: int) -> Iterator[Outcome]:
    pointer = at("testResults", place)
    results = file.assertion_results or ()
    for spot, each in enumerate(results):
        said = "\n".join(each.failure_messages or ())
        status = _STATUSES.get(each.status or "", "error")
        yield status, file.name or "", each.full_name or each.title or "", said, pointer + at("assertionResults", spot)
    if file.status == "failed" and all(each.status != "failed" for each in results):
        yield "error", file.name or "", file.name or "", file.message or "the file could not run", pointer


def _detects(content: Content) -> bool:
    return holds(content.object, numTotalTests=int, testResults=list)


JEST: Final[Format] = report_format(NAME, _detects, read, "tests", about=__doc__)
