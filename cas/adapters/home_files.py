"""The files of a home: where each lies, who may touch them, the writer's lock, the durable mark, atomic writing.

Knows paths and bytes; must not know objects or entries. Layout: ``format``, ``lock``, ``mark``, ``journal/``, ``log/``
(never deleted), ``packs/``, ``large/``, ``snapshots/``, ``lost/`` (what recovery cut off), ``tmp/``.
"""

import contextlib
import errno
import fcntl
import os
import re
import stat
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cas.problems import Category, HomeCorrupt, HomeLocked, Problem, SyncFailed

FORMAT: Final = b"stella-home/1\n"
FOLDERS: Final = ("journal", "log", "packs", "large", "snapshots", "lost", "tmp")
_MARK: Final = struct.Struct("<8sQQQQQ32sI")
_MARK_IDENT: Final = b"mark/1\0\0"
_IOV_MAX: Final = 1024
_WORD: Final = re.compile(r"\A[a-z][a-z-]{0,31}\Z")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class HomeFull(Problem):
    """The disk, a quota or a file size limit has no room for a write."""

    code = "cas.home_full"
    category = Category.UNAVAILABLE
    title = "No room left for this home"
    remedy = "Make room on the disk, then repeat: nothing was half-written."


class HomeMissing(Problem):
    """There is no home at a path."""

    code = "cas.home_missing"
    category = Category.MISSING
    title = "No home here"
    remedy = "Check the path; a home is made by the first command that writes."


class HomeUnsafe(Problem):
    """Others may write to the home's directory."""

    code = "cas.home_unsafe"
    category = Category.DENIED
    title = "Others may write to this home"
    remedy = "Take the right away (chmod go-w), and look whether anything was changed."


class HomeForeign(Problem):
    """A directory that is not a home, or one of a format this build does not know."""

    code = "cas.home_foreign"
    category = Category.UNSUPPORTED
    title = "Not a home of this version"
    remedy = "Choose an empty directory, or the version that made this one."


@dataclass(frozen=True, slots=True)
class Mark:
    """The durable mark: everything up to here has been synced. ``generation`` is the newest snapshot's number."""

    generation: int
    journal: int
    position: int
    commit: int
    log_size: int
    log_root: bytes


def snapshot_name(generation: int) -> str:
    """Name a snapshot's file."""
    return f"{generation:016x}.snapshot"


def full(error: OSError) -> bool:
    """Tell whether an error means that there is no room."""
    return error.errno in _FULL


@contextlib.contextmanager
def room(path: Path) -> Iterator[None]:
    """Turn what the disk answers into its Problem.

    Raises: cas.home_full, cas.sync_failed
    """
    try:
        yield
    except OSError as error:
        if full(error):
            raise HomeFull(path=str(path), reason=error.strerror) from error
        if error.errno == errno.EIO:
            raise SyncFailed(path=str(path), reason=error.strerror) from error
        raise


