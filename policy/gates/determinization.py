"""Do we know enough of what weighs to call it determined?

A signal that nobody asked for is not one that was asked for and said nothing. What was said fades with its age.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from cas.digest import Digest
from cas.records.base import Instant, Millionths, Part, Tenths
from cas.records.picture import AssessedFinding2, Picture
from cas.records.verdict import Finding, GateStatus
from policy.counting import GROUP_FLIPS, MISSING_FLIPS, MISSING_SENTENCES, missing_facts, of_group, score
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import DAY, plus, seconds, seconds_or_none
from policy.reachability import REACHABLE
from policy.trust_table import FRESHNESS
from policy.witness import NO_PICTURE, REACH_FLIPS, Group, grouped, pictured, unpictured

Signal = Literal["not_queried", "absent", "present", "conflicting"]
State = Literal["determined", "pending_determination", "disputed"]
MILLION: Final = 1_000_000
HALF_LIFE: Final = 14  # days after which the table of freshness gives one half
WEIGHTS: Final = (
    ("vex", 300_000),
    ("reachability", 300_000),
    ("sbom", 150_000),
    ("epss", 150_000),
    ("severity", 100_000),
)
SHARE: Final[dict[Signal, int]] = {"present": 4, "absent": 1, "not_queried": 0, "conflicting": 0}  # quarters


class Params(Part, frozen=True, kw_only=True):
    """From which score a vulnerability must be determined, and how uncertain it may be, in millionths.

    What has no score counts. ``half_life_days``: after so many days a signal says half as much. ``guard``: what it
    means that something is not determined; by itself, block in production, elsewhere let through with a warning.
    ``kev_blocks``: what is known to be exploited blocks everywhere until it is determined.
    """

    threshold_tenths: Tenths = 70
    maximum_uncertainty: Millionths = 500_000
    half_life_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = HALF_LIFE
    guard: Literal["auto", "block", "warn"] = "auto"
    kev_blocks: bool = True


@dataclass(frozen=True, slots=True)
class _Heard:
    """One signal about one finding: its state, and when the youngest document that carries it was made."""

    name: str
    weight: int
    signal: Signal
    made: Instant


@dataclass(frozen=True, slots=True)
class _Known:
    """What the signals about one finding make of it."""

    finding: AssessedFinding2
    heard: tuple[_Heard, ...]
    uncertainty: int
    state: State


def check(params: Params, view: FactView) -> Answer:
    """Fail in production, warn elsewhere, for each vulnerability that weighs and is pending or disputed.

    Signals are VEX (300,000), reachability (300,000), the SBOM (150,000), EPSS (150,000) and a severity (100,000). One
    that is present counts whole, one that was asked for and said nothing a quarter, one that nobody asked for or that
    contradicts itself nothing; each times its freshness at the time of asking. What is missing to a whole is the
    uncertainty: up to the maximum the vulnerability is determined, above it is pending determination. Disputed is
    where VEX claims or analyses contradict, or VEX closes as not affected what is reached. What a waiver closes is
    decided by people and not asked about.
    """
    picture = view.assessment
    findings = pictured(view)
    if findings is None or not isinstance(picture, Picture):
        return unpictured()
    sources = _Sources(view, picture)
    counted: dict[State, int] = {"determined": 0, "disputed": 0, "pending_determination": 0}
    blocking = False
    told: list[Finding] = []
    ends: set[Instant] = set()
    for group in grouped(one for one in findings if one.waived_by is None and _weighs(params, one)):
        every = [_known(params, one, sources.about(one), view.question.as_of) for one in group]
        worst = max(every, key=lambda known: (known.state == "disputed", known.uncertainty))
        counted[worst.state] += 1
        if worst.state == "determined":
            ends |= {end for known in every for end in _steps(params, known.heard, view.question.as_of)}
        else:
            blocking |= _blocks(params, view, group)
            told.append(_told(params, view, group, worst))
    missing = missing_facts(view)
    status: GateStatus = "fail" if blocking else "unknown" if missing else "warn" if told else "pass"
    return Answer(status, (*told, *missing), tuple(counted.items()), tuple(sorted(ends)))


def _weighs(params: Params, one: AssessedFinding2) -> bool:
    tenths = score(one)
    return tenths is None or tenths >= params.threshold_tenths


def _blocks(params: Params, view: FactView, group: Group) -> bool:
    if params.kev_blocks and any(one.kev for one in group):
        return True
    return params.guard == "block" or (params.guard == "auto" and view.environment.production)


class _Sources:
    """Which documents were heard about a place, and how old each is by its own word, never younger than here."""

    def __init__(self, view: FactView, picture: Picture) -> None:
        self._picture = picture
        self._feed: Instant = view.feed.captured_at if view.feed is not None else ""
        self._made: dict[Digest, Instant] = {}
        self._types: set[tuple[str, str, str]] = set()
        for row in picture.evidence:
            made = row.created_at if seconds_or_none(row.created_at) is not None else row.admitted_at
            self._made[row.raw] = min(made, row.admitted_at, self._made.get(row.raw, made))
            self._types.add((row.component, row.platform, row.type))

    def about(self, one: AssessedFinding2) -> tuple[_Heard, ...]:
        """Give every signal about a finding, in the order of the weights."""
        claims = [claim.evidence for claim in one.claims if claim.status != "under_investigation"]
        refs = [ref.digest for ref in one.reach.evidence]
        found: dict[str, tuple[Signal, Instant]] = {
            "vex": (self._vex(one), self._youngest(claims)),
            "reachability": (self._reach(one), self._youngest(refs)),
            "sbom": ("present", self._youngest([self._picture.document(one.sbom)])),
            "epss": (self._listed(present=one.epss is not None), self._feed),
            "severity": (self._listed(present=one.severity != "unknown"), self._feed),
        }
        return tuple(_Heard(name, weight, *found[name]) for name, weight in WEIGHTS)

    def _vex(self, one: AssessedFinding2) -> Signal:
        if one.vex == "conflict":
            return "conflicting"
        if one.vex in {"affected", "fixed", "not_affected"}:
            return "present"
        return "absent" if one.claims or self._asked(one, "vex") else "not_queried"

    def _reach(self, one: AssessedFinding2) -> Signal:
        if one.reach.state == "X":
            return "conflicting"
        if one.reach.state != "U":
            return "present"
        return "absent" if self._asked(one, "reachability") else "not_queried"

    def _listed(self, *, present: bool) -> Signal:
        if not self._feed:
            return "not_queried"
        return "present" if present else "absent"

    def _asked(self, one: AssessedFinding2, kind: str) -> bool:
        return (one.component, one.platform, kind) in self._types

    def _youngest(self, documents: Iterable[Digest]) -> Instant:
        return max((self._made[each] for each in documents if each in self._made), default="")


def _known(params: Params, one: AssessedFinding2, heard: tuple[_Heard, ...], as_of: Instant) -> _Known:
    """Weigh the signals: products are taken in full and divided once, and what is missing is rounded up."""
    said = sum(each.weight * SHARE[each.signal] * _fresh(params, each, as_of) for each in heard)
    uncertainty = MILLION - said // (4 * MILLION)
    state: State = "determined" if uncertainty <= params.maximum_uncertainty else "pending_determination"
    return _Known(one, heard, uncertainty, "disputed" if _disputed(one) else state)


def _fresh(params: Params, one: _Heard, as_of: Instant) -> int:
    """Give how much a signal still says. That something was asked for and said nothing has no age here but its feed's.

    A document that carries a signal and is not among the evidence says nothing.
    """
    if not one.made:
        return MILLION if one.signal == "absent" else 0
    at = max(0, seconds(as_of) - seconds(one.made)) // DAY * HALF_LIFE // params.half_life_days
    return FRESHNESS[at] if at < len(FRESHNESS) else 0


def _steps(params: Params, heard: tuple[_Heard, ...], as_of: Instant) -> Iterable[Instant]:
    """Give when each signal says less next."""
    for one in heard:
        if one.made and SHARE[one.signal]:
            days = max(0, seconds(as_of) - seconds(one.made)) // DAY
            step = days * HALF_LIFE // params.half_life_days + 1
            if step <= len(FRESHNESS):
                yield plus(one.made, -(-step * params.half_life_days // HALF_LIFE) * DAY)


def _disputed(one: AssessedFinding2) -> bool:
    refuted = one.vex == "not_affected" and one.reach.state in REACHABLE
    return one.vex == "conflict" or one.reach.state == "X" or refuted


def _told(params: Params, view: FactView, group: Group, known: _Known) -> Finding:
    one = known.finding
    told = of_group(
        view,
        known.state,
        (one, *(each for each in group if each is not one)),
        (
            ("uncertainty", known.uncertainty),
            ("maximum", params.maximum_uncertainty),
            ("signals", ", ".join(f"{each.name} {each.signal}" for each in known.heard)),
            ("reach", one.reach.state),
        ),
    )
    way = {"U": "submit_reachability", "X": "resolve_contest"}.get(one.reach.state)
    return finding(
        known.state,
        told.arguments,
        severity=group[0].severity,
        component=told.component,
        purl=told.purl,
        vulnerability=told.vulnerability,
        evidence=(*told.evidence, *(ref for each in group for ref in each.reach.evidence)),
        path=told.path,
        flips=(*told.flips, *(((way, told.vulnerability),) if way else ())),
    )


GATE = Gate(
    "determinization",
    1,
    Params,
    check,
    asks="Do we know enough of what weighs to call it determined?",
    remedy="Submit what was not asked for (VEX, reachability) or what has faded; resolve what contradicts.",
    sentences=(
        (
            "pending_determination",
            (
                "{vulnerability} ({severity}) in {purl} is pending determination: uncertainty {uncertainty} of "
                "{maximum} millionths allowed; {signals}."
            ),
        ),
        (
            "disputed",
            "{vulnerability} ({severity}) in {purl} is disputed: VEX says {vex}, reachability {reach}; {signals}.",
        ),
        *NO_PICTURE,
        *MISSING_SENTENCES,
    ),
    flips=GROUP_FLIPS + REACH_FLIPS + MISSING_FLIPS,
)
