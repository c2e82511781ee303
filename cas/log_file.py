"""Log files: sealed entries, never deleted. Knows bytes only; must not know what an entry says.

Layout, little-endian: header (``stella-log/1`` padded to 16, position of the first entry, count, length of the data,
SHA-256 of the columns); one RFC 6962 leaf hash per entry; where each entry ends; the entries' canonical bytes back to
back. The leaf hash checks an entry on every read, and the log's root checks the leaf hashes.
"""

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from cas import digest, merkle
from cas.problems import EntryMissing, HomeCorrupt

_IDENT: Final = b"stella-log/1\0\0\0\0"
_HEADER: Final = struct.Struct("<16sQQQ32s")


def encode(first: int, entries: Sequence[bytes]) -> Iterator[bytes]:
    """Give a log file's bytes: what stands before the entries, then each entry."""
    leaves = b"".join(merkle.leaf_hash(entry) for entry in entries)
    ends = array("Q", accumulate(len(entry) for entry in entries))
    total = ends[-1] if ends else 0
    if sys.byteorder == "big":
        ends.byteswap()
    columns = leaves + ends.tobytes()
    yield _HEADER.pack(_IDENT, first, len(entries), total, digest.raw_of_bytes(columns)) + columns
    yield from entries


class LogFile:
    """Sealed entries over their bytes. Opening checks the columns; reading checks the entry."""

    def __init__(self, data: bytes | memoryview, name: str) -> None:
        """Open a log file.

        Raises: cas.home_corrupt
        """
        view = memoryview(data)
        if len(view) < _HEADER.size:
            raise HomeCorrupt(part="log", where=name, reason="shorter than its header")
        ident, first, count, total, check = _HEADER.unpack_from(view)
        self._start = _HEADER.size + count * 40
        if ident != _IDENT or len(view) != self._start + total:
            raise HomeCorrupt(part="log", where=name, reason="header does not fit")
        if digest.raw_of_bytes(view[_HEADER.size : self._start]) != check:
            raise HomeCorrupt(part="log", where=name, reason="columns do not match their hash")
        self.name = name
        self.first: int = first
        self.count: int = count
        self._view = view
        middle = _HEADER.size + count * 32
        self.leaves = view[_HEADER.size : middle]
        self._ends = array("Q", view[middle : self._start].tobytes())
        if sys.byteorder == "big":
            self._ends.byteswap()

    def leaf(self, position: int) -> bytes:
        """Give the canonical bytes of the entry at a position of the log, checked.

        Raises: cas.entry_missing, cas.home_corrupt
        """
        at = position - self.first
        if not 0 <= at < self.count:
            raise EntryMissing(position=position)
        start, stop = self.extent(position)
        data = bytes(self._view[start:stop])
        if merkle.leaf_hash(data) != self.leaf_hash(position):
            raise HomeCorrupt(part="entry", where=self.name, entry=position, reason="bytes do not match their hash")
        return data

    def leaf_hash(self, position: int) -> bytes:
        """Give the leaf hash of the entry at a position of the log."""
        at = (position - self.first) * 32
        return bytes(self.leaves[at : at + 32])

    def extent(self, position: int) -> tuple[int, int]:
        """Say where in the file an entry's bytes begin and end."""
        at = position - self.first
        return self._start + (self._ends[at - 1] if at else 0), self._start + self._ends[at]

    def release(self) -> None:
        """Let go of the bytes, so that a memory map under them can be closed."""
        self.leaves.release()
        self._view.release()
