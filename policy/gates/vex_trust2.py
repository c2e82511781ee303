"""Are findings closed only by VEX claims that weigh enough, with the demands that suit the environment?"""

from dataclasses import dataclass
from typing import Final, Literal

from cas.records.base import Millionths, Part
from cas.records.picture import AnyFinding
from cas.records.verdict import Claim, Finding, GateStatus, VexState
from policy.counting import CLOSED_BY_VEX, distinct, of_group
from policy.gate import Answer, FactView, Gate
from policy.instants import DAY, plus, seconds_or_none

Freshness = Literal["fresh", "stale", "superseded"]
Action = Literal["block", "warn"]
Profile = Literal["production", "staging", "development"]
FRESH_DAYS: Final = 14
STALE_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Demands:
    """What a profile demands of the claim that closes."""

    minimum_score: int
    require_verified: bool
    freshness: tuple[Freshness, ...]
    failure: Action


DEFAULTS: Final[dict[Profile, Demands]] = {
    "production": Demands(800_000, require_verified=True, freshness=("fresh",), failure="block"),
    "staging": Demands(600_000, require_verified=True, freshness=("fresh", "stale"), failure="warn"),
    "development": Demands(400_000, require_verified=False, freshness=("fresh", "stale", "superseded"), failure="warn"),
}


class Params(Part, frozen=True, kw_only=True):
    """What a claim must be to close; what is absent comes from the profile.

    ``profile``: by itself, production where the environment says so, staging where it comes after another one, else
    development. Their defaults: 800,000 millionths, verified, fresh, block; 600,000, verified, fresh or stale, warn;
    400,000, any, whatever its age, warn. ``freshness`` is by the age of the document (created, else admitted): fresh
    to 14 days, stale to 365, superseded beyond. ``missing_trust``: what it means that no claim that closes is
    verified, where that is required.
    """

    profile: Literal["auto", "production", "staging", "development"] = "auto"
    applies_to: tuple[Literal["not_affected", "fixed"], ...] = ("not_affected", "fixed")
    minimum_score: Millionths | None = None
    require_verified: bool | None = None
    freshness: tuple[Freshness, ...] = ()
    failure_action: Literal["block", "warn", "profile"] = "profile"
    missing_trust: Literal["allow", "warn", "block"] = "block"


def check(params: Params, view: FactView) -> Answer:
    """Fail, or warn where the profile says so, for each vulnerability that is closed by claims that do not suffice."""
    demands = demanded(params, view)
    applies: set[VexState] = set(params.applies_to)
    closed = distinct(one for one in view.assessment.findings if one.vex in applies and one.waived_by is None)
    ages = _Ages(view)
    failing: list[Finding] = []
    untrusted: list[Finding] = []
    for group in closed:
        weak = [(one, why) for one in group if (why := _wrong(one, demands, ages))]
        if not weak:
            continue
        one, why = min(weak, key=lambda pair: (pair[1] != "vex_untrusted", pair[1]))
        told = of_group(
            view,
            why,
            group,
            (
                ("score", max((claim.score for claim in _closing(one)), default=0)),
                ("demanded", demands.minimum_score),
                ("freshness", ", ".join(demands.freshness)),
            ),
        )
        (untrusted if why == "vex_untrusted" else failing).append(told)
    told_of = (*failing, *(untrusted if params.missing_trust != "allow" else ()))
    counted = (("closed", len(closed)), ("weak", len(failing)), ("untrusted", len(untrusted)))
    ends = () if "stale" in demands.freshness else ages.ends(closed)
    return Answer(_status(params, demands, failing=failing, untrusted=untrusted), told_of, counted, ends)


def demanded(params: Params, view: FactView) -> Demands:
    """Give the demands that hold: the pack's own, else those of the profile."""
    environment = view.environment
    suited: Profile = "production" if environment.production else "staging" if environment.after else "development"
    base = DEFAULTS[suited if params.profile == "auto" else params.profile]
    return Demands(
        base.minimum_score if params.minimum_score is None else params.minimum_score,
        require_verified=base.require_verified if params.require_verified is None else params.require_verified,
        freshness=params.freshness or base.freshness,
        failure=base.failure if params.failure_action == "profile" else params.failure_action,
    )


class _Ages:
    """How old the documents are that claims stand in."""

    def __init__(self, view: FactView) -> None:
        self._as_of = view.question.as_of
        self._of: dict[str, str] = {}
        for row in view.assessment.evidence:
            made = str(getattr(row, "created_at", ""))
            known = made if made and seconds_or_none(made) is not None else row.admitted_at
            # one document may stand in several rows; a date in the future is no younger than its admission
            self._of[row.raw] = min(known, row.admitted_at, self._of.get(row.raw, known))

    def of(self, claim: Claim) -> Freshness:
        """Tell how fresh a claim is; one whose document is not among the evidence is as old as can be."""
        made = self._of.get(claim.evidence)
        if made is None:
            return "superseded"
        if self._as_of < plus(made, FRESH_DAYS * DAY):
            return "fresh"
        return "stale" if self._as_of < plus(made, STALE_DAYS * DAY) else "superseded"

    def ends(self, groups: tuple[tuple[AnyFinding, ...], ...]) -> tuple[str, ...]:
        """Give when claims stop being fresh."""
        used = {claim.evidence for group in groups for one in group for claim in _closing(one)}
        return tuple(sorted({plus(self._of[name], FRESH_DAYS * DAY) for name in used if name in self._of}))


def _closing(one: AnyFinding) -> list[Claim]:
    return [claim for claim in one.claims if claim.status in CLOSED_BY_VEX]


def _wrong(one: AnyFinding, demands: Demands, ages: _Ages) -> str:
    """Say why none of the claims that close suffices; empty when one does."""
    closing = _closing(one)
    trusted = [claim for claim in closing if claim.verified or not demands.require_verified]
    if not trusted:
        return "vex_untrusted"
    heavy = [claim for claim in trusted if claim.score >= demands.minimum_score]
    if not heavy:
        return "vex_too_weak"
    return "" if any(ages.of(claim) in demands.freshness for claim in heavy) else "vex_not_fresh"


def _status(params: Params, demands: Demands, *, failing: list[Finding], untrusted: list[Finding]) -> GateStatus:
    if (failing and demands.failure == "block") or (untrusted and params.missing_trust == "block"):
        return "fail"
    return "warn" if failing or (untrusted and params.missing_trust == "warn") else "pass"


GATE = Gate(
    "vex_trust",
    2,
    Params,
    check,
    asks="Are findings closed only by VEX claims that weigh enough, are trusted and fresh, as the environment demands?",
    remedy="Have a fresh VEX statement signed by an issuer whom the trust table knows.",
    sentences=(
        (
            "vex_too_weak",
            "{vulnerability} in {purl} is closed by a claim that weighs {score} millionths; {demanded} are demanded.",
        ),
        ("vex_untrusted", "{vulnerability} in {purl} is closed by claims that no trusted signature covers."),
        ("vex_not_fresh", "{vulnerability} in {purl} is closed by a claim that is too old; allowed: {freshness}."),
    ),
    flips=(
        ("file_vex", "Submit a fresh signed VEX statement about {argument}."),
        ("grant_waiver", "Grant a waiver for {argument}, with an end."),
        ("upgrade", "Upgrade the package to {argument}."),
    ),
)
