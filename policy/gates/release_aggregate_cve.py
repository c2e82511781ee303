"""Do the release's vulnerabilities, taken together, stay under fixed numbers?"""

from collections.abc import Iterator
from typing import Final

from cas.records.base import Count, Part
from cas.records.picture import AnyFinding
from cas.records.verdict import EvidenceRef, Finding, GateStatus
from policy.counting import MISSING_FLIPS, MISSING_SENTENCES, SEVERITIES, counts, distinct, missing_facts
from policy.gate import Answer, FactView, Gate, finding

SHOWN: Final = 200
"""So many lines are named of what is counted."""


class Params(Part, frozen=True, kw_only=True):
    """Largest numbers of distinct vulnerabilities; absent means any number."""

    max_critical: Count | None = 0
    max_high: Count | None = 3
    max_medium: Count | None = 20
    max_low: Count | None = None
    max_unknown: Count | None = None
    max_total: Count | None = None
    count_suppressed: bool = False  # waived and closed by VEX too


def check(params: Params, view: FactView) -> Answer:
    """Fail over a limit; warn from 80 % of a limit other than zero; unknown when vulnerabilities are not known."""
    groups = distinct(
        one
        for one in view.assessment.findings
        if counts(one, waived=params.count_suppressed, vexed=params.count_suppressed)
    )
    found: dict[str, int] = {label: sum(group[0].severity == label for group in groups) for label in SEVERITIES}
    found["total"] = len(groups)
    over: list[Finding] = []
    near: list[Finding] = []
    for name, count in found.items():
        limit: int | None = getattr(params, f"max_{name}", None)
        if limit is None:
            continue
        arguments = (("what", name), ("count", count), ("limit", limit))
        if count > limit:
            over.append(finding("over_limit", arguments, evidence=_lines(groups, name), flips=(("reduce", name),)))
        elif limit and count * 100 >= limit * 80:
            near.append(finding("near_limit", arguments))
    missing = missing_facts(view)
    status: GateStatus = "fail" if over else "unknown" if missing else "warn" if near else "pass"
    return Answer(status, (*over, *near, *missing), tuple(found.items()))


def _lines(groups: tuple[tuple[AnyFinding, ...], ...], name: str) -> Iterator[EvidenceRef]:
    """Give the lines of the SBOMs that name what is counted, so many."""
    counted = [group[0] for group in groups if name in {"total", group[0].severity}]
    return (EvidenceRef(digest=one.sbom, pointer=one.sbom_pointer) for one in counted[:SHOWN])


GATE = Gate(
    "release_aggregate_cve",
    1,
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
