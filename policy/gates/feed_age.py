"""Is the advisory feed fresh enough?"""

from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.verdict import EvidenceRef
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import plus


class Params(Part, frozen=True, kw_only=True):
    """How many hours a snapshot counts, from its capture."""

    max_hours: Annotated[int, msgspec.Meta(ge=1, le=876_000)] = 72


def check(params: Params, view: FactView) -> Answer:
    """Fail when the snapshot is too old; unknown when there is none."""
    if view.feed is None or view.question.feed is None:
        return Answer("unknown", (finding("feed_missing", flips=(("import_feed", ""),)),))
    end = plus(view.feed.captured_at, params.max_hours * 3600)
    if end > view.question.as_of:
        return Answer("pass", ends=(end,))
    old = finding(
        "feed_too_old",
        (("captured_at", view.feed.captured_at), ("hours", params.max_hours)),
        evidence=(EvidenceRef(digest=view.question.feed, pointer="/captured_at"),),
        flips=(("import_feed", ""),),
    )
    return Answer("fail", (old,))


GATE = Gate(
    "feed_age",
    1,
    Params,
    check,
    asks="Is the advisory feed fresh enough?",
    remedy="Import a new advisory snapshot.",
    sentences=(
        ("feed_too_old", "The advisory feed was captured at {captured_at}; it counts for {hours} hours."),
        ("feed_missing", "No advisory feed has been imported."),
    ),
    flips=(("import_feed", "Import a new advisory snapshot."),),
)
