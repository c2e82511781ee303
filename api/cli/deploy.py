"""stella deploy, rollback, drift"""

import re
from typing import Final

import typer

from api import exit_codes
from api.calls import deployments as calls
from api.cli.deployed import say_next, show_deployment
from api.cli.output import Screen, group, screen, working

_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")
APP = group("Deploy, roll back, look for drift.")


@APP.command()
def deploy(
    context: typer.Context,
    promotion: str = typer.Argument("", help="The promotion's id."),
    resume: str = typer.Option("", "--resume", help="Go on with the interrupted deployment of this environment."),
) -> None:
    """Deploy an approved promotion, to the end or back to where it began."""
    if bool(promotion) == bool(resume):
        raise typer.BadParameter("give a promotion, or --resume with an environment")
    out = screen(context)
    with out.door() as door:
        with working("deploying"):
            if resume:
                made = door.ask(calls.RESUME, calls.Resume(environment=resume))
            else:
                made = door.ask(calls.DEPLOY, calls.Deploy(promotion=promotion))
        show_deployment(out, door, made)
    _leave(made)


@APP.command()
def rollback(
    context: typer.Context,
    environment: str = typer.Option(..., help="Where to go back."),
    line: str = typer.Option("", help="Release line, when several run there."),
    to: str = typer.Option("", help="Release, deployment or packet to go back to; empty: the last good one."),
    reason: str = typer.Option("", help="Why."),
) -> None:
    """Return to the last good packet, configuration included."""
    out = screen(context)
    ask = calls.RollBack(environment=environment, line=line, to=to, reason=reason)
    with out.door() as door:
        with working("rolling back"):
            made = door.ask(calls.ROLL_BACK, ask)
        if made.deployment is not None and out.form.value == "table":
            show_deployment(out, door, made.deployment)
    if made.deployment is None:
        out.show(made, [("promotion", made.promotion), ("state", made.state), ("back to", made.back_to)])
        out.say(f"next: the policy wants approvals: stella approve {made.promotion}, then stella deploy")
        raise typer.Exit(exit_codes.INPUT)
    if out.form.value != "table":
        out.show(made, ())
        say_next(out, made.deployment)
    _leave(made.deployment)


@APP.command()
def drift(
    context: typer.Context,
    environment: str = typer.Option(..., help="Where to look."),
    line: str = typer.Option("", help="Only this release line."),
) -> None:
    """Compare what runs with what should; exit 2 when something drifted."""
    out = screen(context)
    with out.door() as door, working("looking"):
        found = door.ask(calls.DRIFT, calls.CheckDrift(environment=environment, line=line))
    if out.form.value != "table":
        out.show(found, ())
    elif not found.reports:
        out.say(f"nothing is deployed to {environment}: there is nothing to compare")
    else:
        rows = [row for one in found.reports for row in _drifts(one)]
        out.table(found.reports, ("TARGET", "LINE", "DRIFT", "COMPONENT", "FIELD", "FOUND", "EXPECTED"), rows)
    _after(out, found)
    if found.drifted:
        raise typer.Exit(exit_codes.INPUT)
    if not found.all_seen:
        raise typer.Exit(exit_codes.RETRY)


def _after(out: Screen, found: calls.DriftReports) -> None:
    """Say what kept us from looking, and what can be done about what drifted."""
    for one in found.reports:
        if one.problem:
            facts = ", ".join(f"{name}={value}" for name, value in one.facts)
            out.say(f"{one.target} was not seen: {one.title} ({facts}) [{one.problem}]")
            out.say(f"  {one.remedy}")
    for line, release in sorted({(one.line, one.release) for one in found.reports if one.drifted}):
        there = f"--environment {found.environment} --line {line}"
        out.say(f"next: deliver {release} again: stella promote {release} --to {found.environment}, then stella deploy")
        out.say(f"next: or go back to what ran before {release}: stella rollback {there}")
    if not found.all_seen:
        out.say("not every target was seen: this is no all-clear")


def _drifts(one: calls.DriftView) -> list[tuple[str, str, str, str, str, str, str]]:
    if one.problem:
        return [(one.target, one.line, "not seen", "", "", one.problem, "")]
    found = [
        (one.target, one.line, str(item.type), item.component, item.field, _cut(item.actual), _cut(item.expected))
        for item in one.drifts
    ]
    return found or [(one.target, one.line, "as it should be", "", "", "", "")]


def _cut(value: str) -> str:
    """Shorten digests for a column; --output json tells them in full."""
    return _DIGEST.sub(lambda found: found[0][:19], value) or "nothing"


def _leave(one: calls.DeploymentView) -> None:
    if one.result != "deployed":
        raise typer.Exit(exit_codes.INPUT)
