"""stella policy …"""

from pathlib import Path

import typer

from api.calls import policies as calls
from api.cli import policy_life
from api.cli.output import group, screen
from api.cli.policy_life import show_pack
from api.cli.words import read_file

APP = group("Draft, test, simulate, publish, activate policy packs; custom rules.")
RULE = group("Custom rules in Rego.")
APP.add_typer(RULE, name="rule")
policy_life.add_to(APP)


@APP.command()
def store(
    context: typer.Context,
    file: Path | None = typer.Argument(None, help="A pack as YAML."),
    starter: str = typer.Option("", help="A starter pack instead: observe, baseline, balanced, strong or strict."),
) -> None:
    """Check a pack, every gate's parameters included, and store it."""
    if (file is None) == (not starter):
        raise typer.BadParameter("give a file, or --starter")
    out = screen(context)
    try:
        text = read_file(file, most=1 << 20).decode() if file else ""
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file}: not UTF-8") from error
    with out.door() as door:
        made = door.ask(calls.STORE, calls.StorePolicy(yaml=text, starter=starter))
    show_pack(out, made)


@APP.command()
def activate(
    context: typer.Context,
    pack: str = typer.Argument(help="Name or digest."),
    environment: str = typer.Option(..., help="The environment it is to judge."),
    reason: str = typer.Option("", help="Why; it is kept."),
) -> None:
    """Let a stored pack judge an environment."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.ACTIVATE, calls.ActivatePolicy(policy=pack, environment=environment, reason=reason))
    show_pack(out, made)


@APP.command("list")
def list_all(context: typer.Context) -> None:
    """List the newest pack of each name."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, calls.ListPolicies(limit=500))
    rows = [(one.pack.name, one.pack.version, len(one.asks.gates), one.active_in, one.digest) for one in page.items]
    out.table(page, ("NAME", "VERSION", "GATES", "ACTIVE IN", "DIGEST"), rows)


@APP.command()
def show(context: typer.Context, pack: str = typer.Argument(help="Name or digest.")) -> None:
    """Show a pack."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.SHOW, calls.ShowPolicy(policy=pack))
    show_pack(out, found)


@RULE.command("check")
def check_rule(context: typer.Context, file: Path = typer.Argument(help="A Rego module.")) -> None:
    """Check a custom rule: every fault with line, column and what is allowed. Nothing is stored."""
    out = screen(context)
    with out.door(writable=False) as door:
        made = door.ask(calls.CHECK_RULE, calls.CheckRule(source=_source(file)))
    out.show(made, [("package", made.package), ("asks", made.asks)])


@RULE.command("add")
def add_rule(context: typer.Context, file: Path = typer.Argument(help="A Rego module.")) -> None:
    """Check and store a custom rule; a pack names the digest that is printed."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.STORE_RULE, calls.CheckRule(source=_source(file)))
    out.show(made, [("digest", made.digest), ("asks", made.rule.asks), ("existed", made.existed)])


def _source(file: Path) -> str:
    try:
        return read_file(file, most=1 << 16).decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file}: not UTF-8") from error
