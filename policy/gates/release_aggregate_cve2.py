"""Do the release's vulnerabilities, or those of them that may be reached, stay under fixed numbers?"""

from collections.abc import Iterator, Sequence
from typing import Final

from cas.records.base import Count, Part
from cas.records.picture import AnyFinding
from cas.records.verdict import EvidenceRef, Finding, GateStatus
from policy.counting import MISSING_FLIPS, MISSING_SENTENCES, SEVERITIES, counts, distinct, missing_facts
from policy.gate import Answer, FactView, Gate, finding
from policy.lines import lines_of
from policy.reached import all_unreachable

SHOWN: Final = 200
"""So many lines are named of what is counted."""


class Params(Part, frozen=True, kw_only=True):
    """Largest numbers of distinct vulnerabilities; absent means any number.

    ``count_suppressed``: waived and closed by VEX count too. ``only_count_reachable``: what is shown to be unreachable
    does not count; not known counts.
    """

    max_critical: Count | None = 0
    max_high: Count | None = 3
    max_medium: Count | None = 20
    max_low: Count | None = None
    max_negligible: Count | None = None
    max_unknown: Count | None = None
    max_total: Count | None = None
    count_suppressed: bool = False
    only_count_reachable: bool = False


def check(params: Params, view: FactView) -> Answer:
    """Fail over a limit; warn from 80 % of a limit other than zero; unknown when vulnerabilities are not known."""
    suppressed = params.count_suppressed
    every = distinct(one for one in view.assessment.findings if counts(one, waived=suppressed, vexed=suppressed))
    groups = [group for group in every if not (params.only_count_reachable and all_unreachable(group))]
    found: dict[str, int] = {label: sum(group[0].severity == label for group in groups) for label in SEVERITIES}
    found["total"] = len(groups)
    over: list[Finding] = []
    near: list[Finding] = []
    for name, count in found.items():
        limit: int | None = getattr(params, f"max_{name}")
        if limit is None:
            continue
        arguments = (("what", name), ("count", count), ("limit", limit))
        if count > limit:
            refs = _lines(view, groups, name)
            over.append(finding("over_limit", arguments, evidence=refs, flips=(("reduce", name),)))
        elif limit and count * 100 >= limit * 80:
            near.append(finding("near_limit", arguments))
    missing = missing_facts(view)
    status: GateStatus = "fail" if over else "unknown" if missing else "warn" if near else "pass"
    return Answer(status, (*over, *near, *missing), (*found.items(), ("unreachable", len(every) - len(groups))))


def _lines(view: FactView, groups: Sequence[tuple[AnyFinding, ...]], name: str) -> Iterator[EvidenceRef]:
    """Give the lines of the SBOMs that name what is counted, so many."""
    counted = [group[0] for group in groups if name in {"total", group[0].severity}]
    return (lines_of(one, view.assessment)[0] for one in counted[:SHOWN])


GATE = Gate(
    "release_aggregate_cve",
    2,
    Params,
    check,
    asks="Do the release's vulnerabilities, taken together, stay under the limits?",
    remedy="Bring the numbers down: upgrade packages, or file VEX statements or waivers.",
    sentences=(
        ("over_limit", "{count} distinct vulnerabilities counted as {what}; {limit} allowed."),
        ("near_limit", "{count} distinct vulnerabilities counted as {what}: over 80 % of the {limit} allowed."),
        *MISSING_SENTENCES,
    ),
    flips=(("reduce", "Close enough vulnerabilities counted as {argument}."), *MISSING_FLIPS),
)
