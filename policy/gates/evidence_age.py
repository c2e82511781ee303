"""Is the evidence fresh enough, counted from its admission here?"""

from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.evidence import EvidenceKind
from cas.records.verdict import EvidenceRef
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import DAY, plus


class Params(Part, frozen=True, kw_only=True):
    """How many days evidence of these types counts."""

    max_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)]
    types: Annotated[tuple[EvidenceKind, ...], msgspec.Meta(min_length=1)] = ("sbom",)


def check(params: Params, view: FactView) -> Answer:
    """Fail where the newest document of a type was admitted too long ago, or never."""
    findings = []
    ends = []
    for component in view.assessment.components:
        for kind in params.types:
            rows = [
                row
                for row in view.assessment.evidence
                if (row.component, row.platform, row.type) == (component.component, component.platform, kind)
            ]
            newest = max((row.admitted_at for row in rows), default="")
            end = plus(newest, params.max_days * DAY) if newest else ""
            if end > view.question.as_of:
                ends.append(end)
                continue
            findings.append(
                finding(
                    "evidence_too_old" if newest else "evidence_missing",
                    (
                        ("type", kind),
                        ("platform", component.platform),
                        ("admitted_at", newest),
                        ("days", params.max_days),
                    ),
                    component=component.component,
                    evidence=[EvidenceRef(digest=row.raw, pointer="") for row in rows],
                    flips=(("submit_again", kind),),
                )
            )
    if not view.assessment.components:
        findings.append(finding("no_components"))
    return Answer(status="fail" if findings else "pass", findings=tuple(findings), ends=tuple(ends))


GATE = Gate(
    "evidence_age",
    1,
    Params,
    check,
    asks="Is the evidence fresh enough?",
    remedy="Scan again and submit the new document.",
    sentences=(
        ("evidence_too_old", "The newest {type} on {platform} was admitted at {admitted_at}: over {days} days ago."),
        ("evidence_missing", "There is no {type} about this component on {platform}."),
        ("no_components", "The release has no components to judge."),
    ),
    flips=(("submit_again", "Make and submit a new {argument}."),),
)
