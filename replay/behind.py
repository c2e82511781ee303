"""Which Runs stand behind a record: recorded Runs, followed by digest to the fixpoint. Must not run anything.

A record's Run is the first that put it out; an admitted record brings the Runs of its entry, and what the entry lists
beside it. A Run leads on to its input and to all it read. What no Run put out was captured, and is where replay ends.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from cas import references
from cas.closure import FEEDS, Admissions
from cas.digest import Digest
from cas.log import Fold
from cas.problems import ObjectMissing
from cas.records.proof import Entry, Run
from cas.store import Reader, load

IMPORT_STAGES = frozenset({"import_feed"})
"""Stages whose input is a whole feed: bundles carry the feed's packages that were read, not the feed."""


@dataclass(frozen=True, slots=True)
class Behind:
    """The Runs behind some records, sorted by digest; ``absent`` are those that cannot be rerun from what is here.

    ``feeds`` are the absent ones that only imported a feed: the packages that were read travel, the whole does not.
    """

    runs: tuple[tuple[Digest, Run], ...]
    absent: tuple[Digest, ...]
    feeds: tuple[Digest, ...]

    def objects(self) -> frozenset[Digest]:
        """List every object that rerunning needs, outputs to compare with included."""
        return frozenset(
            name for digest, run in self.runs for name in (digest, run.input, run.output, *run.reads, *run.keeps)
        )


def of_entries(entries: Iterable[tuple[int, Entry]]) -> Admissions:
    """Answer from entries that travelled, as a log would of its own."""
    fold = Fold()
    all_entries: list[Entry] = []
    at: dict[Digest, tuple[int, Entry]] = {}
    for position, entry in entries:
        fold.apply(entry)
        all_entries.append(entry)
        if entry.record is not None:
            at.setdefault(entry.record, (position, entry))
    return Admissions(at.get, fold.outputs.get, lambda _: {}, lambda: all_entries)


def behind(subjects: Iterable[Digest], reader: Reader, recorded: Admissions) -> Behind:
    """Follow from some records to every Run they rest on."""
    walk = _Walk(reader, recorded)
    for subject in subjects:
        walk.begin(subject)
    walk.run()
    present, absent, feeds = [], [], []
    for name in sorted(walk.runs):
        run = walk.runs[name]
        if run is not None and all(map(reader.has, (run.input, run.output, *run.reads, *run.keeps))):
            present.append((name, run))
        elif walk.stages[name] in IMPORT_STAGES:
            feeds.append(name)
        else:
            absent.append(name)
    return Behind(tuple(present), tuple(absent), tuple(feeds))


class _Walk:
    """The state of one walk."""

    def __init__(self, reader: Reader, recorded: Admissions) -> None:
        self._reader = reader
        self._recorded = recorded
        self._seen: set[Digest] = set()
        self._todo: deque[tuple[Digest, bool]] = deque()
        self.runs: dict[Digest, Run | None] = {}
        self.stages: dict[Digest, str] = {}

    def visit(self, name: Digest, *, follow: bool = False) -> None:
        """Note a digest to look at."""
        if name not in self._seen:
            self._seen.add(name)
            self._todo.append((name, follow))

    def begin(self, name: Digest) -> None:
        """Start from a record, or from a file that a Run kept (a packet, a sticker, a lock)."""
        self.visit(name, follow=True)
        if self._recorded.run_of(name) is None and self._recorded.entry(name) is None:
            entry = next((each for each in self._recorded.entries() if self._kept(each, name)), None)
            if entry is not None and entry.record is not None:
                self.visit(entry.record, follow=True)

    def _kept(self, entry: Entry, name: Digest) -> bool:
        runs = (each.run for each in entry.runs if self._reader.has(each.run))
        return any(name in load(self._reader, run, Run).keeps for run in runs)

    def run(self) -> None:
        """Look until nothing new is found."""
        while self._todo:
            self._look(*self._todo.popleft())

    def _look(self, name: Digest, follow: bool) -> None:
        note = self._recorded.run_of(name)
        if note is not None:
            self._add(note.run, note.stage)
        found = self._recorded.entry(name)
        if found is not None:
            entry = found[1]
            for each in entry.runs:
                self._add(each.run, each.stage)
            for other in (*entry.verifications, *entry.beside):
                self.visit(other)
        if note is None and (follow or found is not None):
            self._follow(name)

    def _follow(self, name: Digest) -> None:
        """A captured record leads on to what it names; foreign bytes and feeds lead nowhere."""
        try:
            named = references.of_bytes(self._reader.get(name))
        except ObjectMissing:
            return
        if named is None:
            return
        if named.kind == "run/1":
            self._add(name, load(self._reader, name, Run).stage)
        elif named.kind not in FEEDS:
            for other in sorted(named.needed):
                self.visit(other)

    def _add(self, name: Digest, stage: str) -> None:
        if name in self.runs:
            return
        self.stages[name] = stage
        try:
            run = load(self._reader, name, Run)
        except ObjectMissing:
            self.runs[name] = None
            return
        self.runs[name] = run
        for other in (run.input, *run.reads):
            self.visit(other)
