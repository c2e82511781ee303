"""Stores made of stores: verified, read-through, sealed, tracing. Knows the Store contract only."""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Final

from cas import digest
from cas.digest import Digest
from cas.problems import Category, ObjectCorrupt, ObjectMissing, Problem
from cas.store import Store

CHUNK: Final = 1 << 20


class OutsideSeal(Problem):
    """A sealed store was asked for something it may not give."""

    code = "cas.outside_seal"
    category = Category.DENIED
    title = "This object is outside what may be read here"
    remedy = "What is rerun may read only what its bundle or closure holds; name the object there."


class SealedWrite(Problem):
    """A sealed store without scratch space was written to."""

    code = "cas.sealed_write"
    category = Category.CONFLICT
    title = "This store is sealed"
    remedy = "Write to another store, or give the sealed one a scratch store."


class Through:
    """A store that hands everything on; what a layer changes, it overrides."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def has(self, name: Digest) -> bool:
        """See Store."""
        return self._store.has(name)

    def get(self, name: Digest) -> bytes:
        """See Store."""
        return self._store.get(name)

    def put(self, data: bytes) -> Digest:
        """See Store."""
        return self._store.put(data)

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return self._store.missing(digests)

    def size(self, name: Digest) -> int:
        """See Store."""
        return self._store.size(name)

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        return self._store.read(name, start, stop)

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store."""
        return self._store.write(chunks, expected)

    def flush(self) -> None:
        """See Store."""
        self._store.flush()

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        return self._store.digests()


class Verified(Through):
    """Hashes whatever leaves a store that is not trusted to do so itself, and what it says it kept."""

    def get(self, name: Digest) -> bytes:
        """See Store."""
        data = self._store.get(name)
        if digest.of_bytes(data) != name:
            raise ObjectCorrupt(digest=name)
        return data

    def put(self, data: bytes) -> Digest:
        """See Store."""
        name = digest.of_bytes(data)
        said = self._store.put(data)
        if said != name:
            raise ObjectCorrupt(digest=name, found=said)
        return name

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store; a range cannot be hashed by itself, so all of the object is read and the range cut out of it."""
        at = 0
        for chunk, found in digest.hashing(self._store.read(name)):
            if found is not None:
                if found != name:
                    raise ObjectCorrupt(digest=name, found=found)
                return
            cut = chunk[max(start - at, 0) : None if stop is None else max(stop - at, 0)]
            at += len(chunk)
            if cut:
                yield cut


class ReadThrough(Through):
    """A near store over a far one: what is not near is read from afar and, with ``keep``, kept near.

    Written is only ever near. With ``keep=False`` the far store is a read-only layer below (public feeds, a bundle).
    """

    def __init__(self, near: Store, far: Store, *, keep: bool = True) -> None:
        super().__init__(near)
        self._far = Verified(far)
        self._keep = keep

    def has(self, name: Digest) -> bool:
        """See Store."""
        return self._store.has(name) or self._far.has(name)

    def get(self, name: Digest) -> bytes:
        """See Store."""
        try:
            return self._store.get(name)
        except ObjectMissing:
            data = self._far.get(name)
            if self._keep:
                self._store.put(data)
            return data

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return self._far.missing(self._store.missing(digests))

    def size(self, name: Digest) -> int:
        """See Store."""
        return self._store.size(name) if self._store.has(name) else self._far.size(name)

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        if not self._store.has(name):
            if not self._keep:
                return self._far.read(name, start, stop)
            self._store.write(self._far.read(name), expected=name)
        return self._store.read(name, start, stop)

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        last = ""
        for name in merge(self._store.digests(), self._far.digests()):
            if name != last:
                yield name
            last = name


class Sealed(Through):
    """Gives only what it was told it may, so that a rerun cannot lean on anything else.

    What is written goes to ``scratch`` and may be read again; without one nothing can be written.
    """

    def __init__(self, store: Store, allowed: Iterable[Digest], scratch: Store | None = None) -> None:
        super().__init__(store)
        self._allowed = frozenset(allowed)
        self._scratch = scratch

    def _where(self, name: Digest) -> Store:
        if self._scratch is not None and self._scratch.has(name):
            return self._scratch
        if name in self._allowed:
            return self._store
        raise OutsideSeal(digest=name)

    def _written(self) -> Store:
        if self._scratch is None:
            raise SealedWrite
        return self._scratch

    def has(self, name: Digest) -> bool:
        """See Store; what may not be read is not here."""
        if self._scratch is not None and self._scratch.has(name):
            return True
        return name in self._allowed and self._store.has(name)

    def get(self, name: Digest) -> bytes:
        """See Store.

        Raises: cas.outside_seal, and as Store
        """
        return self._where(name).get(name)

    def put(self, data: bytes) -> Digest:
        """See Store.

        Raises: cas.sealed_write
        """
        return self._written().put(data)

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return tuple(sorted({name for name in digests if not self.has(name)}))

    def size(self, name: Digest) -> int:
        """See Store.

        Raises: cas.outside_seal, and as Store
        """
        return self._where(name).size(name)

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store.

        Raises: cas.outside_seal, and as Store
        """
        return self._where(name).read(name, start, stop)

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store.

        Raises: cas.sealed_write
        """
        return self._written().write(chunks, expected)

    def flush(self) -> None:
        """See Store; nothing here is meant to last."""

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        written = set(self._scratch.digests()) if self._scratch is not None else set()
        yield from sorted(written | {name for name in self._allowed if self._store.has(name)})


class Tracing(Through):
    """Notes which objects were read and which were written."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.reads: set[Digest] = set()
        self.writes: set[Digest] = set()

    def get(self, name: Digest) -> bytes:
        """See Store."""
        data = self._store.get(name)
        self.reads.add(name)
        return data

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        chunks = self._store.read(name, start, stop)
        self.reads.add(name)
        return chunks

    def put(self, data: bytes) -> Digest:
        """See Store."""
        name = self._store.put(data)
        self.writes.add(name)
        return name

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store."""
        name = self._store.write(chunks, expected)
        self.writes.add(name)
        return name
