"""Waivers: ask, sign, approve, refuse, list, withdraw."""

from typing import Annotated, Literal

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Instant
from cas.records.policy import Waiver, Waiver2, WaiverRequest
from cas.records.report import ReachState, Severity

Short = Annotated[str, msgspec.Meta(max_length=255)]


class RequestWaiver(Ask, frozen=True, kw_only=True):
    """Ask that a risk be accepted until an end. It marks findings; it never removes one."""

    vulnerability: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=65536)]
    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    expires_at: Instant
    effect: Literal["suppress", "defer", "downgrade", "require_control"] = "suppress"
    severity: Severity = "unknown"  # what downgrade lowers to
    control: Annotated[str, msgspec.Meta(max_length=512)] = ""  # what require_control demands
    component: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] = "*"
    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""
    subject: Annotated[str, msgspec.Meta(max_length=71)] = ""
    line: Annotated[str, msgspec.Meta(max_length=128)] = ""
    while_version: Short = ""
    while_reach: tuple[ReachState, ...] = ()


class WaiverRequestView(Answer, frozen=True, kw_only=True):
    """A request that waits, and who asked."""

    id: str
    digest: Digest
    request: WaiverRequest
    requested_by: str


class OneRequest(Ask, frozen=True, kw_only=True):
    """By the request's id."""

    waiver_request: Annotated[str, msgspec.Meta(max_length=64)]


class WaiverToSign(Answer, frozen=True, kw_only=True):
    """The statement that an approver signs (base64), and the request it carries."""

    statement: str
    request: WaiverRequest


class ApproveWaiver(Ask, frozen=True, kw_only=True):
    """A DSSE envelope (base64) over the statement, signed by the approver's own key."""

    envelope: Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 20)]


class WaiverView(Answer, frozen=True, kw_only=True):
    """A waiver, who asked for it, and who gave it; ``days_left`` whole days until its end, 0 when that has passed."""

    digest: Digest
    waiver: Waiver | Waiver2
    requested_by: str
    approved_by: str
    days_left: int


class ListRequests(PageAsk, frozen=True, kw_only=True):
    """Requests that wait for an approval, oldest first."""


class WaiverRequestsPage(Answer, frozen=True, kw_only=True):
    """A page of requests."""

    items: tuple[WaiverRequestView, ...]
    next_cursor: str


class ListWaivers(PageAsk, frozen=True, kw_only=True):
    """Waivers that may count in an environment, the ended ones too; ``ending_days`` keeps those that end so soon."""

    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""
    ending_days: int = 0


class WaiversPage(Answer, frozen=True, kw_only=True):
    """A page of waivers."""

    items: tuple[WaiverView, ...]
    next_cursor: str


class WithdrawWaiver(Ask, frozen=True, kw_only=True):
    """Take a waiver back before its end; its record stays."""

    waiver: Digest


REQUEST = Call(
    "waiver.request",
    "POST",
    "/waivers",
    RequestWaiver,
    WaiverRequestView,
    "policy:write",
    "Ask that a risk be accepted until an end.",
    status=201,
    person=True,
)
REQUESTS = Call(
    "waiver.requests",
    "GET",
    "/waiver-requests",
    ListRequests,
    WaiverRequestsPage,
    "policy:read",
    "List requests for waivers that wait.",
)
TO_SIGN = Call(
    "waiver.to_sign",
    "GET",
    "/waiver-requests/{waiver_request}/statement",
    OneRequest,
    WaiverToSign,
    "policy:read",
    "Give what an approver of a waiver signs.",
)
APPROVE = Call(
    "waiver.approve",
    "POST",
    "/waiver-approvals",
    ApproveWaiver,
    WaiverView,
    "policy:write",
    "Let a request take effect: another person's signature over it.",
    status=201,
)
REFUSE = Call(
    "waiver.refuse",
    "DELETE",
    "/waiver-requests/{waiver_request}",
    OneRequest,
    WaiverRequestView,
    "policy:write",
    "End a request without effect.",
    person=True,
)
LIST = Call("waiver.list", "GET", "/waivers", ListWaivers, WaiversPage, "policy:read", "List waivers.")
WITHDRAW = Call(
    "waiver.withdraw", "DELETE", "/waivers/{waiver}", WithdrawWaiver, WaiverView, "policy:write", "Take a waiver back."
)

CALLS = (REQUEST, REQUESTS, TO_SIGN, APPROVE, REFUSE, LIST, WITHDRAW)
