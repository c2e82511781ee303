"""Opening a home's state, and following it from another process: the durable mark says how far one may read."""

import os
import threading
from pathlib import Path

from cas import journal, merkle
from cas.adapters import home_journal, sealing
from cas.adapters.home_files import Mark, MarkFile, missing_part, snapshot_name
from cas.adapters.home_journal import load_journals
from cas.adapters.home_state import ENTRY_DECODER, Entries, State, log_at, of_snapshot, pack_at
from cas.journal import FILE_HEADER_SIZE, Chain, Damage
from cas.problems import HomeCorrupt, Problem
from cas.snapshot import LogRange, Snapshot, decode

_TRIES = 100


def newest_snapshot(root: Path, *, present: bool = True) -> Snapshot | None:
    """Read the newest snapshot, and look that what it names is ``present``; None when nothing has been sealed yet.

    Raises: cas.home_corrupt
    """
    for _ in range(_TRIES):
        found = sealing.generations(root)
        if not found:
            return None
        path = root / "snapshots" / snapshot_name(found[-1])
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # sealed twice meanwhile
        snapshot = decode(data, path.name)
        if present:
            _present(root, snapshot)
        return snapshot
    raise missing_part("snapshot", str(root))


def _present(root: Path, snapshot: Snapshot) -> None:
    for folder, names in (
        ("packs", [pack_at(root, name).path.name for name in snapshot.packs]),
        ("log", [log.name for log in snapshot.logs]),
    ):
        there = {entry.name for entry in os.scandir(root / folder)}
        for name in names:
            if name not in there:
                raise missing_part(folder.removesuffix("s"), name)


def load(root: Path, mark: Mark | None, *, writable: bool) -> tuple[State, home_journal.Newest | None]:
    """Read the whole state. Faults end in ``state.damage``; nothing is written."""
    try:
        state = of_snapshot(newest_snapshot(root), root)
    except HomeCorrupt as error:
        state = of_log_files(root)
        fields = error.fields
        where, reason = str(fields.get("where", "")), str(fields.get("reason", "damaged"))
        state.damage += (Damage(str(fields["part"]), where, 0, reason),)
    return state, load_journals(root, state, mark, writable=writable)


def of_log_files(root: Path) -> State:
    """Restore a state without a snapshot: fold every sealed entry, find every pack."""
    state = State()
    state.packs = tuple(pack_at(root, sealing.digest_of_pack(path)) for path in sorted((root / "packs").glob("*.pack")))
    logs = []
    try:
        for path in sorted((root / "log").glob("*.log")):
            file = log_at(root, path.name)
            held = file.get()
            if held.first != state.fold.size:
                raise missing_part("log", path.name)
            for position in range(held.first, held.first + held.count):
                state.fold.apply(ENTRY_DECODER.decode(held.leaf(position)))
                state.tree.append(held.leaf_hash(position))
            logs.append((LogRange(path.name, held.first, held.count), file))
    except Problem as problem:
        state.damage += (Damage("log", str(problem.fields.get("where", "")), 0, problem.detail()),)
    size = sum(log.count for log, _ in logs)
    state.entries = Entries(tuple(logs), size, [])
    live = home_journal.numbers(root)
    chain = _chain_before(root, live[0]) if live else None
    root_hash = state.tree.root() if state.tree.size else merkle.EMPTY
    state.advance(chain or Chain(0, journal.NO_COMMIT, state.tree.size, root_hash))
    state.live = live[0] if live else 1
    state.generation = max(sealing.generations(root), default=0)
    return state


def _chain_before(root: Path, number: int) -> Chain | None:
    try:
        with (root / "journal" / home_journal.name_of(number)).open("rb") as file:
            return journal.parse_file_header(file.read(FILE_HEADER_SIZE))[0].chain
    except (HomeCorrupt, OSError):
        return None


class Follower:
    """A reader's state, brought up to the durable mark whenever somebody looks."""

    def __init__(self, root: Path, mark: MarkFile) -> None:
        self._root = root
        self._mark = mark
        self._lock = threading.Lock()
        self._seen = b""
        self.state = State()
        self._reload()

    def current(self) -> State:
        """Give the state as far as it is durable now."""
        self.refresh()
        return self.state

    def refresh(self) -> bool:
        """Take in what has become durable; tell whether there was anything. One small read when there was not."""
        if self._mark.raw() == self._seen:
            return False
        with self._lock:
            raw = self._mark.raw()
            mark = self._mark.read()
            if raw == self._seen or mark is None or self.state.damage:
                return False
            newest = self.state.segments[-1].number if self.state.segments else 0
            if mark.generation != self.state.generation or mark.journal != newest:
                self._reload()
            else:
                self._follow(mark)
                self._seen = raw
        return True

    def _follow(self, mark: Mark) -> None:
        state = self.state
        segment = state.segments[-1]
        base = state.position
        data = os.pread(segment.handle, mark.position - base, base) if mark.position > base else b""
        found = journal.scan(data, base, segment.header.magic, state.chain)
        home_journal.take(state, segment, found, memoryview(data), base)
        if found.end < mark.position:
            where = f"{segment.path.name}@{found.end}"
            reason = found.fault.reason if found.fault else "shorter than the durable mark"
            state.damage += (Damage("frame", where, found.end, reason),)

    def _reload(self) -> None:
        """Read everything anew; when sealing got in between, once more."""
        for attempt in range(_TRIES):
            raw = self._mark.raw()
            try:
                state, _ = load(self._root, self._mark.read(), writable=False)
            except FileNotFoundError:  # a journal was sealed between being named and being opened
                if attempt == _TRIES - 1:
                    raise
                continue
            if not state.damage or raw == self._mark.raw() or attempt == _TRIES - 1:
                self.state, self._seen = state, raw
                return
