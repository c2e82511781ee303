"""Repair: what fsck found is put right from another store (and another log). Knows where bytes lie.

Nothing is put back that does not hash to what the home itself says it was; what is replaced as a whole is kept in
``lost/``. The home must not be open for writing meanwhile.

1. Journals: damaged file headers, frames and commit frames are rebuilt in place.
2. Packs: damaged objects are rewritten in place; a pack whose index is gone is set aside and no longer named.
3. Large files are fetched again.
4. Log files are rebuilt from the other log; snapshots from the log files.
5. Objects that are named but not here are fetched, and what those name in turn.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from cas import digest, log_file, merkle, pack, snapshot
from cas.adapters import home_journal, home_reader, sealing
from cas.adapters.fsck import FsckReport, fsck
from cas.adapters.home import Home
from cas.adapters.home_files import Lock, MarkFile, publish, snapshot_name, sync_folder, write_all
from cas.adapters.home_state import State, pack_name
from cas.adapters.repair_journal import mended
from cas.digest import Digest
from cas.log import Log
from cas.problems import HomeCorrupt, Problem
from cas.snapshot import LogRange, Snapshot
from cas.store import Reader, Store

_ROUNDS = 64


def repair(path: Path, other: Reader, log: Log | None = None) -> FsckReport:
    """Repair a home from another store, and its log from another log; check before and after.

    ``repaired`` of the report lists what was wrong before and is not any more; ``bad`` what is left.

    Raises: cas.home_locked, cas.home_missing, cas.home_unsafe, cas.home_foreign, cas.home_full
    """
    lock = Lock(path / "lock")
    try:
        before = fsck(path)
        if before.sound:
            return before
        _Repair(path, other, log).run()
    finally:
        lock.close()
    after = _fetch_missing(path, other)
    left = {(one.part, one.digest, one.entry) for one in after.bad}
    named = sorted(
        {f"{one.part} {one.digest or one.where}" for one in before.bad if (one.part, one.digest, one.entry) not in left}
    )
    return msgspec.structs.replace(after, repaired=tuple(named))


def _fetch_missing(path: Path, other: Reader) -> FsckReport:
    """Fetch what is named but not here, until nothing more is had; give the last check."""
    report = fsck(path)
    for _ in range(_ROUNDS):
        missing = [one.digest for one in report.bad if one.part == "reference"]
        with Home.open(path) as home:
            if not home.writable or not sum(_copy(name, other, home.store) for name in missing):
                return report
        report = fsck(path)
    return report


def _copy(name: Digest, other: Reader, store: Store) -> bool:
    with contextlib.suppress(Problem):
        if other.has(name):
            return store.write(_stream(other, name), name) == name
    return False


def _stream(other: Reader, name: Digest) -> Iterator[bytes]:
    read: Callable[[Digest], Iterator[bytes]] | None = getattr(other, "read", None)
    if read is None:
        yield other.get(name)
    else:
        yield from read(name)


class _Repair:
    """The files of one home, put right in the order of the module's list."""

    def __init__(self, root: Path, other: Reader, log: Log | None) -> None:
        self._root = root
        self._other = other
        self._log = log

    def run(self) -> None:
        """Repair files, as far as that can be done."""
        self._large()
        self._sealed()
        mark = MarkFile(self._root / "mark", writable=True)
        try:
            state, _ = home_reader.load(self._root, mark.read(), writable=True)
        finally:
            mark.close()
        for number in home_journal.numbers(self._root):
            if number >= state.live:
                self._journal(number, state)

    def _object(self, name: Digest) -> bytes | None:
        with contextlib.suppress(Problem):
            data = self._other.get(name)
            if digest.of_bytes(data) == name:
                return data
        return None

    def _leaf(self, position: int) -> bytes | None:
        if self._log is not None:
            with contextlib.suppress(Problem):
                return self._log.leaf(position)
        return None

    def _journal(self, number: int, state: State) -> None:
        path = self._root / "journal" / home_journal.name_of(number)
        if not path.exists():
            return
        data = path.read_bytes()
        fixed = mended(data, number, state, self._object, self._leaf)
        if fixed == data:
            return
        self._set_aside(data)
        with path.open("r+b") as file:
            write_all(file.fileno(), fixed, 0)
            os.fdatasync(file.fileno())

    def _set_aside(self, data: bytes) -> None:
        name = digest.of_bytes(data).removeprefix("sha256:")
        publish(self._root / "lost", name, (data,), self._root / "tmp" / "lost")

    def _large(self) -> None:
        files = Home.large_files(self._root)
        for name in files.digests():
            try:
                for _ in files.read(name, 0, None):
                    pass
            except Problem:
                path = files.path(name)
                if self._other.has(name):
                    path.rename(self._root / "lost" / f"{name[7:]}.large")
                    with contextlib.suppress(Problem):
                        files.write(_stream(self._other, name), name)
                    if not path.exists():
                        (self._root / "lost" / f"{name[7:]}.large").rename(path)

    def _sealed(self) -> None:
        """Packs, log files, snapshot."""
        try:
            found = home_reader.newest_snapshot(self._root, present=False)
            rebuild = False
        except HomeCorrupt:
            found, rebuild = None, True
        kept = tuple(path for path in sorted((self._root / "packs").glob("*.pack")) if self._pack(path))
        logs = found.logs if found is not None else ()
        for log in logs:
            self._log_file(log)
        names = tuple(map(sealing.digest_of_pack, kept))
        if rebuild:
            state = home_reader.of_log_files(self._root)
            if not state.damage:
                taken = sealing.take(state, state.live)
                whole = msgspec.structs.replace(taken, packs=names, logs=tuple(one for one, _ in state.entries.logs))
                self._publish(whole)
        elif found is not None and set(found.packs) - set(names):
            packs = tuple(name for name in found.packs if name in names)
            self._publish(msgspec.structs.replace(found, generation=found.generation + 1, packs=packs))

    def _publish(self, whole: Snapshot) -> None:
        name = snapshot_name(whole.generation)
        publish(self._root / "snapshots", name, (snapshot.encode(whole),), self._root / "tmp" / "snapshot")

    def _pack(self, path: Path) -> bool:
        """Rewrite damaged objects of a pack in place; tell whether it can be named on."""
        data = path.read_bytes()
        try:
            opened = pack.Pack(data)
        except Problem:
            path.rename(self._root / "lost" / path.name)
            sync_folder(self._root / "packs")
            return False
        with path.open("r+b") as file:
            for raw, start, length in opened.rows():
                name = digest.from_raw(raw)
                if digest.of_bytes(opened.bytes_at(start, length)) != name:
                    good = self._object(name)
                    if good is not None:
                        write_all(file.fileno(), good, start)
            os.fdatasync(file.fileno())
        return path.name == pack_name(sealing.digest_of_pack(path))

    def _log_file(self, log: LogRange) -> None:
        """Rebuild a log file from what of it is good and the other log; keep it only if it is what it was."""
        path = self._root / "log" / log.name
        leaves = []
        own = None
        with contextlib.suppress(Problem, OSError):
            own = log_file.LogFile(path.read_bytes(), log.name)
        good = own is not None
        for position in range(log.first, log.first + log.count):
            leaf = None
            if own is not None:
                with contextlib.suppress(Problem):
                    leaf = own.leaf(position)
            good = good and leaf is not None
            if leaf is None:
                leaf = self._leaf(position)
            if leaf is None:
                return
            if own is not None and merkle.leaf_hash(leaf) != own.leaf_hash(position):
                return
            leaves.append(leaf)
        if not good:
            publish(self._root / "log", log.name, log_file.encode(log.first, leaves), self._root / "tmp" / "log")
