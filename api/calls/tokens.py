"""Bearer tokens for machines: made once, shown once, revoked by id."""

from typing import Annotated, Final

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.records.base import Instant, Slug

SCOPES: Final = (
    "bundle:read",
    "bundle:write",
    "deployment:read",
    "deployment:write",
    "environment:read",
    "environment:write",
    "evidence:read",
    "evidence:write",
    "feed:read",
    "feed:write",
    "gate:read",
    "gate:run",
    "log:read",
    "object:read",
    "policy:read",
    "policy:write",
    "promotion:read",
    "promotion:write",
    "release:read",
    "release:write",
    "replay:read",
    "replay:run",
    "system:admin",
    "token:admin",
    "trust:admin",
    "trust:read",
    "vex.admin",
    "vex.read",
)
"""All scopes there are. To approve is a person's act, signed with a key: it is never a token's scope."""


class CreateToken(Ask, frozen=True, kw_only=True):
    """Make a token. Empty ``environments`` or ``components`` mean any."""

    name: Slug
    scopes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    environments: Annotated[tuple[Slug, ...], msgspec.Meta(max_length=256)] = ()
    components: Annotated[tuple[Slug, ...], msgspec.Meta(max_length=256)] = ()
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 90


class TokenView(Answer, frozen=True, kw_only=True):
    """A token as it is known: never its text."""

    id: str
    name: str
    scopes: tuple[str, ...]
    environments: tuple[str, ...]
    components: tuple[str, ...]
    created_by: str
    created_at: Instant
    expires_at: Instant


class TokenMade(Answer, frozen=True, kw_only=True):
    """The token's text, shown this once."""

    token: str
    view: TokenView


class ListTokens(PageAsk, frozen=True, kw_only=True):
    """All tokens that are not revoked."""


class TokensPage(Answer, frozen=True, kw_only=True):
    """A page of tokens."""

    items: tuple[TokenView, ...]
    next_cursor: str


class RevokeToken(Ask, frozen=True, kw_only=True):
    """Revoke by id (``token:`` and 32 hex digits)."""

    id: str


CREATE = Call(
    "token.create",
    "POST",
    "/tokens",
    CreateToken,
    TokenMade,
    "token:admin",
    "Make a bearer token; its text is shown this once.",
    status=201,
    shown_once=True,
)
LIST = Call("token.list", "GET", "/tokens", ListTokens, TokensPage, "token:admin", "List tokens that are not revoked.")
REVOKE = Call("token.revoke", "DELETE", "/tokens/{id}", RevokeToken, TokenView, "token:admin", "Revoke a token.")

CALLS = (CREATE, LIST, REVOKE)
