"""stella token …"""

from pathlib import Path

import typer

from api.calls import tokens as calls
from api.cli.output import Screen, group, screen, when
from api.cli.words import read_file
from pipeline.attest.identity_token import MAX_KEYS

APP = group("Make, list, revoke bearer tokens; or have CI jobs exchange their identity for one.")
ISSUERS = group("OpenID providers whose identity tokens may be exchanged here, so that CI keeps no secret.")
APP.add_typer(ISSUERS, name="issuer")


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
    _made(out, made)


def _made(out: Screen, made: calls.TokenMade) -> None:
    view = made.view
    out.show(
        made, [("token", made.token), ("id", view.id), ("expires", when(view.expires_at)), ("scopes", view.scopes)]
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


@APP.command()
def exchange(
    context: typer.Context,
    issuer: str = typer.Option("", help="The provider, by its name here; needed when several fit."),
) -> None:
    """Exchange a CI job's identity token (STELLA_ID_TOKEN, or the file that STELLA_ID_TOKEN_FILE names) for a token.

    Commands against a server do this by themselves where they are given no other token.
    """
    out = screen(context)
    identity = out.settings.identity_token
    if not identity:
        raise typer.BadParameter("set STELLA_ID_TOKEN, or STELLA_ID_TOKEN_FILE")
    with out.door(unnamed=True) as door:
        made = door.ask(calls.EXCHANGE, calls.ExchangeToken(identity_token=identity, issuer=issuer))
    _made(out, made)


@ISSUERS.command("set")
def put(
    context: typer.Context,
    name: str = typer.Argument(help="What the provider is called here; a known name is replaced."),
    issuer: str = typer.Option(..., help="The iss of its tokens, as https://token.actions.githubusercontent.com."),
    audience: str = typer.Option(..., help="The aud that jobs ask for; one of this instance's own."),
    keys: Path = typer.Option(..., help="The JWK set behind the provider's jwks_uri, as a file."),
    claim: list[str] = typer.Option(..., help="CLAIM=GLOB that must fit, as sub=repo:acme/shop:*; repeatable."),
    scope: list[str] = typer.Option(..., help="For example evidence:write; repeatable."),
    environment: list[str] = typer.Option([], help="Only these environments; repeatable."),
    component: list[str] = typer.Option([], help="Only these components; repeatable."),
    minutes: int = typer.Option(60, min=1, max=1440, help="How long a token made in exchange lives."),
) -> None:
    """Trust a provider for some jobs. Nothing is fetched: hand over its keys again when they change."""
    out = screen(context)
    ask = calls.SetIssuer(
        name=name,
        issuer=issuer,
        audience=audience,
        keys=_text(read_file(keys, most=MAX_KEYS)),
        claims=tuple(sorted(map(_claim, claim))),
        scopes=tuple(scope),
        environments=tuple(environment),
        components=tuple(component),
        minutes=minutes,
    )
    with out.door() as door:
        _issuer(out, door.ask(calls.SET_ISSUER, ask))


def _claim(given: str) -> tuple[str, str]:
    name, mark, glob = given.partition("=")
    if not (name and mark and glob):
        raise typer.BadParameter("write CLAIM=GLOB", param_hint="--claim")
    return name, glob


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter("a JWK set is JSON, in UTF-8", param_hint="--keys") from error


@ISSUERS.command("list")
def list_issuers(context: typer.Context) -> None:
    """List the providers that are trusted, for whom, and for what."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST_ISSUERS, calls.ListIssuers(limit=500))
    rows = [
        (one.name, one.issuer, one.audience, _claims(one), one.scopes, one.environments, one.minutes)
        for one in page.items
    ]
    out.table(page, ("NAME", "ISSUER", "AUDIENCE", "CLAIMS", "SCOPES", "ENVIRONMENTS", "MINUTES"), rows)


@ISSUERS.command()
def remove(context: typer.Context, name: str = typer.Argument(help="What the provider is called here.")) -> None:
    """Trust a provider no longer; what was exchanged before lives to its end, or until it is revoked."""
    out = screen(context)
    with out.door() as door:
        _issuer(out, door.ask(calls.REMOVE_ISSUER, calls.RemoveIssuer(name=name)))


def _claims(one: calls.IssuerView) -> list[str]:
    return [f"{name}={glob}" for name, glob in one.claims]


def _issuer(out: Screen, one: calls.IssuerView) -> None:
    out.show(
        one,
        [
            ("provider", one.name),
            ("issuer", one.issuer),
            ("audience", one.audience),
            ("keys", one.keys),
            ("claims", _claims(one)),
            ("scopes", one.scopes),
            ("environments", one.environments or "any"),
            ("lives", f"{one.minutes} minutes"),
        ],
    )
