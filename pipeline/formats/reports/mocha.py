"""Mocha JSON (``--reporter json``), which Cypress writes too."""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import TestFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Outcome, Status, outcomes
from pipeline.formats.reports.report import at, count, holds, report_format

NAME: Final = "mocha-json"


class _Failure(msgspec.Struct, gc=False):
    message: str | None = ""


class _Test(msgspec.Struct, gc=False, rename="camel"):
    title: str | None = ""
    full_title: str | None = ""
    file: str | None = ""
    err: _Failure | None = None


class _Stats(msgspec.Struct, gc=False):
    failures: int | None = 0
    end: str | None = ""


class _Report(msgspec.Struct, gc=False):
    stats: _Stats | None = None
    passes: tuple[_Test, ...] | None = ()
    failures: tuple[_Test, ...] | None = ()
    pending: tuple[_Test, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run; failed hooks stand among the failures.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    stats = document.stats or _Stats()
    return outcomes(
        f"{NAME}/{version}",
        "Mocha",
        _outcomes(document),
        created_at=stats.end,
        failed_at_least=count(stats.failures),
    )


def _outcomes(document: _Report) -> Iterator[Outcome]:
    groups: tuple[tuple[str, Status, tuple[_Test, ...] | None], ...] = (
        ("passes", "passed", document.passes),
        ("failures", "failed", document.failures),
        ("pending", "skipped", document.pending),
    )
    for member, status, listed in groups:
        for place, each in enumerate(listed or ()):
            said = (each.err.message or "") if each.err else ""
            yield status, each.file or "", each.full_title or each.title or "", said, at(member, place)


def _detects(content: Content) -> bool:
    return holds(content.object, stats=dict, tests=list, passes=list, failures=list)


MOCHA: Final[Format] = report_format(NAME, _detects, read, "tests", about=__doc__)
