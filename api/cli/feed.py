"""stella feed …"""

from pathlib import Path

import typer

from api.calls import feeds as calls
from api.calls.evidence import Document
from api.cli.output import clean, group, screen, when, working
from api.cli.words import read_file

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
    with working("reading advisories"):
        found = [Document(data=data, format="osv") for path in paths or () for data in documents_in(path)]
        found += [Document(data=read_file(path), format=kind) for kind, path in (("kev", kev), ("epss", epss)) if path]
    if not found:
        raise typer.BadParameter("nothing to import: name files, --kev or --epss")
    with out.door() as door, working("importing advisories"):
        made = door.ask(calls.IMPORT, calls.ImportFeed(name=name, documents=tuple(found), replace_all=replace))
    for fault in made.faulty[:20]:
        out.say(f"taken although it breaks its schema: {clean(fault.message)}")
    lines = [("snapshot", made.snapshot), ("documents", made.documents), ("unchanged", made.unchanged)]
    out.show(made, [*lines, ("faulty", len(made.faulty))])


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
