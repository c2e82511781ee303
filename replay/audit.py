"""Every Run that a log admitted, rerun over processes: what an auditor asks of a whole home, or of a period of it.

Knows the log and a home's folder; must not compute anything itself. Nothing is left out unseen: Runs whose objects
retention has taken away, and those whose engine is not here, are named beside those that differ.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cas.digest import Digest
from cas.log import Log
from cas.problems import ObjectMissing
from cas.records.base import Instant
from cas.records.proof import Run
from cas.store import Reader, load
from replay.fanout import CHUNK, Source, Tally, fan_out, ordered

LISTED: Final = 1000
_SHARE: Final = 4
_LEAST: Final = 50


@dataclass(frozen=True, slots=True)
class Period:
    """Entries whose instant lies in it; an empty end is open. ``since`` is inside, ``until`` is not."""

    since: Instant = ""
    until: Instant = ""

    def holds(self, when: Instant) -> bool:
        """Tell whether an instant lies in it."""
        return self.since <= when and (not self.until or when < self.until)


@dataclass(frozen=True, slots=True)
class Differing:
    """A Run that gave something else, and where."""

    run: Digest
    stage: str
    version: int
    pointer: str
    recorded: str
    recomputed: str


@dataclass(frozen=True, slots=True)
class Audited:
    """What became of a log's Runs. ``log_size`` and ``log_root`` say which log; lists hold the first thousand.

    ``result`` is different whatever else, cannot_rerun when something could not be asked or nothing was there to ask.
    """

    result: Literal["equal", "different", "cannot_rerun"]
    log_size: int
    log_root: Digest
    entries: int
    runs: int
    equal: int
    differing: int
    different: tuple[Differing, ...]
    engines_missing: tuple[tuple[str, int], ...]  # what is missing, and for how many Runs
    gone: int
    absent: tuple[Digest, ...]


def audit(
    log: Log,
    reader: Reader,
    source: Source,
    period: Period,
    *,
    processes: int = 0,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Audited:
    """Rerun what the entries of a period admitted, each Run once; ``source`` is where workers find the same objects.

    ``tell`` hears how many are done, of how many.
    """
    head = log.head()
    entries = 0
    found: set[Digest] = set()
    for entry_runs in _runs(log, head.size, period):
        entries += 1
        found.update(entry_runs)
    here = {name for name in found if _is_here(reader, name)}
    runs = ordered(reader, here)
    chunk = max(_LEAST, min(CHUNK, -(-len(runs) // ((processes or 2) * _SHARE))))
    tally = fan_out(source, runs, processes=processes, chunk=chunk, tell=tell) if runs else Tally()
    return _audited(head.size, head.root, entries, tally, found - here)


def _runs(log: Log, size: int, period: Period) -> Iterator[set[Digest]]:
    for _, entry in log.read(0, size):
        if period.holds(entry.when):
            yield {note.run for note in entry.runs}


def _is_here(reader: Reader, name: Digest) -> bool:
    try:
        load(reader, name, Run)
    except ObjectMissing:
        return False
    return True


def _audited(size: int, root: Digest, entries: int, tally: Tally, lost: set[Digest]) -> Audited:
    missing: dict[str, int] = {}
    for engine in tally.missing.values():
        missing[engine] = missing.get(engine, 0) + 1
    gone = sorted({*tally.absent, *lost})
    runs = tally.equal + len(tally.different) + len(tally.missing) + len(gone)
    whole = runs > 0 and tally.equal == runs
    return Audited(
        result="different" if tally.different else "equal" if whole else "cannot_rerun",
        log_size=size,
        log_root=root,
        entries=entries,
        runs=runs,
        equal=tally.equal,
        differing=len(tally.different),
        different=tuple(_differing(tally))[:LISTED],
        engines_missing=tuple(sorted(missing.items())),
        gone=len(gone),
        absent=tuple(gone[:LISTED]),
    )


def _differing(tally: Tally) -> Iterator[Differing]:
    for name in sorted(tally.different):
        found = tally.different[name].difference
        if found is not None:
            yield Differing(name, found.stage, found.version, found.pointer, found.recorded, found.recomputed)
