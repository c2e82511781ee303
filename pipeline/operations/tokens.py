"""Bearer tokens: their text is handed out once and never kept. Knows how one is spelled, not what it may do."""

from dataclasses import dataclass
from typing import Final

from cas import digest, refs
from cas.digest import Digest
from cas.records.access import Token
from cas.records.base import ActorId, Instant
from pipeline.operations.work import Work

PREFIX: Final = "stella_"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a token may do, and where; empty environments or components mean any."""

    scopes: tuple[str, ...]
    environments: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Minted:
    """A token as it is remembered, its text, and the ref that is to name it."""

    text: str
    token: Token
    digest: Digest
    ref: str


def mint(work: Work, name: str, reach: Reach, created_by: ActorId, ends: Instant) -> Minted:
    """Make a token and keep its record; the entry that moves its ref is the caller's to note."""
    entropy = work.effects.entropy
    identity = entropy.nonce()
    text = token_text(identity, entropy.token())
    token = Token(
        id=f"token:{identity}",
        name=name,
        digest=digest.of_bytes(text.encode()),
        scopes=tuple(sorted(set(reach.scopes))),
        environments=tuple(sorted(set(reach.environments))),
        components=tuple(sorted(set(reach.components))),
        created_by=created_by,
        created_at=work.now,
        expires_at=ends,
        nonce=entropy.nonce(),
    )
    return Minted(text, token, work.save(token), refs.token(identity))


def token_text(identity: str, secret: str) -> str:
    """Spell a token: a prefix that secret scanners know, its public id, 256 random bits."""
    return f"{PREFIX}{identity}_{secret}"
