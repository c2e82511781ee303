"""stella feed …"""

from dataclasses import replace as replace_told
from itertools import chain
from pathlib import Path
from typing import Final

import typer

from api.calls import feeds as calls
from api.cli.output import group, screen, when, working

_NAMED: Final = 3
APP = group("Import, show, compare advisory feeds; judge again what one turns.")


@APP.command("import")
def import_all(
    context: typer.Context,
    paths: list[Path] = typer.Argument(
        None, help="OSV documents (files, folders, zip archives, a mirror), Debian's tracker, Alpine's secdb."
    ),
    name: str = typer.Option("osv", help="The source's name."),
    kev: Path | None = typer.Option(None, help="CISA KEV catalogue (JSON)."),
    epss: Path | None = typer.Option(None, help="EPSS scores (CSV, also gzipped)."),
    replace: bool = typer.Option(False, "--replace", help="Instead of the current snapshot, not on top of it."),
    complete: bool = typer.Option(False, help="This is all the source has: take out what it no longer has."),
) -> None:
    """Import advisories as the next snapshot."""
    from pipeline.operations.feed_files import described, documents_in, list_file

    out = screen(context)
    if not paths and kev is None and epss is None:
        raise typer.BadParameter("nothing to import: name files, --kev or --epss")
    if absent := [str(path) for path in (*(paths or ()), kev, epss) if path and not path.exists()]:
        raise typer.BadParameter(f"{', '.join(absent)}: no such file")
    feed = calls.Feed(
        name=name,
        advisories=chain.from_iterable(documents_in(path) for path in paths or ()),  # one at a time
        kev=list_file(kev) if kev else None,
        epss=list_file(epss) if epss else None,
        replace_all=replace,
        complete=complete,
        files=tuple(sorted(chain.from_iterable(map(described, paths or ())), key=lambda one: one.name)),
    )
    with out.door() as door, working("importing advisories") as progress:
        made = door.feed(replace_told(feed, told=lambda what, count: progress(f"{what}: {count:,} documents")))
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


@APP.command("import-snapshot")
def import_snapshot(
    context: typer.Context,
    bundle: Path = typer.Argument(help="A bundle that was written for a snapshot: stella bundle export --record."),
    root: str = typer.Option(..., help="Fingerprint of the root that must have signed it."),
    name: str = typer.Option("", help="The source's name here; else the snapshot's own."),
    replace: bool = typer.Option(False, "--replace", help="Instead of the current snapshot, not on top of it."),
) -> None:
    """Import the snapshot of another instance: its signature is checked, its documents are read anew, its age stays."""
    from replay.feed_bundle import carried

    out = screen(context)
    found = carried(bundle, root)
    feed = calls.Feed(
        name=name or found.name,
        advisories=found.documents,
        kev=found.kev,
        epss=found.epss,
        replace_all=replace,
        complete=True,
        files=found.files,
        captured_at=found.captured_at,
    )
    with out.door() as door, working("importing the snapshot") as progress:
        made = door.feed(replace_told(feed, told=lambda what, count: progress(f"{what}: {count:,} documents")))
    out.show(made, [("snapshot", made.snapshot), ("documents", made.documents), ("captured", when(found.captured_at))])


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
            ("sources", [_source(one) for one in found.sources]),
            ("ecosystems", [f"{one.name} ({one.packages})" if one.packages else one.name for one in found.ecosystems]),
            ("kev", found.kev),
            ("epss", found.epss),
            ("signed", found.envelope),
        ]
    out.show(found, lines)


def _source(one: calls.SourceLine) -> str:
    """Say of a source what it holds, and how old that is by its own word and by ours."""
    files = f", {len(one.files)} files" if len(one.files) > 1 else ""
    captured = f", captured {one.captured_at}" if one.captured_at else ""
    return f"{one.name} ({one.form}{files}): {one.documents} documents, newest {one.newest or 'unknown'}{captured}"


@APP.command()
def diff(
    context: typer.Context,
    old: str = typer.Argument("", help="A snapshot's digest; else the one before."),
    new: str = typer.Argument("", help="A snapshot's digest; else the current one."),
    limit: int = typer.Option(1000, min=1, max=10_000, help="Packages listed at most."),
) -> None:
    """Name the packages whose advisories changed between two snapshots."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.DIFF, calls.DiffFeeds(old=old, new=new, limit=limit))
    rows = [(one.ecosystem, one.name, _changed(one)) for one in found.changes]
    out.table(found, ("ECOSYSTEM", "PACKAGE", "CHANGE"), rows)
    out.say(f"{found.changed} packages changed" + (", and KEV or EPSS" if found.lists_changed else ""))


def _changed(one: calls.ChangeLine) -> str:
    return "came" if one.old is None else "went" if one.new is None else "changed"


@APP.command()
def rejudge(
    context: typer.Context,
    everything: bool = typer.Option(False, "--all", help="Every verdict that stands, not of deployed releases only."),
) -> None:
    """Judge again what the current snapshot may turn, and list what flipped and where it runs."""
    out = screen(context)
    with out.door() as door, working("judging again"):
        made = door.ask(calls.REJUDGE, calls.Rejudge(everything=everything))
    rows = [
        (
            one.release,
            one.environment,
            f"{one.before} → {one.now}" if one.flipped else one.now,
            ", ".join(turned.gate for turned in one.turned),
            ", ".join(package.name or package.ecosystem for package in one.packages[:_NAMED])
            + (" …" if len(one.packages) > _NAMED else ""),
            ", ".join(one.running),
        )
        for one in made.verdicts
    ]
    out.table(made, ("RELEASE", "ENVIRONMENT", "OUTCOME", "GATES TURNED", "PACKAGES", "RUNS ON"), rows)
    out.say(f"{made.seen} verdicts stood, {made.touched} judged again, {made.flipped} flipped")
