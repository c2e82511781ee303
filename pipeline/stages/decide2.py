"""decide/2: the answer for the moment, and whether two people set the verdict aside. Must not know any gate.

As decide/1 in everything else: approvals, windows, soak and the line hold whatever is set aside. The verdict itself
stays what it is, and the decision says why it did not count.
"""

from typing import Final

from cas.records.picture import DecideInput2
from cas.records.promotion import BreakGlass, Promotion
from cas.records.release import Environment
from cas.records.verdict import DecideInput, Decision, Verdict
from pipeline.stage import Stage, StageIO
from pipeline.stages import decide as first
from policy.evaluate import Asked, ask, gate
from policy.gate import MomentView
from policy.instants import earliest_after, plus
from policy.packs.view import whole_of
from policy.params import of_pairs

BREAK_GLASS: Final = "break_glass/1"


def decide(asked: DecideInput2, io: StageIO) -> Decision:
    """Let a promotion go on, wait, or end, at this moment.

    As decide/1; a BreakGlass of this release and environment whose end lies ahead takes the place of an allow.

    Raises: decide.simulated, decide.verdict_expired, decide.verdict_foreign
    """
    promotion = io.load(asked.promotion, Promotion)
    verdict = io.load(asked.verdict, Verdict)
    environment = io.load(asked.environment, Environment)
    plain = _plain(asked)
    first.check(plain, promotion, verdict, environment, io)
    pack = whole_of(io.read(verdict.policy), io.read) if verdict.policy else None
    glass = _glass(asked, promotion, environment, io)
    rollback = promotion.purpose == "rollback"
    gates = first.gates(pack, environment.name, rollback=rollback)
    if not rollback and (glass is not None or asked.unreviewed):
        gates = _with_glass(gates)
    evaluated = ask(gates, _view(asked, first.view(plain, promotion, verdict, environment, io), glass, io))
    last = min(plus(asked.as_of, pack.decision_ttl_seconds if pack else first.DEFAULT_TTL), verdict.valid_until)
    return Decision(
        promotion=asked.promotion,
        verdict=asked.verdict,
        release=promotion.release,
        environment=asked.environment,
        purpose=promotion.purpose,
        as_of=asked.as_of,
        outcome=first.outcome("allow" if rollback or glass is not None else verdict.outcome, evaluated.results),
        gates=evaluated.results,
        approvals=asked.approvals,
        valid_until=min(last, earliest_after(asked.as_of, *evaluated.ends) or last),
    )


def _plain(asked: DecideInput2) -> DecideInput:
    return DecideInput(
        promotion=asked.promotion,
        verdict=asked.verdict,
        environment=asked.environment,
        directory=asked.directory,
        approvals=asked.approvals,
        stop_line=asked.stop_line,
        source_deployed=asked.source_deployed,
        as_of=asked.as_of,
    )


def _glass(asked: DecideInput2, promotion: Promotion, environment: Environment, io: StageIO) -> BreakGlass | None:
    """Give the act in force: of this very release, in this environment, its end ahead, and by at least two people."""
    if asked.break_glass is None or promotion.purpose != "promotion":
        return None
    glass = io.load(asked.break_glass, BreakGlass)
    mine = (glass.release, glass.environment) == (promotion.release, environment.name)
    holds = mine and len(set(glass.people)) >= 2 and asked.as_of < glass.expires_at
    return glass if holds else None


def _with_glass(gates: tuple[Asked, ...]) -> tuple[Asked, ...]:
    """Ask after broken glass whether or not the pack does; the pack's own terms stand where it gives them."""
    if any(one.gate.id == BREAK_GLASS and one.enforcement == "block" for one in gates):
        return gates
    kind = gate(BREAK_GLASS)
    return (*gates, Asked("environment.break_glass", kind, of_pairs(kind, ()), "block"))


def _view(asked: DecideInput2, plain: MomentView, glass: BreakGlass | None, io: StageIO) -> MomentView:
    return MomentView(
        as_of=plain.as_of,
        verdict=plain.verdict,
        verdict_digest=plain.verdict_digest,
        promotion=plain.promotion,
        promotion_digest=plain.promotion_digest,
        environment=plain.environment,
        votes=plain.votes,
        stop_line=plain.stop_line,
        directory=plain.directory,
        requester_login=plain.requester_login,
        source_completed_at=plain.source_completed_at,
        break_glass=glass,
        unreviewed=tuple((name, io.load(name, BreakGlass)) for name in asked.unreviewed),
    )


DECIDE2 = Stage("decide", 2, DecideInput2, Decision, decide)
