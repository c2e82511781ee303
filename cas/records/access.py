"""Who may knock, and what was already asked: tokens, who is given them, idempotency keys. No scope's meaning."""

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Name, Nonce, Pairs, Record, Slug


class Token(Record, frozen=True, kw_only=True, tag="token/1"):
    """A bearer token as the instance remembers it: its digest, never its text.

    ``digest`` is the SHA-256 of the whole text handed out once. Empty ``environments`` or ``components`` mean any.
    """

    id: ActorId  # "token:" and 32 hex digits
    name: Slug
    digest: Digest
    scopes: tuple[Name, ...]  # sorted
    environments: tuple[Slug, ...]  # sorted
    components: tuple[Slug, ...]  # sorted
    created_by: ActorId
    created_at: Instant
    expires_at: Instant
    nonce: Nonce


class TokenIssuer(Record, frozen=True, kw_only=True, tag="token_issuer/1"):
    """An OpenID provider whose identity tokens are exchanged for bearer tokens here, as those of CI systems are.

    ``issuer`` and ``audience`` are compared with ``iss`` and ``aud`` as they stand; every claim named fits its glob.
    Tokens made in exchange act for ``created_by`` and live ``minutes``.
    """

    name: Slug
    issuer: Name
    audience: Name
    keys: Digest  # the provider's JWK set (RFC 7517) as it was handed over
    claims: Pairs  # sorted by claim
    scopes: tuple[Name, ...]  # sorted
    environments: tuple[Slug, ...]  # sorted
    components: tuple[Slug, ...]  # sorted
    minutes: Count
    created_by: ActorId
    created_at: Instant
    nonce: Nonce


class TokenExchange(Record, frozen=True, kw_only=True, tag="token_exchange/1"):
    """That a bearer token was made in exchange for an identity token: what that one said, never its text."""

    token: Digest  # Token
    issuer: Digest  # TokenIssuer
    claims: Pairs  # sorted: those the issuer's record names, and ``sub`` and ``jti`` where given
    expired_at: Instant  # the end of the identity token


class Asked(Record, frozen=True, kw_only=True, tag="asked/1"):
    """An idempotency key that was used: by whom, for which call, over which request.

    Its entry stands in the same append as what the request did; ``answer`` follows when it is known.
    """

    actor: ActorId
    key: Digest  # SHA-256 of the key as sent
    call: Name
    request: Digest  # SHA-256 of the request's bytes
    status: Count  # HTTP status of the answer; 0 while it is not known
    answer: Digest | None
