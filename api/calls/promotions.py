"""Promotions: asked for, judged, approved, decided, cancelled."""

from typing import Annotated, Literal

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from api.calls.verdicts import GateLine, VerdictView, WhyLine
from cas.digest import Digest
from cas.records.base import Instant, Slug
from cas.records.promotion import PromotionState

Reason = Annotated[str, msgspec.Meta(max_length=4000)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class RequestPromotion(Ask, frozen=True, kw_only=True):
    """Ask that a release go to an environment; it is judged at once."""

    release: Id
    environment: Slug
    reason: Reason = ""
    previous: Annotated[str, msgspec.Meta(max_length=64)] = ""  # id of the rejected promotion that this one repeats


class ApprovalLine(msgspec.Struct, frozen=True, kw_only=True):
    """An approval that was admitted."""

    digest: Digest
    login: str
    groups: tuple[str, ...]
    decision: Literal["approve", "reject"]
    reason: str
    personal: bool
    admitted_at: Instant
    expires_at: Instant


class PromotionView(Answer, frozen=True, kw_only=True):
    """Where a promotion stands, and why."""

    id: str
    digest: Digest
    state: PromotionState
    release: str
    release_digest: Digest
    environment: str
    purpose: str
    previous: str  # id of the promotion this one repeats
    reason: str
    requested_by: str
    requested_at: Instant
    verdict: Digest | None
    outcome: str  # of the verdict; empty before it
    warned: bool
    decision: Digest | None
    decided: str  # of the decision; empty before it
    valid_until: str  # of the decision
    required_approvals: int
    approvals: tuple[ApprovalLine, ...]
    deployment: Digest | None
    packet: Digest | None
    gates: tuple[GateLine, ...]  # of the verdict, then of the decision
    why: tuple[WhyLine, ...]


class ShowPromotion(Ask, frozen=True, kw_only=True):
    """By id."""

    promotion: Id


class ListPromotions(PageAsk, frozen=True, kw_only=True):
    """Newest first. ``state`` also takes ``pending`` and ``awaiting_approval``."""

    state: str = ""
    environment: str = ""
    release: str = ""


class PromotionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion in a list."""

    id: str
    state: PromotionState
    release: str
    environment: str
    requested_by: str
    requested_at: Instant
    verdict: Digest | None
    approvals: int


class PromotionsPage(Answer, frozen=True, kw_only=True):
    """A page of promotions."""

    items: tuple[PromotionLine, ...]
    next_cursor: str


class ToSign(Answer, frozen=True, kw_only=True):
    """What an approver must know to sign on their own machine."""

    promotion: Digest
    verdict: Digest
    environment: Slug
    subjects: tuple[tuple[str, Digest], ...]  # component, image
    now: Instant


class GiveApproval(Ask, frozen=True, kw_only=True):
    """A DSSE envelope (base64) over an approval statement, signed with the approver's own key; anybody may carry it.

    It approves or rejects as the signed statement says.
    """

    promotion: Id
    envelope: Annotated[str, msgspec.Meta(max_length=2 << 20)]


class DecidePromotion(Ask, frozen=True, kw_only=True):
    """Decide at this moment, with the approvals that are there."""

    promotion: Id


class CancelPromotion(Ask, frozen=True, kw_only=True):
    """Take it back, before it is deployed."""

    promotion: Id
    reason: Reason = ""


class PlanPromotion(Ask, frozen=True, kw_only=True):
    """What would be judged and done, without asking for it."""

    release: Id
    environment: Slug


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """A step that a deployment would take."""

    target: str
    phase: str
    action: str
    what: str


class PlanView(Answer, frozen=True, kw_only=True):
    """The verdict as it stands, and what would change: nothing was asked for or done."""

    verdict: VerdictView
    changes: tuple[tuple[str, str, str], ...]  # component, from, to
    targets: tuple[str, ...]
    required_approvals: int


REQUEST = Call(
    "promotion.request",
    "POST",
    "/promotions",
    RequestPromotion,
    PromotionView,
    "promotion:write",
    "Ask that a release go to an environment; it is judged at once.",
    status=201,
    person=True,
)
PLAN = Call(
    "promotion.plan",
    "POST",
    "/promotions/plan",
    PlanPromotion,
    PlanView,
    "promotion:read",
    "Show what a promotion would be judged and change, without asking for it.",
)
LIST = Call(
    "promotion.list", "GET", "/promotions", ListPromotions, PromotionsPage, "promotion:read", "List promotions."
)
SHOW = Call(
    "promotion.show", "GET", "/promotions/{promotion}", ShowPromotion, PromotionView, "promotion:read", "Show one."
)
TO_SIGN = Call(
    "promotion.to_sign",
    "GET",
    "/promotions/{promotion}/to-sign",
    ShowPromotion,
    ToSign,
    "promotion:read",
    "Give what an approver signs.",
)
APPROVE = Call(
    "promotion.approve",
    "POST",
    "/promotions/{promotion}/approvals",
    GiveApproval,
    PromotionView,
    "promotion:write",
    "Admit a signed approval (or rejection), and decide.",
    status=201,
)
DECIDE = Call(
    "promotion.decide",
    "POST",
    "/promotions/{promotion}/decision",
    DecidePromotion,
    PromotionView,
    "promotion:write",
    "Decide at this moment.",
)
CANCEL = Call(
    "promotion.cancel",
    "POST",
    "/promotions/{promotion}/cancel",
    CancelPromotion,
    PromotionView,
    "promotion:write",
    "Take a promotion back.",
    person=True,
)

CALLS = (REQUEST, PLAN, LIST, SHOW, TO_SIGN, APPROVE, DECIDE, CANCEL)
