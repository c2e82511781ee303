"""Cucumber JSON, which Behave and Godog write too: one outcome for each scenario, its worst step's.

Undefined, ambiguous and pending steps were not run: their scenario did not pass.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import TestFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Outcome, Status, outcomes
from pipeline.formats.reports.report import at, holds, listed, report_format

NAME: Final = "cucumber-json"


class _Result(msgspec.Struct, gc=False):
    status: str | None = ""
    error_message: str | tuple[str, ...] | None = ""


class _Step(msgspec.Struct, gc=False):
    result: _Result | None = None


class _Element(msgspec.Struct, gc=False):
    type: str | None = ""
    name: str | None = ""
    before: tuple[_Step, ...] | None = ()
    steps: tuple[_Step, ...] | None = ()
    after: tuple[_Step, ...] | None = ()


class _Feature(msgspec.Struct, gc=False):
    name: str | None = ""
    uri: str | None = ""
    elements: tuple[_Element, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(tuple[_Feature, ...])


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run.

    Raises: evidence.unreadable, cas.too_large
    """
    return outcomes(f"{NAME}/{version}", "Cucumber", _outcomes(typed(data, _REPORT, NAME)))


def _outcomes(features: tuple[_Feature, ...]) -> Iterator[Outcome]:
    for number, feature in enumerate(features):
        for place, each in enumerate(feature.elements or ()):
            if each.type == "background":
                continue
            status, said = _worst(each)
            yield status, feature.name or feature.uri or "", each.name or "", said, at(number, "elements", place)


def _worst(element: _Element) -> tuple[Status, str]:
    steps = [*(element.before or ()), *(element.steps or ()), *(element.after or ())]
    results = [each.result or _Result() for each in steps]
    found = {(each.status or "").lower() for each in results}
    if "failed" in found:
        said = next(each.error_message for each in results if (each.status or "").lower() == "failed")
        return "failed", said if isinstance(said, str) else "\n".join(said or ())
    if found - {"passed", "skipped"}:
        return "error", "steps that did not run: " + ", ".join(sorted(found - {"passed", "skipped", ""}))
    return ("skipped" if "skipped" in found else "passed"), ""


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(holds(each, keyword=str, elements=list) for each in found)


CUCUMBER: Final[Format] = report_format(NAME, _detects, read, "tests", about=__doc__)
