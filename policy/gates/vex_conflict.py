"""Do VEX claims agree?"""

from cas.records.base import Part
from cas.records.picture import AnyFinding
from policy.counting import GROUP_FLIPS, distinct, of_group
from policy.gate import Answer, FactView, Gate

_SHOWN = 4


class Params(Part, frozen=True, kw_only=True):
    """Whether conflicts about waived findings count too."""

    count_waived: bool = False


def check(params: Params, view: FactView) -> Answer:
    """Fail for each vulnerability about which counted claims contradict each other; both sides are shown."""
    torn = [
        one
        for one in view.assessment.findings
        if one.vex == "conflict" and (params.count_waived or one.waived_by is None)
    ]
    findings = tuple(of_group(view, "vex_conflict", group, _sides(group[0])) for group in distinct(torn))
    return Answer("fail" if findings else "pass", findings, (("conflicts", len(findings)),))


def _sides(one: AnyFinding) -> tuple[tuple[str, str], ...]:
    """Say who says what, the heaviest first."""
    closing = [claim for claim in one.claims if claim.status in {"not_affected", "fixed"} and claim.score]
    opening = [claim for claim in one.claims if claim.status == "affected"]
    sides = (("closing", closing), ("affected", opening))
    return tuple(
        (name, ", ".join(f"{claim.signer or claim.author or 'unsigned'} ({claim.score})" for claim in side[:_SHOWN]))
        for name, side in sides
    )


GATE = Gate(
    "vex_conflict",
    1,
    Params,
    check,
    asks="Do VEX claims agree?",
    remedy="Ask the issuers; the one who is wrong publishes a newer statement.",
    sentences=(
        (
            "vex_conflict",
            "Claims about {vulnerability} in {purl} contradict: affected by {affected}; closed by {closing}.",
        ),
    ),
    flips=GROUP_FLIPS,
)
