"""Promotions: asked for, judged, decided, cancelled. Knows the life in ``pipeline.flow``; must not know any gate.

Every step is one append that moves ``promotion/<id>`` from the state it was read in, so two cannot both move it.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from cas import digest, refs
from cas.digest import Digest
from cas.problems import ExpectationFailed
from cas.records.deploy import Deployed
from cas.records.picture import DecideInput2
from cas.records.promotion import BreakGlass, Promotion, PromotionStatus
from cas.records.proof import RefMove
from cas.records.verdict import DecideInput, Decision, PurposeOfAsking
from cas.store import load
from pipeline import flow
from pipeline.effects import Caller, Effects
from pipeline.operations import asking
from pipeline.operations.asking import Judged, Place, evaluate, simulate
from pipeline.operations.attestations import seal_record
from pipeline.operations.promotion_problems import (
    DecisionStale,
    OrderBroken,
    PacketForeign,
    PreviousWrong,
    PurposeWrong,
)
from pipeline.operations.promotions import PromotionMissing, PromotionView, listed, view, waiting_for
from pipeline.operations.release_state import check_may
from pipeline.operations.work import Work
from pipeline.stages.decide2 import DECIDE2

__all__ = [
    "DecisionStale",
    "Judged",
    "OrderBroken",
    "PacketForeign",
    "PreviousWrong",
    "PromotionMissing",
    "PromotionView",
    "PurposeWrong",
    "cancel",
    "check_current",
    "decide",
    "evaluate",
    "listed",
    "request",
    "simulate",
    "view",
    "waiting_for",
]
ATTEMPTS: Final = 4


@dataclass(slots=True)
class _Moving:
    """A promotion inside a work, at the state it has reached there."""

    work: Work
    place: Place
    name: Digest
    promotion: Promotion
    status: PromotionStatus

    def step(self, event: flow.Event, **changed: Digest | None) -> None:
        """Go on in the table, and keep what led there."""
        self.status = msgspec.structs.replace(
            self.status,
            state=flow.after(self.status.state, event),
            **changed,
        )

    def move(self) -> RefMove:
        """Move the promotion's ref to the state reached."""
        return self.work.move(refs.promotion(digest.uuid_of(self.name)), self.work.save(self.status))


def request(
    effects: Effects,
    caller: Caller,
    release: str,
    environment: str,
    reason: str,
    *,
    previous: str | None = None,
    purpose: PurposeOfAsking = "promotion",
    rollback_to: Digest | None = None,
) -> PromotionView:
    """Ask that a release go to an environment: founded, judged and, when nobody need approve, decided in one append.

    Ends rejected, pending_approval, approved, or pending_gate when the evidence could not be decided on. A rollback
    (``purpose`` with the Packet it returns to) is judged too, but its verdict does not reject it.

    Raises: promotion.*, release.illegal_move, gather.*, assess.*, policy.*, cas.expectation_failed
    """
    if purpose not in {"promotion", "rollback"} or (purpose == "rollback") != (rollback_to is not None):
        raise PurposeWrong(purpose=str(purpose)[:80])
    for attempt in range(ATTEMPTS):
        work = Work(effects, caller)
        place = asking.place_of(work, release, environment)
        _check_life(work, place, purpose)
        if rollback_to is None:
            _check_order(work, place)
        else:
            _check_packet(work, place, rollback_to)
        moving = _found(work, place, caller, reason, _previous(effects, place, previous), purpose, rollback_to)
        _judge(moving)
        if moving.status.state == "pending_approval":
            _decide(moving)
        if _committed(work, last=attempt == ATTEMPTS - 1):
            return view(effects, digest.uuid_of(moving.name))
    raise AssertionError("the last attempt returns or raises")


def _committed(work: Work, *, last: bool) -> bool:
    """Append; tell whether it took, so that a question can be derived anew from heads that moved meanwhile."""
    try:
        work.commit()
    except ExpectationFailed:
        if last:
            raise
        return False
    return True


def _check_life(work: Work, place: Place, purpose: PurposeOfAsking) -> None:
    """Hold a promotion to the release's life: a retired one goes nowhere new, and nobody may retire it meanwhile."""
    check_may(work, place.release.name, "roll_back" if purpose == "rollback" else "promote")


def _check_order(work: Work, place: Place) -> None:
    before = place.environment.after
    if before and _source(work, place) is None:
        raise OrderBroken(release=place.release.name, environment=place.environment.name, before=before)


def _check_packet(work: Work, place: Place, packet: Digest) -> None:
    """Hold a rollback to what ran: its verdict blocks nothing, so no other release may travel under its packet."""
    for member in work.members(refs.history(place.environment.name, place.release.line)):
        deployed = load(work.effects.store, member, Deployed)
        if deployed.packet == packet and deployed.release == place.release_digest:
            return
    raise PacketForeign(release=place.release.name, environment=place.environment.name, packet=packet)


