"""Backup: a consistent copy of a home while it is written to, and the proof that a copy can be restored.

The copy is taken at one durable mark: sealed files never change, and of the newest journal only what lies below the
mark is copied. Files that the copy already holds are not copied again, so repeating a backup is cheap.
"""

from collections.abc import Iterator
from pathlib import Path

from cas import digest
from cas.adapters import home_files, home_journal, home_reader
from cas.adapters.fsck import FsckReport, check
from cas.adapters.home import Home
from cas.adapters.home_files import Mark, MarkFile, publish, snapshot_name
from cas.adapters.home_state import pack_name
from cas.log import LogHead
from cas.problems import Category, Problem

_TRIES = 20
_CHUNK = 1 << 20


class BackupFailed(Problem):
    """A copy is not what the home was, or belongs to another home."""

    code = "cas.backup_failed"
    category = Category.CORRUPT
    title = "The backup is not sound"
    remedy = "Check the home with stella fsck, then back it up into an empty directory."


def backup(home: Home, destination: Path) -> FsckReport:
    """Copy a home, and check the copy as a restore would.

    Raises: cas.backup_failed, cas.home_full, cas.home_unsafe
    """
    if home.writable:
        home.store.flush()
    home_files.make(destination)
    home_files.check(destination)
    lock = home_files.Lock(destination / "lock")
    try:
        head = _copy(home.path, destination)
    finally:
        lock.close()
    return restore_check(destination, head)


def restore_check(copy: Path, head: LogHead | None = None) -> FsckReport:
    """Check that a copy opens, is sound throughout, and has the log's head that it should have.

    Raises: cas.backup_failed
    """
    with Home.open(copy, writable=False) as opened:
        report = check(opened)
    if not report.sound:
        first = report.bad[0]
        raise BackupFailed(
            path=str(copy), faults_found=len(report.bad), first=f"{first.part} {first.digest} {first.where}"
        )
    if head is not None and (report.log_size, report.log_root) != (head.size, head.root):
        raise BackupFailed(path=str(copy), reason="another head of the log", size=report.log_size, expected=head.size)
    return report


def _copy(source: Path, target: Path) -> LogHead:
    """Copy at one mark; when sealing deletes a journal meanwhile, begin again at the mark after it."""
    mark_file = MarkFile(source / "mark", writable=False)
    try:
        for _ in range(_TRIES):
            mark = mark_file.read()
            if mark is None:
                break
            try:
                return _copy_at(source, target, mark)
            except FileNotFoundError:
                continue
    finally:
        mark_file.close()
    raise BackupFailed(path=str(target), reason="the durable mark cannot be read, or moves too fast")


def _copy_at(source: Path, target: Path, mark: Mark) -> LogHead:
    snapshot = home_reader.newest_snapshot(source)
    live = snapshot.journal if snapshot is not None else 1
    _copy_large(source, target)
    if snapshot is not None:
        for name in snapshot.packs:
            _copy_file(source, target, "packs", pack_name(name))
        for log in snapshot.logs:
            _copy_file(source, target, "log", log.name)
    for number in range(live, mark.journal + 1):
        name = home_journal.name_of(number)
        stop = mark.position if number == mark.journal else None
        _copy_file(source, target, "journal", name, stop=stop, again=True)
    if snapshot is not None:
        _copy_file(source, target, "snapshots", snapshot_name(snapshot.generation))
    _drop_others(target, live, mark.journal)
    named = {pack_name(name) for name in snapshot.packs} if snapshot is not None else set()
    for path in (target / "packs").glob("*.pack"):
        if path.name not in named:  # merged since an earlier backup
            path.unlink()
    copied = MarkFile(target / "mark", writable=True)
    copied.write(mark)
    copied.close()
    return LogHead(mark.log_size, digest.from_raw(mark.log_root))


def _copy_large(source: Path, target: Path) -> None:
    for folder in sorted((source / "large").iterdir()):
        (target / "large" / folder.name).mkdir(mode=0o700, exist_ok=True)
        for file in sorted(folder.iterdir()):
            _copy_file(source, target, f"large/{folder.name}", file.name)


def _copy_file(
    source: Path, target: Path, folder: str, name: str, *, stop: int | None = None, again: bool = False
) -> None:
    """Copy a file, up to ``stop``, unless it is there already with the same size."""
    path = source / folder / name
    size = path.stat().st_size if stop is None else stop
    there = target / folder / name
    if not again and there.exists() and there.stat().st_size == size:
        return
    publish(target / folder, name, _read(path, size), target / "tmp" / "copy")


def _read(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while size > 0:
            chunk = file.read(min(_CHUNK, size))
            if not chunk:
                return
            size -= len(chunk)
            yield chunk


def _drop_others(target: Path, live: int, newest: int) -> None:
    """Forget journals of an earlier backup that are sealed by now."""
    for number in home_journal.numbers(target):
        if not live <= number <= newest:
            (target / "journal" / home_journal.name_of(number)).unlink()
