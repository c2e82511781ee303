"""Approvals: what a person signs, and admitting it. Must not decide whether approvals suffice (decide/1 does).

The person is who signed, not who carried the file here. An approval speaks of one promotion, its newest verdict and
its environment; anything else is void.
"""

from dataclasses import dataclass
from typing import Literal

from cas import canon, digest, refs
from cas.digest import Digest
from cas.problems import Category, ExpectationFailed, Problem
from cas.records.base import Instant, Nonce
from cas.records.promotion import AdmittedApproval, Approval, Promotion, PromotionStatus
from cas.records.proof import Person
from cas.records.release import Environment, Release
from cas.store import load, save
from pipeline.attest import envelope, statements
from pipeline.effects import Caller, Effects
from pipeline.operations import personal
from pipeline.operations.work import Work

OPEN_STATES = frozenset({"pending_approval", "approved"})
_ATTEMPTS = 8


class ApprovalSelf(Problem):
    """Who asked for a promotion may not approve it."""

    code = "approval.self"
    category = Category.DENIED
    title = "Who asked may not approve"
    remedy = "Ask somebody else who may approve for this environment."


class ApprovalExpired(Problem):
    """An approval's end has passed."""

    code = "approval.expired"
    category = Category.CONFLICT
    title = "The approval has expired"
    remedy = "Sign a new one with a later end."


class ApprovalVoid(Problem):
    """An approval speaks of another promotion, verdict or environment."""

    code = "approval.void"
    category = Category.CONFLICT
    title = "The approval does not speak of this promotion as it stands"
    remedy = "Read the promotion again, and sign a statement for its newest verdict and its environment."


class ApprovalNotOpen(Problem):
    """The promotion does not wait for approvals."""

    code = "approval.not_open"
    category = Category.CONFLICT
    title = "This promotion does not wait for approvals"
    remedy = "See where the promotion stands: stella promotion show."


class PromotionMissing(Problem):
    """There is no such promotion here."""

    code = "approval.promotion_missing"
    category = Category.MISSING
    title = "No such promotion"
    remedy = "List the promotions, and check the id."


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """What an approver must know to sign: the promotion, its newest verdict, the environment, the images."""

    promotion: Digest
    verdict: Digest
    environment: str
    subjects: tuple[tuple[str, Digest], ...]


@dataclass(frozen=True, slots=True)
class _Given:
    """An approval on its way in, with the promotion it speaks of."""

    name: Digest
    approval: Approval
    ref: str
    status_digest: Digest
    status: PromotionStatus
    promotion: Promotion
    environment: Environment
    view: ApprovalView


def view(effects: Effects, promotion_id: str) -> ApprovalView:
    """Give what an approver signs for, by the promotion's id.

    Raises: approval.promotion_missing, approval.not_open
    """
    status = _status(effects, refs.promotion(promotion_id))[1]
    promotion = load(effects.store, status.promotion, Promotion)
    return _view(effects, status, promotion, load(effects.store, promotion.environment, Environment))


def statement_to_sign(
    asked: ApprovalView, decision: Literal["approve", "reject"], reason: str, expires_at: Instant, nonce: Nonce
) -> bytes:
    """Build the statement that an approver signs, on the approver's machine; it carries the Approval itself."""
    approval = Approval(
        promotion=asked.promotion,
        verdict=asked.verdict,
        decision=decision,
        environment=asked.environment,
        reason=reason,
        expires_at=expires_at,
        nonce=nonce,
    )
    data = canon.of_record(approval)
    canon.to_record(data, Approval)  # bounds are checked on the way in
    return statements.build("approval", digest.of_bytes(data), "approval/1", asked.subjects, approval)


def admit(effects: Effects, caller: Caller, envelope_bytes: bytes, *, promotion_id: str = "") -> AdmittedApproval:
    """Admit a signed approval, whoever carries it; the same approval twice gives the first.

    ``promotion_id``: the promotion that it was handed in for, when the door knows; then it must speak of that one.

    (1) read the statement and the Approval it carries; (2) find the promotion as it stands; (3) verify/1 with the
    directory: one person's key with purpose approve must cover the release's images; (4) the same again returns the
    first; (5) the approval must speak of promotion, newest verdict and environment, unexpired, by another person than
    who asked; (6) one entry moves ``promotion/<id>``.

    Raises: attest.*, approval.*, cas.expectation_failed
    """
    statement = statements.parse(envelope.parse(envelope_bytes, max_bytes=1 << 20).payload)  # (1)
    name, approval = statements.content_of(statement, "approval", Approval)
    if promotion_id and digest.uuid_of(approval.promotion) != promotion_id:
        raise ApprovalVoid(promotion=approval.promotion, wanted=promotion_id[:80])
    for _ in range(_ATTEMPTS - 1):
        try:
            return _admit(effects, caller, name, approval, envelope_bytes)
        except ExpectationFailed:  # somebody else moved the promotion: judge again what stands now
            continue
    return _admit(effects, caller, name, approval, envelope_bytes)


