"""Who is at the door: peer credentials, bearer tokens, signed requests. Decides who it is, never what they may do."""

import hmac
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from api import signed
from api.asker import Asker
from cas import digest, refs
from cas.problems import Category, Problem
from cas.records.access import Token
from cas.records.base import Instant
from cas.records.proof import Directory, Key, Person
from cas.store import load
from pipeline.attest import signatures
from pipeline.effects import Caller, Effects
from pipeline.operations.tokens import PREFIX

WINDOW: Final = 300
_REMEMBERED: Final = 100_000
PEER: Final = "unix:"
"""What the server writes as client host for a socket's peer, followed by the peer's user id (api/server.py)."""

NOBODY: Final = Asker("nobody", Caller(actor="system:" + "0" * 32, login="nobody"))


class TokenInvalid(Problem):
    """A bearer token is not known here, or was revoked."""

    code = "auth.token_invalid"
    category = Category.DENIED
    title = "The token is not known here"
    remedy = "Make a token on this instance: stella token create."


class TokenExpired(Problem):
    """A bearer token is past its end."""

    code = "auth.token_expired"
    category = Category.DENIED
    title = "The token has expired"
    remedy = "Make a new token: stella token create."


class KeyUnknown(Problem):
    """A key belongs to nobody in the directory."""

    code = "auth.key_unknown"
    category = Category.DENIED
    title = "This key belongs to nobody here"
    remedy = "Have its public key put into the directory: stella trust directory add <login> <public key file>."


def owner_of(origin: str) -> Asker:
    """Name whoever holds the home's files: not a person of the directory, so never a requester or approver."""
    return Asker("owner", Caller(actor="system:" + (origin or "0" * 32)[:32], login="owner"))


def person_by_key(effects: Effects, key_id: str) -> tuple[Person, Key]:
    """Find whose key this is, among keys that are not revoked.

    Raises: auth.key_unknown
    """
    head = effects.log.ref(refs.DIRECTORY)
    if head is not None:
        for person in load(effects.store, head, Directory).people:
            for key in person.keys:
                if key.id == key_id and key.revoked_at is None:
                    return person, key
    raise KeyUnknown(key=key_id)


def asker_of(person: Person, key: Key) -> Asker:
    """Turn a person of the directory, by the key they signed with, into somebody at the door."""
    caller = Caller(actor=person.id, login=person.login)
    return Asker("person", caller, groups=person.groups, purposes=key.purposes)


@dataclass
class Doorkeeper:
    """Recognises callers of one instance. Remembers the nonces of signed requests for as long as they could count."""

    effects: Effects
    origin: str
    owner_uid: int
    _seen: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recognise(self, method: str, target: str, headers: dict[str, str], peer: str) -> Asker:
        """Say who asks: a signature speaks first, then a token, then the socket's peer; else nobody.

        Raises: auth.signature_invalid, auth.key_unknown, auth.token_invalid, auth.token_expired
        """
        if "signature-input" in headers or "signature" in headers:
            return self._signed(method, target, headers)
        bearer = headers.get("authorization", "")
        if bearer:
            return self._token(bearer)
        if peer == f"{PEER}{self.owner_uid}":
            return owner_of(self.origin)
        return NOBODY

    def _token(self, header: str) -> Asker:
        scheme, _, text = header.partition(" ")
        identity, _, secret = text.removeprefix(PREFIX).partition("_")
        if scheme.lower() != "bearer" or not text.startswith(PREFIX) or not secret or len(text) > 200:
            raise TokenInvalid
        head = self.effects.log.ref(refs.token(identity))
        if head is None:
            raise TokenInvalid
        token = load(self.effects.store, head, Token)
        if not hmac.compare_digest(digest.of_bytes(text.encode()), token.digest):
            raise TokenInvalid
        if self.effects.clock.now() >= token.expires_at:
            raise TokenExpired(expired=token.expires_at)
        if token.created_by.startswith("person:") and not self._known(token.created_by):
            raise TokenInvalid
        acts_for = token.created_by if token.created_by.startswith("person:") else token.id
        return Asker("token", Caller(actor=acts_for, login=token.name), token=token)

    def _known(self, actor: str) -> bool:
        """Tell whether somebody is still in the directory: a token does not outlive whom it acts for."""
        head = self.effects.log.ref(refs.DIRECTORY)
        people = load(self.effects.store, head, Directory).people if head is not None else ()
        return any(person.id == actor for person in people)

    def _signed(self, method: str, target: str, headers: dict[str, str]) -> Asker:
        claimed = signed.read(
            method,
            target,
            headers.get("content-digest", ""),
            headers.get("signature-input", ""),
            headers.get("signature", ""),
        )
        now = seconds_of(self.effects.clock.now())
        if abs(now - claimed.created) > WINDOW:
            raise signed.SignatureInvalid(reason="made too long ago, or in the future", created=claimed.created)
        person, key = person_by_key(self.effects, claimed.key_id)
        if not signatures.verify(key, claimed.base, claimed.signature):
            raise signed.SignatureInvalid(reason="does not verify")
        self._once(claimed.nonce, now)
        return asker_of(person, key)

    def _once(self, nonce: str, now: int) -> None:
        with self._lock:
            if self._seen.get(nonce, 0) > now:
                raise signed.SignatureInvalid(reason="sent before")
            if len(self._seen) >= _REMEMBERED:
                self._seen = {name: until for name, until in self._seen.items() if until > now}
            if len(self._seen) >= _REMEMBERED:
                raise signed.SignatureInvalid(reason="too many signed requests; try again later")
            self._seen[nonce] = now + 2 * WINDOW


def seconds_of(instant: Instant) -> int:
    """Give an instant as seconds since 1970."""
    return int(datetime.strptime(instant, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
