"""stella line …"""

import typer

from api.calls import line as calls
from api.cli.output import group, screen, when

APP = group("Stop the line, and lift the stop.")


@APP.command()
def show(context: typer.Context) -> None:
    """Show whether the line is stopped, and where."""
    with screen(context).door(writable=False) as door:
        _show(context, door.ask(calls.SHOW, calls.ShowLine()))


@APP.command()
def stop(
    context: typer.Context,
    environment: list[str] = typer.Option([], help="Only there; repeatable. None: everywhere."),
    reason: str = typer.Option(..., help="Why."),
) -> None:
    """Let nothing more be decided or deployed, until the stop is lifted."""
    with screen(context).door() as door:
        _show(context, door.ask(calls.STOP, calls.StopTheLine(environments=tuple(environment), reason=reason)))


@APP.command()
def lift(
    context: typer.Context,
    environment: list[str] = typer.Option([], help="Only there; repeatable. None: the whole stop."),
) -> None:
    """Lift the stop."""
    with screen(context).door() as door:
        _show(context, door.ask(calls.LIFT, calls.LiftTheLine(environments=tuple(environment))))


def _show(context: typer.Context, one: calls.LineView) -> None:
    if not one.stopped:
        screen(context).show(one, [("line", "open")])
        return
    where = "everywhere" if one.everywhere else ", ".join(one.environments)
    screen(context).show(
        one,
        [
            ("line", "stopped"),
            ("where", where),
            ("since", when(one.at)),
            ("by", one.by),
            ("reason", one.reason),
            ("digest", one.digest),
        ],
    )
