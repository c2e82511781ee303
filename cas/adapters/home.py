"""A home: Store and Log in one directory, one writing process, any number of readers.

Opening checks who may write there, takes the lock, reads the newest snapshot and the journal after it, and recovers.
Damage below the durable mark never stops reading: the home is then open read-only and says what is damaged.
"""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from cas import canon
from cas.adapters import home_files, home_journal, sealing
from cas.adapters.home_commit import Committer
from cas.adapters.home_files import HomeFull, Lock, MarkFile
from cas.adapters.home_journal import Cut, JournalWriter, Sync
from cas.adapters.home_log import HomeLog
from cas.adapters.home_reader import Follower, load
from cas.adapters.home_state import State
from cas.adapters.home_store import HomeStore
from cas.adapters.large_files import LargeFiles
from cas.adapters.sealing import Sealer
from cas.journal import FILE_HEADER_SIZE, Damage
from cas.problems import HomeReadOnly
from cas.records.base import Instant
from cas.records.proof import Entry, Recovery, RefMove

SEAL_AT: Final = 1 << 26
RECOVERED: Final = "home.recovered"
_SYSTEM: Final = "system:" + "0" * 32


class Clock(Protocol):
    """The instance's clock."""

    def now(self) -> Instant:
        """Give the instant."""
        ...


