"""Are findings closed only by VEX claims that weigh enough?"""

from cas.records.base import Millionths, Part
from cas.records.picture import AnyFinding
from policy.counting import CLOSED_BY_VEX, distinct, of_group
from policy.gate import Answer, FactView, Gate


class Params(Part, frozen=True, kw_only=True):
    """What the strongest closing claim must weigh, in millionths."""

    minimum_score: Millionths = 600_000
    require_verified: bool = True


def check(params: Params, view: FactView) -> Answer:
    """Fail for each vulnerability closed by claims that are all too weak."""
    closed = [one for one in view.assessment.findings if one.vex in CLOSED_BY_VEX and one.waived_by is None]
    weak = distinct(one for one in closed if _strongest(params, one) < params.minimum_score)
    findings = tuple(
        of_group(
            view,
            "vex_too_weak",
            group,
            (("score", min(_strongest(params, one) for one in group)), ("demanded", params.minimum_score)),
        )
        for group in weak
    )
    return Answer("fail" if findings else "pass", findings, (("closed", len(closed)), ("weak", len(findings))))


def _strongest(params: Params, one: AnyFinding) -> int:
    return max(
        (
            claim.score
            for claim in one.claims
            if claim.status in CLOSED_BY_VEX and (claim.verified or not params.require_verified)
        ),
        default=0,
    )


GATE = Gate(
    "vex_trust",
    1,
    Params,
    check,
    asks="Are findings closed only by VEX claims that weigh enough?",
    remedy="Have a fresh VEX statement signed by an issuer whom the trust table knows.",
    sentences=(
        (
            "vex_too_weak",
            "{vulnerability} in {purl} is closed by a claim that weighs {score} millionths; {demanded} are demanded.",
        ),
    ),
    flips=(
        ("file_vex", "Submit a fresh signed VEX statement about {argument}."),
        ("grant_waiver", "Grant a waiver for {argument}, with an end."),
        ("upgrade", "Upgrade the package to {argument}."),
    ),
)
