"""stella token …"""

import typer

from api.calls import tokens as calls
from api.cli.output import group, screen, when

APP = group("Make, list, revoke bearer tokens.")


@APP.command()
def create(
    context: typer.Context,
    name: str = typer.Argument(help="What it is for."),
    scope: list[str] = typer.Option(..., help="For example evidence:write; repeatable."),
    environment: list[str] = typer.Option([], help="Only these environments; repeatable."),
    component: list[str] = typer.Option([], help="Only these components; repeatable."),
    days: int = typer.Option(90, min=1, max=366, help="How long it lives."),
) -> None:
    """Make a token. Its text is printed this once."""
    out = screen(context)
    ask = calls.CreateToken(
        name=name, scopes=tuple(scope), environments=tuple(environment), components=tuple(component), days=days
    )
    with out.door() as door:
        made = door.ask(calls.CREATE, ask)
    out.show(
        made, [("token", made.token), ("id", made.view.id), ("expires", when(made.view.expires_at)), ("scopes", scope)]
    )


@APP.command("list")
def list_all(context: typer.Context) -> None:
    """List tokens that are not revoked."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, calls.ListTokens(limit=500))
    rows = [(one.name, one.id, one.scopes, one.environments, when(one.expires_at)) for one in page.items]
    out.table(page, ("NAME", "ID", "SCOPES", "ENVIRONMENTS", "EXPIRES"), rows)


@APP.command()
def revoke(context: typer.Context, identity: str = typer.Argument(metavar="ID", help="The token's id.")) -> None:
    """Revoke a token, at once."""
    out = screen(context)
    with out.door() as door:
        gone = door.ask(calls.REVOKE, calls.RevokeToken(id=identity))
    out.show(gone, [("revoked", gone.id), ("name", gone.name)])
