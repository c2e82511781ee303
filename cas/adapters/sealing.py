"""Sealing: a full journal becomes log files, a pack and a fold snapshot, while writing goes on in the next one.

The order is the guarantee: pack and log file durable, then the snapshot that names them, then the durable mark, then
the journal is deleted. A crash at any point leaves the journal, or the snapshot, or both; never neither.

Small packs are merged on the way, so that their number grows with the logarithm of what is held: whoever asks for an
object that is not there asks few. A merged pack stays until no snapshot that is kept names it.
"""

import contextlib
import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cas import digest, log_file, merkle, pack, snapshot
from cas.adapters import home_journal
from cas.adapters.home_commit import Committer
from cas.adapters.home_files import publish, snapshot_name
from cas.adapters.home_journal import JournalWriter, Sync
from cas.adapters.home_state import Entries, Mapped, Segment, State, log_at, pack_at, pack_name
from cas.journal import FILE_HEADER_SIZE
from cas.pack import Pack
from cas.problems import HomeCorrupt, Problem
from cas.snapshot import LogRange, Snapshot

_JOINED: Final = 512
"""So many objects go into one write."""
_MERGED_SIZE: Final = 1 << 29
_MERGED_COUNT: Final = 1 << 18
"""No merged pack is larger, in bytes or objects."""
_PAUSE: Final = 0.2
_AT_MOST: Final = 8
_REST: Final = 8


Extent = tuple[memoryview, int, int]
"""Where bytes are: in which mapped file, from where, how many."""


class Sealer:
    """Rotates the journal when it is full, and seals what is full in a thread of its own.

    It waits for a pause between commits, so that a burst pays nothing for it, unless the journal grows to several times
    its size. Full is a journal of ``least`` bytes, or of as many as the snapshot that sealing writes: so no more is
    written for snapshots than for what they follow, however long the log.
    """

    def __init__(self, root: Path, least: int, sync: Sync) -> None:
        self._root = root
        self._least = least
        self._limit = self._fitting()
        self._sync = sync
        self._busy = threading.Event()
        self._closing = False
        self._sealing = threading.Lock()
        self._taken: Snapshot | None = None  # rotated, not yet sealed: a full disk leaves it for the next time
        self._thread: threading.Thread | None = None
        self.problem: Problem | None = None

    def after_commit(self, committer: Committer) -> None:
        """See to it that a full journal is sealed. Called by whoever commits."""
        self._busy.set()
        if committer.writer.position >= self._limit and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._in_a_pause, args=(committer,), name="sealing")
            self._thread.start()

    def seal_now(self, committer: Committer) -> None:
        """Rotate and seal, and wait for it.

        Raises: cas.home_full, cas.object_corrupt, cas.home_corrupt
        """
        self.problem = None
        self._seal(committer)
        if self.problem is not None:
            raise self.problem

    def seal_rest(self, committer: Committer) -> None:
        """Seal an eighth of a full journal and more when a home is closed: whoever opens it next reads all of it."""
        if self.problem is None and committer.failure is None and committer.writer.position >= self._limit // _REST:
            self._seal(committer)

    def close(self) -> None:
        """Wait for the sealing that is under way."""
        self._closing = True
        self._busy.set()
        if self._thread is not None:
            self._thread.join()

    def _fitting(self) -> int:
        newest = generations(self._root)[-1:]
        return max([self._least, *((self._root / "snapshots" / snapshot_name(at)).stat().st_size for at in newest)])

    def _in_a_pause(self, committer: Committer) -> None:
        most = self._limit * _AT_MOST
        while not self._closing and committer.writer.position < most and self._busy.wait(_PAUSE):
            self._busy.clear()
        self._seal(committer)

    def _rotate(self, committer: Committer) -> Snapshot:
        """Begin the next journal, and take the state as it is at its beginning. No commit happens meanwhile."""
        state, chain = committer.state, committer.writer.chain
        number = committer.writer.segment.number + 1
        segment = home_journal.create(self._root, number, chain)
        with state.lock:
            taken = take(state, number)
        committer.writer = JournalWriter(segment, FILE_HEADER_SIZE, chain, self._sync)
        state.segments.append(segment)
        state.position = FILE_HEADER_SIZE
        committer.note_mark()
        return taken

    def _seal(self, committer: Committer) -> None:
        with self._sealing:
            try:
                if committer.failure is not None:
                    return
                with committer.group.paused():
                    taken = self._taken = self._taken or self._rotate(committer)
                sealed = write_sealed(self._root, committer.state, taken)
                with committer.group.paused():
                    install(self._root, committer.state, sealed)
                    committer.note_mark()
                self._taken = None
                forget(self._root, committer.state, sealed)
                self._limit = self._fitting()
            except Problem as problem:
                self.problem = problem
            except Exception as error:  # noqa: BLE001 - a thread of its own: kept for whoever asks; the journal stays
                self.problem = HomeCorrupt(part="sealing", reason=f"{type(error).__name__}: {error}"[:200])


