"""Promotions as they stand, to be read: by id, in a list, by who is waited for. Must not know how they move."""

from collections.abc import Iterable
from dataclasses import dataclass

from cas import refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.promotion import AdmittedApproval, Approval, Promotion, PromotionState, PromotionStatus
from cas.records.proof import Directory, Person
from cas.records.release import Environment, Release
from cas.records.verdict import Decision, Verdict
from cas.store import load
from pipeline.effects import Effects


class PromotionMissing(Problem):
    """There is no promotion of this id."""

    code = "promotion.missing"
    category = Category.MISSING
    title = "No such promotion"
    remedy = "List the promotions, and check the id."


@dataclass(frozen=True, slots=True)
class PromotionView:
    """A promotion with all that led to where it stands.

    ``environment`` is the one that the newest decision looked at, before any the one that was asked for.
    """

    id: str
    digest: Digest
    promotion: Promotion
    status_digest: Digest
    status: PromotionStatus
    release: Release
    environment: Environment
    verdict: Verdict | None
    decision: Decision | None


def view(effects: Effects, promotion_id: str) -> PromotionView:
    """Give a promotion by its id.

    Raises: promotion.missing
    """
    status_digest = effects.log.ref(refs.promotion(promotion_id)) if len(promotion_id) <= 64 else None
    if status_digest is None:
        raise PromotionMissing(promotion=promotion_id[:80])
    store = effects.store
    status = load(store, status_digest, PromotionStatus)
    promotion = load(store, status.promotion, Promotion)
    decision = load(store, status.decision, Decision) if status.decision else None
    return PromotionView(
        id=promotion_id,
        digest=status.promotion,
        promotion=promotion,
        status_digest=status_digest,
        status=status,
        release=load(store, promotion.release, Release),
        environment=load(store, decision.environment if decision else promotion.environment, Environment),
        verdict=load(store, status.verdict, Verdict) if status.verdict else None,
        decision=decision,
    )


def listed(effects: Effects, state: PromotionState | None = None) -> tuple[PromotionView, ...]:
    """List promotions, newest request first, of one state or all."""
    prefix = refs.promotion("")
    found = (view(effects, name.removeprefix(prefix)) for name, _ in effects.log.refs(prefix))
    kept = [one for one in found if state is None or one.status.state == state]
    return tuple(sorted(kept, key=lambda one: (one.promotion.requested_at, one.id), reverse=True))


def waiting_for(
    effects: Effects, login: str, among: Iterable[PromotionView] | None = None
) -> tuple[PromotionView, ...]:
    """List promotions that this person may still approve: not their own, not voted on, of their groups if any.

    They are looked for among all, or among those that the caller has found already.
    """
    directory = effects.log.ref(refs.DIRECTORY)
    people = load(effects.store, directory, Directory).people if directory else ()
    person = next((one for one in people if one.login == login), None)
    if person is None:
        return ()
    found = listed(effects, "pending_approval") if among is None else among
    return tuple(one for one in found if one.status.state == "pending_approval" and _may(effects, person, one))


def _may(effects: Effects, person: Person, one: PromotionView) -> bool:
    if one.environment.separation_of_duties and one.promotion.requested_by == person.id:
        return False
    if one.environment.approver_groups and not set(person.groups) & set(one.environment.approver_groups):
        return False
    given = (load(effects.store, name, AdmittedApproval) for name in one.status.approvals)
    mine = [load(effects.store, each.approval, Approval) for each in given if each.person == person.id]
    return all(approval.verdict != one.status.verdict for approval in mine)
