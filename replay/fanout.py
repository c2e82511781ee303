"""Many replays over processes: Runs ordered by what they read, so that each process decodes an input once.

Workers open the store themselves, read-only; what comes back are counts, and the differences by name.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

from cas.digest import Digest
from cas.problems import ObjectMissing
from cas.records.proof import Run
from cas.store import Reader, Store, load
from replay.remembering import Memory
from replay.rerun import Outcome, rerun
from replay.sealed import PackStore

CHUNK: Final = 2000


@dataclass(frozen=True, slots=True)
class Source:
    """Where workers find objects: a home, or packs."""

    kind: Literal["home", "packs"]
    paths: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """What became of many Runs; everything that was not equal is named by its Run."""

    equal: int = 0
    missing: dict[Digest, str] = field(default_factory=dict)
    absent: list[Digest] = field(default_factory=list)
    different: dict[Digest, Outcome] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Take in another tally."""
        self.equal += other.equal
        self.missing |= other.missing
        self.absent += other.absent
        self.different |= other.different


def ordered(reader: Reader, runs: Iterable[Digest]) -> list[Digest]:
    """Order Runs by stage and by what they share: the largest inputs come to lie together.

    Raises: cas.object_missing
    """
    loaded = [(name, load(reader, name, Run)) for name in set(runs)]
    shared = Counter(read for _, run in loaded for read in run.reads)

    def key(one: tuple[Digest, Run]) -> tuple[str, int, list[tuple[int, Digest]], Digest]:
        name, run = one
        return (run.stage, run.version, sorted((-shared[read], read) for read in run.reads), name)

    return [name for name, _ in sorted(loaded, key=key)]


def rerun_all(store: Store, runs: Iterable[Digest], memory: Memory) -> Tally:
    """Rerun Runs in this process, remembering what they share.

    A Run of which something is not in the store is absent: that it then gives something else says nothing of it.
    """
    tally = Tally()
    for name in runs:
        try:
            run = load(store, name, Run)
            outcome = rerun(name, run, store, memory.io)
        except ObjectMissing:
            tally.absent.append(name)
            continue
        if outcome.missing:
            tally.missing[name] = outcome.missing
        elif outcome.difference and store.missing({run.input, run.output, *run.reads}):
            tally.absent.append(name)
        elif outcome.difference:
            tally.different[name] = outcome
        else:
            tally.equal += 1
    return tally


def fan_out(
    source: Source,
    runs: Sequence[Digest],
    *,
    processes: int = 0,
    chunk: int = CHUNK,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Tally:
    """Rerun many Runs over fresh processes, in chunks of neighbours; give ``runs`` as ``ordered`` gives them.

    ``tell`` hears how many are done, of how many.

    Raises: what opening the source raises
    """
    count = min(processes or os.cpu_count() or 1, -(-len(runs) // chunk) or 1)
    tally = Tally()
    with ProcessPoolExecutor(count, get_context("spawn"), _open, (source,)) as pool:
        for at, part in enumerate(pool.map(_work, _chunks(runs, chunk)), 1):
            tally.add(part)
            tell(min(at * chunk, len(runs)), len(runs))
    return tally


def _chunks(runs: Sequence[Digest], chunk: int) -> Iterator[tuple[Digest, ...]]:
    rest = iter(runs)
    while part := tuple(islice(rest, chunk)):
        yield part


class _Worker:
    """What one process holds for its life."""

    store: Store
    memory: Memory


def _open(source: Source) -> None:
    _Worker.memory = Memory()
    if source.kind == "home":
        from cas.adapters.home import Home  # noqa: PLC0415 - workers over packs do not wait for it

        _Worker.store = Home.open(Path(source.paths[0]), writable=False).store
    else:
        _Worker.store = PackStore([Path(path) for path in source.paths])


def _work(runs: tuple[Digest, ...]) -> Tally:
    return rerun_all(_Worker.store, runs, _Worker.memory)
