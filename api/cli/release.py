"""stella release …"""

from pathlib import Path

import typer

from api.calls import releases as calls
from api.cli.output import group, screen, short, when, working
from api.cli.words import components_of, pairs_of, template_of

APP = group("Create, list, show, compare releases.")


@APP.command()
def create(
    context: typer.Context,
    name: str = typer.Option(..., help="The release's name, for example myapp-v2.3.1."),
    components: str = typer.Option(..., help="name:tag or name=reference, separated by commas."),
    registry: str = typer.Option("", help="Registry host[:port][/path] that name:tag is looked up in."),
    layout: str = typer.Option("", help="OCI image layout on this machine that name:tag is looked up in."),
    template: Path | None = typer.Option(None, help="Folder of the Compose project to capture."),
    compose_file: list[str] = typer.Option([], help="Compose file within the template; repeatable."),
    platform: list[str] = typer.Option([], help="Platform that may run, for example linux/amd64; repeatable."),
    line: str = typer.Option("", help="Release line; read from the name when not given."),
    source: list[str] = typer.Option([], help="Where it was built, name=value: repository=…, commit=…; repeatable."),
    keep_images: bool = typer.Option(False, help="Keep the images in the home and serve them at /v2/."),
) -> None:
    """Freeze a release: every tag is resolved to a digest, once."""
    out = screen(context)
    ask = calls.CreateRelease(
        name=name,
        components=components_of(components, registry, layout),
        line=line,
        template=template_of(template) if template else (),
        compose_files=tuple(compose_file),
        platforms=tuple(platform),
        source=pairs_of(source, "--source"),
        keep_images=keep_images,
    )
    with out.door() as door, working("resolving images"):
        made = door.ask(calls.CREATE, ask)
    out.show(made, _lines(made))


@APP.command("list")
def list_all(
    context: typer.Context,
    environment: str = typer.Option("", help="Those that run there now."),
    line: str = typer.Option("", help="Of one release line."),
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List releases, newest first."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, calls.ListReleases(environment=environment, line=line, limit=limit, cursor=cursor))
    rows = [
        (one.release.name, short(one.digest), when(one.release.created_at), one.created_by, one.environments)
        for one in page.items
    ]
    out.table(page, ("NAME", "DIGEST", "CREATED", "BY", "RUNS IN"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


@APP.command()
def show(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    components: bool = typer.Option(False, "--components", help="List the components with their digests."),
) -> None:
    """Show a release."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.SHOW, calls.ShowRelease(release=release))
    if components:
        rows = [
            (one.name, one.tag, one.semver, one.digest, one.platforms, one.role) for one in found.release.components
        ]
        out.table(found.release.components, ("NAME", "TAG", "SEMVER", "DIGEST", "PLATFORMS", "ROLE"), rows)
    else:
        out.show(found, _lines(found))


@APP.command()
def diff(
    context: typer.Context,
    old: str = typer.Argument(help="Name, id or digest."),
    new: str = typer.Argument(help="Name, id or digest."),
) -> None:
    """List what differs between two releases."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.DIFF, calls.DiffReleases(release=new, old=old))
    rows = [(one.kind, one.what, one.name, one.old, one.new) for one in found.changes]
    out.table(found.changes, ("CHANGE", "WHAT", "NAME", "OLD", "NEW"), rows)


def _lines(one: calls.ReleaseView) -> list[tuple[str, object]]:
    return [
        ("name", one.release.name),
        ("id", one.id),
        ("digest", one.digest),
        ("line", one.release.line),
        ("created", f"{when(one.release.created_at)} by {one.created_by}"),
        ("components", [f"{part.name}:{part.tag}@{short(part.digest)}" for part in one.release.components]),
        ("template", one.release.template),
        ("runs in", one.environments),
        ("existed", one.existed),
    ]
