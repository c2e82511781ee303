"""Advisory documents out of a zip archive or a directory, safely: no links, no climbing names, everything bounded."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.formats.problems import FeedArchiveUnsafe
from pipeline.operations.archives import ArchiveUnsafeError, Bounds, zipped

MAX_FILES: Final = 1_000_000
MAX_FILE: Final = 64 << 20
MAX_TOTAL: Final = 8 << 30
_SUFFIXES: Final = (".json", ".ndjson", ".jsonl")
_BOUNDS: Final = Bounds(files=MAX_FILES, file=MAX_FILE, total=MAX_TOTAL)


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
        if each.is_file() and each.suffix in _SUFFIXES:
            files.append(each)
        if len(files) > MAX_FILES:
            raise FeedArchiveUnsafe(name=path.name, reason="too many files", limit=MAX_FILES)
    total = 0
    for each in files:
        size = each.stat().st_size
        _hold_file(each.name, size)
        total += size
        if total > MAX_TOTAL:
            raise FeedArchiveUnsafe(name=path.name, reason="too large in all", limit=MAX_TOTAL)
        yield each.read_bytes()


def _archive(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        try:
            for _, data in zipped(source, _BOUNDS, _SUFFIXES):
                yield data
        except ArchiveUnsafeError as error:
            raise FeedArchiveUnsafe(name=error.name or path.name, reason=error.reason, **error.found) from error
