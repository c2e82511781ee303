"""Who may knock, and what was already asked: bearer tokens and idempotency keys. Knows no scope's meaning."""

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Name, Nonce, Record, Slug


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
