"""Packs: sealed objects sorted by digest, with a fan-out index, named by their own digest.

The format of home, bundle and bucket. Knows bytes only; must not know where a pack lies. The same objects give the same
bytes. Layout, little-endian, every column in digest order:

1. header: ``stella-pack/1`` padded to 16, count, length of the data, SHA-256 of the index (parts 2 to 5)
2. fan-out: 257 counts; entry ``b`` is how many digests begin with a byte below ``b``
3. prefixes: the first eight bytes of each digest, as a number
4. rests: the other twenty-four bytes of each digest
5. ends: where each object ends, counted from the start of the data
6. data: the objects back to back
"""

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final, Protocol, runtime_checkable

from cas import digest
from cas.digest import Digest
from cas.problems import Category, ObjectCorrupt, ObjectMissing, Problem

_IDENT: Final = b"stella-pack/1\0\0\0"
_HEADER: Final = struct.Struct("<16sQQ32s")
_FAN: Final = 257
_ROW: Final = 8 + 24 + 8
MAX_OBJECTS: Final = 1 << 28
_SELDOM: Final = 128

Bytes = bytes | memoryview
_prefix_of: Final = struct.Struct(">Q").unpack_from


class PackInvalid(Problem):
    """Bytes are not a pack, or its index does not hash to what the header says."""

    code = "cas.pack_invalid"
    category = Category.CORRUPT
    title = "Not a sound pack"
    remedy = "Run stella fsck, then repair from a backup or another store."


@runtime_checkable
class _Text(Protocol):
    """Bytes or a memory map: what gives bytes when cut, and can be searched."""

    def __len__(self) -> int: ...

    def __getitem__(self, extent: slice, /) -> bytes: ...

    def find(self, wanted: bytes, start: int, stop: int, /) -> int: ...


def index_size(count: int) -> int:
    """How many bytes stand before the data of a pack of ``count`` objects."""
    return _HEADER.size + _FAN * 8 + count * _ROW


def layout(sizes: Sequence[tuple[bytes, int]]) -> bytes:
    """Encode header and index for objects given as (raw digest, length), sorted, each once."""
    raws = [raw for raw, _ in sizes]
    if any(one >= other for one, other in pairwise(raws)):
        raise PackInvalid(reason="digests not sorted, or twice")
    fan = [0] * _FAN
    for raw in raws:
        fan[raw[0] + 1] += 1
    index = b"".join(
        (
            _column(list(accumulate(fan))),
            _column([int.from_bytes(raw[:8], "big") for raw in raws]),
            b"".join(raw[8:] for raw in raws),
            _column(list(accumulate(length for _, length in sizes))),
        )
    )
    total = sum(length for _, length in sizes)
    return _HEADER.pack(_IDENT, len(raws), total, digest.raw_of_bytes(index)) + index


def stream(sizes: Sequence[tuple[bytes, int]], get: Callable[[bytes], Bytes]) -> Iterator[Bytes]:
    """Give a pack's bytes in order: index first, then each object as ``get(raw digest)`` gives it, checked.

    Raises: cas.object_corrupt
    """
    yield layout(sizes)
    for raw, length in sizes:
        data = get(raw)
        if len(data) != length or digest.raw_of_bytes(data) != raw:
            raise ObjectCorrupt(digest=digest.from_raw(raw))
        yield data


def encode(objects: Iterable[bytes]) -> bytes:
    """Make a pack of some objects in memory."""
    held = {digest.raw_of_bytes(data): data for data in objects}
    sizes = [(raw, len(held[raw])) for raw in sorted(held)]
    return b"".join(stream(sizes, held.__getitem__))