def take(state: State, number: int) -> Snapshot:
    """Take a snapshot of the state with ``number`` as the first journal that is not sealed. ``state.lock`` is held."""
    return snapshot.take(
        state.fold,
        state.chain,
        state.tree.edge(),
        generation=state.generation + 1,
        journal=number,
        packs=(),
        logs=(),
    )


def write_sealed(root: Path, state: State, taken: Snapshot) -> Snapshot:
    """Write pack, log file and snapshot for the journals before ``taken.journal``; give the completed snapshot.

    Raises: cas.home_full, cas.object_corrupt, cas.home_corrupt
    """
    places = _waiting(state, taken.journal)
    size = pack.index_size(len(places)) + sum(length for _, _, length in places.values())
    kept = list(state.packs)
    if places:
        for opened in _small(state.packs, size, len(places)):
            kept.pop()
            for raw, start, length in opened.rows():
                places.setdefault(raw, (opened.view, start, length))
    packs = tuple(digest_of_pack(mapped.path) for mapped in kept)
    if places:
        packs = (*packs, _write_pack(root, places))
    logs = tuple(log for log, _ in state.entries.logs)
    count = taken.log_size - state.entries.first
    if count:
        logs = (*logs, _write_log(root, state, count))
    whole = msgspec.structs.replace(taken, packs=packs, logs=logs)
    publish(root / "snapshots", snapshot_name(whole.generation), (snapshot.encode(whole),), root / "tmp" / "snapshot")
    return whole


def _waiting(state: State, before: int) -> dict[bytes, Extent]:
    """Find the objects of sealed journals."""
    maps: dict[Segment, memoryview] = {}
    found = {}
    for name, place in state.objects.copy().items():
        if isinstance(place, tuple) and place[0].number < before:
            segment, start, length = place
            if segment not in maps:
                maps[segment] = memoryview(_map(segment))
            found[digest.to_raw(name)] = (maps[segment], start, length)
    return found


def _small(packs: Sequence[Mapped[Pack]], size: int, count: int) -> Iterator[Pack]:
    """Give the newest packs that are to be merged with what is sealed now: each no larger than all after it.

    So an object is copied as often as the number of packs doubles. One that cannot be opened stays as it is, for fsck.
    """
    for mapped in reversed(packs):
        try:
            opened = mapped.get()
        except HomeCorrupt:
            return
        held = len(opened.view)
        size, count, before = size + held, count + opened.count, size
        if held > before * 3 // 2 or size > _MERGED_SIZE or count > _MERGED_COUNT:
            return
        yield opened


