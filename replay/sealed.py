"""A sealed store in a file: a pack written for a rerun, and read back by another process. Knows packs and paths."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cas import digest, pack
from cas.digest import Digest
from cas.layers import SealedWrite
from cas.problems import ObjectCorrupt, ObjectMissing
from cas.store import Reader

CHUNK: Final = 1 << 20


def write_pack(path: Path, reader: Reader, objects: Iterable[Digest]) -> None:
    """Write some objects as one pack.

    Raises: cas.object_missing, cas.object_corrupt
    """
    with path.open("xb") as file:
        file.write(pack.encode(reader.get(name) for name in sorted(set(objects))))


class PackStore:
    """A read-only Store over pack files, mapped into memory; objects are hashed before they are handed out."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Open packs.

        Raises: cas.pack_invalid
        """
        self._packs = [pack.Pack(memoryview(_mapped(path))) for path in paths]

    def _in(self, name: Digest) -> tuple[pack.Pack, tuple[int, int]] | None:
        raw = digest.to_raw(name)
        for each in self._packs:
            found = each.find(raw)
            if found is not None:
                return each, found
        return None

    def has(self, name: Digest) -> bool:
        """See Store."""
        return self._in(name) is not None

    def get(self, name: Digest) -> bytes:
        """See Store."""
        raw = digest.to_raw(name)
        for each in self._packs:
            data = each.take(raw)
            if data is not None:
                if digest.raw_of_bytes(data) != raw:
                    raise ObjectCorrupt(digest=name)
                return data
        raise ObjectMissing(digest=name)

    def put(self, data: bytes) -> Digest:
        """See Store; nothing can be put here.

        Raises: cas.sealed_write
        """
        raise SealedWrite(size=len(data))

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return tuple(sorted({name for name in digests if not self.has(name)}))

    def size(self, name: Digest) -> int:
        """See Store."""
        found = self._in(name)
        if found is None:
            raise ObjectMissing(digest=name)
        return found[1][1]

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        data = self.get(name)[start:stop]
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store; nothing can be written here.

        Raises: cas.sealed_write
        """
        del chunks
        raise SealedWrite(digest=expected)

    def flush(self) -> None:
        """See Store."""

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        yield from sorted({digest.from_raw(raw) for each in self._packs for raw, _, _ in each.rows()})


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
