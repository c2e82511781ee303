"""stella status"""

from typing import TYPE_CHECKING

import typer

from api.calls import deployments as calls
from api.cli.deployed import meaning, say_next, show_deployment
from api.cli.output import Screen, group, screen, soon, when

if TYPE_CHECKING:
    from api.door import Door

APP = group("What runs where, what failed last, and what waits for you.")


@APP.command()
def status(
    context: typer.Context,
    history: bool = typer.Option(False, "--history", help="List deployments instead, newest first."),
    environment: str = typer.Option("", help="With --history: only to this environment."),
    deployment: str = typer.Option("", help="Show one deployment instead, by its id: targets, problems, what next."),
    limit: int = typer.Option(50, help="With --history: at most so many."),
    cursor: str = typer.Option("", help="With --history: go on where the page before ended."),
) -> None:
    """Show what runs where, what failed last, and what waits for you."""
    if deployment and history:
        raise typer.BadParameter("give --history or --deployment, not both")
    if not history and (environment or cursor):
        raise typer.BadParameter("--environment and --cursor belong to --history")
    out = screen(context)
    with out.door(writable=False) as door:
        if deployment:
            show_deployment(out, door, door.ask(calls.SHOW, calls.ShowDeployment(id=deployment)))
        elif history:
            _history(out, door, calls.ListDeployments(environment=environment, limit=limit, cursor=cursor))
        else:
            _now(out, door)


def _history(out: Screen, door: "Door", ask: calls.ListDeployments) -> None:
    page = door.ask(calls.LIST, ask)
    rows = [
        (one.id, one.environment, one.line, one.release, one.result or "under way", one.deployer, soon(one.started_at))
        for one in page.items
    ]
    out.table(page, ("DEPLOYMENT", "ENVIRONMENT", "LINE", "RELEASE", "RESULT", "BY", "STARTED"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


def _now(out: Screen, door: "Door") -> None:
    found = door.ask(calls.STATUS, calls.Status())
    if out.form.value != "table":
        out.show(found, ())
        return
    out.show(
        found,
        [
            ("at", door.place),
            ("log", f"{found.log_size} entries"),
            ("advisories", f"captured {when(found.feed)}" if found.feed else "never imported: stella feed import"),
            ("line", "stopped" if found.stopped else "open"),
            ("under way", found.under_way),
        ],
    )
    for one in found.deploying:
        out.say(f"since {when(one.started_at)}: {one.release} to {one.environment}, by {one.deployer}, {one.id}")
        say_next(out, one)
    typer.echo("\nruns")
    rows = [
        (one.environment, one.line, one.release, one.target, one.result, when(one.completed_at))
        for one in found.running
    ]
    out.table(found.running, ("ENVIRONMENT", "LINE", "RELEASE", "TARGET", "RESULT", "SINCE"), rows)
    for last in found.failed:
        _failed(out, last)
    typer.echo("\nwaits")
    waiting = sorted(found.waiting, key=lambda one: not one.for_me)
    lines = [
        ("for you" if one.for_me else "", one.id, one.state, one.release, one.environment, one.requested_by)
        for one in waiting
    ]
    out.table(found.waiting, ("", "PROMOTION", "STATE", "RELEASE", "ENVIRONMENT", "BY"), lines)


def _failed(out: Screen, last: calls.DeploymentView) -> None:
    what = "rollback" if last.purpose == "rollback" else "deployment"
    typer.echo(f"\nthe last {what} to {last.environment} (line {last.line}) did not end well")
    out.show(
        last,
        [
            ("deployment", last.id),
            ("release", last.release),
            ("when", when(last.completed_at)),
            ("result", meaning(last)),
            *((f"target {one.target}", f"{one.result}: {one.title} [{one.code}]") for one in last.outcomes if one.code),
        ],
    )
    out.say(f"all of it: stella status --deployment {last.id}")
    say_next(out, last)
