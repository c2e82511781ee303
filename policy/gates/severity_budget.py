"""Do open findings fit the budget of each severity?"""

from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from cas.records.base import Count, Part
from cas.records.picture import AnyFinding
from cas.records.verdict import Finding, GateStatus
from policy.counting import (
    GROUP_FLIPS,
    MISSING_FLIPS,
    MISSING_SENTENCES,
    SEVERITIES,
    counts,
    distinct,
    missing_facts,
    of_group,
    open_groups,
    severities,
)
from policy.gate import Answer, FactView, Gate

_FIXABLE: Final = attrgetter("fixed_in")


class Params(Part, frozen=True, kw_only=True):
    """How many open vulnerabilities of each severity may remain; absent means any number."""

    critical: Count | None = 0
    high: Count | None = 0
    medium: Count | None = None
    low: Count | None = None
    negligible: Count | None = None
    unknown: Count | None = None
    count_waived: bool = False
    count_vexed: bool = False
    fixable_only: bool = False


def check(params: Params, view: FactView) -> Answer:
    """Fail when a severity holds more than its budget; unknown when the vulnerabilities are not known."""
    groups = _groups(params, view)
    counted = view.open_counts if groups is view.open_groups else None
    found: dict[str, int] = dict(counted or severities(groups))
    over = tuple(_over(params, view, groups, found))
    missing = missing_facts(view)
    status: GateStatus = "fail" if over else "unknown" if missing else "pass"
    return Answer(status, over + missing, tuple(found.items()))


def _groups(params: Params, view: FactView) -> tuple[tuple[AnyFinding, ...], ...]:
    if not (params.count_waived or params.count_vexed):
        return open_groups(view, _FIXABLE if params.fixable_only else None)
    counted = (
        one for one in view.assessment.findings if counts(one, waived=params.count_waived, vexed=params.count_vexed)
    )
    return distinct(one for one in counted if one.fixed_in or not params.fixable_only)


def _over(
    params: Params, view: FactView, groups: tuple[tuple[AnyFinding, ...], ...], found: dict[str, int]
) -> Iterator[Finding]:
    over = {
        label: budget
        for label in SEVERITIES
        if (budget := getattr(params, label)) is not None and found[label] > budget
    }
    for group in groups if over else ():
        severity = group[0].severity
        if severity in over:
            yield of_group(view, "over_budget", group, (("count", found[severity]), ("budget", over[severity])))


GATE = Gate(
    "severity_budget",
    1,
    Params,
    check,
    asks="Do open findings fit the budget?",
    remedy="Upgrade the package, or file a VEX statement or a waiver.",
    sentences=(
        (
            "over_budget",
            "{vulnerability} ({severity}) is open in {purl} on {platforms}: {count} such, {budget} allowed.",
        ),
        *MISSING_SENTENCES,
    ),
    flips=GROUP_FLIPS + MISSING_FLIPS,
)
