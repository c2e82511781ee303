"""Packagist order: PHP's version_compare over what Composer makes of a version. Pairs only: it is not transitive.

Parts are runs of digits, of letters, and what stands for no part at all (``#``). An unknown word comes before ``dev``,
then alpha, beta, RC, no more parts, a number, ``pl``.
"""

import functools
import re
from itertools import zip_longest
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded

_FORM: Final = re.compile(r"[!-~]+\Z")
_PART: Final = re.compile(r"[0-9]+|[A-Za-z]+|#")
_STAGES: Final = (("dev", 1), ("alpha", 2), ("a", 2), ("beta", 3), ("b", 3), ("rc", 4), ("c", 4), ("pl", 8), ("p", 8))
_UNKNOWN, _HASH, _NUMBER = 0, 6, 7
_END: Final = 5


def _stage(part: str) -> int:
    if part.isdigit():
        return _NUMBER
    if part == "#":
        return _HASH
    return next((rank for name, rank in _STAGES if part.startswith(name)), _UNKNOWN)


def _sign(left: int, right: int) -> int:
    return (left > right) - (left < right)


def _pair(left: str, right: str) -> int:
    """Compare two parts of one place: numbers by value, any number with ``#`` equal, all else by stage."""
    if left.isdigit() and right.isdigit():
        return _sign(int(left), int(right))
    ranks = (_stage(left), _stage(right))
    if set(ranks) == {_HASH, _NUMBER}:
        return 0
    return _sign(*ranks)


def _rest(part: str) -> int:
    """Compare what follows a common beginning with nothing: a stage below the end makes the version lower."""
    stage = _stage(part)
    return 0 if stage == _HASH else _sign(stage, _END)


def _compare(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    for one, other in zip_longest(left, right):
        sign = _pair(one, other) if one and other else _rest(one) if one else -_rest(other)
        if sign:
            return sign
    return 0


@functools.total_ordering
class PackagistVersion:
    """A parsed Packagist version; compares as PHP's version_compare compares."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackagistVersion) and _compare(self.parts, other.parts) == 0

    def __lt__(self, other: "PackagistVersion") -> bool:
        return _compare(self.parts, other.parts) < 0

    __hash__ = None  # type: ignore[assignment]  # equal versions have many spellings


def sort(version: str) -> PackagistVersion:
    """Parse a Packagist version; build metadata and a leading ``v`` have no say.

    Raises: VersionInvalidError
    """
    text = bounded(version).lower()
    if not _FORM.match(text):
        raise VersionInvalidError("not a Packagist version")
    parts = tuple(_PART.findall(text.removeprefix("v").partition("+")[0]))
    if not parts:
        raise VersionInvalidError("not a Packagist version")
    return PackagistVersion(parts)
