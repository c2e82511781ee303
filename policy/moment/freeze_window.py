"""Is no freeze window of the environment open?"""

from cas.records.base import Part
from policy.gate import Answer, Gate, MomentView, finding


class Params(Part, frozen=True, kw_only=True):
    """Windows are the environment's."""

    rollback: bool = False  # holds rollbacks too


def check(params: Params, view: MomentView) -> Answer:
    """Unknown inside a window (its start is in, its end is out) unless whoever asked is an exception; else pass."""
    del params
    ends = set()
    closed = []
    passed = []
    for window in view.environment.freeze_windows:
        if view.as_of >= window.end:
            continue
        if view.as_of < window.start:
            ends.add(window.start)
            continue
        ends.add(window.end)
        arguments = (("start", window.start), ("end", window.end), ("reason", window.reason))
        if view.requester_login and view.requester_login in window.exceptions:
            passed.append(finding("frozen_but_excepted", (*arguments, ("login", view.requester_login))))
        else:
            closed.append(finding("frozen", arguments, flips=(("wait_until", window.end),)))
    return Answer("unknown" if closed else "warn" if passed else "pass", (*closed, *passed), ends=tuple(sorted(ends)))


GATE = Gate(
    "freeze_window",
    1,
    Params,
    check,
    asks="Is no freeze window open?",
    remedy="Wait for the window's end, or have somebody ask who is among its exceptions.",
    sentences=(
        ("frozen", "Frozen from {start} until {end}: {reason}"),
        ("frozen_but_excepted", "Frozen from {start} until {end} ({reason}), but {login} may override."),
    ),
    flips=(("wait_until", "Wait until {argument}."),),
    moment=True,
)
