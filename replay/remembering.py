"""What a process that reruns many Runs remembers: verified bytes, decoded records, the digests they name.

Records are immutable and named by their bytes, so remembering changes time, never an answer; what a Run read is noted
as if it had been read anew, and compared with what it said. Oldest out first, bounded by bytes.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from cas import canon
from cas.digest import Digest
from cas.records.base import Record
from cas.store import Reader
from pipeline.held import Held
from pipeline.named import Named
from pipeline.stage import ReadUnnamed, StageIO

R = TypeVar("R", bound=Record)

MAX_BYTES: Final = 128 << 20


class Memory:
    """Objects by digest: bytes, what they name, and what they decode to."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.held = Held()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._objects: dict[Digest, tuple[bytes, Named]] = {}
        self._records: dict[Digest, dict[type[Record], Any]] = {}

    def object(self, name: Digest, reader: Reader) -> tuple[bytes, Named]:
        """Give an object's bytes and the digests it names.

        Raises: cas.object_missing, cas.object_corrupt
        """
        found = self._objects.get(name)
        if found is None:
            data = reader.get(name)
            found = self._objects[name] = (data, Named(data))
            self._bytes += len(data)
            while self._bytes > self._max_bytes and len(self._objects) > 1:
                oldest = next(iter(self._objects))
                self._bytes -= len(self._objects.pop(oldest)[0])
                self._records.pop(oldest, None)
        return found

    def record(self, name: Digest, kind: type[R], data: bytes) -> R:
        """Give a record, decoded once.

        Raises: cas.record_invalid
        """
        kinds = self._records.setdefault(name, {})
        found = kinds.get(kind)
        if found is None:
            found = kinds[kind] = canon.to_record(data, kind)
        return cast("R", found)

    def io(self, store: Reader, keep: Callable[[bytes], Digest], question: bytes) -> StageIO:
        """Make what a stage gets, over this memory."""
        return RememberingIO(self, store, keep, question)


class RememberingIO(StageIO):
    """Answers as StageIO does, from memory where it can."""

    def __init__(self, memory: Memory, store: Reader, keep: Callable[[bytes], Digest], question: bytes) -> None:
        super().__init__(store, keep, question, memory.held)
        self._memory = memory

    def read(self, wanted: Digest) -> bytes:
        """See StageIO."""
        if wanted not in self._named:
            raise ReadUnnamed(digest=wanted)
        data, named = self._memory.object(wanted, self._store)
        if wanted not in self.reads:
            self.reads.add(wanted)
            self._seen[wanted] = named
            self._named.add(named)
        return data

    def load(self, wanted: Digest, kind: type[R]) -> R:
        """See StageIO."""
        return self._memory.record(wanted, kind, self.read(wanted))