class Home:
    """Made by ``Home.open``. ``store`` and ``log`` are safe to share between threads."""

    store: HomeStore
    log: HomeLog

    def __init__(self, path: Path, state: State, follower: Follower | None, mark: MarkFile) -> None:
        """For ``open`` only."""
        self.path = path
        self._state = state
        self._follower = follower
        self._mark = mark
        self._committer: Committer | None = None
        self._sealer: Sealer | None = None
        self._lock: Lock | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        writable: bool = True,
        clock: Clock | None = None,
        seal_at: int = SEAL_AT,
        sync: Sync = os.fdatasync,
    ) -> "Home":
        """Open a home, or make one where there is none; ``seal_at`` is the size at which a journal is sealed.

        ``clock`` dates the note of a recovery; without it the journal's own time does. A damaged home is opened
        read-only, whatever was asked: see ``damage``.

        Raises: cas.home_locked, cas.home_unsafe, cas.home_missing, cas.home_foreign, cas.home_full, cas.sync_failed
        """
        path = Path(path)
        if writable and not (path / "format").exists():
            _may_be_made(path)
            home_files.make(path)
        home_files.check(path)
        return cls._open_writable(path, clock, seal_at, sync) if writable else cls._open_readable(path)

    @classmethod
    def _open_readable(cls, path: Path) -> "Home":
        try:
            mark = MarkFile(path / "mark", writable=False)
        except FileNotFoundError as error:
            raise home_files.HomeMissing(path=str(path), reason="nothing was ever committed") from error
        follower = Follower(path, mark)
        home = cls(path, follower.state, follower, mark)
        home._wire(os.fdatasync)
        return home

    @classmethod
    def _open_writable(cls, path: Path, clock: Clock | None, seal_at: int, sync: Sync) -> "Home":
        lock = Lock(path / "lock")
        try:
            mark = MarkFile(path / "mark", writable=True)
            marked = mark.read()
            state, newest = load(path, marked, writable=True)
            home = cls(path, state, None, mark)
            if state.damage:
                lock.close()
                home._wire(sync)
                return home
            home._lock = lock
            home._start(newest, marked, clock, seal_at, sync)
        except BaseException:
            lock.close()
            raise
        return home

    def _start(
        self,
        newest: home_journal.Newest | None,
        marked: home_files.Mark | None,
        clock: Clock | None,
        seal_at: int,
        sync: Sync,
    ) -> None:
        """Recover, then be ready to write."""
        state = self._state
        cut = None
        if newest is None:
            state.segments.append(home_journal.create(self.path, state.live, state.chain))
            state.position = FILE_HEADER_SIZE
        else:
            cut = home_journal.recover(self.path, state, newest, marked, sync)
        _tidy(self.path, state)
        writer = JournalWriter(state.segments[-1], state.position, state.chain, sync)
        self._sealer = sealer = Sealer(self.path, seal_at, sync)
        committer = Committer(state, writer, self._mark, lambda: sealer.after_commit(committer))
        self._committer = committer
        committer.note_mark()
        self._wire(sync)
        if cut is not None and self.log.head().size:
            self._note(cut, clock)
        if len(state.segments) > 1:  # sealing was interrupted
            with contextlib.suppress(HomeFull):
                sealer.seal_now(committer)

    def _wire(self, sync: Sync) -> None:
        large = self.large_files(self.path, sync)
        follower = self._follower
        current = follower.current if follower is not None else (lambda: self._state)
        kept = (lambda: follower.state) if follower is not None else current
        refresh = follower.refresh if follower is not None else (lambda: False)
        self.store = HomeStore(kept, refresh, large, self._committer, self._read_only)
        self.log = HomeLog(current, self._committer, self._read_only)

    def _note(self, cut: Cut, clock: Clock | None) -> None:
        """Put a note of what was cut off into the log."""
        seen = (self.path / "lost" / cut.lost).stat().st_mtime
        when = clock.now() if clock is not None else home_files.instant(seen)
        record = Recovery(journal=cut.journal, position=cut.position, size=cut.size, lost=cut.lost)
        name = self.store.put(canon.of_record(record))
        ref = f"lost/{cut.lost}"
        move = RefMove(name=ref, old=self.log.ref(ref), new=name)
        entry = Entry(
            event=RECOVERED,
            record=name,
            runs=(),
            envelopes=(),
            verifications=(),
            beside=(),
            moves=(move,),
            actor=_SYSTEM,
            when=when,
        )
        with contextlib.suppress(HomeFull):  # lost/ keeps the bytes; a full disk must not keep a home from opening
            self.log.append([entry]).result()

    @property
    def writable(self) -> bool:
        """Whether this process may write here."""
        return self._committer is not None

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What was found damaged; not empty means read-only."""
        state = self._follower.state if self._follower is not None else self._state
        return state.damage

    def state(self) -> State:
        """Give what is held, for fsck and backup."""
        return self._follower.current() if self._follower is not None else self._state

    @staticmethod
    def large_files(path: Path, sync: Sync = os.fdatasync) -> LargeFiles:
        """Give the large objects of a home."""
        return LargeFiles(path / "large", path / "tmp", sync)

    def seal(self) -> None:
        """Seal what the journal holds, now, and wait for it.

        Raises: cas.home_read_only, cas.home_full, cas.object_corrupt, cas.home_corrupt
        """
        if self._committer is None or self._sealer is None:
            raise self._read_only()
        self.store.flush()
        self._sealer.seal_now(self._committer)

    def close(self) -> None:
        """Commit what is queued and let go. Closing twice is closing once.

        Raises: cas.home_full, cas.sync_failed
        """
        committer, self._committer = self._committer, None
        try:
            if committer is not None:
                self._end(committer)
        finally:
            self._mark.close()
            if self._lock is not None:
                self._lock.close()

    def _end(self, committer: Committer) -> None:
        try:
            if committer.failure is None:
                self.store.flush()
        finally:
            if self._sealer is not None:
                self._sealer.close()
                self._sealer.seal_rest(committer)
            committer.group.close()
            committer.failure = committer.failure or HomeReadOnly(path=str(self.path), reason="closed")

    def _read_only(self) -> HomeReadOnly:
        damage = self.damage
        if not damage:
            return HomeReadOnly(path=str(self.path))
        named = "; ".join(one.told() for one in damage[:5])
        return HomeReadOnly(path=str(self.path), damage=named)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _may_be_made(path: Path) -> None:
    """Refuse to make a home where journals lie without the file that says of which format they are.

    Raises: cas.home_foreign
    """
    if (path / "journal").is_dir() and any((path / "journal").iterdir()):
        raise home_files.HomeForeign(path=str(path), reason="the format file is missing")


def _tidy(path: Path, state: State) -> None:
    """Delete what a crash left in ``tmp/``, and journals that are sealed."""
    for left in (path / "tmp").iterdir():
        left.unlink()
    sealing.tidy(path, state.live, state.generation)
