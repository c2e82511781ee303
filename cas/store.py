"""The Store contract, and how records go in and out of it. Must not know where bytes lie."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from cas import canon
from cas.digest import Digest
from cas.records.base import Record

R = TypeVar("R", bound=Record)


class Reader(Protocol):
    """Whatever gives verified bytes by digest."""

    def has(self, digest: Digest) -> bool:
        """Tell whether the object is here."""
        ...

    def get(self, digest: Digest) -> bytes:
        """Give the object's bytes, hashed before they are handed out.

        Raises: cas.object_missing, cas.object_corrupt
        """
        ...


class Store(Reader, Protocol):
    """Bytes named by their SHA-256. Putting twice is putting once. Safe to share between threads."""

    def put(self, data: bytes) -> Digest:
        """Keep bytes; durable once a log append or ``flush`` that follows has been acknowledged."""
        ...

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """List, in order and once each, those that are not here."""
        ...

    def size(self, digest: Digest) -> int:
        """Give an object's length in bytes.

        Raises: cas.object_missing
        """
        ...

    def read(self, digest: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Stream a range in chunks of at most 1 MiB; a whole object is hashed on the way, the fault raised at its end.

        Raises: cas.object_missing, cas.object_corrupt
        """
        ...

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """Keep a stream of bytes in bounded memory; a digest other than ``expected`` keeps nothing.

        Raises: cas.object_corrupt
        """
        ...

    def flush(self) -> None:
        """Make everything put so far durable."""
        ...

    def digests(self) -> Iterator[Digest]:
        """List every object held, sorted."""
        ...


@runtime_checkable
class InFiles(Protocol):
    """A store that keeps some objects as files of their own, which never change."""

    def file_of(self, digest: Digest) -> Path | None:
        """Give the file that holds nothing but an object, or None. Whoever reads it must hash it."""
        ...


def save(store: Store, record: Record) -> Digest:
    """Keep a record in its canonical form."""
    return store.put(canon.of_record(record))


def load(reader: Reader, digest: Digest, kind: type[R]) -> R:
    """Read a record of one kind.

    Raises: cas.object_missing, cas.object_corrupt, cas.record_invalid
    """
    return canon.to_record(reader.get(digest), kind)
