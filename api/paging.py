"""Pages by cursor: opaque, and bound to the query they came from. Knows no kind of item."""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from api.calls.call import PageAsk
from api.problems import CursorInvalid
from cas import digest

T = TypeVar("T")

_DIGITS: Final = 18  # of a place in the index: it fits 64 bits


class _Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    query: str
    after: str


def _query_of(ask: PageAsk) -> str:
    bare = msgspec.structs.replace(ask, cursor="", limit=0)
    return digest.of_bytes(type(ask).__name__.encode() + msgspec.json.encode(bare, order="sorted"))[7:39]


def after(ask: PageAsk) -> str:
    """Give the key of the last item already shown; empty at the start.

    Raises: api.cursor_invalid
    """
    if not ask.cursor:
        return ""
    try:
        padded = ask.cursor + "=" * (-len(ask.cursor) % 4)
        known = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=_Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise CursorInvalid(cursor=ask.cursor[:40]) from error
    if known.query != _query_of(ask):
        raise CursorInvalid(cursor=ask.cursor[:40])
    return known.after


def limit(ask: PageAsk, most: int) -> int:
    """Hold a page's length to its bounds."""
    return max(1, min(ask.limit, most))


def place(ask: PageAsk) -> int | None:
    """Give where a page of the index goes on; None at the start.

    Raises: api.cursor_invalid
    """
    last = after(ask)
    if not last:
        return None
    if not (last.isascii() and last.isdigit() and len(last) <= _DIGITS):
        raise CursorInvalid(cursor=ask.cursor[:40])
    return int(last)


def cursor(ask: PageAsk, last: int | str | None) -> str:
    """Give the cursor of the page that goes on behind this item; empty when there is none."""
    if last is None:
        return ""
    text = base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(query=_query_of(ask), after=str(last))))
    return text.decode("ascii").rstrip("=")


def page(
    ask: PageAsk, items: Iterable[T], key: Callable[[T], str], *, most: int, descending: bool = False
) -> tuple[tuple[T, ...], str]:
    """Cut one page out of items sorted by ``key``; give it and the next cursor, empty at the end.

    Raises: api.cursor_invalid
    """
    length = limit(ask, most)
    rest = _beyond(items, key, after(ask), descending=descending)
    shown: list[T] = []
    for item in rest:
        if len(shown) == length:
            return tuple(shown), cursor(ask, key(shown[-1]))
        shown.append(item)
    return tuple(shown), ""


def _beyond(items: Iterable[T], key: Callable[[T], str], last: str, *, descending: bool) -> Iterator[T]:
    for item in items:
        name = key(item)
        if not last or (name < last if descending else name > last):
            yield item
