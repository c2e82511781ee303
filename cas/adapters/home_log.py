"""The Log of a home. Reads what is durable; what is appended is committed with every object put before it."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Final

from cas import canon, merkle
from cas.adapters.home_commit import Append, Committer
from cas.adapters.home_state import ENTRY_DECODER, State
from cas.digest import Digest
from cas.log import Appended, LogHead, RefIs
from cas.problems import EntryMissing, HomeCorrupt, HomeReadOnly, Problem, TooLarge
from cas.records.proof import Entry, RunNote

MAX_ENTRY: Final = 1 << 24


class HomeLog:
    """See Log."""

    def __init__(
        self, current: Callable[[], State], committer: Committer | None, read_only: Callable[[], HomeReadOnly]
    ) -> None:
        self._current = current
        self._committer = committer
        self._read_only = read_only

    def append(self, entries: Sequence[Entry], expect: Sequence[RefIs] = ()) -> "Future[Appended]":
        """See Log. Whoever waits for the result may do the commit itself; otherwise the committer thread does."""
        committer = self._committer
        try:
            if committer is None:
                raise self._read_only()  # told through the future, as the contract says
            if committer.failure is not None:
                raise committer.failure
            leaves = [canon.of_record(entry) for entry in entries]
            if any(len(leaf) > MAX_ENTRY for leaf in leaves):
                raise TooLarge(what="entry", limit=MAX_ENTRY)
        except Problem as problem:
            failed: Future[Appended] = Future()
            failed.set_exception(problem)
            return failed
        future: Future[Appended] = committer.waiting()
        group = committer.group
        with group.lock:
            group.batch.appends.append(Append(tuple(entries), leaves, tuple(expect), future))
        group.nudge()
        return future

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """See Log."""
        state = self._current()
        start, stop, _ = slice(start, stop).indices(state.head.size)
        for position in range(start, stop):
            yield position, ENTRY_DECODER.decode(_leaf(state, position))

    def head(self) -> LogHead:
        """See Log."""
        return self._current().head

    def ref(self, name: str) -> Digest | None:
        """See Log."""
        return self._current().fold.refs.get(name)

    def refs(self, prefix: str = "") -> tuple[tuple[str, Digest], ...]:
        """See Log."""
        state = self._current()
        with state.lock:
            found = [(name, at) for name, at in state.fold.refs.items() if name.startswith(prefix)]
        return tuple(sorted(found))

    def admitted(self, record: Digest) -> int | None:
        """See Log."""
        return self._current().fold.admitted.get(record)

    def ran(self, stage: str, version: int, question: Digest) -> RunNote | None:
        """See Log."""
        return self._current().fold.ran.get((stage, version, question))

    def run_of(self, output: Digest) -> RunNote | None:
        """See Log."""
        return self._current().fold.outputs.get(output)

    def leaf(self, position: int) -> bytes:
        """See Log."""
        return _leaf(self._current(), position)

    def inclusion(self, position: int, size: int) -> tuple[bytes, ...]:
        """See Log."""
        return self._durable(size).tree.inclusion(position, size)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """See Log."""
        return self._durable(new).tree.consistency(old, new)

    def _durable(self, size: int) -> State:
        state = self._current()
        if size > state.head.size:
            raise EntryMissing(size=size, held=state.head.size)
        return state


def _leaf(state: State, position: int) -> bytes:
    """Read an entry's bytes, checked against the tree's leaf hash."""
    if not 0 <= position < state.head.size:
        raise EntryMissing(position=position)
    entries = state.entries
    sealed = entries.sealed(position)
    if sealed is not None:
        return sealed.leaf(position)
    segment, start, length = entries.tail[position - entries.first]
    data = os.pread(segment.handle, length, start)
    if merkle.leaf_hash(data) != state.tree.node(0, position):
        raise HomeCorrupt(part="entry", where=segment.path.name, entry=position, reason="bytes do not match their hash")
    return data
