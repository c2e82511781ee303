"""Every digest reachable from a root, and what is absent: one pure function for bundle, retention, replay, fsck.

Forward references plus, for each record reached, what its admitting entry lists beside it and the Run that put it out,
to a fixpoint; never consumers. Only our own records are followed: to a foreign document's digests we owe nothing.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from cas import references
from cas.digest import Digest
from cas.log import Log
from cas.records.proof import Entry, RunNote
from cas.store import Store

FEEDS: Final = frozenset(
    {
        "epss_tree/1", "feed_bucket/1", "feed_bucket/2", "feed_document_tree/1", "feed_documents/1", "feed_documents/2",
        "feed_ecosystem/1", "feed_ecosystem/2", "feed_name_tree/1", "feed_names/1", "feed_raws/1", "feed_snapshot/1",
        "feed_snapshot/2",
    }
)  # fmt: skip
"""Kinds whose references are followed only where a Run read them: a verdict needs some packages, not the whole feed."""

PEEK: Final = 4 << 20
"""Above this size an object is read only when it begins as our records do; image layers and archives do not."""

ROOT: Final = "root"


@dataclass(frozen=True, slots=True)
class Admissions:
    """What closure asks of a log."""

    entry: Callable[[Digest], tuple[int, Entry] | None]
    """The entry that admitted a record, with its position."""
    run_of: Callable[[Digest], RunNote | None]
    """The first Run that put out a record."""
    listed: Callable[[frozenset[Digest]], dict[Digest, int]]
    """The positions of the entries that list some Runs."""
    entries: Callable[[], Iterable[Entry]] = tuple
    """Every entry, in log order: for the rare question that no map answers."""


def admissions(log: Log) -> Admissions:
    """Ask a log."""

    def entry(record: Digest) -> tuple[int, Entry] | None:
        position = log.admitted(record)
        return None if position is None else next(log.read(position, position + 1), None)

    def listed(runs: frozenset[Digest]) -> dict[Digest, int]:
        found: dict[Digest, int] = {}
        for position, one in log.read() if runs else ():
            for note in one.runs:
                if note.run in runs:
                    found.setdefault(note.run, position)
        return found

    return Admissions(entry, log.run_of, listed, lambda: (one for _, one in log.read()))


NO_LOG: Final = Admissions(lambda _: None, lambda _: None, lambda _: {})
"""For stores without a log, such as a bundle's blobs."""


@dataclass(frozen=True, slots=True)
class Closure:
    """What is reachable; every tuple sorted.

    ``present`` are objects held here; ``absent`` are named as needed but not held; ``elsewhere`` are images, roots and
    the like that are not held and not missed; ``left_out`` were named but excluded by wish. ``entries`` are log
    positions of the entries that give the records their standing, ``runs`` the Runs among ``present``.
    """

    roots: tuple[Digest, ...]
    present: tuple[Digest, ...]
    absent: tuple[Digest, ...]
    elsewhere: tuple[Digest, ...]
    left_out: tuple[Digest, ...]
    entries: tuple[int, ...]
    runs: tuple[Digest, ...]
    named: Mapping[str, AbstractSet[str]] = field(repr=False)
    """Who names a digest, or an ``entry/<position>``, as the walk noted it."""

    @property
    def referrers(self) -> dict[Digest, tuple[str, ...]]:
        """Who names a digest: digests of records, ``entry/<position>``, ``root``; sorted."""
        return {name: tuple(sorted(by)) for name, by in sorted(self.named.items())}

    def why(self, wanted: Digest) -> tuple[str, ...]:
        """Give a shortest chain of referrers from a root down to a digest; empty when it is not reached."""
        back: dict[str, str] = {}
        queue = deque([wanted])
        while queue:
            at = queue.popleft()
            for referrer in sorted(self.named.get(at, ())):
                if referrer not in back:
                    back[referrer] = at
                    queue.append(referrer)
                if referrer == ROOT:
                    return tuple(_chain(back))
        return ()


def _chain(back: dict[str, str]) -> Iterator[str]:
    at = ROOT
    while at in back:
        yield at
        at = back[at]
    yield at


