"""Printing a deployment: how every target ended, why, what its tool said, and what to type next."""

from typing import TYPE_CHECKING, Final

from api.calls import deployments as calls
from api.cli.output import Screen, short, when
from cas.problems import Problem

if TYPE_CHECKING:
    from api.door import Door

_LINES: Final = 20  # the last ones of what a tool printed
_TARGET: Final = {
    "deployed": "deployed",
    "unchanged": "unchanged: it was as wanted",
    "restored": "restored: changed, and put back as it was",
    "failed": "failed: changed, and not put back",
    "not_reached": "not_reached: what runs here was not touched",
}


def show_deployment(out: Screen, door: "Door", one: calls.DeploymentView) -> None:
    """Print a deployment; beside the table also the last lines of what failed, and the next commands."""
    rows: list[tuple[str, object]] = [
        ("deployment", one.id),
        ("result", meaning(one)),
        ("release", one.release),
        ("environment", one.environment),
        ("line", one.line),
        ("by", one.deployer),
        ("started", when(one.started_at)),
        ("completed", when(one.completed_at)),
    ]
    if one.result == "deployed":
        rows += [("packet", one.packet), ("manifest", one.manifest)]
    for item in one.outcomes:
        rows += _target(item)
    out.show(one, rows)
    if out.form.value == "table":
        for item in one.outcomes:
            _printed(out, door, item)
    say_next(out, one)


def meaning(one: calls.DeploymentView) -> str:
    """Say in a line how a deployment ended."""
    if one.result == "failed":
        return "failed: nothing that runs was touched"
    if one.result == "rolled_back":
        left = [item.target for item in one.outcomes if item.result == "failed"]
        return f"failed, not all was put back: {', '.join(left)}" if left else "failed, and taken back on every target"
    return one.result or "under way"


def say_next(out: Screen, one: calls.DeploymentView) -> None:
    """Say which commands can be given next; nothing when it ended well."""
    for step in one.next:
        out.say(f"next: {step.why}: {step.command}")


def _target(item: calls.TargetOutcome) -> list[tuple[str, object]]:
    told = _TARGET.get(item.result, item.result)
    rows: list[tuple[str, object]] = [(f"target {item.target}", f"{told} {short(item.sticker)}".rstrip())]
    if not item.code:
        return rows
    rows.append(("  problem", f"{item.title} [{item.code}]" if item.title else item.code))
    facts = ", ".join(f"{name}={value}" for name, value in item.facts)
    rows.append(("  at", facts or f"{item.type} {item.at}".rstrip()))
    if item.remedy:
        rows.append(("  remedy", item.remedy))
    return rows


def _printed(out: Screen, door: "Door", item: calls.TargetOutcome) -> None:
    if item.log is None:
        return
    try:
        lines = door.object(item.log).decode("utf-8", "replace").splitlines()
    except Problem as problem:
        out.say(f"what {item.target} printed cannot be read: {problem.code}")
        return
    out.say(f"what {item.target} printed at {item.step}, {min(_LINES, len(lines))} of {len(lines)} lines:")
    for line in lines[-_LINES:]:
        out.say(f"  {line}")
