"""Maven order (ComparableVersion of Maven 3.9). Pairs only: it is not transitive, so no key can hold it.

A version is a list of numbers, qualifiers and sublists; ``-`` and every change between digits and letters open a
sublist; zeros, empty qualifiers and empty sublists at the end of a list do not count.
"""

import functools
import re
from typing import Any, Final

from pipeline.versions.scheme import VersionInvalidError, bounded

_QUALIFIERS: Final = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_ALIASES: Final = {"ga": "", "final": "", "release": "", "cr": "rc"}
_SHORT: Final = {"a": "alpha", "b": "beta", "m": "milestone"}
_RELEASE: Final = _QUALIFIERS.index("")
_FORM: Final = re.compile(r"[!-~]+\Z")  # Maven takes any text; ranges and blanks are no versions
_RANGE: Final = frozenset("()[],")
_RUN: Final = re.compile(r"[0-9]+|[^0-9.-]+")

Item = Any
"""int, str (a qualifier) or list of items: the shapes of ComparableVersion."""


def _rank(qualifier: str) -> tuple[int, str]:
    return (_QUALIFIERS.index(qualifier), "") if qualifier in _QUALIFIERS else (len(_QUALIFIERS), qualifier)


def _is_null(item: Item) -> bool:
    return item in (0, "") or item == []


def _trim(items: list[Item]) -> None:
    """Drop what does not count, from the end, up to the first item that does; sublists are stepped over."""
    for at in range(len(items) - 1, -1, -1):
        if _is_null(items[at]):
            del items[at]
        elif not isinstance(items[at], list):
            break


def _with_null(item: Item) -> int:
    if isinstance(item, int):
        return 1 if item else 0
    if isinstance(item, str):
        return (_rank(item) > (_RELEASE, "")) - (_rank(item) < (_RELEASE, ""))
    return next((sign for sign in map(_with_null, item) if sign), 0)


def _kind(item: Item) -> int:
    return 2 if isinstance(item, int) else 1 if isinstance(item, list) else 0


def _pair(left: Item | None, right: Item | None) -> int:
    if left is None:
        return -_with_null(right)
    if right is None:
        return _with_null(left)
    if _kind(left) != _kind(right):
        return 1 if _kind(left) > _kind(right) else -1
    if isinstance(left, list):
        return _lists(left, right)
    if isinstance(left, int):
        return int(left > right) - int(left < right)
    return (_rank(left) > _rank(right)) - (_rank(left) < _rank(right))


def _lists(left: list[Item], right: list[Item]) -> int:
    for at in range(max(len(left), len(right))):
        sign = _pair(left[at] if at < len(left) else None, right[at] if at < len(right) else None)
        if sign:
            return sign
    return 0


def _item(token: str, *, before_digit: bool) -> Item:
    if token.isdigit():
        return int(token)
    token = _SHORT.get(token, token) if before_digit else token
    return _ALIASES.get(token, token)


def _parse(version: str) -> list[Item]:
    root: list[Item] = []
    lists = [root]
    at = 0
    while at < len(version):
        sign = version[at]
        if sign in ".-":  # nothing between two separators counts as zero
            if at == 0 or version[at - 1] in ".-":
                lists[-1].append(0)
            if sign == "-":
                _open(lists)
            at += 1
            continue
        found = _RUN.match(version, at)
        assert found is not None
        if at and version[at - 1] not in ".-":  # digits and letters meet
            _open(lists)
        token, at = found.group(), found.end()
        lists[-1].append(_item(token, before_digit=version[at : at + 1].isdigit()))
    for items in reversed(lists):
        _trim(items)
    return root


def _open(lists: list[list[Item]]) -> None:
    fresh: list[Item] = []
    lists[-1].append(fresh)
    lists.append(fresh)


@functools.total_ordering
class MavenVersion:
    """A parsed Maven version; compares as Maven compares."""

    __slots__ = ("items",)

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MavenVersion) and _lists(self.items, other.items) == 0

    def __lt__(self, other: "MavenVersion") -> bool:
        return _lists(self.items, other.items) < 0

    __hash__ = None  # type: ignore[assignment]  # equal versions have many spellings


def sort(version: str) -> MavenVersion:
    """Parse a Maven version.

    Raises: VersionInvalidError
    """
    text = bounded(version).lower()
    if not _FORM.match(text) or _RANGE.intersection(text):
        raise VersionInvalidError("not a Maven version")
    return MavenVersion(_parse(text))
