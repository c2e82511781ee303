"""Commits of a home: what queued up is checked, written, synced, then told. Knows the state and the journal.

The order is the guarantee: journal, sync, state in memory, durable mark, waiters.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from cas import merkle
from cas.adapters.group_commit import GroupCommit, Waiting
from cas.adapters.home_files import HomeFull, Mark, MarkFile
from cas.adapters.home_journal import JournalWriter
from cas.adapters.home_state import Place, State
from cas.digest import Digest
from cas.log import Appended, Fold, RefIs
from cas.problems import Problem, SyncFailed
from cas.records.proof import Entry

Queued = tuple[bytes, bytes, Digest]
"""An object that waits to be committed: raw digest, bytes, name."""


@dataclass(slots=True)
class Append:
    """One caller's entries, with their canonical bytes and what they expect."""

    entries: Sequence[Entry]
    leaves: list[bytes]
    expect: Sequence[RefIs]
    future: "Future[Appended]"


@dataclass(slots=True)
class HomeBatch:
    """What one commit makes durable: appends as they queued up, objects as they were waiting when it began."""

    done: "Future[None]"
    objects: list[Queued] = field(default_factory=list)
    appends: list[Append] = field(default_factory=list)
    asked: bool = False  # somebody waits: the committer thread has been woken for it


class _Ahead(dict[str, Any]):
    """Refs as the appends already accepted into this commit will leave them; None stands for "no such ref"."""

    def __init__(self, refs: dict[str, Digest]) -> None:
        self._refs = refs

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else self._refs.get(key, default)


class Committer:
    """Makes batches durable, one after another.

    ``queue`` is added to without a lock: appending to a list, and cutting off its beginning, are one step each. A
    commit takes the queue after its batch has been closed, so whoever puts and then asks for the open batch is in time.
    """

    def __init__(self, state: State, writer: JournalWriter, mark: MarkFile, after: Callable[[], None]) -> None:
        self.state = state
        self.objects = state.objects
        self.queue: list[Queued] = []
        self.queued = 0  # bytes in the queue
        self.writer = writer
        self.mark = mark
        self.failure: Problem | None = None
        self._after = after
        self.group = GroupCommit(self._fresh, self._perform)

    def waiting(self) -> "Waiting[Any]":
        """Give a future whose waiter may commit."""
        return Waiting(lambda: self.group.lead())  # noqa: PLW0108 - the group is made after this

    def note_mark(self) -> None:
        """Write the durable mark for what the state says."""
        state, writer = self.state, self.writer
        chain = writer.chain
        self.mark.write(
            Mark(state.generation, writer.segment.number, writer.position, chain.number, chain.log_size, chain.log_root)
        )

    def _fresh(self) -> HomeBatch:
        return HomeBatch(self.waiting())

    def _perform(self, batch: HomeBatch) -> None:
        """Make a batch durable and tell its waiters. A full disk leaves objects queued; any other fault is final."""
        try:
            if self.failure is not None:
                raise self.failure  # noqa: TRY301 - told to every waiter below
            batch.objects = self._unqueue()
            answers = self._commit(batch)
        except HomeFull as problem:
            self.queue[:0] = batch.objects
            self.queued += sum(len(data) for _, data, _ in batch.objects)
            _fail(batch, problem)
        except Problem as problem:
            self.failure = problem
            _fail(batch, problem)
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it was
            self.failure = SyncFailed(reason=f"{type(error).__name__}: {error}"[:200])
            self.failure.__cause__ = error
            _fail(batch, self.failure)
        else:
            for append, answer in answers:
                append.future.set_result(answer)
            batch.done.set_result(None)
            if answers or batch.objects:
                self._after()

    def _unqueue(self) -> list[Queued]:
        count = len(self.queue)
        taken = self.queue[:count]
        del self.queue[:count]
        self.queued -= sum([len(data) for _, data, _ in taken])
        return taken

    def _commit(self, batch: HomeBatch) -> list[tuple[Append, Appended]]:
        accepted = self._judge(batch.appends)
        if not batch.objects and not accepted:
            return []
        state = self.state
        leaves = [leaf for append in accepted for leaf in append.leaves]
        hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
        root = state.tree.root_with(hashes) if hashes else state.chain.log_root
        first = state.tree.size
        starts = self.writer.commit(batch.objects, leaves, root)
        self._take(batch, accepted, leaves, hashes, starts)
        self.note_mark()
        answers = []
        for append in accepted:
            answers.append((append, Appended(first, state.head)))
            first += len(append.leaves)
        return answers

    def _take(
        self,
        batch: HomeBatch,
        accepted: Sequence[Append],
        leaves: Sequence[bytes],
        hashes: Sequence[bytes],
        starts: Sequence[int],
    ) -> None:
        """Take a durable commit into the state."""
        state, segment = self.state, self.writer.segment
        objects = state.objects
        for start, (_, data, name) in zip(starts, batch.objects, strict=False):  # then come the entries' starts
            objects[name] = (segment, start, len(data))
        with state.lock:
            places: list[Place] = [
                (segment, start, len(leaf)) for leaf, start in zip(leaves, starts[len(batch.objects) :], strict=True)
            ]
            state.entries.tail.extend(places)
            state.tree.extend(hashes)
            for append in accepted:
                for entry in append.entries:
                    state.fold.apply(entry)
            state.advance(self.writer.chain)
            state.position = self.writer.position

    def _judge(self, appends: Sequence[Append]) -> list[Append]:
        """Give the appends whose expectations hold, each after those before it; tell the others."""
        ahead = Fold()
        ahead.refs = _Ahead(self.state.fold.refs)
        accepted = []
        for append in appends:
            try:
                ahead.check(append.entries, append.expect)
            except Problem as problem:
                append.future.set_exception(problem)
                continue
            ahead.refs.update((move.name, move.new) for entry in append.entries for move in entry.moves)
            accepted.append(append)
        return accepted


def _fail(batch: HomeBatch, problem: Problem) -> None:
    for append in batch.appends:
        if not append.future.done():
            append.future.set_exception(problem)
    if not batch.done.done():
        batch.done.set_exception(problem)
