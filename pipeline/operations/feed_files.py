"""Advisory documents out of files, zip archives and directories, safely: no links, no climbing names, all bounded.

A directory may be a mirror of OSV's layout: in it archives count as their documents (``npm/all.zip``).
"""

import gzip
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from cas import digest
from cas.records.feed import FeedFile
from pipeline.formats.problems import FeedArchiveUnsafe

MAX_FILES: Final = 1_000_000
MAX_FILE: Final = 128 << 20
MAX_TOTAL: Final = 8 << 30
MAX_LIST: Final = 256 << 20
MAX_RATIO: Final = 200
_SUFFIXES: Final = (".json", ".ndjson", ".jsonl")
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20
_SMALL: Final = 1 << 20
"""Below this size a high compression ratio is no bomb."""


def documents_in(path: Path) -> Iterator[bytes]:
    """Give the bytes of every JSON or NDJSON file of a file, a zip archive or a directory, in order of names.

    Raises: feed.archive_unsafe
    """
    if path.is_symlink():
        raise FeedArchiveUnsafe(name=path.name, reason="a link")
    if path.is_dir():
        yield from _directory(path)
    elif zipfile.is_zipfile(path):
        yield from _archive(path)
    else:
        _hold_file(path.name, path.stat().st_size)
        yield path.read_bytes()


def _hold_file(name: str, size: int) -> None:
    if size > MAX_FILE:
        raise FeedArchiveUnsafe(name=name, reason="file too large", size=size, limit=MAX_FILE)


def _directory(path: Path) -> Iterator[bytes]:
    files: list[Path] = []
    for each in sorted(path.rglob("*")):
        if each.is_symlink():
            raise FeedArchiveUnsafe(name=each.relative_to(path).as_posix(), reason="a link")
        if each.is_file() and each.suffix in (*_SUFFIXES, ".zip"):
            files.append(each)
        if len(files) > MAX_FILES:
            raise FeedArchiveUnsafe(name=path.name, reason="too many files", limit=MAX_FILES)
    total = 0
    for each in files:
        size = each.stat().st_size
        total += size
        if total > MAX_TOTAL:
            raise FeedArchiveUnsafe(name=path.name, reason="too large in all", limit=MAX_TOTAL)
        if each.suffix == ".zip":
            yield from _archive(each)
        else:
            _hold_file(each.name, size)
            yield each.read_bytes()


def _check_member(member: zipfile.ZipInfo) -> None:
    """Refuse what must not be in an archive, whether we would read it or not."""
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise FeedArchiveUnsafe(name=member.filename[:200], reason="a name outside the archive")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise FeedArchiveUnsafe(name=member.filename[:200], reason="a link")
    if member.flag_bits & 0x1:
        raise FeedArchiveUnsafe(name=member.filename[:200], reason="encrypted")
    _hold_file(member.filename[:200], member.file_size)
    if member.file_size > _SMALL and member.file_size > MAX_RATIO * max(member.compress_size, 1):
        raise FeedArchiveUnsafe(name=member.filename[:200], reason="compressed beyond belief")


def _archive(path: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_FILES:
                raise FeedArchiveUnsafe(name=path.name, reason="too many files", limit=MAX_FILES)
            if sum(member.file_size for member in members) > MAX_TOTAL:
                raise FeedArchiveUnsafe(name=path.name, reason="too large in all", limit=MAX_TOTAL)
            for member in members:
                _check_member(member)
            for member in sorted(members, key=lambda each: each.filename):
                if not member.is_dir() and member.filename.endswith(_SUFFIXES):
                    yield _read(archive, member)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise FeedArchiveUnsafe(name=path.name, reason=str(error)[:200]) from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read one member; never more than its own header promised."""
    with archive.open(member) as stream:
        data = stream.read(member.file_size + 1)
    if len(data) != member.file_size:
        raise FeedArchiveUnsafe(name=member.filename[:200], reason="not of the size it says")
    return data


def list_file(path: Path) -> bytes:
    """Read a KEV catalogue or an EPSS file; gzip is taken off, in bounds.

    Raises: feed.archive_unsafe
    """
    _hold_file(path.name, path.stat().st_size)
    data = path.read_bytes()
    if data[:2] != _GZIP:
        return data
    try:
        with gzip.open(path) as stream:
            data = stream.read(MAX_LIST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FeedArchiveUnsafe(name=path.name, reason=str(error)[:200]) from error
    if len(data) > MAX_LIST:
        raise FeedArchiveUnsafe(name=path.name, reason="too large unpacked", limit=MAX_LIST)
    return data


def described(path: Path) -> tuple[FeedFile, ...]:
    """Name a file by digest and size; of a directory each archive in it, or nothing when it holds documents alone."""
    files = sorted(path.rglob("*.zip")) if path.is_dir() else [path]
    return tuple(
        FeedFile(
            name=each.relative_to(path).as_posix() if path.is_dir() else each.name,
            digest=_digest_of(each),
            size=each.stat().st_size,
        )
        for each in files
        if each.is_file() and not each.is_symlink()
    )


def _digest_of(path: Path) -> digest.Digest:
    running = digest.Running()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            running.update(piece)
    return running.digest()
