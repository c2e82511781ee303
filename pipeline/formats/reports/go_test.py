"""``go test -json``: a stream of events.

A test that began and never ended is an error, as after a panic or a timeout.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import TestFacts
from pipeline.formats.content import values
from pipeline.formats.decode import bound
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Outcome, Status, outcomes
from pipeline.formats.reports.report import at, holds, listed, report_format, unreadable

NAME: Final = "go-test-json"
_ENDS: Final[dict[str, Status]] = {"pass": "passed", "fail": "failed", "skip": "skipped"}


class _Event(msgspec.Struct, gc=False, rename="pascal"):
    time: str | None = ""
    action: str = ""
    package: str | None = ""
    test: str | None = ""


_EVENT: Final = msgspec.json.Decoder(_Event)


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run; a package that failed with no failed test (it did not build) is an error.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    try:
        events = [(place, _EVENT.decode(value)) for place, value in enumerate(values(data))]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(NAME, str(error)) from error
    return outcomes(
        f"{NAME}/{version}",
        "go test",
        _outcomes(events),
        created_at=next((each.time for _, each in events if each.time), ""),
    )


def _outcomes(events: list[tuple[int, _Event]]) -> Iterator[Outcome]:
    """Give one outcome for each test, in order of its first event, then for packages that broke."""
    began: dict[tuple[str, str], int] = {}
    ended: dict[tuple[str, str], tuple[Status, int]] = {}
    for place, each in events:
        key = (each.package or "", each.test or "")
        if each.test:
            began.setdefault(key, place)
        if each.action in _ENDS:
            ended[key] = (_ENDS[each.action], place)
    for key, place in began.items():
        status, end = ended.get(key, ("error", place))
        yield status, key[0], key[1], "" if key in ended else "it never ended", at(end)
    broken = {package for package, test in ended if not test and ended[package, test][0] == "failed"}
    failed = {key[0] for key in began if ended.get(key, ("failed", 0))[0] == "failed"}
    for package in sorted(broken - failed):
        yield "error", package, package, "the package failed", at(ended[package, ""][1])


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json-lines" else ()
    head = found[:16]
    return bool(head) and all("Action" in each for each in head) and any(holds(each, Package=str) for each in head)


GO_TEST: Final[Format] = report_format(NAME, _detects, read, "tests", about=__doc__)
