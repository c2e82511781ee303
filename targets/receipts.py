"""Receipts: what a step did, or why it failed, in one shape for every adapter. Pure but for what ``world`` gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cas.digest import Digest
from cas.problems import Problem
from cas.records.base import pairs
from cas.records.deploy import Receipt, Step
from targets.contract import World

LOG_LIMIT = 256 * 1024


@dataclass(slots=True)
class Report:
    """What a step tells while it works; ``log`` is cut to its last 256 KiB."""

    result: Literal["done", "unchanged", "undone"] = "done"
    outputs: dict[str, str] = field(default_factory=dict)
    log: bytes = b""


def arguments(step: Step) -> dict[str, str]:
    """Give a step's arguments as a mapping."""
    return dict(step.arguments)


def told(problem: Problem) -> dict[str, str]:
    """Give a problem's facts as a receipt keeps them: cut to a bound, faults left out."""
    return {name: str(value)[:1000] for name, value in problem.fields.items() if name != "faults"}


def attempt(world: World, plan: Digest, step: Step, work: Callable[[Report], None]) -> Receipt:
    """Run the work and give its Receipt; a Problem becomes a failed one, with its code and facts."""
    started, report, code = world.now(), Report(), ""
    result: Literal["done", "unchanged", "failed", "undone"]
    try:
        work(report)
        result = report.result
    except Problem as problem:
        result, code = "failed", problem.code
        report.outputs |= told(problem)
    return Receipt(
        plan=plan,
        step=step.id,
        result=result,
        code=code,
        started_at=started,
        ended_at=world.now(),
        outputs=pairs(report.outputs),
        log=world.put(report.log[-LOG_LIMIT:]) if report.log else None,
    )


def redacted(log: bytes, secrets: tuple[str, ...]) -> bytes:
    """Cover every resolved secret in captured output; longest first, so that none shows through another."""
    for secret in sorted({value for value in secrets if value}, key=len, reverse=True):
        log = log.replace(secret.encode(), b"[secret]")
    return log
