"""Are we sure enough of what VEX closes? Only ever a warning."""

from cas.records.base import Millionths, Part
from cas.records.picture import AnyFinding, AssessedFinding2
from policy.counting import CLOSED_BY_VEX, GROUP_FLIPS, distinct, of_group
from policy.gate import Answer, FactView, Gate


class Params(Part, frozen=True, kw_only=True):
    """Below which confidence, in millionths, what is closed is warned of.

    The confidence is the weight of the heaviest claim that closes, or that of the analysis which shows the code to be
    unreachable, whichever is more.
    """

    minimum: Millionths = 600_000


def check(params: Params, view: FactView) -> Answer:
    """Warn of each vulnerability that is closed by VEX with less confidence; never fails."""
    closed = distinct(one for one in view.assessment.findings if one.vex in CLOSED_BY_VEX and one.waived_by is None)
    low = tuple(
        of_group(view, "confidence_low", group, (("confidence", sure), ("minimum", params.minimum)))
        for group in closed
        if (sure := min(map(_confidence, group))) < params.minimum
    )
    return Answer("warn" if low else "pass", low, (("closed", len(closed)), ("low", len(low))))


def _confidence(one: AnyFinding) -> int:
    claims = [claim.score for claim in one.claims if claim.status in CLOSED_BY_VEX]
    reach = one.reach.confidence if isinstance(one, AssessedFinding2) and one.reach.state in {"CU", "SU", "RU"} else 0
    return max((*claims, reach), default=0)


GATE = Gate(
    "confidence",
    1,
    Params,
    check,
    asks="Are we sure enough of what VEX closes?",
    remedy="Have a fresh statement signed by an issuer who is trusted more, or submit a reachability analysis.",
    sentences=(
        (
            "confidence_low",
            "{vulnerability} in {purl} is closed with a confidence of {confidence} millionths; {minimum} are wished.",
        ),
    ),
    flips=GROUP_FLIPS,
)
