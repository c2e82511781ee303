"""An archive being written: every byte is hashed before it goes in, and goes in without passing through here again.

Blobs stand in an archive in the order of their digests, so none can be placed before all are known. What is small is
gathered in a scratch file; an object that is a file already stays where it is, and is hashed there as object and as a
part of its pack in one reading. Then the system copies both into the archive. Knows files and digests, not records.
"""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

from cas import digest
from cas.digest import Digest
from cas.problems import ObjectCorrupt

_READ: Final = 1 << 21
_PIECE: Final = 1 << 17
_COPIED: Final = 1 << 23
_NOT_HERE: Final = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_FLUSHED: Final = 1 << 23


_Likeness: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file: which, from where, how many; what the file was like when they were hashed ("" for our own)."""

    path: Path
    start: int
    size: int
    name: Digest = ""
    seen: _Likeness = ()


class Packing:
    """One pack in the making. What is given is hashed in another thread while the next is gathered."""

    def __init__(self, scratch: "Scratch") -> None:
        self._scratch = scratch
        self._running = digest.Running()
        self._pieces: list[Piece] = []
        self._verified: list[tuple[Digest, _Likeness, Future[tuple[Digest, _Likeness]]]] = []
        self.size = 0

    def add(self, data: bytes) -> None:
        """Take in bytes that have been verified."""
        done = self._scratch.beside(self._running.update, data)
        self._note(self._scratch.write(data))
        done.result()

    def add_file(self, name: Digest, path: Path, size: int) -> None:
        """Take in an object that is a file. Whether it is that object is known when the pack is done.

        Raises: cas.object_corrupt when it has another size
        """
        verified = self._scratch.verify(name, path)
        buffers = [memoryview(bytearray(_READ)), memoryview(bytearray(_READ))]
        waiting: list[Future[None]] = []
        at = 0
        with path.open("rb", buffering=0) as file:
            seen = _likeness(file.fileno())
            while count := file.readinto(buffers[0]):
                waiting.append(self._scratch.beside(self._running.update, buffers[0][:count]))
                if len(waiting) == len(buffers):
                    waiting.pop(0).result()  # its buffer is the next to be read into
                buffers.reverse()
                at += count
            for one in waiting:
                one.result()
        if at != size:
            raise ObjectCorrupt(digest=name, reason=f"{at} bytes, not {size}")
        self._verified.append((name, seen, verified))
        self._note(Piece(path, 0, at, name, seen))

    def done(self) -> tuple[Digest, int, tuple[Piece, ...]]:
        """Name the pack; give its size and where its bytes are.

        Raises: cas.object_corrupt
        """
        for name, seen, verified in self._verified:
            found, then = verified.result()
            if found != name or then != seen:
                raise ObjectCorrupt(digest=name, found=found)
        return self._running.digest(), self.size, tuple(self._pieces)

    def _note(self, piece: Piece) -> None:
        self.size += piece.size
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.path == piece.path and last.start + last.size == piece.start:
            self._pieces[-1] = Piece(last.path, last.start, last.size + piece.size)
        else:
            self._pieces.append(piece)


class Scratch:
    """The file that gathers what is small, and the threads that hash beside: one packs, one objects that are files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._verified: dict[Digest, Future[tuple[Digest, _Likeness]]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._file = opened.enter_context(self._path.open("xb", buffering=0))
            self._thread = opened.enter_context(ThreadPoolExecutor(1))
            self._verifier = opened.enter_context(ThreadPoolExecutor(1))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._verifier.shutdown(wait=False, cancel_futures=True)
        self._opened.close()

    def verify(self, name: Digest, path: Path) -> "Future[tuple[Digest, _Likeness]]":
        """Have a file hashed, once, as soon as it is known that it will be wanted."""
        if name not in self._verified:
            self._verified[name] = self._verifier.submit(_named, path)
        return self._verified[name]

    def beside(self, act: Callable[[bytes | memoryview], None], data: bytes | memoryview) -> "Future[None]":
        """Do something in the other thread, after what it was given before."""
        return self._thread.submit(act, data)

    def write(self, data: bytes) -> Piece:
        """Write in pieces: one write of many megabytes takes ten times as long as many of this size."""
        start = self._at
        for at in range(0, len(data), _PIECE):
            view = memoryview(data)[at : at + _PIECE]
            while view:
                view = view[self._file.write(view) :]
        self._at += len(data)
        return Piece(self._path, start, len(data))


class Draft:
    """The archive's file. Disk and processor work at the same time: what has been copied is on its way to the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._flushed = 0
        self.size = 0

    def __enter__(self) -> Self:
        self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def write(self, data: bytes) -> None:
        """Write bytes at the end."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._handle, view, self.size)
            view = view[written:]
            self.size += written
        self._flush()

    def copy(self, pieces: Sequence[Piece]) -> None:
        """Write pieces at the end.

        Raises: cas.object_corrupt when a file is not what it was when it was hashed
        """
        for piece in pieces:
            with piece.path.open("rb", buffering=0) as source:
                for copied in _copied(source.fileno(), self._handle, piece, self.size):
                    self.size += copied
                    self._flush()
                if piece.name and _likeness(source.fileno()) != piece.seen:
                    raise ObjectCorrupt(digest=piece.name)

    def settle(self) -> None:
        """Make it durable; of a new file this writes its length and blocks too."""
        os.fdatasync(self._handle)

    def _flush(self) -> None:
        """Have the disk begin with what is complete; without waiting for it."""
        if self.size - self._flushed >= _FLUSHED:
            os.posix_fadvise(self._handle, self._flushed, self.size - self._flushed, os.POSIX_FADV_DONTNEED)
            self._flushed = self.size


def _copied(source: int, target: int, piece: Piece, position: int) -> Iterator[int]:
    """Copy a piece to a position without the bytes coming here; tell how many each time.

    Raises: cas.object_corrupt when the file is shorter
    """
    start, stop = piece.start, piece.start + piece.size
    within = True
    os.lseek(target, position, os.SEEK_SET)
    while start < stop:
        wanted = min(_COPIED, stop - start)
        try:
            if within:
                copied = os.copy_file_range(source, target, wanted, offset_src=start)
            else:
                copied = os.sendfile(target, source, start, wanted)
        except OSError as error:
            if not within or error.errno not in _NOT_HERE:
                raise
            within = False  # another file system, or one that cannot
            continue
        if not copied:
            raise ObjectCorrupt(digest=piece.name, reason="the file is shorter than it was")
        start += copied
        yield copied


def _named(path: Path) -> tuple[Digest, _Likeness]:
    """Hash a file, and say what it was like when that began."""
    running = digest.Running()
    buffer = memoryview(bytearray(_READ))
    with path.open("rb", buffering=0) as file:
        seen = _likeness(file.fileno())
        while count := file.readinto(buffer):
            running.update(buffer[:count])
    return running.digest(), seen


def _likeness(handle: int) -> _Likeness:
    """Give what changes when a file's bytes are changed."""
    seen = os.fstat(handle)
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
