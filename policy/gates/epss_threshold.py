"""Is nothing open that is likely to be exploited soon (EPSS)?"""

from typing import Literal

from cas.records.base import Millionths, Part
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, of_group, open_groups
from policy.gate import Answer, FactView, Gate


class Params(Part, frozen=True, kw_only=True):
    """From which probability, in millionths, an open vulnerability blocks, and what one without a score means."""

    threshold_millionths: Millionths = 600_000
    unscored: Literal["unknown", "fail", "ignore"] = "unknown"


def check(params: Params, view: FactView) -> Answer:
    """Fail at or over the threshold; what has no score is unknown unless the pack says otherwise."""
    over: list[Finding] = []
    unscored: list[Finding] = []
    for group in open_groups(view):
        scores = [one.epss for one in group if one.epss is not None]
        if not scores:
            unscored.append(of_group(view, "epss_missing", group, ()))
        elif max(scores) >= params.threshold_millionths:
            over.append(
                of_group(
                    view, "likely_exploited", group, (("epss", max(scores)), ("threshold", params.threshold_millionths))
                )
            )
    missing = missing_facts(view)
    shown = [] if params.unscored == "ignore" else unscored
    fails = bool(over) or (params.unscored == "fail" and bool(unscored))
    status: GateStatus = "fail" if fails else "unknown" if missing or shown else "pass"
    return Answer(status, (*over, *shown, *missing), (("over", len(over)), ("unscored", len(unscored))))


GATE = Gate(
    "epss_threshold",
    1,
    Params,
    check,
    asks="Is nothing open that is likely to be exploited soon?",
    remedy="Upgrade the package, or file a VEX statement or a waiver.",
    sentences=(
        (
            "likely_exploited",
            "{vulnerability} in {purl} has an EPSS of {epss} millionths; {threshold} and more block.",
        ),
        ("epss_missing", "{vulnerability} in {purl} has no EPSS score."),
        *MISSING_SENTENCES,
    ),
    flips=GROUP_FLIPS + MISSING_FLIPS,
)