class Pack:
    """A pack over its bytes (a buffer or a memory map). Opening checks the index; reading checks the object."""

    def __init__(self, data: Bytes) -> None:
        """Open a pack.

        Raises: cas.pack_invalid
        """
        view = memoryview(data)
        if len(view) < index_size(0):
            raise PackInvalid(reason="shorter than its header")
        ident, count, total, check = _HEADER.unpack_from(view)
        if ident != _IDENT or count > MAX_OBJECTS or len(view) != index_size(count) + total:
            raise PackInvalid(reason="header does not fit")
        self._start = index_size(count)
        if digest.raw_of_bytes(view[_HEADER.size : self._start]) != check:
            raise PackInvalid(reason="index does not match its hash")
        at = _HEADER.size
        self.count: int = count
        self.view = view
        self._fan = _numbers(view[at : at + _FAN * 8])
        if self._fan[0] or self._fan[256] != count or any(one > other for one, other in pairwise(self._fan)):
            raise PackInvalid(reason="fan-out does not fit")
        at += _FAN * 8
        self._prefixes = _numbers(view[at : at + count * 8])
        at += count * 8
        self._rests = view[at : at + count * 24]
        self._base = at
        at += count * 24
        self._ends = _numbers(view[at : at + count * 8])
        self._split: list[Sequence[int] | None] = [None] * 256
        self._asked = bytearray(256)
        self._whole = _searchable(view)
        self._search = self._whole.find

    def find(self, raw: bytes) -> tuple[int, int] | None:
        """Give start and length of an object in the pack's bytes, by raw digest, or None.

        The rests of the few digests that begin alike lie side by side: they are searched as one text. Where they divide
        takes as long to find as some hundred objects, so before so many were asked for, rows are compared.
        """
        first = raw[0]
        split = self._split[first]
        if split is None:
            if self._asked[first] < _SELDOM:
                self._asked[first] += 1
                return self._find_slowly(raw, self._fan[first], self._fan[first + 1])
            split = self._splitting(first)
        second = raw[1]
        base = self._base
        found = self._search(raw[8:], base + split[second] * 24, base + split[second + 1] * 24)
        if found < 0:
            return None
        at, off = divmod(found - base, 24)
        if off or self._prefixes[at] != _prefix_of(raw)[0]:  # a hit between two rests, or another's
            return self._find_slowly(raw, split[second], split[second + 1])
        ends = self._ends
        start = ends[at - 1] if at else 0
        return self._start + start, ends[at] - start

    def _find_slowly(self, raw: bytes, low: int, high: int) -> tuple[int, int] | None:
        """Find by halving, then comparing one row after another."""
        (prefix,) = _prefix_of(raw)
        for at in range(bisect_left(self._prefixes, prefix, low, high), high):
            if self._prefixes[at] != prefix:
                break
            if self._rests[at * 24 : at * 24 + 24] == raw[8:]:
                return self._extent(at)
        return None

    def _splitting(self, first: int) -> Sequence[int]:
        """Say where digests with a first byte divide by their second; worked out when first asked for."""
        at, stop = self._fan[first], self._fan[first + 1]
        bounds = array("L", [at])
        for second in range(1, 256):
            at = bisect_left(self._prefixes, (first << 8 | second) << 48, at, stop)
            bounds.append(at)
        bounds.append(stop)
        self._split[first] = bounds
        return bounds

    def take(self, raw: bytes) -> bytes | None:
        """Give an object's bytes unchecked, by raw digest, or None."""
        found = self.find(raw)
        if found is None:
            return None
        start, length = found
        return self._whole[start : start + length]

    def bytes_at(self, start: int, length: int) -> bytes:
        """Give bytes unchecked."""
        return self._whole[start : start + length]

    def get(self, name: Digest) -> bytes:
        """Give an object's bytes, checked.

        Raises: cas.object_missing, cas.object_corrupt
        """
        found = self.find(digest.to_raw(name))
        if found is None:
            raise ObjectMissing(digest=name)
        data = self.bytes_at(*found)
        if digest.of_bytes(data) != name:
            raise ObjectCorrupt(digest=name)
        return data

    def rows(self) -> Iterator[tuple[bytes, int, int]]:
        """Give (raw digest, start, length) of every object, sorted."""
        for at in range(self.count):
            raw = self._prefixes[at].to_bytes(8, "big") + bytes(self._rests[at * 24 : at * 24 + 24])
            yield (raw, *self._extent(at))

    def release(self) -> None:
        """Let go of the bytes, so that a memory map under them can be closed."""
        for view in (self._fan, self._prefixes, self._rests, self._ends, self.view):
            if isinstance(view, memoryview):
                view.release()

    def _extent(self, at: int) -> tuple[int, int]:
        start = self._ends[at - 1] if at else 0
        return self._start + start, self._ends[at] - start


def _searchable(view: memoryview) -> _Text:
    """Give the bytes under a view of all of them: a view itself cannot be searched, and is slower to cut."""
    under = view.obj
    if isinstance(under, _Text) and not isinstance(under, bytearray) and len(under) == len(view):
        return under
    return view.tobytes()


def _column(numbers: Sequence[int]) -> bytes:
    column = array("Q", numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _numbers(view: memoryview) -> Sequence[int]:
    if sys.byteorder == "little":
        return view.cast("Q")
    column = array("Q", view.tobytes())
    column.byteswap()
    return column
