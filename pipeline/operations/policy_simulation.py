"""What a pack would have said: the newest verdicts judged again under it, and the table of flips. Moves no verdict.

Each is judged at its own time, with its own evidence, feed and waivers; only the pack is another. What comes out says
``purpose: simulation``, so nothing ever counts on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.policy_life import Flip, PolicySimulation
from cas.records.release import Environment
from cas.records.verdict import GateResult, Verdict
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations import asking
from pipeline.operations.work import Work

MOST: Final = 500
JUDGED: Final = "verdict.judged"
_CHUNK: Final = 512


class SimulationEmpty(Problem):
    """There are no verdicts to judge again."""

    code = "policy.nothing_judged"
    category = Category.MISSING
    title = "Nothing was judged yet"
    remedy = "Ask the gate for a release first: stella gate evaluate."


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulation by digest and value."""

    digest: Digest
    simulation: PolicySimulation


def simulate(effects: Effects, caller: Caller, pack: Digest, *, last: int, environment: str = "") -> Simulated:
    """Judge the newest ``last`` verdicts again under a pack, newest first, and keep what came out.

    A verdict for which there is no answer (its evidence is gone by retention, a stage refuses) is told as such.

    Raises: policy.nothing_judged
    """
    work = Work(effects, caller)
    wanted = list(newest(effects, min(max(last, 1), MOST), environment))
    if not wanted:
        raise SimulationEmpty(environment=environment)
    rows = tuple(_flip(work, name, verdict, pack) for name, verdict in wanted)
    made = PolicySimulation(pack=pack, environment=environment, rows=rows)
    name = work.save(made)
    beside = sorted({pack, *(row.simulated for row in rows if row.simulated)})
    work.note("policy.simulated", name, beside=beside)
    work.commit()
    return Simulated(name, made)


def newest(effects: Effects, most: int, environment: str) -> Iterator[tuple[Digest, Verdict]]:
    """Walk the log back, and give verdicts that counted, each once."""
    stop, seen = effects.log.head().size, set[Digest]()
    while stop > 0 and len(seen) < most:
        start = max(0, stop - _CHUNK)
        for _, entry in reversed(list(effects.log.read(start, stop))):
            name = entry.record
            if entry.event != JUDGED or name is None or name in seen:
                continue
            verdict = load(effects.store, name, Verdict)
            if environment and load(effects.store, verdict.environment, Environment).name != environment:
                continue
            seen.add(name)
            yield name, verdict
            if len(seen) >= most:
                return
        stop = start


def _flip(work: Work, name: Digest, verdict: Verdict, pack: Digest) -> Flip:
    try:
        done = asking.judge_again(work, verdict, pack)
    except Problem as problem:
        return Flip(verdict=name, simulated=None, was=verdict.outcome, would_be="no_answer", because=(problem.code,))
    return Flip(
        verdict=name,
        simulated=done.digest,
        was=verdict.outcome,
        would_be=done.record.outcome,
        because=because(verdict, done.record),
    )


def because(old: Verdict, new: Verdict) -> tuple[str, ...]:
    """Name what makes the difference: the gates that hold the new outcome back, else those that held the old one."""
    if old.outcome == new.outcome:
        return ()
    if new.outcome != "allow":
        return tuple(sorted(_holding(new.gates, new.outcome))) or ("no_gates",)
    return tuple(sorted(_holding(old.gates, old.outcome))) or ("no_gates",)


def _holding(gates: tuple[GateResult, ...], outcome: str) -> set[str]:
    status = "fail" if outcome == "deny" else "unknown"
    return {one.id for one in gates if one.enforcement == "block" and one.status == status}
