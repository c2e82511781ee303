"""Does the release bring new high vulnerabilities that may be reached, against what runs there now?"""

from typing import Literal

from cas.records.base import Part, Tenths
from cas.records.picture import AnyFinding
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, of_group, open_groups, score
from policy.gate import Answer, FactView, Gate
from policy.reached import all_unreachable


class Params(Part, frozen=True, kw_only=True):
    """From which score a new vulnerability blocks, and what a first release is held to.

    ``only_block_reachable``: what is shown to be unreachable is told and does not block; not known blocks.
    """

    threshold_tenths: Tenths = 70
    only_block_reachable: bool = False
    unscored: Literal["count", "ignore"] = "count"
    without_baseline: Literal["judge", "not_applicable"] = "judge"  # judge: everything is new


def check(params: Params, view: FactView) -> Answer:
    """Fail for each open vulnerability at or over the threshold that the baseline did not have open."""
    if view.question.baseline is None and params.without_baseline == "not_applicable":
        return Answer("not_applicable")
    over: list[Finding] = []
    told: list[Finding] = []
    for group in open_groups(view, lambda one: one.new and _heavy(params, one)):
        tenths = score(group[0])
        told_of = (("score", "none" if tenths is None else tenths), ("threshold", params.threshold_tenths))
        if params.only_block_reachable and all_unreachable(group):
            told.append(of_group(view, "new_not_reached", group, told_of))
        else:
            over.append(of_group(view, "new_vulnerability", group, told_of))
    missing = missing_facts(view)
    status: GateStatus = "fail" if over else "unknown" if missing else "pass"
    return Answer(status, (*over, *told, *missing), (("new", len(over) + len(told)), ("blocking", len(over))))


def _heavy(params: Params, one: AnyFinding) -> bool:
    tenths = score(one)
    return params.unscored == "count" if tenths is None else tenths >= params.threshold_tenths


GATE = Gate(
    "cve_delta",
    2,
    Params,
    check,
    asks="Does the release bring no new serious vulnerabilities, against what runs there now?",
    remedy="Upgrade the package, show by signed analysis that it is not reached, or file a VEX statement or a waiver.",
    sentences=(
        (
            "new_vulnerability",
            "{vulnerability} ({severity}, score in tenths {score}) in {purl} is new here; {threshold} and more block.",
        ),
        (
            "new_not_reached",
            "{vulnerability} ({severity}, score in tenths {score}) in {purl} is new here; shown to be unreachable.",
        ),
        *MISSING_SENTENCES,
    ),
    flips=GROUP_FLIPS + MISSING_FLIPS,
)
