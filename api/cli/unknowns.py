"""stella unknowns …"""

import typer

from api.calls import unknowns as calls
from api.cli.output import group, screen

APP = group("What is not known, ranked.")


@APP.callback()
def _group() -> None:
    """What is not known, ranked."""


@APP.command("list")
def list_all(
    context: typer.Context,
    release: str = typer.Option("", help="Of one release."),
    environment: str = typer.Option("", help="As judged for one environment."),
    reason: str = typer.Option("", help="Only for one reason, such as FeedGap."),
    tier: str = typer.Option("", help="Only of one tier: T1 to T4, by entropy."),
    band: str = typer.Option("", help="Only of one band: HOT, WARM, COLD, NEGLIGIBLE."),
    limit: int = typer.Option(500, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List what the newest verdicts do not know, the most pressing first."""
    out = screen(context)
    ask = calls.ListUnknowns(
        release=release, environment=environment, reason=reason, tier=tier, band=band, limit=limit, cursor=cursor
    )
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, ask)
    rows = [
        (one.band, one.rank, one.tier, one.entropy, one.pressure, one.reason, one.code, one.release, one.subject)
        for one in page.items
    ]
    titles = ("BAND", "RANK", "TIER", "ENTROPY", "PRESSURE", "REASON", "CODE", "RELEASE", "WHAT")
    out.table(page, titles, rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")
