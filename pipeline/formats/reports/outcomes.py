"""What formats of test results share: counting outcomes and building facts. Must not know any tool."""

from collections.abc import Iterable
from typing import Final, Literal

from cas.records.report import TestCase, TestFacts
from pipeline.formats.decode import fit
from pipeline.formats.instant import instant
from pipeline.formats.reports.report import MAX_MESSAGE, MAX_TEXT

Status = Literal["passed", "failed", "error", "skipped"]
MAX_CASES: Final = 100_000

Outcome = tuple[Status, str, str, str, str]
"""Status, suite, name, message, pointer."""


def outcomes(
    format_: str,
    tool: str,
    given: Iterable[Outcome],
    *,
    created_at: str | None = "",
    failed_at_least: int = 0,
    errors_at_least: int = 0,
) -> TestFacts:
    """Build facts; what a tool counted without listing it as a case counts too, and makes the total larger."""
    found = {"passed": 0, "failed": 0, "error": 0, "skipped": 0}
    cases: list[TestCase] = []
    for status, suite, name, message, pointer in given:
        found[status] += 1
        if status != "passed" and len(cases) < MAX_CASES:
            cases.append(
                TestCase(
                    suite=fit(suite, MAX_TEXT),
                    name=fit(name, MAX_TEXT),
                    status=status,
                    message=fit(message, MAX_MESSAGE).strip(),
                    pointer=pointer,
                )
            )
    failed, errors = max(found["failed"], failed_at_least), max(found["error"], errors_at_least)
    return TestFacts(
        format=format_,
        tool=fit(tool, MAX_TEXT),
        created_at=instant(created_at or ""),
        subjects=(),
        total=found["passed"] + failed + errors + found["skipped"],
        passed=found["passed"],
        failed=failed,
        errors=errors,
        skipped=found["skipped"],
        cases=tuple(sorted(cases, key=lambda one: (one.suite, one.name, one.status, one.pointer))),
    )
