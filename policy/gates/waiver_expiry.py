"""Does no waiver that the release leans on end soon?"""

from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.picture import AssessedFinding2
from cas.records.verdict import EvidenceRef
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import DAY, of_seconds, seconds


class Params(Part, frozen=True, kw_only=True):
    """How many days before its end a waiver is warned of."""

    warn_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 14


def check(params: Params, view: FactView) -> Answer:
    """Warn of each waiver that marks a finding and ends within the days; the verdict ends when the first comes near."""
    marked: dict[str, list[AssessedFinding2]] = {}
    for one in view.assessment.findings:
        if not isinstance(one, AssessedFinding2):
            return Answer("not_applicable")
        if one.waived_by is not None:
            marked.setdefault(one.waived_by, []).append(one)
    near, ends = [], []
    for digest in sorted(marked):
        first = marked[digest][0]
        begins = seconds(first.waiver_until) - params.warn_days * DAY
        if seconds(view.question.as_of) < begins:
            ends.append(of_seconds(begins))
            continue
        near.append(
            finding(
                "waiver_ends",
                (("until", first.waiver_until), ("effect", first.waiver_effect), ("findings", len(marked[digest]))),
                vulnerability=first.vulnerability,
                evidence=(EvidenceRef(digest=digest, pointer=""),),
                flips=(("renew_or_fix", first.vulnerability),),
            )
        )
    return Answer(
        "warn" if near else "pass", tuple(near), (("waivers", len(marked)), ("ending", len(near))), tuple(ends)
    )


GATE = Gate(
    "waiver_expiry",
    1,
    Params,
    check,
    asks="Does no waiver that the release leans on end soon?",
    remedy="Fix what was waived, or ask for a new waiver before the old one ends.",
    sentences=(
        ("waiver_ends", "The waiver ({effect}) of {vulnerability} ends at {until}; it marks {findings} findings."),
    ),
    flips=(("renew_or_fix", "Fix {argument}, or have its waiver approved anew."),),
)
