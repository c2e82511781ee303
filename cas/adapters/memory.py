"""Store and Log in dictionaries: the reference behaviour that every other adapter is held to."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future

from cas import canon, digest, merkle
from cas.digest import Digest
from cas.log import Appended, Fold, LogHead, RefIs
from cas.problems import EntryMissing, ObjectCorrupt, ObjectMissing
from cas.records.proof import Entry, RunNote

CHUNK = 1 << 20


class MemoryStore:
    """A Store in a dict."""

    def __init__(self) -> None:
        self._objects: dict[Digest, bytes] = {}

    def has(self, digest: Digest) -> bool:
        """See Store."""
        return digest in self._objects

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
    """A Log in a list."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leaves: list[bytes] = []
        self._entries: list[Entry] = []
        self._fold = Fold()

    def append(self, entries: Sequence[Entry], expect: Sequence[RefIs] = ()) -> Future[Appended]:
        """See Log."""
        future: Future[Appended] = Future()
        with self._lock:
            try:
                self._fold.check(entries, expect)
            except Exception as problem:  # noqa: BLE001 - handed to whoever waits
                future.set_exception(problem)
                return future
            first = len(self._entries)
            for entry in entries:
                self._leaves.append(canon.of_record(entry))
                self._entries.append(entry)
                self._fold.apply(entry)
            head = self.head()
        future.set_result(Appended(first, head))
        return future

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """See Log."""
        yield from enumerate(self._entries[start:stop], start)

    def head(self) -> LogHead:
        """See Log."""
        level = [merkle.leaf_hash(leaf) for leaf in self._leaves]
        while len(level) > 1:
            paired = [merkle.node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
            level = paired + level[len(level) & ~1 :]
        return LogHead(len(self._leaves), digest.from_raw(level[0] if level else merkle.EMPTY))

    def ref(self, name: str) -> Digest | None:
        """See Log."""
        return self._fold.refs.get(name)

    def refs(self, prefix: str = "") -> tuple[tuple[str, Digest], ...]:
        """See Log."""
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
        raise NotImplementedError

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """See Log."""
        raise NotImplementedError
