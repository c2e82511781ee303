"""A bundle opened where it lies: checked whole, then a read-only store with the Runs its log lists. Imports nothing."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cas import digest
from cas.canon import to_record
from cas.closure import Admissions
from cas.digest import Digest
from cas.layers import SealedWrite
from cas.problems import ObjectCorrupt, ObjectMissing
from cas.records.proof import BundleLog, BundleManifest
from replay import verify
from replay.behind import of_entries
from replay.problems import BundleInvalid

CHUNK: Final = 1 << 20


class OpenedBundle:
    """A sound bundle as a Store; ``established`` tells whether its signer is the root that was asked for."""

    def __init__(self, path: Path, root: Digest | None = None) -> None:
        """Check a bundle by every rule of ``verify.py`` and open it.

        Raises: bundle.invalid
        """
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.checked = verify.check(self._data, root)
        except (OSError, ValueError) as error:
            raise BundleInvalid(path=str(path), reason=str(error)[:200]) from error
        except verify.Bad as bad:
            raise BundleInvalid(path=str(path), reason=str(bad)[:500]) from bad
        found = self.checked.bundle
        self.established = self.checked.established
        self.manifest = to_record(found.blob(found.manifest_digest), BundleManifest)
        self.manifest_digest = found.manifest_digest
        self.log = to_record(found.blob(found.log_digest), BundleLog)
        self._view = memoryview(self._data)

    def beside(self) -> Iterator[bytes]:
        """Give what travels outside the packs: manifest, log, checkpoint, envelope."""
        found = self.checked.bundle
        for name in (found.manifest_digest, found.log_digest, found.checkpoint_digest, found.envelope_digest):
            yield found.blob(name)

    def recorded(self) -> Admissions:
        """Answer from the entries that travel, as their log would."""
        return recorded(self.log)

    def has(self, name: Digest) -> bool:
        """See Store."""
        return name in self.checked.bundle.objects

    def get(self, name: Digest) -> bytes:
        """See Store."""
        start, size = self._span(name)
        data = bytes(self._view[start : start + size])
        if digest.of_bytes(data) != name:  # the file may have changed since it was checked
            raise ObjectCorrupt(digest=name)
        return data

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
        return self._span(name)[1]

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
        yield from sorted(self.checked.bundle.objects)

    def _span(self, name: Digest) -> tuple[int, int]:
        span = self.checked.bundle.objects.get(name)
        if span is None:
            raise ObjectMissing(digest=name)
        return span


def recorded(log: BundleLog) -> Admissions:
    """Answer from a bundle's log what closure and replay ask of a log."""
    return of_entries((each.position, each.entry) for each in log.entries)
