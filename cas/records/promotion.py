"""Promotions, approvals, and where each promotion stands."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Instant, Name, Nonce, Record, Slug, Text
from cas.records.verdict import PurposeOfAsking

PromotionState = Literal[
    "requested",
    "pending_gate",
    "pending_approval",
    "approved",
    "rejected",
    "deploying",
    "deployed",
    "failed",
    "rolled_back",
    "cancelled",
]


class Promotion(Record, frozen=True, kw_only=True, tag="promotion/1"):
    """A founding record: somebody asks that a release go to an environment."""

    release: Digest
    environment: Digest
    purpose: PurposeOfAsking
    previous: Digest | None  # the promotion that this one repeats after a rejection
    rollback_to: Digest | None  # Packet, for purpose rollback
    reason: Text
    requested_by: ActorId
    requested_at: Instant
    nonce: Nonce


class PromotionStatus(Record, frozen=True, kw_only=True, tag="promotion_status/1"):
    """What the ref ``promotion/<id>`` names: the state after its newest event, and the records that led there."""

    promotion: Digest
    state: PromotionState
    verdict: Digest | None
    decision: Digest | None
    approvals: tuple[Digest, ...]  # AdmittedApproval, sorted
    deployment: Digest | None
    packet: Digest | None


class Approval(Record, frozen=True, kw_only=True, tag="approval/1"):
    """What an approver signs, as the predicate of a statement whose subjects are the release's images."""

    promotion: Digest
    verdict: Digest
    decision: Literal["approve", "reject"]
    environment: Slug
    reason: Text
    expires_at: Instant
    nonce: Nonce


class AdmittedApproval(Record, frozen=True, kw_only=True, tag="admitted_approval/1"):
    """An approval that came in: the statement, how it was signed, by whom.

    ``personal`` is False for an approval given in a logged-in session without a personal key.
    """

    approval: Digest
    envelope: Digest | None
    verification: Digest | None
    person: ActorId
    login: Slug
    groups: tuple[Slug, ...]
    personal: bool
    admitted_at: Instant


class StopLine(Record, frozen=True, kw_only=True, tag="stop_line/1"):
    """Stop the line: nothing is deployed to these environments until it is lifted."""

    environments: tuple[Slug, ...]  # empty = all
    reason: Text
    by: ActorId
    at: Instant
    nonce: Nonce


class BreakGlassRequest(Record, frozen=True, kw_only=True, tag="break_glass_request/1"):
    """A founding record: somebody asks to deploy a release against its verdict. Two people must sign this record."""

    release: Digest
    environment: Slug
    reason: Text
    ticket: Name
    requested_by: ActorId
    requested_at: Instant
    expires_at: Instant
    nonce: Nonce


class BreakGlassSigned(Record, frozen=True, kw_only=True, tag="break_glass_signed/1"):
    """Who has signed a request so far; one person does nothing yet."""

    request: Digest
    people: tuple[ActorId, ...]  # sorted
    envelopes: tuple[Digest, ...]  # sorted


class BreakGlass(Record, frozen=True, kw_only=True, tag="break_glass/1"):
    """A verdict set aside by two people, for one release in one environment, until an end. Reported until reviewed."""

    request: Digest
    release: Digest
    environment: Slug
    reason: Text
    ticket: Name
    people: tuple[ActorId, ...]  # the two or more who signed, sorted
    signed_at: Instant
    expires_at: Instant


class BreakGlassReview(Record, frozen=True, kw_only=True, tag="break_glass_review/1"):
    """Somebody who did not sign looked at it afterwards."""

    break_glass: Digest
    outcome: Literal["justified", "not_justified"]
    reason: Text
    by: ActorId
    at: Instant
    nonce: Nonce
