"""Do the things we do not know fit their budget: in all, by reason, by tier, by band?"""

from typing import Annotated, Final, Literal, get_args

import msgspec

from cas.records.base import Count, Part
from cas.records.verdict import EvidenceRef, Finding, GateStatus, UnknownRow
from policy.gate import Answer, FactView, Gate, finding
from policy.pressure import Ranked, ranked
from policy.unknowns import Band, Tier

SHOWN: Final = 200  # rows listed in a verdict; the picture keeps all
NEAR_PERCENT: Final = 80
REASONS: Final = tuple(sorted(get_args(UnknownRow.__annotations__["reason"])))
TIERS: Final = get_args(Tier)
BANDS: Final = get_args(Band)
_COUNT: Final = r"=(0|[1-9][0-9]{0,8})$"

ReasonLimit = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(REASONS)}){_COUNT}", examples=["FeedGap=0"])]
TierLimit = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(TIERS)}){_COUNT}", examples=["T1=0"])]
BandLimit = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(BANDS)}){_COUNT}", examples=["HOT=0"])]


class Params(Part, frozen=True, kw_only=True):
    """Largest count of unknowns, largest sum of entropy (millionths), largest counts per reason, tier (T1 to T4: by
    entropy) and band (HOT to NEGLIGIBLE: by entropy and exploit pressure); and what passing a limit does.
    """

    max_count: Count | None = 0
    max_cumulative: Count | None = None
    reason_limits: tuple[ReasonLimit, ...] = ()
    tier_limits: tuple[TierLimit, ...] = ()
    band_limits: tuple[BandLimit, ...] = ()
    action: Literal["block", "warn"] = "block"


def check(params: Params, view: FactView) -> Answer:
    """Fail, or warn when the pack says so, over a limit; warn from 80 % of a limit other than zero."""
    rows = ranked(view.assessment.unknowns, view.assessment.findings)
    total = sum(one.row.entropy for one in rows)
    counts = {"count": len(rows), "entropy": total}
    counts |= {reason: sum(one.row.reason == reason for one in rows) for reason in REASONS}
    counts |= {name: sum(one.tier == name for one in rows) for name in TIERS}
    counts |= {name: sum(one.band == name for one in rows) for name in BANDS}
    over: list[Finding] = []
    near: list[Finding] = []
    for what, limit in _limits(params):
        told = (("what", what), ("count", counts[what]), ("budget", limit))
        if counts[what] > limit:
            over.append(finding("over_budget", told, flips=(("learn", what),)))
        elif limit and counts[what] * 100 >= limit * NEAR_PERCENT:
            near.append(finding("near_budget", told, flips=(("learn", what),)))
    shown = [_row(one) for one in rows[:SHOWN]] if over else []
    status: GateStatus = "fail" if over and params.action == "block" else "warn" if over or near else "pass"
    return Answer(status, (*over, *near, *shown), tuple(counts.items()))


def _limits(params: Params) -> list[tuple[str, int]]:
    limits = [("count", params.max_count), ("entropy", params.max_cumulative)]
    out = [(what, limit) for what, limit in limits if limit is not None]
    for text in (*params.reason_limits, *params.tier_limits, *params.band_limits):
        what, limit = text.split("=")
        out.append((what, int(limit)))
    return out


def _row(one: Ranked) -> Finding:
    row = one.row
    refs = (EvidenceRef(digest=row.evidence, pointer=row.pointer),) if row.evidence else ()
    return finding(
        "not_known",
        (
            ("reason", row.reason),
            ("code", row.code),
            ("entropy", row.entropy),
            ("subject", row.subject),
            ("tier", one.tier),
            ("band", one.band),
        ),
        purl=row.subject if row.subject.startswith("pkg:") else "",
        evidence=refs,
        flips=(("learn", row.reason),),
    )


GATE = Gate(
    "unknowns_budget",
    2,
    Params,
    check,
    asks="Do the things we do not know fit their budget, in all, by reason, by tier and by band?",
    remedy="Submit what is missing (stella unknowns list says what), or raise the budget knowingly.",
    sentences=(
        ("over_budget", "Unknowns counted as {what}: {count}, {budget} allowed."),
        ("near_budget", "Unknowns counted as {what}: {count}, near the {budget} allowed."),
        ("not_known", "{subject}: {code} ({reason}, {tier}, {band}, entropy {entropy} millionths)."),
    ),
    flips=(("learn", "Submit evidence that removes unknowns counted as {argument}."),),
)
