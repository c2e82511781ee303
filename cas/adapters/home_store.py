"""The Store of a home: journal and packs for small objects, own files for large ones.

What is put is visible in this process at once, durable after ``flush``, ``settled`` or an append, and then visible to
readers in other processes. Every read is hashed before it is handed out.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from heapq import merge
from pathlib import Path
from typing import Final

from cas import digest
from cas.adapters.home_commit import Committer
from cas.adapters.home_state import Mapped, Place, State
from cas.adapters.large_files import CHUNK, LARGE, LargeFiles
from cas.digest import Digest
from cas.pack import Pack
from cas.problems import HomeCorrupt, HomeReadOnly, ObjectCorrupt, ObjectMissing

PENDING: Final = 1 << 24
"""So many bytes may wait in memory before whoever puts more commits them."""
_from_hex: Final = bytes.fromhex
_of_bytes: Final = digest.of_bytes
_both_of_bytes: Final = digest.both_of_bytes
_pread: Final = os.pread


class HomeStore:
    """See Store."""

    def __init__(
        self,
        current: Callable[[], State],
        refresh: Callable[[], bool],
        large: LargeFiles,
        committer: Committer | None,
        read_only: Callable[[], HomeReadOnly],
    ) -> None:
        self._current = current
        self._refresh = refresh
        self._large = large
        self._committer = committer
        self._read_only = read_only

    def has(self, name: Digest) -> bool:
        """See Store."""
        return self._place(name) is not None or self._large.size(name) is not None or self._again(name)

    def get(self, name: Digest) -> bytes:
        """See Store."""
        state = self._current()
        place = state.objects.get(name)
        if place is None:
            data = self._of_packs(state.packs, name) or self._get_elsewhere(name)
        elif place.__class__ is tuple:
            segment, start, length = place
            data = _pread(segment.handle, length, start)
        else:
            data = place  # type: ignore[assignment]
        if _of_bytes(data) != name:
            raise ObjectCorrupt(digest=name)
        return data

    def put(self, data: bytes) -> Digest:
        """See Store."""
        raw, name = _both_of_bytes(data)
        committer = self._committer
        if committer is None or committer.failure is not None:
            committer = self._writing()
        objects = committer.objects
        if name in objects:
            return name
        size = len(data)
        if size >= LARGE:
            return name if self._large.size(name) is not None else self._large.write((data,), name)
        if committer.state.packs and self._packed(raw) is not None:
            return name
        if data.__class__ is not bytes:
            data = bytes(data)
        if objects.setdefault(name, data) is data:
            committer.queue.append((raw, data, name))
            committer.queued += size
            if committer.queued >= PENDING:
                committer.group.settle()
        return name

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return tuple(sorted({name for name in digests if not self.has(name)}))

    def size(self, name: Digest) -> int:
        """See Store."""
        place = self._place(name)
        if place is None:
            large = self._large.size(name)
            if large is not None:
                return large
            if not self._again(name):
                raise ObjectMissing(digest=name)
            return self.size(name)
        return len(place) if isinstance(place, bytes) else place[-1]

    def file_of(self, name: Digest) -> Path | None:
        """See InFiles."""
        return None if self._large.size(name) is None else self._large.path(name)

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        if self._place(name) is None and self._large.size(name) is not None:
            yield from self._large.read(name, start, stop)
            return
        data = self.get(name)[start:stop]
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store."""
        self._writing()
        source = iter(chunks)
        begun: list[bytes] = []
        size = 0
        for chunk in source:
            begun.append(bytes(chunk))
            size += len(chunk)
            if size >= LARGE:
                return self._large.write(_chain(begun, source), expected)
        data = b"".join(begun)
        name = digest.of_bytes(data)
        if expected is not None and name != expected:
            raise ObjectCorrupt(digest=expected, found=name)
        return self.put(data)

    def flush(self) -> None:
        """See Store."""
        if self._committer is not None:
            self._committer.group.settle()

    def settled(self) -> "Future[None]":
        """Give a future, shared with everybody who asks meanwhile, for the durability of everything put so far."""
        batch = self._writing().group.batch  # what was put before is in this one, or in one that ends before it
        if not batch.asked:
            batch.asked = True
            self._writing().group.nudge()
        return batch.done

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        self._refresh()
        state = self._current()
        sources: list[Iterable[Digest]] = [sorted(state.objects.copy()), self._large.digests()]
        sources += [(digest.from_raw(raw) for raw, _, _ in pack.get().rows()) for pack in state.packs]
        last = ""
        for name in merge(*sources):
            if name != last:
                yield name
            last = name

    def _writing(self) -> Committer:
        committer = self._committer
        if committer is None:
            raise self._read_only()
        if committer.failure is not None:
            raise committer.failure
        return committer

    def _place(self, name: Digest) -> bytes | Place | tuple[int] | None:
        """Find a small object: its bytes, its place in a journal, or its length in a pack."""
        state = self._current()
        place = state.objects.get(name)
        if place is not None:
            return place
        found = self._packed(_from_hex(name[7:])) if state.packs else None
        return found and (found[2],)

    def _packed(self, raw: bytes) -> tuple[Pack, int, int] | None:
        """Find a packed object: pack, start, length. A pack that has been merged away meanwhile is asked for anew."""
        while True:
            packs = self._current().packs
            try:
                for mapped in reversed(packs):
                    pack = mapped.get()
                    found = pack.find(raw)
                    if found is not None:
                        return (pack, *found)
            except HomeCorrupt:
                if self._current().packs is packs and not self._refresh():
                    raise
            else:
                return None

    @staticmethod
    def _of_packs(packs: Sequence[Mapped[Pack]], name: Digest) -> bytes | None:
        """Read from packs that can be read, newest first; None leaves it to ``_get_elsewhere`` to say why not."""
        raw = _from_hex(name[7:])
        try:
            for mapped in reversed(packs):
                found = mapped.get().take(raw)
                if found is not None:
                    return found
        except HomeCorrupt:
            return None
        return None

    def _get_elsewhere(self, name: Digest) -> bytes:
        """Read from packs, then large files, then again after looking whether the writer has added it."""
        found = self._packed(digest.to_raw(name))
        if found is not None:
            pack, start, length = found
            return pack.bytes_at(start, length)
        if self._large.size(name) is not None:
            return b"".join(self._large.read(name, 0, None))
        if self._again(name):
            return self.get(name)
        raise ObjectMissing(digest=name)

    def _again(self, name: Digest) -> bool:
        """Look once more when another process has written since."""
        return self._refresh() and (self._place(name) is not None or self._large.size(name) is not None)


def _chain(begun: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from begun
    begun.clear()
    yield from rest
