"""Has the release run long enough in the environment before?"""

from cas.records.base import Count, Part
from policy.gate import Answer, Gate, MomentView, finding
from policy.instants import plus


class Params(Part, frozen=True, kw_only=True):
    """Seconds; the environment's own demand holds as well, whichever is longer."""

    seconds: Count = 0
    rollback: bool = False


def check(params: Params, view: MomentView) -> Answer:
    """Unknown until the release has been deployed before this environment, for as long as is demanded."""
    before = view.environment.after
    if not before:
        return Answer("not_applicable")
    if not view.source_completed_at:
        return Answer(
            "unknown", (finding("not_deployed_before", (("environment", before),), flips=(("deploy_to", before),)),)
        )
    demanded = max(params.seconds, view.environment.soak_seconds)
    end = plus(view.source_completed_at, demanded)
    if view.as_of >= end:
        return Answer("pass")
    young = finding(
        "soaking",
        (("environment", before), ("since", view.source_completed_at), ("end", end)),
        flips=(("wait_until", end),),
    )
    return Answer("unknown", (young,), ends=(end,))


GATE = Gate(
    "soak_time",
    1,
    Params,
    check,
    asks="Has the release run long enough in the environment before?",
    remedy="Deploy it there first, and wait.",
    sentences=(
        ("not_deployed_before", "The release does not run in {environment}, which comes before."),
        ("soaking", "The release runs in {environment} since {since}; it must until {end}."),
    ),
    flips=(("deploy_to", "Deploy the release to {argument}."), ("wait_until", "Wait until {argument}.")),
    moment=True,
)
