"""TAP 12 to 14: test lines, at the top level only; subtests are told by the line of their parent.

A plan that was not fulfilled, and ``Bail out!``, are errors: what did not run is not known to pass. ``# SKIP`` and
failing ``# TODO`` tests count as skipped.
"""

import re
from collections.abc import Iterator
from typing import Final

from cas.records.report import TestFacts
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Outcome, Status, outcomes
from pipeline.formats.reports.report import lines, report_format

NAME: Final = "tap"
_TEST: Final = re.compile(r"(not )?ok\b[ \t]*(\d{1,9})?[ \t]*(?:- )?([^#\n]{0,2000})(?:#\s*(\w{1,9}))?", re.IGNORECASE)
_PLAN: Final = re.compile(r"1\.\.(\d{1,9})")
_HEAD: Final = re.compile(r"(?:TAP version 1[2-4]|1\.\.\d{1,9}(?:\s*#.*)?)\s*(?:\n|\Z)")


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run.

    Raises: evidence.unreadable, cas.too_large
    """
    return outcomes(f"{NAME}/{version}", "TAP", _outcomes(lines(data, NAME)))


def _outcomes(rows: list[str]) -> Iterator[Outcome]:
    planned: int | None = None
    seen = 0
    for number, row in enumerate(rows, 1):
        if row.startswith("Bail out!"):
            yield "error", "", "Bail out!", row[len("Bail out!") :].strip(), f"#L{number}"
        elif row.startswith(("ok", "not ok")) and (found := _TEST.match(row)):
            seen += 1
            yield _status(found), "", found[3].strip(), "", f"#L{number}"
        elif (plan := _PLAN.match(row)) is not None:
            planned = int(plan[1])
    if planned is None:
        yield "error", "", "plan", "the document has no plan", "#L1"
    elif planned != seen:
        yield "error", "", "plan", f"{planned} tests were planned, {seen} reported", "#L1"


def _status(found: re.Match[str]) -> Status:
    directive = (found[4] or "").lower()
    if directive.startswith("skip") or (directive == "todo" and found[1]):
        return "skipped"
    return "failed" if found[1] else "passed"


def _detects(content: Content) -> bool:
    return content.syntax == "text" and _HEAD.match(content.value) is not None


TAP: Final[Format] = report_format(NAME, _detects, read, "tests", about=__doc__)
