"""Did the tests run, enough of them, and pass?"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from cas.records.base import Count, Part
from cas.records.evidence import Binding
from cas.records.report import TestFacts
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.demanded import (
    MISSING_FLIPS,
    MISSING_SENTENCES,
    MORE_SENTENCE,
    SHOWN,
    Demand,
    Held,
    History,
    components,
    held,
    missing,
    status_of,
)
from policy.gate import Answer, FactView, Gate, finding

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_BROKEN: Final = frozenset({"failed", "error"})


class Params(Part, frozen=True, kw_only=True):
    """How many tests there must be, may fail and may be skipped, for each component; absent means any number.

    ``history`` says whether every report counts (several jobs, each with its own), or the newest of each tool.
    """

    minimum_total: Count = 1
    max_failed: Count = 0
    max_skipped: Count | None = None
    history: History = "all"
    binding: Binding = "asserted"  # most such reports are XML, which no in-toto predicate can hold
    formats: _Globs = ("*",)
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail when tests failed, were too few, or too many were skipped; unknown without results for every component.

    Skipped tests are no tests: they do not count towards the minimum.
    """
    demand = Demand(
        TestFacts, ("tests",), params.binding, params.formats, params.platforms, "report of tests", params.history
    )
    failures: list[Finding] = []
    total = broken = skipped = 0
    for component in components(view, params.platforms):
        found = held(view, component, demand)
        if found:
            failures += _failures(params, component, found)
            total += sum(each.facts.total for each in found)
            broken += sum(each.facts.failed + each.facts.errors for each in found)
            skipped += sum(each.facts.skipped for each in found)
    unknown = tuple(missing(view, demand))
    counted = (("total", total), ("failed", broken), ("skipped", skipped))
    return Answer(status_of(bool(failures), bool(unknown)), (*failures, *unknown), counted)


def _failures(params: Params, component: ComponentRow, found: tuple[Held[TestFacts], ...]) -> Iterator[Finding]:
    evidence = [EvidenceRef(digest=each.row.raw, pointer="") for each in found]
    broken = sum(each.facts.failed + each.facts.errors for each in found)
    skipped = sum(each.facts.skipped for each in found)
    ran = sum(each.facts.total for each in found) - skipped
    where = ("platform", component.platform)
    if broken > params.max_failed:
        yield from _broken(params, found, broken)
    if ran < params.minimum_total:
        told = (where, ("total", ran), ("demanded", params.minimum_total))
        yield finding(
            "too_few_tests", told, component=component.component, evidence=evidence, flips=(("run_tests", ""),)
        )
    if params.max_skipped is not None and skipped > params.max_skipped:
        told = (where, ("skipped", skipped), ("allowed", params.max_skipped))
        yield finding(
            "too_many_skipped", told, component=component.component, evidence=evidence, flips=(("run_tests", ""),)
        )


def _broken(params: Params, found: tuple[Held[TestFacts], ...], broken: int) -> Iterator[Finding]:
    listed = [(one, each) for one in found for each in one.facts.cases if each.status in _BROKEN]
    about = (("count", broken), ("allowed", params.max_failed))
    for one, each in listed[:SHOWN]:
        yield finding(
            "test_failed",
            (("test", each.name), ("suite", each.suite), ("message", each.message[:200]), *about),
            component=one.row.component,
            evidence=[EvidenceRef(digest=one.row.raw, pointer=each.pointer)],
            path=(one.row.component, each.suite, each.name),
            flips=(("mend_test", each.name[:200]),),
        )
    if broken > len(listed[:SHOWN]):
        left = broken - len(listed[:SHOWN])
        yield finding(
            "more",
            (("count", left), ("of", "test_failed")),
            component=found[0].row.component,
            evidence=[EvidenceRef(digest=one.row.raw, pointer="") for one in found],
        )


GATE = Gate(
    "test_results",
    1,
    Params,
    check,
    asks="Did the tests run, enough of them, and pass?",
    remedy="Mend what failed, run the tests again, and submit their report.",
    sentences=(
        ("test_failed", "{test} ({suite}) failed: {message} - {count} failed, {allowed} allowed."),
        ("too_few_tests", "{total} tests ran on {platform}; at least {demanded} are demanded."),
        ("too_many_skipped", "{skipped} tests were skipped on {platform}; {allowed} are allowed."),
        MORE_SENTENCE,
        *MISSING_SENTENCES,
    ),
    flips=(
        ("mend_test", "Make {argument} pass, and submit the new report."),
        ("run_tests", "Run the tests that are missing, and submit the new report."),
        *MISSING_FLIPS,
    ),
)
