"""stella environment …"""

import typer

from api.calls import environments as calls
from api.cli.output import group, screen, short, when
from api.cli.words import pairs_of

APP = group("Set and list environments.")


@APP.command("set")
def set_one(
    context: typer.Context,
    name: str = typer.Argument(help="The environment's name."),
    order: int | None = typer.Option(None, help="Its place in the order of environments."),
    after: str | None = typer.Option(None, help="Environment that must run the release before."),
    production: bool | None = typer.Option(None, help="A production environment."),
    approvals: int | None = typer.Option(None, help="Approvals required."),
    group: list[str] = typer.Option([], help="A group that one approval must come from; repeatable."),
    separation: bool | None = typer.Option(None, help="Who asks may not approve."),
    personal_key: bool | None = typer.Option(None, help="Approvals count only when signed with a personal key."),
    soak: int | None = typer.Option(None, help="Seconds that a release must have run in the environment before."),
    variable: list[str] = typer.Option([], help="name=value; repeatable, replaces all variables."),
    secret: list[str] = typer.Option([], help="name=reference (env:NAME, file:/path); repeatable, replaces all."),
    bind_path: list[str] = typer.Option([], help="Path outside the project that may be mounted; repeatable."),
    health_timeout: int | None = typer.Option(None, help="Seconds to wait for health."),
    retention: int | None = typer.Option(None, help="Days to keep."),
) -> None:
    """Make an environment, or change what is given of it."""
    out = screen(context)
    ask = calls.SetEnvironment(
        environment=name,
        order=order,
        after=after,
        production=production,
        required_approvals=approvals,
        approver_groups=tuple(group) or None,
        separation_of_duties=separation,
        personal_key_required=personal_key,
        soak_seconds=soak,
        variables=pairs_of(variable, "--variable") or None,
        secrets=pairs_of(secret, "--secret") or None,
        allowed_bind_paths=tuple(bind_path) or None,
        health_timeout_seconds=health_timeout,
        retention_days=retention,
    )
    with out.door() as door:
        _show(context, door.ask(calls.SET, ask))


@APP.command("list")
def list_all(context: typer.Context) -> None:
    """List environments in their order."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, calls.ListEnvironments(limit=500))
    rows = [
        (
            one.environment.name,
            one.environment.order,
            one.environment.after,
            one.environment.production,
            one.environment.required_approvals,
            [target.target.name for target in one.targets],
        )
        for one in page.items
    ]
    out.table(page, ("NAME", "ORDER", "AFTER", "PRODUCTION", "APPROVALS", "TARGETS"), rows)


@APP.command()
def show(context: typer.Context, name: str = typer.Argument(help="Name or id.")) -> None:
    """Show an environment."""
    out = screen(context)
    with out.door(writable=False) as door:
        _show(context, door.ask(calls.SHOW, calls.ShowEnvironment(environment=name)))


@APP.command()
def freeze(
    context: typer.Context,
    name: str = typer.Argument(help="The environment's name."),
    start: str = typer.Option(..., help="ISO 8601; in."),
    end: str = typer.Option(..., help="ISO 8601; out."),
    reason: str = typer.Option(..., help="Why."),
    exception: list[str] = typer.Option([], help="Login that may override; repeatable."),
    zone: str = typer.Option("", help="IANA time zone of times without an offset."),
) -> None:
    """Add a freeze window."""
    out = screen(context)
    ask = calls.SetFreeze(environment=name, start=start, end=end, reason=reason, exceptions=tuple(exception), zone=zone)
    with out.door() as door:
        _show(context, door.ask(calls.SET_FREEZE, ask))


@APP.command()
def unfreeze(
    context: typer.Context,
    name: str = typer.Argument(help="The environment's name."),
    start: str = typer.Option(..., help="The window's start."),
) -> None:
    """Take out the freeze windows that start then."""
    out = screen(context)
    with out.door() as door:
        _show(context, door.ask(calls.CLEAR_FREEZE, calls.ClearFreeze(environment=name, start=start)))


def _show(context: typer.Context, one: calls.EnvironmentView) -> None:
    known = one.environment
    windows = [f"{when(window.start)} to {when(window.end)}: {window.reason}" for window in known.freeze_windows]
    screen(context).show(
        one,
        [
            ("name", known.name),
            ("digest", one.digest),
            ("order", known.order),
            ("after", known.after),
            ("production", known.production),
            ("approvals", known.required_approvals),
            ("groups", known.approver_groups),
            ("separation of duties", known.separation_of_duties),
            ("freeze windows", windows),
            (
                "targets",
                [f"{target.target.name} ({target.target.type}) {short(target.digest)}" for target in one.targets],
            ),
            ("variables", [name for name, _ in known.variables]),
            ("secrets", [f"{item.name} from {item.source}" for item in known.secrets]),
        ],
    )
