"""A store that holds what an operation makes until the operation knows that it will succeed.

Reads go to what is held, then to the store below; ``release`` hands everything down, once, just before the append. An
operation that fails before leaves nothing behind.
"""

from collections.abc import Iterable, Iterator

from cas import digest
from cas.digest import Digest
from cas.problems import ObjectCorrupt
from cas.store import Store

CHUNK = 1 << 20


class Staging:
    """A Store over another, for one operation."""

    def __init__(self, below: Store) -> None:
        self._below = below
        self._held: dict[Digest, bytes] = {}

    def has(self, name: Digest) -> bool:
        """See Store."""
        return name in self._held or self._below.has(name)

    def get(self, name: Digest) -> bytes:
        """See Store; what is held was hashed when it was put."""
        held = self._held.get(name)
        return held if held is not None else self._below.get(name)

    def put(self, data: bytes) -> Digest:
        """See Store."""
        name = digest.of_bytes(data)
        if name not in self._held:
            self._held[name] = bytes(data)
        return name

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return self._below.missing(name for name in digests if name not in self._held)

    def size(self, name: Digest) -> int:
        """See Store."""
        held = self._held.get(name)
        return len(held) if held is not None else self._below.size(name)

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        held = self._held.get(name)
        if held is None:
            yield from self._below.read(name, start, stop)
            return
        for at in range(start, len(held) if stop is None else min(stop, len(held)), CHUNK):
            yield held[at : min(at + CHUNK, len(held) if stop is None else stop)]

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store."""
        data = b"".join(chunks)
        name = digest.of_bytes(data)
        if expected is not None and name != expected:
            raise ObjectCorrupt(digest=expected, found=name)
        return self.put(data)

    def flush(self) -> None:
        """See Store; what is held stays held."""
        self._below.flush()

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        yield from sorted({*self._held, *self._below.digests()})

    def release(self) -> None:
        """Hand everything down."""
        for data in self._held.values():
            self._below.put(data)
        self._held.clear()