def closure(
    roots: Iterable[Digest],
    store: Store,
    admitted: Admissions = NO_LOG,
    *,
    leave_out: Callable[[Digest], bool] = lambda _: False,
    opaque: frozenset[str] = FEEDS,
    foreign: Callable[[bytes], Iterable[Digest]] | None = None,
) -> Closure:
    """Walk from some roots to a fixpoint.

    What ``leave_out`` tells is named but neither read nor listed as present (image layers, other closures). Records of
    ``opaque`` kinds are held, but nothing is followed from them. ``foreign`` may read references out of a document that
    is no record (an image manifest's layers); by default none are.

    Raises: cas.object_corrupt
    """
    walk = _Walk(store, admitted, leave_out, opaque, foreign)
    names = tuple(sorted(set(roots)))
    walk.name(names, ROOT, needed=True)
    walk.run()
    return walk.closure(names)


class _Walk:
    """The state of one walk."""

    def __init__(
        self,
        store: Store,
        admitted: Admissions,
        leave_out: Callable[[Digest], bool],
        opaque: frozenset[str],
        foreign: Callable[[bytes], Iterable[Digest]] | None,
    ) -> None:
        self._store = store
        self._admitted = admitted
        self._leave_out = leave_out
        self._opaque = opaque
        self._foreign = foreign
        self._todo: deque[Digest] = deque()
        self._present: set[Digest] = set()
        self._needed: set[Digest] = set()
        self._left_out: set[Digest] = set()
        self._runs: set[Digest] = set()
        self._entries: set[int] = set()
        self._referrers: dict[Digest, set[str]] = {}

    def name(self, names: Collection[Digest], referrer: str, *, needed: bool) -> None:
        """Note that something names some digests; the first time, look whether each is here."""
        referrers, leave_out, has = self._referrers, self._leave_out, self._store.has
        for name in names:
            seen = referrers.get(name)
            if seen is not None:
                seen.add(referrer)
                continue
            referrers[name] = {referrer}
            if leave_out(name):
                self._left_out.add(name)
            elif has(name):
                self._present.add(name)
                self._todo.append(name)
        if needed:
            self._needed.update(names)

    def run(self) -> None:
        """Follow until nothing new is named."""
        while self._todo:
            self._follow(self._todo.popleft())

    def _follow(self, name: Digest) -> None:
        size = self._store.size(name)
        if size > references.MAX_RECORD or (size > PEEK and b"".join(self._store.read(name, 0, 2)) != b'{"'):
            return
        data = self._store.get(name)
        found = references.of_bytes(data)
        if found is None:
            if self._foreign is not None:
                self.name(sorted(set(self._foreign(data))), name, needed=True)
            return
        if found.kind == "run/1":
            self._runs.add(name)
        if found.kind in self._opaque:
            return
        self.name(sorted(found.needed), name, needed=True)
        self.name(sorted(found.others), name, needed=False)
        self._beside(name)

    def _beside(self, name: Digest) -> None:
        """Follow what the log lists beside a record."""
        note = self._admitted.run_of(name)
        if note is not None:
            self.name((note.run,), name, needed=True)
        found = self._admitted.entry(name)
        if found is None:
            return
        position, entry = found
        self._entries.add(position)
        runs = (run.run for run in entry.runs)
        beside = (*runs, *entry.envelopes, *entry.verifications, *entry.beside)
        if beside:
            self.name(beside, f"entry/{position}", needed=True)
            self._referrers.setdefault(f"entry/{position}", set()).add(name)

    def closure(self, roots: tuple[Digest, ...]) -> Closure:
        """Sum up; entries that list a Run reached otherwise are added, for they give its output its standing."""
        positions = self._admitted.listed(frozenset(self._runs))
        absent = self._needed - self._present - self._left_out
        named = {name for name in self._referrers if not name.startswith("entry/")}
        return Closure(
            roots=roots,
            present=tuple(sorted(self._present)),
            absent=tuple(sorted(absent)),
            elsewhere=tuple(sorted(named - self._present - self._left_out - absent)),
            left_out=tuple(sorted(self._left_out)),
            entries=tuple(sorted(self._entries | set(positions.values()))),
            runs=tuple(sorted(self._runs)),
            named=self._referrers,
        )
