"""Where two records differ: the first path, in canonical order, with both values. Knows bytes only."""

from dataclasses import dataclass
from typing import Any, Final

from cas import digest, jcs
from cas.problems import Problem

MAX_SHOWN: Final = 4096
ABSENT: Final = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """A JSON pointer (RFC 6901; empty = the whole) and what stands there on either side, as canonical JSON."""

    pointer: str
    recorded: str
    recomputed: str


def first_difference(recorded: bytes, recomputed: bytes) -> Difference | None:
    """Name the first path at which two documents differ, or None when their bytes are the same.

    Objects are walked by sorted key, arrays by position; bytes that are no JSON, or differ only in spelling, are told
    apart by their digests.
    """
    if recorded == recomputed:
        return None
    try:
        found = _first(jcs.parse(recorded), jcs.parse(recomputed), "")
    except Problem:
        found = None
    return found or Difference("", digest.of_bytes(recorded), digest.of_bytes(recomputed))


def _first(one: Any, other: Any, pointer: str) -> Difference | None:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            path = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in one or key not in other:
                return Difference(path, _shown(one, key), _shown(other, key))
            found = _first(one[key], other[key], path)
            if found:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        for at, (left, right) in enumerate(zip(one, other, strict=False)):
            found = _first(left, right, f"{pointer}/{at}")
            if found:
                return found
        if len(one) != len(other):
            at = min(len(one), len(other))
            return Difference(f"{pointer}/{at}", _shown(one, at), _shown(other, at))
        return None
    if type(one) is type(other) and one == other:
        return None
    return Difference(pointer, _text(one), _text(other))


def _shown(holder: Any, key: Any) -> str:
    there = key in holder if isinstance(holder, dict) else key < len(holder)
    return _text(holder[key]) if there else ABSENT


def _text(value: Any) -> str:
    return jcs.of_value(value).decode()[:MAX_SHOWN]
