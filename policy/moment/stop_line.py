"""Has nobody stopped the line?"""

from cas.records.base import Part
from policy.gate import Answer, Gate, MomentView, finding


class Params(Part, frozen=True, kw_only=True):
    """The stop is a record; holds rollbacks always."""

    rollback: bool = True


def check(params: Params, view: MomentView) -> Answer:
    """Unknown while the line is stopped for this environment; else pass."""
    del params
    stop = view.stop_line
    if stop is None or (stop.environments and view.environment.name not in stop.environments):
        return Answer("pass")
    return Answer(
        "unknown", (finding("stopped", (("at", stop.at), ("reason", stop.reason)), flips=(("lift_stop", ""),)),)
    )


GATE = Gate(
    "stop_line",
    1,
    Params,
    check,
    asks="Has nobody stopped the line?",
    remedy="Lift the stop when its reason is gone.",
    sentences=(("stopped", "The line is stopped since {at}: {reason}"),),
    flips=(("lift_stop", "Lift the stop."),),
    moment=True,
)
