"""Journal files: made, written and recovered. Knows files, commits and the mark; must not know what entries say."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cas import digest, journal
from cas.adapters.home_files import (
    HomeFull,
    Mark,
    full,
    missing_part,
    publish,
    room,
    sync_folder,
    write_all,
    write_many,
)
from cas.adapters.home_state import Segment, State
from cas.journal import FILE_HEADER_SIZE, Chain, Damage, FileHeader, Scan
from cas.problems import HomeCorrupt, SyncFailed
from cas.salvage import salvage

Sync = Callable[[int], None]
Newest = tuple[Scan, bytes]
"""The newest journal as it was read: its complete commits, its bytes."""


def name_of(number: int) -> str:
    """Spell a journal's file name."""
    return f"{number:016x}.journal"


def numbers(root: Path) -> list[int]:
    """List the journals that are there."""
    found = (entry.name for entry in os.scandir(root / "journal") if entry.name.endswith(".journal"))
    return sorted(int(name.removesuffix(".journal"), 16) for name in found)


def create(root: Path, number: int, chain: Chain) -> Segment:
    """Make a new journal file, durable in its folder.

    Raises: cas.home_full
    """
    header = FileHeader(os.urandom(8), number, chain)
    path = publish(root / "journal", name_of(number), (journal.file_header(header),), root / "tmp" / "journal")
    return Segment(path, header, writable=True)


class JournalWriter:
    """Writes commits at the end of the newest journal. One thread at a time."""

    def __init__(self, segment: Segment, position: int, chain: Chain, sync: Sync) -> None:
        self.segment = segment
        self.position = position
        self.chain = chain
        self._sync = sync

    def commit(
        self, objects: Sequence[tuple[bytes, bytes, str]], entries: Sequence[bytes], log_root: bytes
    ) -> list[int]:
        """Write one commit and sync it; give where every object's and entry's bytes begin.

        Raises: cas.home_full (nothing is left of it), cas.sync_failed (never to be retried)
        """
        magic = self.segment.header.magic
        buffers, starts, chain = journal.compose(magic, self.position, self.chain, objects, entries, log_root=log_root)
        handle = self.segment.handle
        try:
            size = write_many(handle, buffers, self.position)
        except OSError as error:
            if not full(error):
                raise SyncFailed(reason=error.strerror) from error
            os.ftruncate(handle, self.position)
            raise HomeFull(path=str(self.segment.path), reason=error.strerror) from error
        try:
            self._sync(handle)
        except OSError as error:
            raise SyncFailed(reason=error.strerror) from error
        self.position += size
        self.chain = chain
        return starts


@dataclass(frozen=True, slots=True)
class Cut:
    """What recovery cut off the newest journal, and where its bytes are kept."""

    journal: int
    position: int
    size: int
    lost: str


def load_journal(root: Path, number: int, state: State, stop: int | None, *, writable: bool) -> Newest:
    """Read a journal's complete commits, up to ``stop``, into the state.

    Raises: cas.home_corrupt when header or chain does not fit
    """
    path = root / "journal" / name_of(number)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise missing_part("journal", path.name) from error
    header, both = journal.parse_file_header(data[:FILE_HEADER_SIZE])
    if header.journal != number or header.chain != state.chain:
        raise HomeCorrupt(part="journal", where=path.name, reason="does not follow what is before it")
    if not both:
        state.damage += (Damage("header", path.name, 0, "one copy of the file header is damaged"),)
    segment = Segment(path, header, writable=writable)
    state.segments.append(segment)
    view = memoryview(data)[FILE_HEADER_SIZE:stop]
    found = journal.scan(view, FILE_HEADER_SIZE, header.magic, state.chain)
    take(state, segment, found, view, FILE_HEADER_SIZE)
    return found, data


def take(state: State, segment: Segment, found: Scan, view: memoryview, base: int) -> None:
    """Take complete commits into the state."""
    with state.lock:
        for commit in found.commits:
            state.admit(segment, commit.frames, view, base)
        state.advance(found.chain)
        state.position = found.end
    if state.tree.root() != found.chain.log_root:
        where = f"{segment.path.name}@{found.end}"
        state.damage += (Damage("log", where, found.end, "entries give another root than the commit says"),)


def load_journals(root: Path, state: State, mark: Mark | None, *, writable: bool) -> Newest | None:
    """Read all journals that are not sealed; give scan and bytes of the newest. Faults end in ``state.damage``."""
    live = [number for number in numbers(root) if number >= state.live]
    if not writable and mark is not None:
        live = [number for number in live if number <= mark.journal]
    newest = None
    if mark is not None and mark.journal >= state.live and mark.journal not in live:
        state.damage += (Damage("journal", name_of(mark.journal), 0, "the file is missing"),)
    for at, number in enumerate(live):
        marked = mark.position if mark is not None and mark.journal == number else 0
        try:
            stop = marked if marked and not writable else None
            found, data = load_journal(root, number, state, stop, writable=writable)
        except HomeCorrupt as error:
            where, reason = error.fields.get("where", name_of(number)), error.fields.get("reason", "damaged")
            state.damage += (Damage(error.fields["part"], where, 0, reason),)
            return None
        view = memoryview(data)[FILE_HEADER_SIZE:stop]
        segment = state.segments[-1]
        judged = journal.judge_tail(view, FILE_HEADER_SIZE, segment.header.magic, found, marked)
        last = at == len(live) - 1
        if judged == "damaged" or (judged == "cut" and not last):
            _salvage(state, segment, found, data[:stop])
            return None
        newest = (found, data)
    return newest


def _salvage(state: State, segment: Segment, found: Scan, data: bytes) -> None:
    """Keep readable what a damaged journal still holds, and name the rest."""
    rest = memoryview(data)[found.end :]
    left = salvage(rest, found.end, segment.header.magic, found.chain, segment.path.name)
    fault = found.fault or journal.Fault(found.end, "the file ends before the durable mark")
    unnamed = (Damage("frame", f"{segment.path.name}@{fault.position}", fault.position, fault.reason),)
    with state.lock:
        state.admit(segment, left.objects, rest, found.end)
        state.admit(segment, left.entries, rest, found.end)
        size, root = state.tree.size, state.tree.root()
        state.advance(Chain(found.chain.number, found.chain.commit, size, root))
    state.damage += left.damage or unnamed


def recover(root: Path, state: State, newest: Newest, mark: Mark | None, sync: Sync) -> Cut | None:
    """Make the newest journal fit to be continued; give what was cut off.

    1. Bytes after the last complete commit are kept in ``lost/``, then cut.
    2. The last complete commit, when the mark does not vouch for it, is written again and synced: after a sync that
       failed, the page cache may hold what the disk does not.

    Raises: cas.home_full, cas.sync_failed
    """
    found, data = newest
    segment = state.segments[-1]
    rest = data[found.end :]
    cut = None
    if rest.count(0) != len(rest):  # (1)
        lost = digest.of_bytes(rest).removeprefix("sha256:")
        publish(root / "lost", lost, (rest,), root / "tmp" / "lost")
        cut = Cut(segment.number, found.end, len(rest), lost)
    vouched = mark is not None and mark.journal == segment.number and mark.position >= found.end
    try:
        if rest:
            os.ftruncate(segment.handle, found.end)
        if found.commits and not vouched:  # (2)
            last = found.commits[-1]
            with room(segment.path):
                write_all(segment.handle, data[last.start : last.end], last.start)
        if rest or not vouched:
            sync(segment.handle)
    except OSError as error:
        raise SyncFailed(reason=error.strerror) from error
    sync_folder(root / "journal")
    return cut
