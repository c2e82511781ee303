"""Is nothing open that is known to be exploited (CISA KEV), with grace until it is due?"""

from operator import attrgetter
from typing import Annotated, Final

import msgspec

from cas.records.base import Part
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, of_group, open_groups
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import DAY, plus
from policy.reached import all_unreachable

_LISTED: Final = attrgetter("kev_due")
Days = Annotated[int, msgspec.Meta(ge=0, le=366)]


class Params(Part, frozen=True, kw_only=True):
    """The catalogue gives each vulnerability a day when it is due (UTC, to its end).

    ``allow_grace_period``: it is tolerated until then; else it blocks from the day it is listed.
    ``block_past_due_date``: it blocks from then on; else only ``grace_period_days`` later.
    ``warn_before_due_date``: it is warned of in the last ``warn_days_before_due`` days.
    ``require_reachability``: what is shown to be unreachable is told and does not block; not known blocks.
    """

    allow_grace_period: bool = True
    grace_period_days: Days = 14
    block_past_due_date: bool = True
    warn_before_due_date: bool = True
    warn_days_before_due: Days = 7
    require_reachability: bool = False


def check(params: Params, view: FactView) -> Answer:
    """Fail for each open vulnerability of the catalogue whose grace is over, or that has none."""
    late: list[Finding] = []
    soon: list[Finding] = []
    told: list[Finding] = []
    ends: set[str] = set()
    for group in open_groups(view, _LISTED):
        due, listed = min((one.kev_due, one.kev) for one in group if one.kev_due)
        arguments = (("due", due), ("listed", listed))
        if params.require_reachability and all_unreachable(group):
            told.append(of_group(view, "exploited_not_reached", group, arguments))
            continue
        end, warned = _times(params, f"{due}T00:00:00Z")
        if not params.allow_grace_period or view.question.as_of >= end:
            late.append(of_group(view, "known_exploited", group, arguments))
            continue
        ends |= {end, warned}
        near = params.warn_before_due_date and view.question.as_of >= warned
        (soon if near else told).append(of_group(view, "exploited_in_grace", group, arguments))
    missing = missing_facts(view)
    if view.feed is not None and view.feed.kev is None:
        missing = (*missing, finding("kev_missing", flips=(("import_kev", ""),)))
    status: GateStatus = "fail" if late else "unknown" if missing else "warn" if soon else "pass"
    counted = (("exploited", len(late) + len(soon) + len(told)), ("blocking", len(late)))
    return Answer(status, (*late, *soon, *told, *missing), counted, tuple(sorted(ends)))


def _times(params: Params, due: str) -> tuple[str, str]:
    """Give when it begins to block, and when it is warned of."""
    day_over = plus(due, DAY)
    end = day_over if params.block_past_due_date else plus(day_over, params.grace_period_days * DAY)
    return end, plus(day_over, -params.warn_days_before_due * DAY)


GATE = Gate(
    "kev_blocker",
    2,
    Params,
    check,
    asks="Is nothing open that is known to be exploited, and due?",
    remedy="Upgrade first what is known to be exploited; a waiver is seldom right.",
    sentences=(
        ("known_exploited", "{listed} in {purl} is known to be exploited (due {due})."),
        ("exploited_in_grace", "{listed} in {purl} is known to be exploited; it is due {due}."),
        ("exploited_not_reached", "{listed} in {purl} is known to be exploited (due {due}); shown to be unreachable."),
        ("kev_missing", "The feed snapshot holds no KEV catalogue."),
        *MISSING_SENTENCES,
    ),
    flips=(*GROUP_FLIPS, ("import_kev", "Import the KEV catalogue with the feed."), *MISSING_FLIPS),
)
