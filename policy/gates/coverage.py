"""Do the tests run enough of the code?"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from cas.records.base import Millionths, Part
from cas.records.evidence import Binding
from cas.records.report import CoverageFacts
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.demanded import (
    MISSING_FLIPS,
    MISSING_SENTENCES,
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
MILLION: Final = 1_000_000


class Params(Part, frozen=True, kw_only=True):
    """What share of lines and of branches tests must run, in millionths, for each component; absent asks nothing."""

    lines_millionths: Millionths = 800_000
    branches_millionths: Millionths | None = None
    history: History = "all"
    binding: Binding = "asserted"  # most such reports are XML, which no in-toto predicate can hold
    formats: _Globs = ("*",)
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail below a share; unknown without a report, or when it knows no lines (or branches) at all.

    The reports of a component are summed: several languages are one program.
    """
    demand = Demand(
        CoverageFacts,
        ("coverage",),
        params.binding,
        params.formats,
        params.platforms,
        "coverage report",
        params.history,
    )
    failures: list[Finding] = []
    unknown = list(missing(view, demand))
    covered = total = 0
    for component in components(view, params.platforms):
        found = held(view, component, demand)
        covered += sum(each.facts.lines_covered for each in found)
        total += sum(each.facts.lines_total for each in found)
        for one in _shares(params, component, found):
            (unknown if one.code == "nothing_measured" else failures).append(one)
    status = status_of(bool(failures), bool(unknown))
    return Answer(status, (*failures, *unknown), (("lines_covered", covered), ("lines_total", total)))


def _shares(params: Params, component: ComponentRow, found: tuple[Held[CoverageFacts], ...]) -> Iterator[Finding]:
    if not found:
        return
    lines = sum(each.facts.lines_covered for each in found), sum(each.facts.lines_total for each in found)
    branches = sum(each.facts.branches_covered for each in found), sum(each.facts.branches_total for each in found)
    for what, (covered, total), demanded in (
        ("lines", lines, params.lines_millionths),
        ("branches", branches, params.branches_millionths),
    ):
        if demanded is None:
            continue
        where = (("what", what), ("platform", component.platform))
        evidence = [EvidenceRef(digest=each.row.raw, pointer="") for each in found]
        if not total:
            flips = (("submit_report", "coverage"),)
            yield finding("nothing_measured", where, component=component.component, evidence=evidence, flips=flips)
        elif covered * MILLION < demanded * total:
            told = (
                ("covered", covered),
                ("total", total),
                ("share", covered * MILLION // total),
                ("demanded", demanded),
            )
            flips = (("cover_more", what),)
            yield finding(
                "too_little_covered", (*where, *told), component=component.component, evidence=evidence, flips=flips
            )


GATE = Gate(
    "coverage",
    1,
    Params,
    check,
    asks="Do the tests run enough of the code?",
    remedy="Test more of the code, and submit the new report.",
    sentences=(
        (
            "too_little_covered",
            "{covered} of {total} {what} are covered on {platform}: {share} millionths, {demanded} are demanded.",
        ),
        ("nothing_measured", "The coverage report on {platform} knows no {what}."),
        *MISSING_SENTENCES,
    ),
    flips=(("cover_more", "Cover more {argument} with tests, and submit the new report."), *MISSING_FLIPS),
)
