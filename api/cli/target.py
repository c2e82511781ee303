"""stella target …"""

import typer

from api.calls import environments as calls
from api.cli.output import group, screen
from api.cli.words import pairs_of

APP = group("Add and list the hosts of an environment.")


@APP.command()
def add(
    context: typer.Context,
    environment: str = typer.Argument(help="The environment's name."),
    name: str = typer.Argument(help="The host's name."),
    type_: str = typer.Option(..., "--type", help="docker_host, compose_host or directory."),
    platform: str = typer.Option("", help="For example linux/amd64; observed when empty."),
    setting: list[str] = typer.Option([], "--set", help="name=value, as the kind of target wants; repeatable."),
) -> None:
    """Add a host to an environment, or replace the one of that name."""
    out = screen(context)
    ask = calls.AddTarget(
        environment=environment, name=name, type=type_, platform=platform, settings=pairs_of(setting, "--set")
    )
    with out.door() as door:
        _show(context, door.ask(calls.ADD_TARGET, ask))


@APP.command()
def remove(
    context: typer.Context,
    environment: str = typer.Argument(help="The environment's name."),
    name: str = typer.Argument(help="The host's name."),
) -> None:
    """Take a host out of an environment."""
    out = screen(context)
    with out.door() as door:
        _show(context, door.ask(calls.REMOVE_TARGET, calls.RemoveTarget(environment=environment, name=name)))


@APP.command("list")
def list_all(
    context: typer.Context,
    environment: str = typer.Argument(help="The environment's name."),
) -> None:
    """List the hosts of an environment."""
    out = screen(context)
    with out.door(writable=False) as door:
        _show(context, door.ask(calls.SHOW, calls.ShowEnvironment(environment=environment)))


def _show(context: typer.Context, one: calls.EnvironmentView) -> None:
    rows = [
        (item.target.name, item.target.type, item.target.platform, [f"{k}={v}" for k, v in item.target.settings])
        for item in one.targets
    ]
    screen(context).table(one.targets, ("NAME", "TYPE", "PLATFORM", "SETTINGS"), rows)
