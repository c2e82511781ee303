"""Lives as tables: state and event give the next state, for promotions and for releases. Knows names; never why.

Of promotions: ``judge`` comes before approvals, always; what is rejected stays rejected (asking again is a new one).
Of releases: what is finalized never opens again, and only what is finalized goes anywhere new.
"""

from typing import Final, Literal

from cas.problems import Category, Problem
from cas.records.promotion import PromotionState
from cas.records.release_life import ReleaseState

Event = Literal[
    "judge",
    "deny",
    "allow",
    "break_glass",
    "approve",
    "wait",
    "reject",
    "cancel",
    "deploy",
    "succeed",
    "fail",
    "roll_back",
]

TABLE: Final[tuple[tuple[PromotionState, Event, PromotionState], ...]] = (
    ("requested", "judge", "pending_gate"),
    ("requested", "cancel", "cancelled"),
    ("pending_gate", "judge", "pending_gate"),  # undecided; judged again when more is known
    ("pending_gate", "deny", "rejected"),
    ("pending_gate", "allow", "pending_approval"),
    ("pending_gate", "break_glass", "pending_approval"),  # two people set the verdict aside; all else still holds
    ("pending_gate", "cancel", "cancelled"),
    ("pending_approval", "judge", "pending_gate"),  # the verdict expired, or what it rests on moved
    ("pending_approval", "wait", "pending_approval"),
    ("pending_approval", "approve", "approved"),
    ("pending_approval", "reject", "rejected"),
    ("pending_approval", "cancel", "cancelled"),
    ("approved", "judge", "pending_gate"),
    ("approved", "wait", "pending_approval"),
    ("approved", "approve", "approved"),  # decided anew: the decision before had ended
    ("approved", "reject", "rejected"),
    ("approved", "cancel", "cancelled"),
    ("approved", "deploy", "deploying"),
    ("deploying", "succeed", "deployed"),
    ("deploying", "fail", "failed"),
    ("deploying", "roll_back", "rolled_back"),
)

_NEXT: Final = {(state, event): after for state, event, after in TABLE}
FINAL: Final = frozenset({"rejected", "cancelled", "deployed", "failed", "rolled_back"})


class IllegalMove(Problem):
    """A promotion cannot do this in its state."""

    code = "promotion.illegal_move"
    category = Category.CONFLICT
    title = "The promotion cannot do this now"
    remedy = "Do one of what is possible in its state; when nothing is, request a new promotion."


def possible(state: PromotionState) -> tuple[Event, ...]:
    """List the events that a state takes, sorted."""
    return tuple(sorted(event for before, event, _ in TABLE if before == state))


def after(state: PromotionState, event: Event) -> PromotionState:
    """Give the state after an event.

    Raises: promotion.illegal_move naming what is possible
    """
    found = _NEXT.get((state, event))
    if found is None:
        raise IllegalMove(state=state, event=event, possible=", ".join(possible(state)) or "nothing")
    return found


ReleaseEvent = Literal["create", "draft", "edit", "finalize", "discard", "promote", "roll_back", "deprecate", "archive"]
ReleaseStage = ReleaseState | Literal["absent"]
"""A state, or that no release and no draft has the name."""

RELEASES: Final[tuple[tuple[ReleaseStage, ReleaseEvent, ReleaseStage], ...]] = (
    ("absent", "create", "finalized"),  # draft and finalised in one append
    ("absent", "draft", "draft"),
    ("draft", "edit", "draft"),
    ("draft", "finalize", "finalized"),
    ("draft", "discard", "absent"),  # nothing was frozen: the name is free again
    ("finalized", "promote", "finalized"),
    ("finalized", "roll_back", "finalized"),
    ("finalized", "deprecate", "deprecated"),
    ("deprecated", "roll_back", "deprecated"),  # the way back to what ran stays open
    ("deprecated", "archive", "archived"),
)
_NEXT_OF_RELEASE: Final = {(state, event): after for state, event, after in RELEASES}


class ReleaseCannot(Problem):
    """A release cannot do this in its state."""

    code = "release.illegal_move"
    category = Category.CONFLICT
    title = "The release cannot do this in its state"
    remedy = "Do one of what is possible in its state; a draft is finalized first, a retired release is made anew."


def release_possible(state: ReleaseStage) -> tuple[ReleaseEvent, ...]:
    """List the events that a state takes, sorted."""
    return tuple(sorted(event for before, event, _ in RELEASES if before == state))


def release_after(name: str, state: ReleaseStage, event: ReleaseEvent) -> ReleaseStage:
    """Give a release's state after an event.

    Raises: release.illegal_move naming what is possible
    """
    found = _NEXT_OF_RELEASE.get((state, event))
    if found is None:
        possible = ", ".join(release_possible(state)) or "nothing"
        raise ReleaseCannot(release=name[:128], state=state, event=event, possible=possible)
    return found