def sync_folder(path: Path) -> None:
    """Make a directory's entries durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes | memoryview, position: int) -> None:
    """Write all bytes at a position; a short write is continued until the system names its error."""
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, position)
        view = view[written:]
        position += written


def write_many(handle: int, buffers: Sequence[bytes], position: int) -> int:
    """Write buffers one after another from a position, without joining them; give how many bytes that was."""
    first = position
    for at in range(0, len(buffers), _IOV_MAX):
        some = buffers[at : at + _IOV_MAX]
        wanted = sum(map(len, some))
        written = os.pwritev(handle, some, position)
        if written < wanted:
            write_all(handle, memoryview(b"".join(some))[written:], position + written)
        position += wanted
    return position - first


def publish(folder: Path, name: str | Callable[[], str], chunks: Iterable[bytes | memoryview], scratch: Path) -> Path:
    """Write a file completely, sync it, rename it into its folder, sync the folder.

    A ``name`` that follows from the bytes is asked for once they are written.

    Raises: cas.home_full, cas.sync_failed
    """
    with room(scratch):
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb", buffering=1 << 20) as out:
                out.writelines(chunks)
                out.flush()
                os.fdatasync(out.fileno())
            whole = folder / (name if isinstance(name, str) else name())
            scratch.rename(whole)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
        sync_folder(folder)
    return whole


def make(path: Path) -> None:
    """Make a home's folders where they are missing.

    Raises: cas.home_foreign, cas.home_full
    """
    with room(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in FOLDERS:
            (path / name).mkdir(mode=0o700, exist_ok=True)
        if not (path / "format").exists():
            publish(path, "format", (FORMAT,), path / "tmp" / "format")
            sync_folder(path.parent)


def check(path: Path) -> None:
    """Refuse what is not a home, or may be written by others.

    Raises: cas.home_missing, cas.home_unsafe, cas.home_foreign
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise HomeMissing(path=str(path)) from error
    if not stat.S_ISDIR(mode):
        raise HomeForeign(path=str(path))
    if mode & 0o022:
        raise HomeUnsafe(path=str(path), mode=oct(stat.S_IMODE(mode)))
    try:
        found = (path / "format").read_bytes()
    except FileNotFoundError as error:
        raise HomeMissing(path=str(path)) from error
    if found != FORMAT:
        raise HomeForeign(path=str(path), found=found[:32].decode("ascii", "replace"))


class Lock:
    """The writer's lock: held while its file is open. Says who holds it."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises: cas.home_locked with pid, since and command of the holder
        """
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(self._handle)
            os.close(self._handle)
            raise HomeLocked(**holder) from error
        os.ftruncate(self._handle, 0)
        text = f"{os.getpid()}\n{_spoken(sys.argv)}\n"
        with contextlib.suppress(OSError):  # a full disk must not keep a home from opening
            os.pwrite(self._handle, text.encode("utf-8", "replace"), 0)

    def close(self) -> None:
        """Let go of the lock."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _spoken(argv: Sequence[str]) -> str:
    """Give the program and the first words of its command, never what follows an option: that may be a secret."""
    words: list[str] = []
    value = False
    for word in argv[1:]:
        if word.startswith("-") or not _WORD.match(word):
            if words:
                break
            value = word.startswith("-") and "=" not in word
        elif value:
            value = False
        else:
            words.append(word)
    return " ".join((Path(argv[0]).name if argv else "", *words[:3]))


def _holder(handle: int) -> dict[str, object]:
    pid, _, command = os.pread(handle, 1024, 0).decode("utf-8", "replace").partition("\n")
    return {"pid": pid or "unknown", "since": instant(os.fstat(handle).st_mtime), "command": command.strip()}


def instant(seconds: float) -> str:
    """Write a file's time as an instant."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class MarkFile:
    """The durable mark on disk. One writer overwrites it after each sync; readers poll it."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
        self._handle = os.open(path, flags, 0o600)

    def raw(self) -> bytes:
        """Give the mark's bytes, to see cheaply whether it has moved."""
        return os.pread(self._handle, _MARK.size, 0)

    def read(self) -> Mark | None:
        """Give the mark, or None when there is no sound one. A torn read is repeated."""
        for _ in range(100):
            data = self.raw()
            if len(data) == _MARK.size:
                ident, generation, journal, position, commit, size, root, check_sum = _MARK.unpack(data)
                if ident == _MARK_IDENT and check_sum == zlib.crc32(data[:-4]):
                    return Mark(generation, journal, position, commit, size, root)
        return None

    def write(self, mark: Mark) -> None:
        """Move the mark; called after the sync that it speaks of."""
        fields = (mark.generation, mark.journal, mark.position, mark.commit, mark.log_size, mark.log_root)
        data = _MARK.pack(_MARK_IDENT, *fields, 0)[:-4]
        os.pwrite(self._handle, data + zlib.crc32(data).to_bytes(4, "little"), 0)

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def missing_part(part: str, where: str) -> HomeCorrupt:
    """Say that a file which the home names is not there."""
    return HomeCorrupt(part=part, where=where, reason="the file is missing")
