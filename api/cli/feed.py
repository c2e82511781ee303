"""stella feed …"""

from itertools import chain
from pathlib import Path
from typing import Final

import typer

from api.calls import feeds as calls
from api.cli.output import group, screen, when, working
from api.cli.words import read_file

_NAMED: Final = 3
APP = group("Import and show advisory feeds.")


@APP.command("import")
def import_all(
    context: typer.Context,
    paths: list[Path] = typer.Argument(None, help="OSV documents: files, folders, zip archives."),
    name: str = typer.Option("osv", help="The snapshot's name."),
    kev: Path | None = typer.Option(None, help="CISA KEV catalogue (JSON)."),
    epss: Path | None = typer.Option(None, help="EPSS scores (CSV)."),
    replace: bool = typer.Option(False, "--replace", help="Instead of the current snapshot, not on top of it."),
) -> None:
    """Import advisories as the next snapshot."""
    from pipeline.operations.feed_files import documents_in

    out = screen(context)
    if not paths and kev is None and epss is None:
        raise typer.BadParameter("nothing to import: name files, --kev or --epss")
    if absent := [str(path) for path in paths or () if not path.exists()]:
        raise typer.BadParameter(f"{', '.join(absent)}: no such file")
    feed = calls.Feed(
        name=name,
        advisories=chain.from_iterable(documents_in(path) for path in paths or ()),  # one at a time
        kev=read_file(kev) if kev else None,
        epss=read_file(epss) if epss else None,
        replace_all=replace,
    )
    with out.door() as door, working("importing advisories"):
        made = door.feed(feed)
    lines = [("snapshot", made.snapshot), ("documents", made.documents), ("unchanged", made.unchanged)]
    out.show(made, lines)
    if made.faulty:
        out.say(breaking(made))


def breaking(made: calls.FeedImported) -> str:
    """Say in one line which documents break their schema: each once, the first few by name."""
    names = list(dict.fromkeys(_name_of(fault) for fault in made.faulty))
    more = f", … ({len(names) - _NAMED} more: --output json)" if len(names) > _NAMED else ""
    many = "1 document breaks its" if len(names) == 1 else f"{len(names)} documents break their"
    return f"{many} schema, taken all the same: {', '.join(names[:_NAMED])}{more}"


def _name_of(fault: calls.FaultLine) -> str:
    """Give the document's id, which stands before the message, or its place in the import."""
    name, colon, _ = fault.message.partition(": ")
    return name if colon and " " not in name else fault.pointer.split("/")[1]


@APP.command()
def show(context: typer.Context) -> None:
    """Show the current snapshot."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.SHOW, calls.ShowFeed())
    lines: list[tuple[str, object]] = [("snapshot", found.snapshot)]
    if found.snapshot:
        lines += [
            ("name", found.name),
            ("captured", when(found.captured_at)),
            ("sources", [f"{one.name}: {one.documents} documents, newest {one.newest}" for one in found.sources]),
            ("ecosystems", [one.name for one in found.ecosystems]),
            ("kev", found.kev),
            ("epss", found.epss),
        ]
    out.show(found, lines)
