"""Objects of 1 MiB and more, each its own file: streamed, hashed on the way in, synced and renamed.

Knows files and digests only. A file stands under its digest and is never changed, so a reader needs no lock.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from cas import digest
from cas.adapters.home_files import room, sync_folder
from cas.digest import Digest
from cas.problems import ObjectCorrupt, ObjectMissing, SyncFailed

LARGE: Final = 1 << 20
CHUNK: Final = 1 << 20
_REMEMBERED: Final = 4096
_AHEAD: Final = 1 << 22


class LargeFiles:
    """Large objects under one folder."""

    def __init__(self, folder: Path, scratch: Path, sync: Callable[[int], None]) -> None:
        self._folder = folder
        self._scratch = scratch
        self._sync = sync
        self._count = itertools.count()
        self._sound: dict[tuple[Digest, int, int, int], None] = {}

    def path(self, name: Digest) -> Path:
        """Say where an object's file stands."""
        text = name[7:]
        return self._folder / text[:2] / text[2:]

    def size(self, name: Digest) -> int | None:
        """Give an object's length, or None when it is not here."""
        try:
            return os.stat(f"{self._folder}/{name[7:9]}/{name[9:]}").st_size  # noqa: PTH116 - asked often
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, chunks: Iterable[bytes], expected: Digest | None) -> Digest:
        """Keep a stream, durable on return.

        Raises: cas.object_corrupt (nothing is kept), cas.home_full, cas.sync_failed
        """
        scratch = self._scratch / f"{os.getpid()}-{next(self._count)}"
        with room(scratch):
            handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                name = _pour(handle, chunks)
                _demand(name, expected)
                if self.size(name) is not None:
                    scratch.unlink()
                    return name
                self._settle(handle, scratch, self.path(name))
            except BaseException:
                scratch.unlink(missing_ok=True)
                raise
            finally:
                os.close(handle)
        return name

    def _settle(self, handle: int, scratch: Path, path: Path) -> None:
        try:
            self._sync(handle)
        except OSError as error:
            raise SyncFailed(path=str(path), reason=error.strerror) from error
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(mode=0o700)
            sync_folder(path.parent.parent)
        scratch.rename(path)
        sync_folder(path.parent)

    def read(self, name: Digest, start: int, stop: int | None) -> Iterator[bytes]:
        """Stream a range. The whole is hashed on the way, the fault raised at its end; a part, before it begins.

        Raises: cas.object_missing, cas.object_corrupt
        """
        try:
            handle = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ObjectMissing(digest=name) from error
        try:
            size = os.fstat(handle).st_size
            start, stop, _ = slice(start, stop).indices(size)
            if (start, stop) == (0, size):
                yield from _checked(_range(handle, 0, size), name)
            else:
                self._check_once(handle, name)
                yield from _range(handle, start, stop)
        finally:
            os.close(handle)

    def digests(self) -> list[Digest]:
        """List the objects, sorted."""
        return [f"sha256:{folder.name}{file.name}" for folder in _sorted(self._folder) for file in _sorted(folder.path)]

    def _check_once(self, handle: int, name: Digest) -> None:
        """Hash a file before a part of it is given, once for as long as it does not change."""
        seen = os.fstat(handle)
        key = (name, seen.st_ino, seen.st_mtime_ns, seen.st_size)
        if key not in self._sound:
            for _ in _checked(_range(handle, 0, seen.st_size), name):
                pass
            if len(self._sound) >= _REMEMBERED:
                self._sound.clear()
            self._sound[key] = None


def _demand(found: Digest, expected: Digest | None) -> None:
    if expected is not None and found != expected:
        raise ObjectCorrupt(digest=expected, found=found)


def _pour(handle: int, chunks: Iterable[bytes]) -> Digest:
    """Write and hash in one pass; the disk is kept busy meanwhile, so that the sync at the end finds little to do."""
    name: Digest = ""
    begun = written = 0
    for chunk, found in digest.hashing(chunks):
        if found is not None:
            name = found
            break
        view = memoryview(chunk)
        while view:
            view = view[os.write(handle, view) :]
        written += len(chunk)
        if written - begun >= _AHEAD:
            os.posix_fadvise(handle, begun, written - begun, os.POSIX_FADV_DONTNEED)  # starts writing dirty pages
            begun = written
    return name


def _range(handle: int, start: int, stop: int) -> Iterator[bytes]:
    while start < stop:
        chunk = os.pread(handle, min(CHUNK, stop - start), start)
        if not chunk:
            return
        yield chunk
        start += len(chunk)


def _checked(chunks: Iterable[bytes], name: Digest) -> Iterator[bytes]:
    for chunk, found in digest.hashing(chunks):
        if found is None:
            yield chunk
        elif found != name:
            raise ObjectCorrupt(digest=name, found=found)


def _sorted(folder: Path | str) -> list[os.DirEntry[str]]:
    return sorted(os.scandir(folder), key=lambda entry: entry.name)
