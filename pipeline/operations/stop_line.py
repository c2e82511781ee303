"""The stop-line: set and lifted by somebody, for some environments or all. Must not know what it stops."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from cas import refs
from cas.digest import Digest
from cas.problems import Category, Fault, Problem
from cas.records.promotion import StopLine
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.work import Work

MAX_ENVIRONMENTS: Final = 256
MAX_REASON: Final = 4_096
_SLUG: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


class StopInvalid(Problem):
    """The line cannot be stopped so; ``faults`` lists why."""

    code = "line.invalid"
    category = Category.INVALID
    title = "The line cannot be stopped so"
    remedy = "Correct every fault listed."


class NotStopped(Problem):
    """The line is not stopped there."""

    code = "line.not_stopped"
    category = Category.CONFLICT
    title = "The line is not stopped there"
    remedy = "See where it is stopped: stella line show."


class StoppedEverywhere(Problem):
    """The line is stopped everywhere, so it cannot be lifted for single environments."""

    code = "line.stopped_everywhere"
    category = Category.CONFLICT
    title = "The line is stopped everywhere, not for single environments"
    remedy = "Lift it for all, or stop the environments that must stay stopped and then lift."


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stop in force, by digest and value."""

    digest: Digest
    stop: StopLine


def current(effects: Effects) -> Stopped | None:
    """Give the stop in force; None while the line is open."""
    name = effects.log.ref(refs.STOP_LINE)
    return Stopped(name, load(effects.store, name, StopLine)) if name else None


def stop(effects: Effects, caller: Caller, environments: Sequence[str], reason: str) -> Stopped:
    """Stop the line for these environments; none named means all. A stop never narrows the one in force.

    Raises: line.invalid with all faults, cas.expectation_failed
    """
    work = Work(effects, caller)
    faults = _faults(work, environments, reason)
    if faults:
        raise StopInvalid(faults=tuple(faults))
    wanted = set(environments)
    before = work.ref(refs.STOP_LINE)
    if before is not None and wanted:
        held = set(load(effects.store, before, StopLine).environments)
        wanted = wanted | held if held else set()  # stopped everywhere stays so
    made = StopLine(
        environments=tuple(sorted(wanted)),
        reason=reason,
        by=caller.actor,
        at=work.now,
        nonce=effects.entropy.nonce(),
    )
    name = work.save(made)
    work.note("line.stopped", name, (work.move(refs.STOP_LINE, name),))
    work.commit()
    return Stopped(name, made)


def lift(effects: Effects, caller: Caller, environments: Sequence[str] = ()) -> Stopped | None:
    """Lift the stop, whole or for these environments; give what stays stopped. Who and when stand in the log.

    Raises: line.not_stopped, line.stopped_everywhere, cas.expectation_failed
    """
    work = Work(effects, caller)
    before = work.ref(refs.STOP_LINE)
    if before is None:
        raise NotStopped
    held = load(effects.store, before, StopLine)
    lifted = set(environments) or set(held.environments)
    if environments and not held.environments:
        raise StoppedEverywhere(environments=_shown(environments))
    if not lifted <= set(held.environments):
        raise NotStopped(environments=_shown(sorted(lifted - set(held.environments))))
    left = tuple(name for name in held.environments if name not in lifted)
    name = None
    if left:
        held = msgspec.structs.replace(held, environments=left, nonce=effects.entropy.nonce())
        name = work.save(held)
    work.note("line.lifted", name or before, (work.move(refs.STOP_LINE, name),))
    work.commit()
    return Stopped(name, held) if name else None


def _faults(work: Work, environments: Sequence[str], reason: str) -> list[Fault]:
    faults = []
    if len(environments) > MAX_ENVIRONMENTS:
        faults.append(Fault("/environments", "line.too_many", f"at most {MAX_ENVIRONMENTS}; none means all"))
    for at, name in enumerate(environments[:MAX_ENVIRONMENTS]):
        if not _SLUG.match(name) or work.ref(refs.environment(name)) is None:
            faults.append(Fault(f"/environments/{at}", "line.environment_unknown", "no environment of this name"))
    if not reason.strip() or len(reason) > MAX_REASON:
        faults.append(Fault("/reason", "line.reason_missing", f"must say why, in at most {MAX_REASON} characters"))
    return faults


def _shown(environments: Sequence[str]) -> str:
    return ", ".join(environments)[:400]
