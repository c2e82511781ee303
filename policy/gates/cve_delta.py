"""Does the release bring new high vulnerabilities, against what runs there now?"""

from typing import Literal

from cas.records.base import Part, Tenths
from cas.records.picture import AnyFinding
from cas.records.verdict import GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, of_group, open_groups, score
from policy.gate import Answer, FactView, Gate


class Params(Part, frozen=True, kw_only=True):
    """From which score a new vulnerability blocks, and what a first release is held to."""

    threshold_tenths: Tenths = 70
    unscored: Literal["count", "ignore"] = "count"
    without_baseline: Literal["judge", "not_applicable"] = "judge"  # judge: everything is new


def check(params: Params, view: FactView) -> Answer:
    """Fail for each open vulnerability at or over the threshold that the baseline did not have open."""
    if view.question.baseline is None and params.without_baseline == "not_applicable":
        return Answer("not_applicable")
    groups = open_groups(view, lambda one: one.new and _heavy(params, one))
    over = tuple(
        of_group(
            view,
            "new_vulnerability",
            group,
            (("score", score(group[0]) or "none"), ("threshold", params.threshold_tenths)),
        )
        for group in groups
    )
    missing = missing_facts(view)
    status: GateStatus = "fail" if over else "unknown" if missing else "pass"
    return Answer(status, over + missing, (("new", len(groups)),))


def _heavy(params: Params, one: AnyFinding) -> bool:
    tenths = score(one)
    return params.unscored == "count" if tenths is None else tenths >= params.threshold_tenths


GATE = Gate(
    "cve_delta",
    1,
    Params,
    check,
    asks="Does the release bring no new serious vulnerabilities, against what runs there now?",
    remedy="Upgrade the package, or file a VEX statement or a waiver.",
    sentences=(
        (
            "new_vulnerability",
            "{vulnerability} ({severity}, score in tenths {score}) in {purl} is new here; {threshold} and more block.",
        ),
        *MISSING_SENTENCES,
    ),
    flips=GROUP_FLIPS + MISSING_FLIPS,
)
