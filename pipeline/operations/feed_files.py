"""Advisory documents out of files, zip archives and directories, safely: no links, no climbing names, all bounded.

A directory may be a mirror of OSV's layout: in it archives count as their documents (``npm/all.zip``).
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cas import digest
from cas.records.feed import FeedFile
from pipeline.formats.problems import FeedArchiveUnsafe
from pipeline.operations.archives import ArchiveUnsafeError, Bounds, zipped

MAX_FILES: Final = 1_000_000
MAX_FILE: Final = 128 << 20
MAX_TOTAL: Final = 8 << 30
_SUFFIXES: Final = (".json", ".ndjson", ".jsonl")
_BOUNDS: Final = Bounds(files=MAX_FILES, file=MAX_FILE, total=MAX_TOTAL)
MAX_LIST: Final = 256 << 20
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20


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


def _archive(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        try:
            for _, data in zipped(source, _BOUNDS, _SUFFIXES):
                yield data
        except ArchiveUnsafeError as error:
            raise FeedArchiveUnsafe(name=error.name or path.name, reason=error.reason, **error.found) from error


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
