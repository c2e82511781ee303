"""Store and Log in dictionaries: the reference behaviour that every other adapter is held to.

Safe between threads: objects are only ever added, in one step each; the log changes under its lock.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future

from cas import canon, digest, merkle
from cas.digest import Digest
from cas.log import Appended, Fold, LogHead, RefIs
from cas.problems import EntryMissing, ObjectCorrupt, ObjectMissing, Problem
from cas.records.proof import Entry, RunNote

CHUNK = 1 << 20


class MemoryStore:
    """A Store in a dict."""

    def __init__(self) -> None:
        self._objects: dict[Digest, bytes] = {}

    def has(self, name: Digest) -> bool:
        """See Store."""
        return name in self._objects

    def get(self, name: Digest) -> bytes:
        """See Store."""
        data = self._objects.get(name)
        if data is None:
            raise ObjectMissing(digest=name)
        if digest.of_bytes(data) != name:
            raise ObjectCorrupt(digest=name)
        return data

    def put(self, data: bytes) -> Digest:
        """See Store."""
        name = digest.of_bytes(data)
        self._objects.setdefault(name, bytes(data))
        return name

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return tuple(sorted({name for name in digests if name not in self._objects}))

    def size(self, name: Digest) -> int:
        """See Store."""
        if name not in self._objects:
            raise ObjectMissing(digest=name)
        return len(self._objects[name])

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        data = self.get(name)[start:stop]
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store."""
        data = b"".join(chunks)
        name = digest.of_bytes(data)
        if expected is not None and name != expected:
            raise ObjectCorrupt(digest=expected, found=name)
        return self.put(data)

    def flush(self) -> None:
        """See Store."""

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        yield from sorted(self._objects)


class MemoryLog:
    """A Log in a list. What was appended is at once as durable as it will ever be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leaves: list[bytes] = []
        self._entries: list[Entry] = []
        self._tree = merkle.Tree()
        self._fold = Fold()

    def append(self, entries: Sequence[Entry], expect: Sequence[RefIs] = ()) -> Future[Appended]:
        """See Log."""
        future: Future[Appended] = Future()
        try:
            done = self._append(entries, expect)
        except Problem as problem:
            future.set_exception(problem)
        else:
            future.set_result(done)
        return future

    def _append(self, entries: Sequence[Entry], expect: Sequence[RefIs]) -> Appended:
        leaves = [canon.of_record(entry) for entry in entries]  # before anything is changed: it may refuse
        with self._lock:
            self._fold.check(entries, expect)
            first = len(self._entries)
            for entry in entries:
                self._fold.apply(entry)
            self._leaves += leaves
            self._entries += entries
            self._tree.extend(map(merkle.leaf_hash, leaves))
            return Appended(first, self._head())

    def _head(self) -> LogHead:
        return LogHead(self._tree.size, digest.from_raw(self._tree.root()))

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """See Log."""
        yield from enumerate(self._entries[start:stop], start)

    def head(self) -> LogHead:
        """See Log."""
        with self._lock:
            return self._head()

    def ref(self, name: str) -> Digest | None:
        """See Log."""
        return self._fold.refs.get(name)

    def refs(self, prefix: str = "") -> tuple[tuple[str, Digest], ...]:
        """See Log."""
        with self._lock:
            return tuple(sorted((name, at) for name, at in self._fold.refs.items() if name.startswith(prefix)))

    def admitted(self, record: Digest) -> int | None:
        """See Log."""
        return self._fold.admitted.get(record)

    def ran(self, stage: str, version: int, question: Digest) -> RunNote | None:
        """See Log."""
        return self._fold.ran.get((stage, version, question))

    def run_of(self, output: Digest) -> RunNote | None:
        """See Log."""
        return self._fold.outputs.get(output)

    def leaf(self, position: int) -> bytes:
        """See Log."""
        if not 0 <= position < len(self._leaves):
            raise EntryMissing(position=position)
        return self._leaves[position]

    def inclusion(self, position: int, size: int) -> tuple[bytes, ...]:
        """See Log."""
        return self._tree.inclusion(position, size)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """See Log."""
        return self._tree.consistency(old, new)
