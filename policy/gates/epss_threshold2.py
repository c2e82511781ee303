"""Is nothing open that is likely to be exploited soon (EPSS), of any or of all, with grace and reachability?"""

from typing import Annotated, Literal

import msgspec

from cas.records.base import Millionths, Part
from cas.records.picture import AnyFinding, AssessedFinding2
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, of_group, open_groups
from policy.gate import Answer, FactView, Gate
from policy.instants import DAY, plus, seconds_or_none
from policy.reached import all_unreachable


class Params(Part, frozen=True, kw_only=True):
    """From which probability, in millionths, an open vulnerability blocks.

    ``mode``: any one over the threshold blocks; or only when all open ones are (so one more below it may allow).
    ``grace_period_days``: so long after it was published one is only warned of; absent means no grace.
    ``require_reachability``: what is shown to be unreachable is told and does not block; not known blocks.
    ``unscored``: what one without a score means.
    """

    threshold_millionths: Millionths = 600_000
    mode: Literal["any", "all"] = "any"
    grace_period_days: Annotated[int, msgspec.Meta(ge=0, le=366)] | None = None
    require_reachability: bool = False
    unscored: Literal["unknown", "fail", "ignore"] = "unknown"


def check(params: Params, view: FactView) -> Answer:
    """Fail at or over the threshold; what has no score is unknown unless the pack says otherwise."""
    over: list[Finding] = []
    graced: list[Finding] = []
    told: list[Finding] = []
    unscored: list[Finding] = []
    ends: set[str] = set()
    below = 0
    for group in open_groups(view):
        scores = [one.epss for one in group if one.epss is not None]
        arguments = (("epss", max(scores, default=0)), ("threshold", params.threshold_millionths))
        end = _grace(params, group)
        if params.require_reachability and all_unreachable(group):
            told.append(of_group(view, "not_reached", group, arguments))
        elif not scores:
            unscored.append(of_group(view, "epss_missing", group, ()))
        elif max(scores) < params.threshold_millionths:
            below += 1
        elif end and view.question.as_of < end:
            graced.append(of_group(view, "likely_exploited_in_grace", group, (*arguments, ("until", end))))
            ends.add(end)
        else:
            over.append(of_group(view, "likely_exploited", group, arguments))
    missing = missing_facts(view)
    shown = [] if params.unscored == "ignore" else unscored
    blocks = bool(over) and (params.mode == "any" or not below)
    fails = blocks or (params.unscored == "fail" and bool(unscored))
    status: GateStatus = "fail" if fails else "unknown" if missing or shown else "warn" if graced or over else "pass"
    counted = (("over", len(over)), ("below", below), ("unscored", len(unscored)), ("in_grace", len(graced)))
    return Answer(status, (*over, *graced, *told, *shown, *missing), counted, tuple(sorted(ends)))


def _grace(params: Params, group: tuple[AnyFinding, ...]) -> str:
    """Give the end of grace: counted from the earliest publication; nothing when none is known."""
    days = [one.published for one in group if isinstance(one, AssessedFinding2)]
    known = [day for day in days if seconds_or_none(day) is not None]
    if params.grace_period_days is None or not known or len(known) < len(group):
        return ""
    return plus(min(known), params.grace_period_days * DAY)


GATE = Gate(
    "epss_threshold",
    2,
    Params,
    check,
    asks="Is nothing open that is likely to be exploited soon?",
    remedy="Upgrade the package, or file a VEX statement or a waiver.",
    sentences=(
        (
            "likely_exploited",
            "{vulnerability} in {purl} has an EPSS of {epss} millionths; {threshold} and more block.",
        ),
        (
            "likely_exploited_in_grace",
            "{vulnerability} in {purl} has an EPSS of {epss} millionths; from {until} on {threshold} and more block.",
        ),
        ("not_reached", "{vulnerability} in {purl} has an EPSS of {epss} millionths; shown to be unreachable."),
        ("epss_missing", "{vulnerability} in {purl} has no EPSS score."),
        *MISSING_SENTENCES,
    ),
    flips=GROUP_FLIPS + MISSING_FLIPS,
)