def _source(work: Work, place: Place) -> Digest | None:
    """Give the Deployed of this very release in the environment before."""
    before = place.environment.after
    for member in work.members(refs.deployed(before)) if before else ():
        if load(work.effects.store, member, Deployed).release == place.release_digest:
            return member
    return None


def _previous(effects: Effects, place: Place, previous: str | None) -> Digest | None:
    if previous is None:
        return None
    before = view(effects, previous)
    same = before.environment.name == place.environment.name and before.release.line == place.release.line
    if before.status.state != "rejected" or not same:
        raise PreviousWrong(promotion=previous, state=before.status.state)
    return before.digest


def _found(  # noqa: PLR0917 - the fields of a founding record
    work: Work,
    place: Place,
    caller: Caller,
    reason: str,
    previous: Digest | None,
    purpose: PurposeOfAsking,
    rollback_to: Digest | None,
) -> _Moving:
    promotion = Promotion(
        release=place.release_digest,
        environment=place.environment_digest,
        purpose=purpose,
        previous=previous,
        rollback_to=rollback_to,
        reason=reason,
        requested_by=caller.actor,
        requested_at=work.now,
        nonce=work.effects.entropy.nonce(),
    )
    name = work.save(promotion)
    status = PromotionStatus(
        promotion=name,
        state="requested",
        verdict=None,
        decision=None,
        approvals=(),
        deployment=None,
        packet=None,
    )
    moving = _Moving(work, place, name, promotion, status)
    work.note("promotion.requested", name, (moving.move(), work.move(refs.named(digest.uuid_of(name)), name)))
    return moving


def _judge(moving: _Moving) -> None:
    """Judge, and go where the verdict leads; an undecided one leaves the promotion at its gate."""
    moving.step("judge")
    judged = asking.judge_in(moving.work, moving.place, moving.promotion.purpose)
    moving.status = msgspec.structs.replace(moving.status, verdict=judged.digest)
    outcome = "allow" if moving.promotion.purpose == "rollback" else judged.verdict.outcome
    if outcome != "allow" and _glass(moving.work, moving.place) is not None:
        moving.step("break_glass")
    elif outcome != "undecided":
        moving.step("allow" if outcome == "allow" else "deny")
    if judged.reused:
        moving.work.expect(_verdict_ref(moving), judged.digest)
    moving.work.note("promotion.judged", None, (moving.move(),), beside=(judged.digest,))


def _glass(work: Work, place: Place) -> Digest | None:
    """Give the act by which two people set the verdict aside, while it lasts; the append expects it to stand."""
    name = refs.break_glass(place.release_digest, place.environment.name)
    found = work.ref(name)
    if found is None or load(work.effects.store, found, BreakGlass).expires_at <= asking.as_of(work):
        return None
    work.expect(name, found)
    return found


def _verdict_ref(moving: _Moving) -> str:
    return refs.verdict(moving.place.release_digest, moving.place.environment.name)


def _decide(moving: _Moving) -> None:
    """Decide on the newest verdict at this moment; the append expects what it looked at to stand."""
    work, status = moving.work, moving.status
    assert status.verdict is not None
    source = _source(work, moving.place)
    directory, stopped = work.ref(refs.DIRECTORY), work.ref(refs.STOP_LINE)
    done = work.run(
        DECIDE2,
        DecideInput2(
            promotion=moving.name,
            verdict=status.verdict,
            environment=moving.place.environment_digest,
            directory=directory,
            approvals=status.approvals,
            stop_line=stopped,
            source_deployed=source,
            break_glass=_glass(work, moving.place),
            unreviewed=work.members(refs.break_glass_unreviewed(moving.place.environment.name)),
            as_of=asking.as_of(work),
        ),
    )
    events: dict[str, flow.Event] = {"approved": "approve", "pending": "wait", "rejected": "reject"}
    moving.step(events[done.record.outcome], decision=done.digest)
    work.expect(refs.DIRECTORY, directory)
    work.expect(refs.STOP_LINE, stopped)
    work.expect(refs.environment(moving.place.environment.name), moving.place.environment_digest)
    if moving.place.environment.after:
        before = refs.deployed(moving.place.environment.after)
        work.expect(before, work.ref(before))
    sealed = seal_record(work.effects, "decision", done.digest, asking.subjects(moving.place.release))
    work.note("promotion.decided", done.digest, (moving.move(),), envelopes=(sealed,))