def admit_login(
    effects: Effects,
    caller: Caller,
    promotion_id: str,
    *,
    decision: Literal["approve", "reject"],
    reason: str,
    expires_at: Instant,
    evidence: bytes,
) -> AdmittedApproval:
    """Admit an approval given in a logged-in session without a personal key; ``personal`` is False, evidence beside.

    Raises: approval.*, cas.expectation_failed
    """
    ref = refs.promotion(promotion_id)
    _, status = _status(effects, ref)
    promotion = load(effects.store, status.promotion, Promotion)
    asked = _view(effects, status, promotion, load(effects.store, promotion.environment, Environment))
    payload = statement_to_sign(asked, decision, reason, expires_at, effects.entropy.nonce())
    name, approval = statements.content_of(statements.parse(payload), "approval", Approval)
    given = _given(effects, name, approval)
    person = personal.person(effects, lambda each: each.id == caller.actor)
    work = Work(effects, caller)
    _judge(given, person, work.now)
    return _append(work, given, person, envelope_digest=None, verification=None, beside=effects.store.put(evidence))


def _admit(
    effects: Effects, caller: Caller, name: Digest, approval: Approval, envelope_bytes: bytes
) -> AdmittedApproval:
    given = _given(effects, name, approval)  # (2)
    work = Work(effects, caller)
    try:
        signed = personal.signed(work, envelope_bytes, [named for _, named in given.view.subjects])  # (3)
    except personal.SubjectsWrong as problem:
        raise ApprovalVoid(reason="the statement's subjects are not the images of the release") from problem
    first = _repeated(effects, given, signed.person)
    if first is not None:  # (4)
        return first
    _judge(given, signed.person, work.now)  # (5)
    return _append(  # (6)
        work,
        given,
        signed.person,
        envelope_digest=signed.envelope,
        verification=signed.verification,
        beside=signed.payload,
    )


def _status(effects: Effects, ref: str) -> tuple[Digest, PromotionStatus]:
    at = effects.log.ref(ref)
    if at is None:
        raise PromotionMissing(ref=ref)
    return at, load(effects.store, at, PromotionStatus)


def _given(effects: Effects, name: Digest, approval: Approval) -> _Given:
    ref = refs.promotion(digest.uuid_of(approval.promotion))
    status_digest, status = _status(effects, ref)
    if status.promotion != approval.promotion:
        raise ApprovalVoid(promotion=approval.promotion)
    promotion = load(effects.store, status.promotion, Promotion)
    environment = load(effects.store, promotion.environment, Environment)
    asked = _view(effects, status, promotion, environment)
    return _Given(name, approval, ref, status_digest, status, promotion, environment, asked)


def _view(effects: Effects, status: PromotionStatus, promotion: Promotion, environment: Environment) -> ApprovalView:
    if status.verdict is None:
        raise ApprovalNotOpen(state=status.state)
    release = load(effects.store, promotion.release, Release)
    subjects = tuple(sorted((component.name, component.digest) for component in release.components))
    return ApprovalView(status.promotion, status.verdict, environment.name, subjects)


def _repeated(effects: Effects, given: _Given, person: Person) -> AdmittedApproval | None:
    for member in given.status.approvals:
        known = load(effects.store, member, AdmittedApproval)
        if known.approval == given.name and known.person == person.id:
            return known
    return None


def _judge(given: _Given, person: Person, now: Instant) -> None:
    if given.environment.separation_of_duties and person.id == given.promotion.requested_by:
        raise ApprovalSelf(login=person.login)
    if given.status.state not in OPEN_STATES:
        raise ApprovalNotOpen(state=given.status.state)
    if given.approval.verdict != given.view.verdict:
        raise ApprovalVoid(verdict=given.approval.verdict, newest=given.view.verdict)
    if given.approval.environment != given.view.environment:
        raise ApprovalVoid(environment=given.approval.environment, wanted=given.view.environment)
    if given.approval.expires_at <= now:
        raise ApprovalExpired(expires_at=given.approval.expires_at)


def _append(
    work: Work,
    given: _Given,
    person: Person,
    *,
    envelope_digest: Digest | None,
    verification: Digest | None,
    beside: Digest,
) -> AdmittedApproval:
    admitted = AdmittedApproval(
        approval=save(work.effects.store, given.approval),
        envelope=envelope_digest,
        verification=verification,
        person=person.id,
        login=person.login,
        groups=person.groups,
        personal=envelope_digest is not None,
        admitted_at=work.now,
    )
    name = work.save(admitted)
    status = PromotionStatus(
        promotion=given.status.promotion,
        state=given.status.state,
        verdict=given.status.verdict,
        decision=given.status.decision,
        approvals=tuple(sorted({*given.status.approvals, name})),
        deployment=given.status.deployment,
        packet=given.status.packet,
    )
    work.expect(given.ref, given.status_digest)
    work.note(
        "approval.admitted",
        name,
        (work.move(given.ref, work.save(status)),),
        envelopes=(envelope_digest,) if envelope_digest else (),
        verifications=(verification,) if verification else (),
        beside=(beside,),
    )
    work.commit()
    return admitted
