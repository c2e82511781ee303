"""The order in which a fleet is changed, and when to halt. Pure; knows phases, not products.

Everything is prepared (pulled, verified, created) on every target before anything is stopped on any; targets are then
switched and verified batch by batch; what is old is removed only when all of them, and the sealed files, stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cas.records.deploy import Plan, Receipt, Step
from cas.records.release import Strategy

Phase = Literal["prepare", "switch", "verify", "finish"]
GOOD = ("done", "unchanged")
TAKEN_BACK: tuple[Phase, ...] = ("prepare", "switch")


@dataclass(frozen=True, slots=True)
class Wave:
    """One phase on some targets, by their index; the next wave waits for all of it."""

    phase: Phase
    targets: tuple[int, ...]


def waves(strategy: Strategy, batch_size: int, count: int) -> tuple[Wave, ...]:
    """Give the waves before the sealed files are written; ``finish`` comes after them."""
    everyone = tuple(range(count))
    size = max(batch_size, 1) if strategy == "rolling" else max(count, 1)
    batches = tuple(everyone[at : at + size] for at in range(0, count, size))
    phases: tuple[Phase, ...] = ("switch", "verify")
    changed = tuple(Wave(phase, batch) for batch in batches for phase in phases)
    return (Wave("prepare", everyone), *changed)


def finishing(count: int) -> Wave:
    """Give the last wave: what is old goes."""
    return Wave("finish", tuple(range(count)))


def pending(plan: Plan, phase: Phase, last: Mapping[str, Receipt]) -> tuple[Step, ...]:
    """List a phase's steps that still have no good receipt, in order."""
    return tuple(
        step for step in plan.steps if step.phase == phase and (step.id not in last or last[step.id].result not in GOOD)
    )


def halted(last: Mapping[str, Receipt]) -> bool:
    """Tell whether anything failed or was taken back: nothing further may be switched, on any target."""
    return any(receipt.result not in GOOD for receipt in last.values())


def to_undo(plan: Plan, last: Mapping[str, Receipt]) -> tuple[Step, ...]:
    """List the steps to take back, newest first; a failed one too, for it may have been done by half."""
    return tuple(
        step
        for step in reversed(plan.steps)
        if step.phase in TAKEN_BACK and step.id in last and last[step.id].result in {"done", "failed"}
    )


def switched(plan: Plan, last: Mapping[str, Receipt]) -> bool:
    """Tell whether anything that ran was touched here, even if it was taken back since."""
    return any(step.phase == "switch" and step.id in last for step in plan.steps)