def decide(effects: Effects, caller: Caller, promotion_id: str) -> PromotionView:
    """Decide a promotion as things stand: newest verdict, approvals, windows, soak, the line.

    When the verdict's time is over or what it rests on moved, the release is judged again first; approvals of the
    earlier verdict are void then.

    Raises: promotion.missing, promotion.illegal_move, release.illegal_move, as ``request``
    """
    for attempt in range(ATTEMPTS):
        moving = _moving(effects, caller, promotion_id)
        state = moving.status.state
        if state in flow.FINAL or state == "deploying":
            flow.after(state, "approve")
        _check_life(moving.work, moving.place, moving.promotion.purpose)
        if not _current(moving):
            _judge(moving)
        if moving.status.state in {"pending_approval", "approved"}:
            _decide(moving)
        if _committed(moving.work, last=attempt == ATTEMPTS - 1):
            return view(effects, promotion_id)
    raise AssertionError("the last attempt returns or raises")


def _moving(effects: Effects, caller: Caller, promotion_id: str) -> _Moving:
    seen = view(effects, promotion_id)
    work = Work(effects, caller)
    place = asking.place_of(work, seen.promotion.release, seen.environment.name)
    work.expect(refs.promotion(seen.id), seen.status_digest)
    return _Moving(work, place, seen.digest, seen.promotion, seen.status)


def _current(moving: _Moving) -> bool:
    """Tell whether the promotion's verdict is the newest one and still holds; then expect that to stay."""
    work, place = moving.work, moving.place
    newest = asking.newest(work, place, moving.promotion.purpose)
    if newest is None or newest.digest != moving.status.verdict or moving.status.state == "pending_gate":
        return False
    heads = asking.capture(work, place)
    if not asking.holds(work, newest, heads, asking.as_of(work)):
        return False
    for head in heads:
        work.expect(head.name, head.digest)
    work.expect(_verdict_ref(moving), newest.digest)
    return True


def check_current(work: Work, promotion_id: str) -> Decision:
    """Give the decision that a deployment may spend, and expect what it rests on to stand when the work is appended.

    For whoever moves approved → deploying: the ref's compare and swap spends the decision once. Refused when its time
    is over, an approval or veto came in since, new evidence or another head moved, the line was stopped, or the release
    was retired.

    Raises: promotion.missing, promotion.illegal_move, promotion.decision_stale, release.illegal_move
    """
    seen = view(work.effects, promotion_id)
    flow.after(seen.status.state, "deploy")
    place = asking.place_of(work, seen.promotion.release, seen.environment.name)
    moving = _Moving(work, place, seen.digest, seen.promotion, seen.status)
    work.expect(refs.promotion(seen.id), seen.status_digest)
    _check_life(work, place, seen.promotion.purpose)
    decision = seen.decision
    if decision is None or decision.outcome != "approved" or decision.approvals != seen.status.approvals:
        raise DecisionStale(promotion=promotion_id, why="approvals changed since")
    if not decision.as_of <= asking.as_of(work) < decision.valid_until:
        raise DecisionStale(promotion=promotion_id, why="its time is over", valid_until=decision.valid_until)
    asked = _asked(work, seen)
    if asked.stop_line != work.ref(refs.STOP_LINE) or asked.directory != work.ref(refs.DIRECTORY):
        raise DecisionStale(promotion=promotion_id, why="the line or the directory changed since")
    work.expect(refs.STOP_LINE, asked.stop_line)
    if isinstance(asked, DecideInput2):
        name = refs.break_glass_unreviewed(place.environment.name)
        work.expect(name, work.ref(name))
        if asked.break_glass != _glass(work, place) or asked.unreviewed != work.members(name):
            raise DecisionStale(promotion=promotion_id, why="what was set aside or reviewed changed since")
    if decision.environment != place.environment_digest:
        raise DecisionStale(promotion=promotion_id, why="the environment changed since")
    if decision.verdict != seen.status.verdict or not _current(moving):
        raise DecisionStale(promotion=promotion_id, why="what the verdict rests on moved since")
    return decision


def _asked(work: Work, seen: PromotionView) -> DecideInput | DecideInput2:
    note = work.effects.log.run_of(seen.status.decision) if seen.status.decision else None
    if note is None:
        raise DecisionStale(promotion=seen.id, why="this instance did not make the decision")
    if note.version == DECIDE2.version:
        return load(work.effects.store, note.input, DecideInput2)
    return load(work.effects.store, note.input, DecideInput)


def cancel(effects: Effects, caller: Caller, promotion_id: str) -> PromotionView:
    """Give a promotion up, in any state before deploying.

    Raises: promotion.missing, promotion.illegal_move, cas.expectation_failed
    """
    moving = _moving(effects, caller, promotion_id)
    moving.step("cancel")
    moving.work.note("promotion.cancelled", None, (moving.move(),))
    moving.work.commit()
    return view(effects, promotion_id)
