"""Large JSON objects, taken apart before they are parsed. Must not know schemas or formats.

Strictness is that of ``parse``: the whole is bounded first, every part is parsed strictly when it is asked for, and no
member may come twice.
"""

import functools
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas import jcs
from cas.problems import CanonInvalid
from pipeline.formats.decode import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse

LARGE: Final = 4 << 20  # a document below that is parsed at once
_CUT: Final = 1 << 16  # a list above that is cut in a sketch
_SHOWN: Final = 16  # to so many items
_SLICE: Final = 256 << 10  # bytes of items that are parsed together
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Large:
    """A large object by its members, each still bytes (a ``Late``)."""

    def __init__(self, data: bytes, members: dict[str, msgspec.Raw]) -> None:
        self._data = data
        self._members = members

    @functools.cached_property
    def sketch(self) -> dict[str, Any]:
        """See Late."""
        return {name: self._cut(name) for name in self._members}

    def whole(self) -> Any:
        """See Late."""
        return parse(self._data)

    def head(self, without: tuple[str, ...]) -> dict[str, Any]:
        """Give the object with some of its lists empty.

        Raises: cas.canon_invalid
        """
        return {name: [] if name in without and self.is_list(name) else self._member(name) for name in self._members}

    def is_list(self, name: str) -> bool:
        """Tell whether a member is a list."""
        return name in self._members and bytes(memoryview(self._members[name])[:1]) == b"["

    def slices(self, name: str) -> Iterator[tuple[int, list[Any]]]:
        """Give a list's items some at a time, each time with the place of the first.

        Raises: cas.canon_invalid
        """
        items = _ITEMS.decode(self._members[name])
        begin = 0
        while begin < len(items):
            end, size = begin, 0
            while end < len(items) and size < _SLICE:
                size += len(memoryview(items[end]))
                end += 1
            yield begin, parse(b"[" + b",".join(items[begin:end]) + b"]")
            begin = end

    def _member(self, name: str) -> Any:
        return parse(b"[" + bytes(self._members[name]) + b"]")[0]

    def _cut(self, name: str) -> Any:
        if not self.is_list(name) or len(memoryview(self._members[name])) < _CUT:
            return self._member(name)
        items = _ITEMS.decode(self._members[name])[:_SHOWN]
        return parse(b"[" + b",".join(items) + b"]")


def large(data: bytes) -> Large | None:
    """Take a large object apart; None when it is small, or when ``parse`` must say what is wrong with it.

    Raises: cas.too_large
    """
    if len(data) < LARGE:
        return None
    quotes = jcs.bound(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, max_nodes=MAX_NODES)
    try:
        members = _MEMBERS.decode(data)
        # a name that comes twice leaves fewer quotes than the whole has
        held = sum(jcs.bound(bytes(value)) for value in members.values())
        found = Large(data, members)
        whole = found.sketch and held + sum(jcs.bound(msgspec.json.encode(name)) for name in members) == quotes
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, CanonInvalid):
        return None
    return found if whole else None
