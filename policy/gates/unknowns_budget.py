"""Do the things we do not know fit their budget?"""

from typing import Annotated, Final, get_args

import msgspec

from cas.records.base import Count, Part
from cas.records.verdict import EvidenceRef, Finding, UnknownRow
from policy.gate import Answer, FactView, Gate, finding

SHOWN: Final = 200  # rows listed in a verdict; the assessment keeps all
REASONS: Final = tuple(sorted(get_args(UnknownRow.__annotations__["reason"])))

ReasonLimit = Annotated[
    str, msgspec.Meta(pattern=rf"^({'|'.join(REASONS)})=(0|[1-9][0-9]{{0,8}})$", examples=["FeedGap=0"])
]


class Params(Part, frozen=True, kw_only=True):
    """Largest count of unknowns, largest sum of their entropy (millionths), largest count per reason."""

    max_count: Count = 0
    max_cumulative: Count | None = None
    reason_limits: tuple[ReasonLimit, ...] = ()


def check(params: Params, view: FactView) -> Answer:
    """Fail when a limit is passed, and list what is not known."""
    rows = view.assessment.unknowns
    by_reason = dict.fromkeys(REASONS, 0)
    for row in rows:
        by_reason[row.reason] += 1
    total = sum([row.entropy for row in rows])
    limits = [("count", len(rows), params.max_count)]
    if params.max_cumulative is not None:
        limits.append(("entropy", total, params.max_cumulative))
    for text in params.reason_limits:
        reason, limit = text.split("=")
        limits.append((reason, by_reason[reason], int(limit)))
    over = [
        finding("over_budget", (("what", what), ("count", count), ("budget", budget)), flips=(("learn", what),))
        for what, count, budget in limits
        if count > budget
    ]
    shown = [_row(row) for row in sorted(rows, key=_key)[:SHOWN]] if over else []
    counted = [("total", len(rows)), ("entropy", total), *by_reason.items()]
    return Answer("fail" if over else "pass", (*over, *shown), tuple(counted))


def _key(row: UnknownRow) -> tuple[int, str, str, str, str, str]:
    return (-row.entropy, row.reason, row.code, row.subject, row.evidence or "", row.pointer)


def _row(row: UnknownRow) -> Finding:
    refs = (EvidenceRef(digest=row.evidence, pointer=row.pointer),) if row.evidence else ()
    return finding(
        "not_known",
        (("reason", row.reason), ("code", row.code), ("entropy", row.entropy), ("subject", row.subject)),
        purl=row.subject if row.subject.startswith("pkg:") else "",
        evidence=refs,
        flips=(("learn", row.reason),),
    )


GATE = Gate(
    "unknowns_budget",
    1,
    Params,
    check,
    asks="Do the things we do not know fit their budget?",
    remedy="Submit what is missing (SBOM with purls, feed of the ecosystem), or raise the budget knowingly.",
    sentences=(
        ("over_budget", "Unknowns counted as {what}: {count}, {budget} allowed."),
        ("not_known", "{subject}: {code} ({reason}, entropy {entropy} millionths)."),
    ),
    flips=(("learn", "Submit evidence that removes unknowns counted as {argument}."),),
)
