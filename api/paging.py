"""Pages by cursor: opaque, and bound to the query they came from. Knows no kind of item."""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from api.calls.call import PageAsk
from api.problems import CursorInvalid
from cas import digest

T = TypeVar("T")


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
        cursor = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=_Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise CursorInvalid(cursor=ask.cursor[:40]) from error
    if cursor.query != _query_of(ask):
        raise CursorInvalid(cursor=ask.cursor[:40])
    return cursor.after


def page(
    ask: PageAsk, items: Iterable[T], key: Callable[[T], str], *, most: int, descending: bool = False
) -> tuple[tuple[T, ...], str]:
    """Cut one page out of items sorted by ``key``; give it and the next cursor, empty at the end.

    Raises: api.cursor_invalid
    """
    limit = max(1, min(ask.limit, most))
    rest = _beyond(items, key, after(ask), descending=descending)
    shown: list[T] = []
    for item in rest:
        if len(shown) == limit:
            cursor = _Cursor(query=_query_of(ask), after=key(shown[-1]))
            text = base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode("ascii")
            return tuple(shown), text.rstrip("=")
        shown.append(item)
    return tuple(shown), ""


def _beyond(items: Iterable[T], key: Callable[[T], str], last: str, *, descending: bool) -> Iterator[T]:
    for item in items:
        name = key(item)
        if not last or (name < last if descending else name > last):
            yield item
