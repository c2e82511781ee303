"""Promotions: request, plan, list, show, approve, decide, cancel."""

from typing import Final, cast, get_args

from api import paging, why
from api.bodies import decoded
from api.calls import promotions as calls
from api.names import who
from api.routes.handler import AnyHandler, Handler
from api.routes.verdicts import view as verdict_view
from api.visit import Visit
from cas import digest, refs
from cas.digest import Digest
from cas.found import PromotionFound
from cas.records.promotion import AdmittedApproval, Approval, PromotionState
from cas.records.release import Environment, Release
from cas.store import load
from pipeline.operations import approve, promote, releases
from pipeline.operations.environments import targets_of
from pipeline.operations.promotions import PromotionView

_ALIASES: Final = {"pending": "pending_gate", "awaiting_approval": "pending_approval"}
_STATES: Final = frozenset(get_args(PromotionState))


def request(visit: Visit, ask: calls.RequestPromotion) -> calls.PromotionView:
    """Ask that a release go to an environment."""
    made = promote.request(
        visit.effects, visit.caller, ask.release, ask.environment, ask.reason, previous=ask.previous or None
    )
    return view(visit, made)


def plan(visit: Visit, ask: calls.PlanPromotion) -> calls.PlanView:
    """Show what would be judged and change; nothing is asked for."""
    judged = promote.evaluate(visit.effects, visit.caller, ask.release, ask.environment)
    environment = judged.place.environment
    return calls.PlanView(
        verdict=verdict_view(visit, judged.digest, judged.verdict),
        changes=_changes(visit, judged.place.release, environment),
        targets=tuple(target.name for target, _ in targets_of(visit.effects, environment)),
        required_approvals=environment.required_approvals,
    )


def _changes(visit: Visit, release: Release, environment: Environment) -> tuple[tuple[str, str, str], ...]:
    now = next(
        (
            load(visit.effects.store, member.release, Release)
            for where, member in releases.deployed(visit.effects)
            if where == environment.name and member.line == release.line
        ),
        None,
    )
    running = {part.name: f"{part.tag}@{part.digest}" for part in now.components} if now else {}
    wanted = {part.name: f"{part.tag}@{part.digest}" for part in release.components}
    return tuple(
        (name, running.get(name, ""), wanted.get(name, ""))
        for name in sorted(set(running) | set(wanted))
        if running.get(name) != wanted.get(name)
    )


def list_all(visit: Visit, ask: calls.ListPromotions) -> calls.PromotionsPage:
    """List promotions, newest first."""
    release = visit.effects.log.ref(refs.release(ask.release)) if ask.release else None
    state = _ALIASES.get(ask.state, ask.state)
    if (ask.release and release is None) or (state and state not in _STATES):
        return calls.PromotionsPage(items=(), next_cursor="")
    found = visit.instance.index().promotions(
        paging.place(ask),
        paging.limit(ask, visit.instance.settings.limits.page),
        environment=ask.environment or None,
        states=(cast("PromotionState", state),) if state else (),
        release=release,
    )
    return calls.PromotionsPage(
        items=tuple(_line(visit, row) for row in found.rows), next_cursor=paging.cursor(ask, found.after)
    )


def _line(visit: Visit, row: PromotionFound) -> calls.PromotionLine:
    return calls.PromotionLine(
        id=row.id,
        state=row.state,
        release=row.release_name,
        environment=row.environment_name,
        requested_by=who(visit.effects, row.requested_by),
        requested_at=row.requested_at,
        verdict=row.verdict,
        approvals=row.approvals,
    )


def show(visit: Visit, ask: calls.ShowPromotion) -> calls.PromotionView:
    """Show where a promotion stands."""
    return view(visit, promote.view(visit.effects, ask.promotion))


def to_sign(visit: Visit, ask: calls.ShowPromotion) -> calls.ToSign:
    """Give what an approver signs."""
    asked = approve.view(visit.effects, ask.promotion)
    return calls.ToSign(
        promotion=asked.promotion,
        verdict=asked.verdict,
        environment=asked.environment,
        subjects=asked.subjects,
        now=visit.effects.clock.now(),
    )


def give(visit: Visit, ask: calls.GiveApproval) -> calls.PromotionView:
    """Admit a signed approval, then decide with what is there."""
    reach(visit, ask.promotion)
    admitted = approve.admit(visit.effects, visit.caller, decoded(ask.envelope), promotion_id=ask.promotion)
    approval = load(visit.effects.store, admitted.approval, Approval)
    return view(visit, promote.decide(visit.effects, visit.caller, digest.uuid_of(approval.promotion)))


def decide(visit: Visit, ask: calls.DecidePromotion) -> calls.PromotionView:
    """Decide at this moment."""
    reach(visit, ask.promotion)
    return view(visit, promote.decide(visit.effects, visit.caller, ask.promotion))


def cancel(visit: Visit, ask: calls.CancelPromotion) -> calls.PromotionView:
    """Take a promotion back."""
    reach(visit, ask.promotion)
    return view(visit, promote.cancel(visit.effects, visit.caller, ask.promotion))


def reach(visit: Visit, promotion: str) -> None:
    """Refuse a promotion that the asker's token does not reach."""
    one = promote.view(visit.effects, promotion)
    components = tuple(part.name for part in one.release.components)
    visit.asker.reach(environment=one.environment.name, components=components)


def view(visit: Visit, one: PromotionView) -> calls.PromotionView:
    """Give a promotion with all that led to where it stands, in words."""
    gates = (*(one.verdict.gates if one.verdict else ()), *(one.decision.gates if one.decision else ()))
    return calls.PromotionView(
        id=one.id,
        digest=one.digest,
        state=one.status.state,
        release=one.release.name,
        release_digest=one.promotion.release,
        environment=one.environment.name,
        purpose=one.promotion.purpose,
        previous=digest.uuid_of(one.promotion.previous) if one.promotion.previous else "",
        reason=one.promotion.reason,
        requested_by=who(visit.effects, one.promotion.requested_by),
        requested_at=one.promotion.requested_at,
        verdict=one.status.verdict,
        outcome=one.verdict.outcome if one.verdict else "",
        warned=why.warned(one.verdict.gates) if one.verdict else False,
        decision=one.status.decision,
        decided=one.decision.outcome if one.decision else "",
        valid_until=one.decision.valid_until if one.decision else "",
        required_approvals=one.environment.required_approvals,
        approvals=tuple(_approval(visit, name) for name in one.status.approvals),
        deployment=one.status.deployment,
        packet=one.status.packet,
        gates=why.gate_lines(gates),
        why=tuple(
            line
            for answer in (one.verdict, one.decision)
            if answer is not None
            for line in why.why_lines(answer, visit.effects.store)
        ),
    )


def _approval(visit: Visit, name: Digest) -> calls.ApprovalLine:
    admitted = load(visit.effects.store, name, AdmittedApproval)
    approval = load(visit.effects.store, admitted.approval, Approval)
    return calls.ApprovalLine(
        digest=name,
        login=admitted.login,
        groups=admitted.groups,
        decision=approval.decision,
        reason=approval.reason,
        personal=admitted.personal,
        admitted_at=admitted.admitted_at,
        expires_at=approval.expires_at,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.REQUEST, request),
    Handler(calls.PLAN, plan),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.TO_SIGN, to_sign),
    Handler(calls.APPROVE, give),
    Handler(calls.DECIDE, decide),
    Handler(calls.CANCEL, cancel),
)
