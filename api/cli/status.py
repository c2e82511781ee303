"""stella status"""

import typer

from api.calls import deployments as calls
from api.cli.output import group, screen, when

APP = group("What runs where, and what waits for you.")


@APP.command()
def status(context: typer.Context) -> None:
    """Show what runs where, and what waits for you."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.STATUS, calls.Status())
        place = door.place
    if out.form.value != "table":
        out.show(found, ())
        return
    out.show(
        found,
        [
            ("at", place),
            ("log", f"{found.log_size} entries"),
            ("advisories", f"captured {when(found.feed)}" if found.feed else "never imported: stella feed import"),
            ("line", "stopped" if found.stopped else "open"),
            ("under way", found.under_way),
        ],
    )
    typer.echo("\nruns")
    rows = [
        (one.environment, one.line, one.release, one.target, one.result, when(one.completed_at))
        for one in found.running
    ]
    out.table(found.running, ("ENVIRONMENT", "LINE", "RELEASE", "TARGET", "RESULT", "SINCE"), rows)
    typer.echo("\nwaits")
    waiting = sorted(found.waiting, key=lambda one: not one.for_me)
    lines = [
        ("for you" if one.for_me else "", one.id, one.state, one.release, one.environment, one.requested_by)
        for one in waiting
    ]
    out.table(found.waiting, ("", "PROMOTION", "STATE", "RELEASE", "ENVIRONMENT", "BY"), lines)
