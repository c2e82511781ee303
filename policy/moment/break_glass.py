"""Is no glass broken, and what was broken before reviewed in time?"""

from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.verdict import EvidenceRef, Finding, GateStatus
from policy.gate import Answer, Gate, MomentView, finding
from policy.instants import plus


class Params(Part, frozen=True, kw_only=True):
    """How many hours a broken glass may wait for its review before the environment takes nothing more."""

    review_hours: Annotated[int, msgspec.Meta(ge=1, le=8784)] = 24


def check(params: Params, view: MomentView) -> Answer:
    """Warn while the verdict is set aside; unknown, which blocks, while an earlier act waits too long for review."""
    ends: list[str] = []
    due: list[Finding] = []
    for digest, glass in view.unreviewed:
        end = plus(glass.signed_at, params.review_hours * 3600)
        if glass == view.break_glass or view.as_of < end:
            ends.append(end)
        else:
            due.append(
                finding(
                    "review_due",
                    (("signed_at", glass.signed_at), ("since", end), ("reason", glass.reason)),
                    evidence=(EvidenceRef(digest=digest, pointer=""),),
                    flips=(("review", digest),),
                )
            )
    shown: list[Finding] = []
    if view.break_glass is not None:
        glass = view.break_glass
        ends.append(glass.expires_at)
        arguments = (("until", glass.expires_at), ("reason", glass.reason), ("ticket", glass.ticket))
        shown.append(finding("glass_broken", (*arguments, ("people", ",".join(glass.people)))))
    status: GateStatus = "unknown" if due else "warn" if shown else "pass"
    return Answer(status, (*due, *shown), (("unreviewed", len(view.unreviewed)),), tuple(sorted(ends)))


GATE = Gate(
    "break_glass",
    1,
    Params,
    check,
    asks="Is no glass broken, and what was broken before reviewed in time?",
    remedy="Have somebody who did not sign review it: stella break-glass review.",
    sentences=(
        ("glass_broken", "Two people set the verdict aside until {until} ({people}; {ticket}): {reason}"),
        ("review_due", "What was set aside at {signed_at} waits for its review since {since}: {reason}"),
    ),
    flips=(("review", "Review {argument}."),),
    moment=True,
)
