"""Does reachability bear out what VEX closes as not affected?"""

from typing import Literal

from cas.records.base import Part
from cas.records.report import ReachState
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS
from policy.gate import Answer, FactView, Gate
from policy.witness import NO_PICTURE, REACH_FLIPS, grouped, pictured, shown, unpictured, worst


class Params(Part, frozen=True, kw_only=True):
    """Which states permit a claim of not affected, which forbid it, and what every other one means."""

    permit: tuple[ReachState, ...] = ("CU",)
    forbid: tuple[ReachState, ...] = ("SR", "RO", "CR", "X")
    otherwise: Literal["pass", "warn", "fail"] = "warn"


def check(params: Params, view: FactView) -> Answer:
    """Fail where a vulnerability closed as not affected is reachable or contested; tell where nothing bears it out."""
    findings = pictured(view)
    if findings is None:
        return unpictured()
    refuted: list[Finding] = []
    bare: list[Finding] = []
    permitted = 0
    closed = [one for one in findings if one.vex == "not_affected" and one.waived_by is None]
    for group in grouped(closed):
        state = worst(group).reach.state
        if state in params.forbid:
            refuted.append(shown(view, "not_affected_refuted", group))
        elif state in params.permit:
            permitted += 1
        else:
            bare.append(shown(view, "not_affected_unproven", group))
    told = () if params.otherwise == "pass" else tuple(bare)
    status: GateStatus = "pass"
    if refuted or (bare and params.otherwise == "fail"):
        status = "fail"
    elif bare and params.otherwise == "warn":
        status = "warn"
    counted = (("permitted", permitted), ("refuted", len(refuted)), ("unproven", len(bare)))
    return Answer(status, (*refuted, *told), counted)


GATE = Gate(
    "lattice_state",
    1,
    Params,
    check,
    asks="Does reachability bear out what VEX closes as not affected?",
    remedy="Withdraw the claim, or show by signed analysis and at run time that the code is not reached.",
    sentences=(
        ("not_affected_refuted", "{vulnerability} in {purl} is closed as not affected, but its code is {reach}."),
        ("not_affected_unproven", "{vulnerability} in {purl} is closed as not affected, its reachability is {reach}."),
        *NO_PICTURE,
    ),
    flips=GROUP_FLIPS + REACH_FLIPS,
)
