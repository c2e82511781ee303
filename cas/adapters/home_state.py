"""What a home holds, in memory: where each object and entry lies, the fold, the tree, the chain.

Read from the newest snapshot and the journals after it. Knows files; must not write any.
"""

import mmap
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from cas import digest, journal, merkle
from cas.adapters.home_files import missing_part
from cas.digest import Digest
from cas.journal import Chain, Damage, FileHeader, Frame
from cas.log import Fold, LogHead
from cas.log_file import LogFile
from cas.pack import Pack, PackInvalid
from cas.problems import HomeCorrupt
from cas.records.proof import Entry
from cas.snapshot import LogRange, Snapshot, fold_of

START: Final = Chain(0, journal.NO_COMMIT, 0, merkle.EMPTY)
ENTRY_DECODER: Final = msgspec.json.Decoder(Entry)

T = TypeVar("T")


class Segment:
    """An open journal file; closed when nothing refers to it any more, so that readers in flight are safe."""

    def __init__(self, path: Path, header: FileHeader, *, writable: bool = False) -> None:
        self.path = path
        self.header = header
        self.number = header.journal
        self.handle = os.open(path, os.O_RDWR if writable else os.O_RDONLY)

    def __del__(self) -> None:
        """Close the file."""
        handle, self.handle = getattr(self, "handle", -1), -1
        if handle >= 0:
            os.close(handle)


Place = tuple[Segment, int, int]
"""An object or entry in a journal: file, where its bytes begin, how many."""


class Mapped(Generic[T]):
    """A sealed file, mapped into memory and opened when first asked for."""

    def __init__(self, path: Path, part: str, open_: Callable[[memoryview], T]) -> None:
        self.path = path
        self._part = part
        self._open = open_
        self._it: T | None = None

    def get(self) -> T:
        """Give what was opened.

        Raises: cas.home_corrupt
        """
        if self._it is None:
            try:
                with self.path.open("rb") as file:
                    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._it = self._open(memoryview(data))
            except (FileNotFoundError, ValueError) as error:
                raise missing_part(self._part, self.path.name) from error
            except PackInvalid as error:
                raise HomeCorrupt(part=self._part, where=self.path.name, reason=error.fields["reason"]) from error
        return self._it


@dataclass(frozen=True, slots=True)
class Entries:
    """Where entries lie: sealed log files, then places in the journals. Replaced as a whole when one is sealed."""

    logs: tuple[tuple[LogRange, Mapped[LogFile]], ...]
    first: int  # position of the first entry in ``tail``
    tail: list[Place]

    def sealed(self, position: int) -> LogFile | None:
        """Give the log file that holds a position, or None when it is not sealed."""
        if position >= self.first:
            return None
        low, high = 0, len(self.logs)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.logs[middle][0].first <= position else (low, middle)
        return self.logs[low][1].get()


@dataclass(slots=True)
class State:
    """All of it. ``lock`` is held while fold and tree move, and while they are listed."""

    objects: dict[Digest, bytes | Place] = field(default_factory=dict)
    packs: tuple[Mapped[Pack], ...] = ()
    entries: Entries = field(default_factory=lambda: Entries((), 0, []))
    fold: Fold = field(default_factory=Fold)
    tree: merkle.Tree = field(default_factory=merkle.Tree)
    chain: Chain = START
    head: LogHead = field(default_factory=lambda: LogHead(0, digest.from_raw(merkle.EMPTY)))
    generation: int = 0
    live: int = 1  # number of the first journal that is not sealed
    segments: list[Segment] = field(default_factory=list)
    position: int = journal.FILE_HEADER_SIZE  # in the newest journal
    damage: tuple[Damage, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, segment: Segment, frames: Sequence[Frame], data: memoryview, base: int) -> None:
        """Take in frames of one commit: objects become findable, entries are folded. ``lock`` is held."""
        for frame in frames:
            if frame.kind == journal.OBJECT:
                self.objects.setdefault(digest.from_raw(frame.sha), (segment, frame.start, frame.length))
            else:
                leaf = bytes(data[frame.start - base : frame.end - base])
                self.tree.append(merkle.leaf_hash(leaf))
                self.entries.tail.append((segment, frame.start, frame.length))
                self.fold.apply(ENTRY_DECODER.decode(leaf))

    def advance(self, chain: Chain) -> None:
        """Note where the chain stands; the log's head moves with it."""
        self.chain = chain
        self.head = LogHead(chain.log_size, digest.from_raw(chain.log_root))


def of_snapshot(snapshot: Snapshot | None, root: Path) -> State:
    """Restore the state at a snapshot (None: of a home with nothing sealed).

    Raises: cas.home_corrupt
    """
    state = State()
    if snapshot is None:
        return state
    state.packs = tuple(pack_at(root, name) for name in snapshot.packs)
    logs = tuple((log, log_at(root, log.name)) for log in snapshot.logs)
    state.entries = Entries(logs, snapshot.log_size, [])
    state.fold = fold_of(snapshot)
    state.tree = merkle.Tree.of_edge(snapshot.log_size, snapshot.edge, Older(logs).node)
    if state.tree.root() != snapshot.log_root:
        raise HomeCorrupt(part="snapshot", where=str(snapshot.generation), reason="the edge gives another root")
    state.advance(snapshot.chain)
    state.generation = snapshot.generation
    state.live = snapshot.journal
    return state


def pack_name(name: Digest) -> str:
    """Spell a pack's file name."""
    return name.removeprefix("sha256:") + ".pack"


def pack_at(root: Path, name: Digest) -> Mapped[Pack]:
    """Give a pack of the home."""
    return Mapped(root / "packs" / pack_name(name), "pack", Pack)


def log_at(root: Path, name: str) -> Mapped[LogFile]:
    """Give a log file of the home."""
    return Mapped(root / "log" / name, "log", lambda data: LogFile(data, name))


class Older:
    """Nodes of the tree before the snapshot, from the leaf hashes of the log files. Built when first asked for."""

    def __init__(self, logs: Sequence[tuple[LogRange, Mapped[LogFile]]]) -> None:
        self._logs = logs
        self._lock = threading.Lock()
        self._tree: merkle.Tree | None = None

    def node(self, level: int, index: int) -> bytes:
        """Give the hash of a complete subtree.

        Raises: cas.entry_missing, cas.home_corrupt
        """
        if level == 0:
            for log, file in reversed(self._logs):
                if log.first <= index:
                    return file.get().leaf_hash(index)
        with self._lock:
            if self._tree is None:
                tree = merkle.Tree()
                for _, file in self._logs:
                    tree.extend((file.get().leaves,))  # type: ignore[arg-type]
                self._tree = tree
        return self._tree.node(level, index)
