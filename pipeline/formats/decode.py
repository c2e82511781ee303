"""Typed, lenient reading of foreign JSON inside bounds. Must not know any format."""

from typing import Any, Final, TypeVar

import msgspec

from cas import jcs
from cas.digest import Digest, is_digest
from pipeline.formats.problems import DocumentUnreadable

T = TypeVar("T")

MAX_BYTES: Final = 256 << 20
MAX_DEPTH: Final = 96
MAX_NODES: Final = 8_000_000


def bound(data: bytes) -> None:
    """Hold a document to size, depth and number of values before any decoder runs.

    Raises: cas.too_large
    """
    jcs.bound(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, max_nodes=MAX_NODES)


def parse(data: bytes) -> Any:
    """Decode strictly, in bounds: duplicate keys, NaN, unsafe integers and lone surrogates are refused.

    Raises: cas.canon_invalid, cas.too_large
    """
    return jcs.parse(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, max_nodes=MAX_NODES)


def typed(data: bytes, decoder: msgspec.json.Decoder[T], name: str) -> T:
    """Read a typed projection of a document.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentUnreadable(format=name, reason=str(error)[:200]) from error


def digest_in(text: str) -> Digest | None:
    """Give the SHA-256 digest that a name, version or reference ends with (``repo@sha256:…``, ``sha256:…``)."""
    tail = text.rpartition("@")[2].replace("%3A", ":").replace("%3a", ":").partition("?")[0].lower()
    return tail if is_digest(tail) else None


def algorithm(name: str) -> str:
    """Spell a hash algorithm in one way: ``SHA-256``, ``SHA256`` and ``sha-256`` are ``sha256``."""
    return name.lower().replace("-", "").replace("_", "")


def fit(text: str, limit: int) -> str:
    """Cut free text to what a record holds."""
    return text if len(text) <= limit else text[:limit]
