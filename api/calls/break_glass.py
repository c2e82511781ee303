"""Break glass: ask, sign, list, review."""

from typing import Annotated, Literal

import msgspec

from api.calls.call import Answer, Ask, Call
from cas.digest import Digest
from cas.records.base import Instant, Slug
from cas.records.promotion import BreakGlass, BreakGlassRequest

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=65536)]


class RequestBreakGlass(Ask, frozen=True, kw_only=True):
    """Ask that a release's verdict be set aside in an environment. Nothing happens until two people sign."""

    release: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    environment: Slug
    reason: Reason
    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    expires_at: Instant


class BreakGlassRequestView(Answer, frozen=True, kw_only=True):
    """A request: who has signed, and the act it became with the second signature."""

    id: str
    digest: Digest
    request: BreakGlassRequest
    signed_by: tuple[str, ...]
    break_glass: Digest | None


class OneBreakGlassRequest(Ask, frozen=True, kw_only=True):
    """By the request's id."""

    glass_request: Annotated[str, msgspec.Meta(max_length=64)]


class BreakGlassToSign(Answer, frozen=True, kw_only=True):
    """The statement that each of the two signs (base64), and the request it carries."""

    statement: str
    request: BreakGlassRequest


class SignBreakGlass(Ask, frozen=True, kw_only=True):
    """A DSSE envelope (base64) over the statement, signed by the person's own key."""

    envelope: Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 20)]


class ReviewBreakGlass(Ask, frozen=True, kw_only=True):
    """What somebody who did not sign found afterwards."""

    break_glass: Digest
    outcome: Literal["justified", "not_justified"]
    reason: Reason


class BreakGlassView(Answer, frozen=True, kw_only=True):
    """A verdict that was set aside, and by whom."""

    digest: Digest
    break_glass: BreakGlass
    people: tuple[str, ...]


class ListBreakGlass(Ask, frozen=True, kw_only=True):
    """Everything that waits: for a second person, or for its review."""


class BreakGlassList(Answer, frozen=True, kw_only=True):
    """Requests that wait for signatures, and acts that nobody has reviewed."""

    waiting: tuple[BreakGlassRequestView, ...]
    unreviewed: tuple[BreakGlassView, ...]


REQUEST = Call(
    "break_glass.request",
    "POST",
    "/break-glass",
    RequestBreakGlass,
    BreakGlassRequestView,
    "promotion:write",
    "Ask that a verdict be set aside by two people.",
    status=201,
    person=True,
)
LIST = Call(
    "break_glass.list", "GET", "/break-glass", ListBreakGlass, BreakGlassList, "promotion:read", "List what waits."
)
TO_SIGN = Call(
    "break_glass.to_sign",
    "GET",
    "/break-glass/{glass_request}/statement",
    OneBreakGlassRequest,
    BreakGlassToSign,
    "promotion:read",
    "Give what each of the two signs.",
)
SIGN = Call(
    "break_glass.sign",
    "POST",
    "/break-glass-signatures",
    SignBreakGlass,
    BreakGlassRequestView,
    "promotion:write",
    "Give one person's signature; the second one sets the verdict aside.",
    status=201,
)
REVIEW = Call(
    "break_glass.review",
    "POST",
    "/break-glass/{break_glass}/review",
    ReviewBreakGlass,
    BreakGlassView,
    "promotion:write",
    "Note what somebody who did not sign found afterwards.",
    person=True,
)

CALLS = (REQUEST, LIST, TO_SIGN, SIGN, REVIEW)
