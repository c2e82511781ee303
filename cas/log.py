"""The Log contract: one append-only sequence of entries; state is a fold over it. Must not know where it lies.

Fold rules are versioned by entry kind and frozen: ``entry/1`` moves the refs that its ``moves`` name, in order, and
notes its runs. Nothing else of an entry changes state.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from cas.digest import Digest
from cas.problems import ExpectationFailed
from cas.records.proof import Entry, RunNote


@dataclass(frozen=True, slots=True)
class LogHead:
    """Size and RFC 6962 root of the log."""

    size: int
    root: Digest


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append gives back once it is durable: the position of its first entry, and the head after it."""

    first: int
    head: LogHead


@dataclass(frozen=True, slots=True)
class RefIs:
    """An expectation: the ref names this digest (None: does not exist)."""

    name: str
    digest: Digest | None


class Log(Protocol):
    """The log commits: a fact exists when its entry is in here. Safe to share between threads."""

    def append(self, entries: Sequence[Entry], expect: Sequence[RefIs] = ()) -> Future[Appended]:
        """Append all or nothing, if every ``expect`` and every move's ``old`` holds at that moment.

        The future is resolved when entries, and every object put before the call, are durable; it fails with
        cas.expectation_failed, cas.sync_failed, cas.home_read_only.
        """
        ...

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """Give entries by position."""
        ...

    def head(self) -> LogHead:
        """Give size and root of what is durable."""
        ...

    def ref(self, name: str) -> Digest | None:
        """Give what a ref names now."""
        ...

    def refs(self, prefix: str = "") -> tuple[tuple[str, Digest], ...]:
        """List refs under a prefix, sorted by name."""
        ...

    def admitted(self, record: Digest) -> int | None:
        """Give the position of the first entry whose ``record`` this is, or None: then it has no standing here."""
        ...

    def ran(self, stage: str, version: int, question: Digest) -> RunNote | None:
        """Give this instance's own Run of a stage over an input: the memo. Replay never asks."""
        ...

    def run_of(self, output: Digest) -> RunNote | None:
        """Give the first Run of this instance that put out a record."""
        ...

    def leaf(self, position: int) -> bytes:
        """Give the canonical bytes of an entry, which are the leaf's data.

        Raises: cas.entry_missing
        """
        ...

    def inclusion(self, position: int, size: int) -> tuple[bytes, ...]:
        """Prove that the entry at ``position`` is in the tree of ``size`` (RFC 6962, 2.1.1)."""
        ...

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Prove that the tree of ``old`` is a prefix of the tree of ``new`` (RFC 6962, 2.1.2)."""
        ...


class Fold:
    """State as a fold over entries: refs, who was admitted where, the memo of runs. Rules of ``entry/1``, frozen."""

    def __init__(self) -> None:
        self.size = 0
        self.refs: dict[str, Digest] = {}
        self.admitted: dict[Digest, int] = {}
        self.ran: dict[tuple[str, int, Digest], RunNote] = {}
        self.outputs: dict[Digest, RunNote] = {}

    def check(self, entries: Sequence[Entry], expect: Sequence[RefIs]) -> None:
        """Refuse entries whose expectations or moves do not hold.

        Raises: cas.expectation_failed
        """
        for wanted in expect:
            if self.refs.get(wanted.name) != wanted.digest:
                raise ExpectationFailed(ref=wanted.name, expected=wanted.digest, found=self.refs.get(wanted.name))
        moved: dict[str, Digest | None] = {}
        for entry in entries:
            for move in entry.moves:
                found = moved[move.name] if move.name in moved else self.refs.get(move.name)
                if found != move.old:
                    raise ExpectationFailed(ref=move.name, expected=move.old, found=found)
                moved[move.name] = move.new

    def apply(self, entry: Entry) -> None:
        """Take in the next entry."""
        for move in entry.moves:
            if move.new is None:
                self.refs.pop(move.name, None)
            else:
                self.refs[move.name] = move.new
        if entry.record is not None:
            self.admitted.setdefault(entry.record, self.size)
        for note in entry.runs:
            self.ran.setdefault((note.stage, note.version, note.input), note)
            self.outputs.setdefault(note.output, note)
        self.size += 1
