"""Digests: the one way bytes are named. The only module that uses hashlib."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, TypeAlias

import msgspec

from cas.problems import DigestInvalid

Digest: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$(?!\n)")]
"""``sha256:`` and 64 lower-case hex digits."""

_FORM: Final = re.compile(r"\Asha256:[0-9a-f]{64}\Z")
_LETS_IN: Final = 2048
_LENGTH: Final = 71
_HEX: Final = b"0123456789abcdef"
_HEX_TEXT: Final = frozenset("0123456789abcdef")
_NAMED: Final = re.compile(r"sha256:[0-9a-f]{64}(?![0-9a-f])")
_FEW: Final = 4096


def of_bytes(data: bytes | bytearray | memoryview) -> Digest:
    """Name bytes by their SHA-256."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def both_of_bytes(data: bytes | bytearray | memoryview) -> tuple[bytes, Digest]:
    """Name bytes by their SHA-256; give the 32 bytes behind the name too."""
    raw = hashlib.sha256(data).digest()
    return raw, "sha256:" + raw.hex()


def raw_of_bytes(data: bytes | bytearray | memoryview) -> bytes:
    """Hash to 32 raw bytes, for frames and trees.

    hashlib lets other threads in from 2048 bytes on, which for a small object costs more than its hash: so those are
    taken in two steps.
    """
    if _LETS_IN <= len(data) < 2 * _LETS_IN - 1:
        state = hashlib.sha256(data[: _LETS_IN - 1])
        state.update(data[_LETS_IN - 1 :])
        return state.digest()
    return hashlib.sha256(data).digest()


def parse(text: str) -> Digest:
    """Check the form of a digest given from outside.

    Raises: cas.digest_invalid
    """
    if not _FORM.match(text):
        raise DigestInvalid(given=text[:80])
    return text


def is_digest(text: str) -> bool:
    """Tell whether a string has the form of a digest."""
    return _FORM.match(text) is not None


def to_raw(digest: Digest) -> bytes:
    """Give the 32 bytes behind a digest."""
    return bytes.fromhex(digest[7:])


def from_raw(raw: bytes) -> Digest:
    """Give the digest of 32 bytes.

    Raises: cas.digest_invalid
    """
    if len(raw) != 32:
        raise DigestInvalid(given=raw.hex()[:80])
    return "sha256:" + raw.hex()


def named_in(data: bytes) -> frozenset[Digest]:
    """List every digest that some bytes name; this is what a reader of those bytes may go on to read."""
    if b"sha256:" not in data:
        return frozenset()
    text = data.decode("latin-1")  # byte for byte: what is looked for is ASCII
    if len(data) <= _FEW:
        return frozenset(_NAMED.findall(text))
    parts = text.split("sha256:")[1:]
    heads = [part[:64] for part in parts]
    behind = "".join([part[64:65] for part in parts])
    joined = "".join(heads).encode("latin-1")
    if len(joined) == 64 * len(parts) and not joined.translate(None, _HEX) and not _HEX_TEXT.intersection(behind):
        return frozenset(["sha256:" + head for head in heads])
    return frozenset(_NAMED.findall(text))


def hashing(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, Digest | None]]:
    """Pass chunks through while hashing; the last pair is ``(b"", digest)``."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
        yield chunk, None
    yield b"", "sha256:" + state.hexdigest()


class Running:
    """A digest that grows with what it is given."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in more bytes."""
        self._state.update(data)

    def digest(self) -> Digest:
        """Name what was given so far."""
        return "sha256:" + self._state.hexdigest()


def uuid_of(digest: Digest) -> str:
    """Derive the UUIDv8 (RFC 9562, 5.8) of a founding record: the same record has the same id everywhere."""
    raw = bytearray(to_raw(digest)[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def short(digest: Digest) -> str:
    """Shorten a digest for people; never for comparison."""
    return digest[:19]


class Hasher:
    """A digest being made of bytes that are pushed in."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in the next bytes."""
        self._state.update(data)

    def digest(self) -> Digest:
        """Name everything taken in so far."""
        return "sha256:" + self._state.hexdigest()