def _write_pack(root: Path, places: dict[bytes, Extent]) -> str:
    """Write objects into a pack; give its digest.

    Bytes go over unchecked: the pack's index holds the digests under which they were hashed on the way in, so what has
    rotted meanwhile is noticed by whoever reads or checks it, as before.
    """
    name = ""

    def joined() -> Iterator[bytes]:
        order = sorted(places)
        yield pack.layout([(raw, places[raw][2]) for raw in order])
        for at in range(0, len(order), _JOINED):
            found = map(places.__getitem__, order[at : at + _JOINED])
            yield b"".join([view[start : start + length] for view, start, length in found])

    def chunks() -> Iterator[bytes]:
        nonlocal name
        for chunk, whole in digest.hashing(joined()):
            name = whole or name
            yield chunk

    publish(root / "packs", lambda: pack_name(name), chunks(), root / "tmp" / "pack")
    return name


def _map(segment: Segment) -> mmap.mmap:
    """Map a journal that will not change any more: reading it file call by file call would contend with writers."""
    return mmap.mmap(segment.handle, 0, access=mmap.ACCESS_READ)


def _write_log(root: Path, state: State, count: int) -> LogRange:
    entries = state.entries
    leaves = []
    for at, (segment, start, length) in enumerate(entries.tail[:count]):
        leaf = os.pread(segment.handle, length, start)
        if merkle.leaf_hash(leaf) != state.tree.node(0, entries.first + at):
            raise HomeCorrupt(part="entry", where=segment.path.name, entry=entries.first + at)
        leaves.append(leaf)
    name = f"{entries.first:016x}-{count:x}.log"
    publish(root / "log", name, log_file.encode(entries.first, leaves), root / "tmp" / "log")
    return LogRange(name, entries.first, count)


def install(root: Path, state: State, sealed: Snapshot) -> None:
    """Let the state find sealed things where they now lie. No commit happens meanwhile."""
    open_ = {digest_of_pack(mapped.path): mapped for mapped in state.packs}
    state.packs = tuple(open_.get(name) or pack_at(root, name) for name in sealed.packs)
    old = state.entries
    logs = old.logs + tuple((log, log_at(root, log.name)) for log in sealed.logs[len(old.logs) :])
    state.entries = Entries(logs, sealed.log_size, old.tail[sealed.log_size - old.first :])
    state.generation = sealed.generation
    state.live = sealed.journal
    state.segments = [segment for segment in state.segments if segment.number >= sealed.journal]


def forget(root: Path, state: State, sealed: Snapshot) -> None:
    """Drop places in sealed journals, then the journals, then snapshots older than the one before."""
    for name, place in state.objects.copy().items():
        if isinstance(place, tuple) and place[0].number < sealed.journal:
            state.objects.pop(name, None)
    tidy(root, sealed.journal, sealed.generation)


def tidy(root: Path, journal: int, generation: int) -> None:
    """Delete journals that are sealed, snapshots but the newest two, and packs that only the deleted ones name."""
    for number in home_journal.numbers(root):
        if number < journal:
            (root / "journal" / home_journal.name_of(number)).unlink(missing_ok=True)
    there = generations(root)
    old = [number for number in there if number < generation - 1]
    if old:
        kept = _packs_of(root, [number for number in there if number >= generation - 1])
        for name in _packs_of(root, old) - kept:
            (root / "packs" / pack_name(name)).unlink(missing_ok=True)
    for number in old:
        (root / "snapshots" / snapshot_name(number)).unlink(missing_ok=True)


def _packs_of(root: Path, numbers: Sequence[int]) -> set[str]:
    """List the packs that some snapshots name; those of a damaged one stay unknown."""
    names: set[str] = set()
    for number in numbers:
        path = root / "snapshots" / snapshot_name(number)
        with contextlib.suppress(HomeCorrupt, FileNotFoundError):
            names.update(snapshot.decode(path.read_bytes(), path.name).packs)
    return names


def generations(root: Path) -> list[int]:
    """List the snapshots that are there."""
    names = (entry.name for entry in os.scandir(root / "snapshots"))
    return sorted(int(name.removesuffix(".snapshot"), 16) for name in names if name.endswith(".snapshot"))


def digest_of_pack(path: Path) -> str:
    """Read a pack's digest off its name."""
    return "sha256:" + path.name.removesuffix(".pack")
