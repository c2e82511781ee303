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


class _Object:
    """Verified bytes, what they name, and the record of one kind that they were last decoded to."""

    __slots__ = ("data", "kind", "named", "record")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.named = Named(data)
        self.kind: type[Record] | None = None
        self.record: Any = None


class Memory:
    """Objects by digest: bytes, what they name, and what they decode to."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.held = Held(max_bytes)
        self._max_bytes = max_bytes
        self._bytes = 0
        self._objects: dict[Digest, _Object] = {}

    def object(self, name: Digest, reader: Reader) -> _Object:
        """Give an object's bytes and the digests it names.

        Raises: cas.object_missing, cas.object_corrupt
        """
        found = self._objects.get(name)
        if found is None:
            found = self._objects[name] = _Object(reader.get(name))
            self._bytes += len(found.data)
            while self._bytes > self._max_bytes and len(self._objects) > 1:
                self._bytes -= len(self._objects.pop(next(iter(self._objects))).data)
        return found

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
        return self._object(wanted).data

    def load(self, wanted: Digest, kind: type[R]) -> R:
        """See StageIO."""
        found = self._object(wanted)
        if found.kind is not kind:
            found.record = canon.to_record(found.data, kind)
            found.kind = kind
        return cast("R", found.record)

    def _object(self, wanted: Digest) -> _Object:
        if wanted not in self._named:
            raise ReadUnnamed(digest=wanted)
        found = self._memory.object(wanted, self._store)
        if wanted not in self.reads:
            self.reads.add(wanted)
            self._seen[wanted] = found.named
            self._named.add(found.named)
        return found
