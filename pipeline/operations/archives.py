"""Files out of zip and tar archives, safely: no links, no climbing or double names, entries, sizes and ratio bounded.

Knows archives; must not know what is in the files. What is refused is refused before anything is handed out, but for a
member that is not of the size it says: what came before it is then to be thrown away.
"""

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

MAX_RATIO: Final = 200
SMALL: Final = 1 << 20
"""Below this size a high compression ratio is no bomb."""
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP: Final = b"\x1f\x8b"
_USTAR: Final = slice(257, 262)
_CHUNK: Final = 1 << 20
_MAX_NAME: Final = 1024


class ArchiveUnsafeError(ValueError):
    """An archive holds what must not be in one, or too much."""

    def __init__(self, name: str, reason: str, **found: int) -> None:
        super().__init__(reason)
        self.name = name[:200]
        self.reason = reason
        self.found = found


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an archive may hold."""

    files: int
    file: int
    total: int


def is_archive(data: bytes) -> bool:
    """Tell by content whether bytes are a zip, a tar, or something gzipped."""
    return data[:4] in _ZIP or data[:2] == _GZIP or data[_USTAR] == b"ustar"


def files_in(data: bytes, bounds: Bounds) -> Iterator[tuple[str, bytes]]:
    """Give name and bytes of every file of an archive in memory, in order of names.

    Raises: ArchiveUnsafeError
    """
    if data[:4] in _ZIP:
        yield from zipped(io.BytesIO(data), bounds)
        return
    plain = _gunzipped(data, bounds.total) if data[:2] == _GZIP else data
    if plain[_USTAR] != b"ustar":
        raise ArchiveUnsafeError("", "neither a zip nor a tar archive")
    yield from _tarred(plain, bounds)


def zipped(source: BinaryIO, bounds: Bounds, suffixes: tuple[str, ...] = ("",)) -> Iterator[tuple[str, bytes]]:
    """Give name and bytes of the files of a zip archive whose names end so, in order of names.

    Raises: ArchiveUnsafeError
    """
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            if len(members) > bounds.files:
                raise ArchiveUnsafeError("", "too many files", limit=bounds.files)
            if sum(member.file_size for member in members) > bounds.total:
                raise ArchiveUnsafeError("", "too large in all", limit=bounds.total)
            for member in members:
                _check_member(member, bounds)
            _check_names(member.filename for member in members)
            for member in sorted(members, key=lambda each: each.filename):
                if not member.is_dir() and member.filename.endswith(suffixes):
                    yield member.filename, _read(archive, member)
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        RuntimeError,
        UnicodeError,
        OSError,
    ) as error:
        raise ArchiveUnsafeError("", str(error)[:200]) from error


def _check_member(member: zipfile.ZipInfo, bounds: Bounds) -> None:
    """Refuse what must not be in an archive, whether we would read it or not."""
    _check_name(member.filename)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ArchiveUnsafeError(member.filename, "a link")
    if member.flag_bits & 0x1:
        raise ArchiveUnsafeError(member.filename, "encrypted")
    hold_size(member.filename, member.file_size, bounds.file)
    if member.file_size > SMALL and member.file_size > MAX_RATIO * max(member.compress_size, 1):
        raise ArchiveUnsafeError(member.filename, "compressed beyond belief")


def hold_size(name: str, size: int, most: int) -> None:
    """Refuse a file that is too large.

    Raises: ArchiveUnsafeError
    """
    if size > most:
        raise ArchiveUnsafeError(name, "file too large", size=size, limit=most)


def _check_name(given: str) -> None:
    name = PurePosixPath(given.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or (name.parts and ":" in name.parts[0]):
        raise ArchiveUnsafeError(given, "a name outside the archive")
    if len(given) > _MAX_NAME or "\0" in given or not given.isprintable():
        raise ArchiveUnsafeError(given, "a name that no file should have")


def _check_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        plain = PurePosixPath(name.replace("\\", "/")).as_posix()
        if plain in seen:
            raise ArchiveUnsafeError(name, "a name that is there twice")
        seen.add(plain)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read one member; never more than its own header promised."""
    with archive.open(member) as stream:
        data = stream.read(member.file_size + 1)
    if len(data) != member.file_size:
        raise ArchiveUnsafeError(member.filename, "not of the size it says")
    return data


def _gunzipped(data: bytes, most: int) -> bytes:
    """Unpack one gzip stream, no further than the bound and the ratio allow."""
    stream = zlib.decompressobj(wbits=31)
    most = min(most, max(SMALL, MAX_RATIO * len(data)))
    out = bytearray()
    rest = data
    try:
        while rest and not stream.eof:
            out += stream.decompress(rest, _CHUNK)
            rest = stream.unconsumed_tail
            if len(out) > most:
                raise ArchiveUnsafeError("", "compressed beyond belief, or too large in all", limit=most)
    except zlib.error as error:
        raise ArchiveUnsafeError("", str(error)[:200]) from error
    if not stream.eof:
        raise ArchiveUnsafeError("", "cut off")
    return bytes(out)


def _tarred(data: bytes, bounds: Bounds) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            members = _entries(archive, bounds)
            for member in sorted((each for each in members if each.isreg()), key=lambda each: each.name):
                yield member.name, _held(archive, member)
    except (tarfile.TarError, EOFError, OverflowError, UnicodeError, OSError) as error:
        raise ArchiveUnsafeError("", str(error)[:200]) from error


def _entries(archive: tarfile.TarFile, bounds: Bounds) -> list[tarfile.TarInfo]:
    members: list[tarfile.TarInfo] = []
    for member in archive:
        members.append(member)
        if len(members) > bounds.files:
            raise ArchiveUnsafeError("", "too many files", limit=bounds.files)
        _check_entry(member, bounds)
    _check_names(member.name for member in members)
    if sum(member.size for member in members) > bounds.total:
        raise ArchiveUnsafeError("", "too large in all", limit=bounds.total)
    return members


def _held(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    data = stream.read(member.size + 1) if stream is not None else b""
    if len(data) != member.size:
        raise ArchiveUnsafeError(member.name, "not of the size it says")
    return data


def _check_entry(member: tarfile.TarInfo, bounds: Bounds) -> None:
    _check_name(member.name)
    if member.issym() or member.islnk():
        raise ArchiveUnsafeError(member.name, "a link")
    if not (member.isreg() or member.isdir()) or member.sparse is not None:
        raise ArchiveUnsafeError(member.name, "neither a file nor a directory")
    hold_size(member.name, member.size, bounds.file)
