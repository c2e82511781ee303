"""Homebrew order (PkgVersion): tokens, then the ``_N`` revision. Pairs only: a lone zero is skipped.

Kinds from low to high: alpha, beta, pre, rc, nothing, word, patch, post, number.
"""

import functools
import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded

_FORM: Final = re.compile(r"([!-~]+?)(?:_([0-9]+))?\Z")
_TOKEN: Final = re.compile(
    r"(alpha[0-9]*|a[0-9]+)|(beta[0-9]*|b[0-9]+)|(pre[0-9]*)|(rc[0-9]*)|(?P<word>(?!p[0-9])(?!p\Z)[a-z]+)|(p[0-9]*)"
    r"|(\.post[0-9]+)|([0-9]+)"
)
_KINDS: Final = (-4, -3, -2, -1, 1, 2, 3, 4)
_NUMBER: Final = 4
_NOTHING: Final = (0, 0, "")

Token = tuple[int, int, str]


def _tokens(text: str) -> tuple[Token, ...]:
    out = []
    for found in _TOKEN.finditer(text):
        assert found.lastindex is not None
        kind = _KINDS[found.lastindex - 1]
        digits = re.search("[0-9]+", found.group())
        word = found.group("word") or ""
        out.append((kind, int(digits.group()) if digits and not word else 0, word))
    return tuple(out)


def _sign(left: Token, right: Token) -> int:
    if _NOTHING in (left, right) and (_NUMBER, 0, "") in (left, right):
        return 0
    return (left > right) - (left < right)


def _compare(left: tuple[Token, ...], right: tuple[Token, ...]) -> int:
    one = other = 0
    while one < len(left) or other < len(right):
        a = left[one] if one < len(left) else _NOTHING
        b = right[other] if other < len(right) else _NOTHING
        numbers = (a[0] == _NUMBER, b[0] == _NUMBER)
        sign = _sign(a, b) if numbers[0] == numbers[1] else _sign(a, _NOTHING) if numbers[0] else -_sign(b, _NOTHING)
        if sign:
            return sign
        one += numbers[0] or not numbers[1]
        other += numbers[1] or not numbers[0]
    return 0


@functools.total_ordering
class BrewVersion:
    """A parsed Homebrew version."""

    __slots__ = ("revision", "tokens")

    def __init__(self, tokens: tuple[Token, ...], revision: int) -> None:
        self.tokens = tokens
        self.revision = revision

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BrewVersion) and self._against(other) == 0

    def __lt__(self, other: "BrewVersion") -> bool:
        return self._against(other) < 0

    def _against(self, other: "BrewVersion") -> int:
        return _compare(self.tokens, other.tokens) or (self.revision > other.revision) - (
            self.revision < other.revision
        )

    __hash__ = None  # type: ignore[assignment]  # equal versions have many spellings


def sort(version: str) -> BrewVersion:
    """Parse a Homebrew version.

    Raises: VersionInvalidError
    """
    found = _FORM.match(bounded(version).lower())
    tokens = _tokens(found.group(1)) if found else ()
    if not found or not tokens:
        raise VersionInvalidError("not a Homebrew version")
    return BrewVersion(tokens, int(found.group(2) or "0"))
