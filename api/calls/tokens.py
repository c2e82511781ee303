"""Bearer tokens for machines: made once, shown once, revoked by id; or given in exchange for a job's identity."""

from typing import Annotated, Final

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Instant, Slug

ClaimName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]

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


class SetIssuer(Ask, frozen=True, kw_only=True):
    """Trust an OpenID provider: tokens of its that fit every claim's glob may be exchanged for such a token."""

    name: Slug
    issuer: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    audience: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    keys: Annotated[str, msgspec.Meta(max_length=65536)]  # the JWK set's text
    claims: Annotated[tuple[tuple[ClaimName, Glob], ...], msgspec.Meta(min_length=1, max_length=16)]
    scopes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    environments: Annotated[tuple[Slug, ...], msgspec.Meta(max_length=256)] = ()
    components: Annotated[tuple[Slug, ...], msgspec.Meta(max_length=256)] = ()
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 60


class IssuerView(Answer, frozen=True, kw_only=True):
    """A provider as it is trusted; ``keys`` is the digest of its JWK set."""

    name: str
    issuer: str
    audience: str
    keys: Digest
    claims: tuple[tuple[str, str], ...]
    scopes: tuple[str, ...]
    environments: tuple[str, ...]
    components: tuple[str, ...]
    minutes: int
    created_by: str
    created_at: Instant


class ListIssuers(PageAsk, frozen=True, kw_only=True):
    """The providers that are trusted."""


class IssuersPage(Answer, frozen=True, kw_only=True):
    """A page of providers."""

    items: tuple[IssuerView, ...]
    next_cursor: str


class RemoveIssuer(Ask, frozen=True, kw_only=True):
    """Trust a provider no longer."""

    name: Slug


class ExchangeToken(Ask, frozen=True, kw_only=True):
    """An identity token (JWT) of a trusted provider; ``issuer`` names the provider here when several fit."""

    identity_token: Annotated[str, msgspec.Meta(min_length=1, max_length=16384)]
    issuer: str = ""


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
SET_ISSUER = Call(
    "token.issuer_set",
    "PUT",
    "/token-issuers/{name}",
    SetIssuer,
    IssuerView,
    "token:admin",
    "Trust an OpenID provider: whose identity tokens are exchanged, and for what.",
)
LIST_ISSUERS = Call(
    "token.issuers",
    "GET",
    "/token-issuers",
    ListIssuers,
    IssuersPage,
    "token:admin",
    "List the OpenID providers that are trusted.",
)
REMOVE_ISSUER = Call(
    "token.issuer_remove",
    "DELETE",
    "/token-issuers/{name}",
    RemoveIssuer,
    IssuerView,
    "token:admin",
    "Trust an OpenID provider no longer.",
)
EXCHANGE = Call(
    "token.exchange",
    "POST",
    "/tokens/exchange",
    ExchangeToken,
    TokenMade,
    "",
    "Exchange a CI job's identity token for a bearer token, which is shown this once.",
    status=201,
    shown_once=True,
)

CALLS = (CREATE, LIST, REVOKE, SET_ISSUER, LIST_ISSUERS, REMOVE_ISSUER, EXCHANGE)
