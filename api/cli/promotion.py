"""stella promotion …, stella cancel"""

import typer

from api.calls import promotions as calls
from api.cli.output import group, screen, soon, working
from api.cli.promote import show_promotion

APP = group("List and show promotions, decide again.")


@APP.command("list")
def list_all(
    context: typer.Context,
    state: str = typer.Option("", help="For example pending_approval."),
    environment: str = typer.Option("", help="To this environment."),
    release: str = typer.Option("", help="Of this release."),
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List promotions, newest first."""
    out = screen(context)
    ask = calls.ListPromotions(state=state, environment=environment, release=release, limit=limit, cursor=cursor)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, ask)
    rows = [
        (one.id, one.state, one.release, one.environment, one.requested_by, one.approvals, soon(one.requested_at))
        for one in page.items
    ]
    out.table(page, ("ID", "STATE", "RELEASE", "ENVIRONMENT", "BY", "APPROVALS", "ASKED"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


@APP.command()
def show(context: typer.Context, promotion: str = typer.Argument(help="The promotion's id.")) -> None:
    """Show where a promotion stands, and why."""
    out = screen(context)
    with out.door(writable=False) as door:
        show_promotion(out, door.ask(calls.SHOW, calls.ShowPromotion(promotion=promotion)))


@APP.command()
def decide(context: typer.Context, promotion: str = typer.Argument(help="The promotion's id.")) -> None:
    """Decide at this moment, with the approvals that are there."""
    out = screen(context)
    with out.door() as door, working("deciding"):
        show_promotion(out, door.ask(calls.DECIDE, calls.DecidePromotion(promotion=promotion)))


@APP.command()
def cancel(
    context: typer.Context,
    promotion: str = typer.Argument(help="The promotion's id."),
    reason: str = typer.Option("", help="Why."),
) -> None:
    """Take a promotion back, before it is deployed."""
    out = screen(context)
    with out.door() as door:
        show_promotion(out, door.ask(calls.CANCEL, calls.CancelPromotion(promotion=promotion, reason=reason)))
