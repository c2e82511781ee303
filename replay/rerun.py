"""Rerunning recorded Runs over a sealed store: equal, or where they differ, or which engine is missing.

Never the memo: each Run's stage computes again, may read only what the Run says it read, and writes only into scratch.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from cas import canon
from cas.adapters.memory import MemoryStore
from cas.digest import Digest
from cas.layers import Sealed
from cas.problems import Problem
from cas.records.proof import ReplayDifference, ReplayReport, Run
from cas.store import Reader, Store
from pipeline.engines import EngineProblem
from pipeline.stage import AnyStage, StageIO, advance
from pipeline.stages.catalog import STAGES
from replay.compare import Difference, first_difference
from replay.engines import ENGINES

MAX_DIFFERENCES: Final = 1000
MakeIO: TypeAlias = Callable[[Reader, Callable[[bytes], Digest], bytes], StageIO]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one Run: equal when there is neither a missing engine nor a difference."""

    missing: str = ""
    difference: ReplayDifference | None = None


EQUAL: Final = Outcome()


@functools.cache
def _stages() -> dict[tuple[str, int], AnyStage]:
    return {(stage.name, stage.version): stage for stage in STAGES}


def engine_missing(run: Run) -> str:
    """Name what a rerun would need and this installation lacks, or nothing."""
    stage = _stages().get((run.stage, run.version))
    if stage is None:
        return f"{run.stage}/{run.version}"
    if stage.engines == run.engines:
        return ""
    here = dict(stage.engines)
    lacking = [f"{name} {version}" for name, version in run.engines if here.get(name) != version]
    return ", ".join(lacking) or ("" if len(here) == len(run.engines) else f"{run.stage}/{run.version} engines")


def rerun(name: Digest, run: Run, store: Store, make_io: MakeIO = StageIO) -> Outcome:
    """Run one recorded Run again and compare all it left, byte for byte.

    (1) the engines must be those recorded; (2) the stage computes over a store that gives only input and reads;
    (3) the new Run must be the old one: same output, reads, keeps; (4) otherwise the first difference is named.
    An engine that could not be asked here is a missing one: it says nothing about what it would have answered.
    """
    missing = engine_missing(run)  # (1)
    if missing:
        return Outcome(missing=missing)
    scratch = MemoryStore()
    sealed = Sealed(store, {run.input, *run.reads}, scratch)
    try:
        note = advance(_stages()[run.stage, run.version], run.input, sealed, make_io, ENGINES).note  # (2)
    except EngineProblem as problem:
        asked = ", ".join(f"{engine} {version}" for engine, version in run.engines)
        return Outcome(missing=f"{asked}: {problem.code}")
    except Problem as problem:
        return _differs(run, Difference("", run.output, f"problem {problem.code}: {problem.detail()}"[:4096]))
    if note.run == name:  # (3)
        return EQUAL
    found = first_difference(store.get(run.output), scratch.get(note.output))  # (4)
    return _differs(run, found or first_difference(canon.of_record(run), scratch.get(note.run)))


def _differs(run: Run, found: Difference | None) -> Outcome:
    found = found or Difference("", run.output, run.output)
    return Outcome(
        difference=ReplayDifference(
            stage=run.stage,
            version=run.version,
            pointer=found.pointer,
            recorded=found.recorded,
            recomputed=found.recomputed,
        )
    )


def report(
    subject: Digest, outcomes: Iterable[Outcome], *, absent: Iterable[Digest] = (), feeds: Iterable[Digest] = ()
) -> ReplayReport:
    """Sum up: a difference is named whatever else; without one, a missing engine or object means cannot rerun.

    ``feeds`` are imports of whole feeds that did not travel; they are listed, and do not stand in the way.
    """
    gathered = list(outcomes)
    absent = tuple(absent)
    missing = tuple(sorted({each.missing for each in gathered if each.missing}))
    differences = sorted({each.difference for each in gathered if each.difference}, key=canon.of_record)
    unable = missing or absent or not gathered
    return ReplayReport(
        subject=subject,
        result="different" if differences else "cannot_rerun" if unable else "equal",
        runs=sum(1 for each in gathered if not each.missing),
        engines_missing=missing,
        absent=tuple(sorted({*absent, *feeds})),
        differences=tuple(differences[:MAX_DIFFERENCES]),
    )
