"""stella log …"""

import typer

from api.calls import log as calls
from api.cli.output import group, screen, short, when

APP = group("Head, entries, proofs and checkpoint of the log.")


@APP.command()
def head(context: typer.Context) -> None:
    """Show size and root."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.HEAD, calls.LogHeadAsk())
    out.show(found, [("origin", found.origin), ("size", found.size), ("root", found.root)])


@APP.command()
def show(
    context: typer.Context,
    position: int | None = typer.Argument(None, help="One entry by its position."),
    event: str = typer.Option("", help="Entries of this event, for example evidence.admitted."),
    record: str = typer.Option("", help="Entries about this record."),
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
    oldest_first: bool = typer.Option(False, help="Begin with the first entry."),
) -> None:
    """List entries, newest first, or show one."""
    out = screen(context)
    with out.door(writable=False) as door:
        if position is not None:
            _one(context, door.ask(calls.ENTRY, calls.EntryAsk(position=position)))
            return
        ask = calls.EntriesAsk(event=event, record=record, limit=limit, cursor=cursor, oldest_first=oldest_first)
        page = door.ask(calls.ENTRIES, ask)
    rows = [
        (one.position, when(one.entry.when), one.entry.event, one.who, short(one.entry.record)) for one in page.items
    ]
    out.table(page, ("AT", "WHEN", "EVENT", "BY", "RECORD"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


def _one(context: typer.Context, one: calls.EntryView) -> None:
    entry = one.entry
    moves = [f"{move.name}: {short(move.old) or 'nothing'} → {short(move.new) or 'nothing'}" for move in entry.moves]
    screen(context).show(
        one,
        [
            ("position", one.position),
            ("event", entry.event),
            ("when", when(entry.when)),
            ("by", one.who),
            ("record", entry.record),
            ("runs", [f"{run.stage}/{run.version} {run.output}" for run in entry.runs]),
            ("envelopes", entry.envelopes),
            ("beside", entry.beside),
            ("moves", moves),
        ],
    )


@APP.command()
def proof(
    context: typer.Context,
    position: int | None = typer.Argument(None, help="Prove that this entry is in the log."),
    old: int | None = typer.Option(None, "--from", help="Prove that the log only grew since this size."),
    size: int = typer.Option(0, help="The tree's size; 0 is the newest."),
) -> None:
    """Prove inclusion of an entry, or consistency with an earlier size (RFC 6962)."""
    if (position is None) == (old is None):
        raise typer.BadParameter("give a position, or --from")
    out = screen(context)
    with out.door(writable=False) as door:
        if position is not None:
            found = door.ask(calls.INCLUSION, calls.InclusionAsk(position=position, size=size))
        else:
            found = door.ask(calls.CONSISTENCY, calls.ConsistencyAsk(old=old or 0, new=size))
    lines: list[tuple[str, object]] = [("size", found.size), ("root", found.root), ("leaf", found.leaf)]
    out.show(found, [*lines, *((f"hash {at}", one) for at, one in enumerate(found.hashes))])


@APP.command()
def checkpoint(context: typer.Context) -> None:
    """Print the signed head (C2SP checkpoint), to be kept or witnessed elsewhere."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.CHECKPOINT, calls.CheckpointAsk())
    if out.form.value == "table":
        typer.echo(found.note, nl=False)
    else:
        out.show(found, ())
