"""Is no serious vulnerability open whose code can be reached?"""

from typing import Literal

from cas.records.base import Part, Tenths
from cas.records.report import ReachState
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, score
from policy.gate import Answer, FactView, Gate
from policy.reachability import REACHABLE
from policy.witness import NO_PICTURE, REACH_FLIPS, Group, grouped, pictured, shown, unpictured, worst


class Params(Part, frozen=True, kw_only=True):
    """From which score, in tenths, a reachable vulnerability blocks; which states are safe; what the unknown means.

    Contested counts as reachable, always. What is neither reachable nor in ``unreachable`` is not known: it counts as
    reachable unless ``unknown`` says otherwise. By default not having been observed is not enough to be unreachable.
    """

    severity_threshold_tenths: Tenths = 70
    unreachable: tuple[ReachState, ...] = ("CU", "SU")
    unknown: Literal["fail", "warn", "ignore"] = "fail"


def check(params: Params, view: FactView) -> Answer:
    """Fail for each open vulnerability at or over the threshold that is reachable, or may be."""
    findings = pictured(view)
    if findings is None:
        return unpictured()
    reachable: list[Finding] = []
    unclear: list[Finding] = []
    unreachable = 0
    for group in grouped(one for one in findings if one.open):
        if not _serious(params, group):
            continue
        state = worst(group).reach.state
        if state in REACHABLE or state == "X":
            reachable.append(shown(view, "reachable", group))
        elif state in params.unreachable:
            unreachable += 1
        else:
            unclear.append(shown(view, "reachability_unknown", group))
    missing = missing_facts(view)
    told = () if params.unknown == "ignore" else tuple(unclear)
    return Answer(
        _status(params, failed=bool(reachable), unclear=bool(unclear), missing=bool(missing)),
        (*reachable, *told, *missing),
        (("reachable", len(reachable)), ("unknown", len(unclear)), ("unreachable", unreachable)),
    )


def _serious(params: Params, group: Group) -> bool:
    """What has no score at all may be anything."""
    scores = [score(one) for one in group]
    return any(each is None or each >= params.severity_threshold_tenths for each in scores)


def _status(params: Params, *, failed: bool, unclear: bool, missing: bool) -> GateStatus:
    if failed or (unclear and params.unknown == "fail"):
        return "fail"
    if missing:
        return "unknown"
    return "warn" if unclear and params.unknown == "warn" else "pass"


GATE = Gate(
    "reachable_cve",
    1,
    Params,
    check,
    asks="Is no serious vulnerability open whose code can be reached?",
    remedy="Upgrade the package, or show by signed analysis that its vulnerable code is not reached.",
    sentences=(
        ("reachable", "{vulnerability} in {purl} is open and its code is reachable ({reach})."),
        (
            "reachability_unknown",
            "{vulnerability} in {purl} is open and nobody knows that it is unreachable ({reach}).",
        ),
        *NO_PICTURE,
        *MISSING_SENTENCES,
    ),
    flips=GROUP_FLIPS + REACH_FLIPS + MISSING_FLIPS,
)
