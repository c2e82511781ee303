"""stella release …"""

import enum
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from api.calls import drafts
from api.calls import releases as calls
from api.cli.output import Screen, group, screen, short, when, working
from api.cli.words import components_of, pairs_of, template_of

if TYPE_CHECKING:
    from api.door import Door
    from cas.records.release import Component

APP = group("Create, edit, list, show, compare, retire releases.")


class State(str, enum.Enum):
    """Which releases are listed."""

    DRAFT = "draft"
    FINALIZED = "finalized"
    DEPRECATED = "deprecated"
    ARCHIVED = "archived"
    ALL = "all"


class DiffForm(str, enum.Enum):
    """How a difference is printed; ``predicate`` is the statement of a delta verdict."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    PREDICATE = "predicate"


@APP.command()
def create(
    context: typer.Context,
    name: str = typer.Option(..., help="The release's name, for example myapp-v2.3.1."),
    components: str = typer.Option("", help="name:tag or name=reference, separated by commas."),
    registry: str = typer.Option("", help="Registry host[:port][/path] that name:tag is looked up in."),
    layout: str = typer.Option("", help="OCI image layout on this machine that name:tag is looked up in."),
    template: Path | None = typer.Option(None, help="Folder of the Compose project to capture."),
    compose_file: list[str] = typer.Option([], help="Compose file within the template; repeatable."),
    platform: list[str] = typer.Option([], help="Platform that may run, for example linux/amd64; repeatable."),
    line: str = typer.Option("", help="Release line; read from the name when not given."),
    source: list[str] = typer.Option([], help="Where it was built, name=value: repository=…, commit=…; repeatable."),
    keep_images: bool = typer.Option(False, help="Keep the images in the home and serve them at /v2/."),
    draft: bool = typer.Option(False, "--draft", help="Only begin it: edit it with add-component, then finalize."),
) -> None:
    """Freeze a release: every tag is resolved to a digest, once; with --draft it can still be edited."""
    out = screen(context)
    if draft:
        _begin(
            out,
            drafts.CreateDraft(
                name=name,
                components=components_of(components, registry, layout) if components else (),
                line=line,
                template=template_of(template) if template else (),
                compose_files=tuple(compose_file),
                platforms=tuple(platform),
                source=pairs_of(source, "--source"),
                keep_images=keep_images,
            ),
        )
        return
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


def _begin(out: Screen, ask: drafts.CreateDraft) -> None:
    with out.door() as door, working("resolving images"):
        made = door.ask(drafts.CREATE, ask)
    out.show(made, _draft_lines(made))


@APP.command("add-component")
def add_component(
    context: typer.Context,
    draft: str = typer.Argument(help="The draft's name."),
    components: str = typer.Option(..., help="name:tag or name=reference, separated by commas."),
    registry: str = typer.Option("", help="Registry host[:port][/path] that name:tag is looked up in."),
    layout: str = typer.Option("", help="OCI image layout on this machine that name:tag is looked up in."),
    platform: list[str] = typer.Option([], help="Platform that may run, for example linux/amd64; repeatable."),
    replace: bool = typer.Option(False, "--replace", help="Take the place of components of the same name."),
    keep_images: bool = typer.Option(False, help="Keep the images in the home and serve them at /v2/."),
    expect: str = typer.Option("", help="Digest of the draft as you saw it; refused when it has changed since."),
) -> None:
    """Add components to a draft: their tags are resolved to digests now, once."""
    _change(
        screen(context),
        drafts.EditDraft(
            draft=draft,
            components=components_of(components, registry, layout),
            replace=replace,
            platforms=tuple(platform),
            keep_images=keep_images,
            expect=expect,
        ),
    )


@APP.command("remove-component")
def remove_component(
    context: typer.Context,
    draft: str = typer.Argument(help="The draft's name."),
    components: list[str] = typer.Argument(help="Names of components."),
    expect: str = typer.Option("", help="Digest of the draft as you saw it; refused when it has changed since."),
) -> None:
    """Take components out of a draft."""
    _change(screen(context), drafts.EditDraft(draft=draft, remove=tuple(components), expect=expect))


@APP.command()
def edit(
    context: typer.Context,
    draft: str = typer.Argument(help="The draft's name."),
    template: Path | None = typer.Option(None, help="Folder of the Compose project to capture instead."),
    compose_file: list[str] = typer.Option([], help="Compose file within the template; repeatable."),
    line: str = typer.Option("", help="Release line."),
    source: list[str] = typer.Option([], help="Where it was built, name=value; all of it; repeatable."),
    expect: str = typer.Option("", help="Digest of the draft as you saw it; refused when it has changed since."),
) -> None:
    """Change a draft's template, line or source."""
    _change(
        screen(context),
        drafts.EditDraft(
            draft=draft,
            line=line,
            template=template_of(template) if template else (),
            compose_files=tuple(compose_file),
            source=pairs_of(source, "--source"),
            expect=expect,
        ),
    )


def _change(out: Screen, ask: drafts.EditDraft) -> None:
    with out.door() as door, working("resolving images"):
        made = door.ask(drafts.EDIT, ask)
    out.show(made, _draft_lines(made))


@APP.command()
def finalize(
    context: typer.Context,
    draft: str = typer.Argument(help="The draft's name."),
    expect: str = typer.Option("", help="Digest of the draft as you saw it; refused when it has changed since."),
) -> None:
    """Freeze a draft as it stands: no tag is asked for again."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(drafts.FINALIZE, drafts.MoveDraft(draft=draft, expect=expect))
    out.show(made, _lines(made))


@APP.command()
def discard(
    context: typer.Context,
    draft: str = typer.Argument(help="The draft's name."),
    expect: str = typer.Option("", help="Digest of the draft as you saw it; refused when it has changed since."),
) -> None:
    """Give a draft up; its name is free again."""
    out = screen(context)
    with out.door() as door:
        gone = door.ask(drafts.DISCARD, drafts.MoveDraft(draft=draft, expect=expect))
    out.show(gone, _draft_lines(gone))


@APP.command()
def deprecate(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    reason: str = typer.Option(..., help="Why."),
) -> None:
    """Let a release go nowhere new; rolling back to it stays possible."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.DEPRECATE, calls.RetireRelease(release=release, reason=reason))
    out.show(made, _lines(made))


@APP.command()
def archive(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    reason: str = typer.Option(..., help="Why."),
) -> None:
    """Put a deprecated release out of sight; refused while it runs somewhere or is the way back."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.ARCHIVE, calls.RetireRelease(release=release, reason=reason))
    out.show(made, _lines(made))


@APP.command("list")
def list_all(
    context: typer.Context,
    environment: str = typer.Option("", help="Those that run there now."),
    line: str = typer.Option("", help="Of one release line."),
    state: State | None = typer.Option(None, help="Of one state, or all; without it, archived ones are left out."),
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List releases, newest first; drafts with --state draft."""
    out = screen(context)
    if state is State.DRAFT:
        _list_drafts(out, drafts.ListDrafts(line=line, limit=limit, cursor=cursor))
        return
    ask = calls.ListReleases(
        environment=environment, line=line, state=state.value if state else "", limit=limit, cursor=cursor
    )
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, ask)
    rows = [
        (one.release.name, one.state, short(one.digest), when(one.release.created_at), one.created_by, one.environments)
        for one in page.items
    ]
    out.table(page, ("NAME", "STATE", "DIGEST", "CREATED", "BY", "RUNS IN"), rows)
    _more(out, page.next_cursor)


def _list_drafts(out: Screen, ask: drafts.ListDrafts) -> None:
    with out.door(writable=False) as door:
        page = door.ask(drafts.LIST, ask)
    rows = [
        (one.draft.name, short(one.digest), when(one.draft.changed_at), one.changed_by, _named(one.draft.components))
        for one in page.items
    ]
    out.table(page, ("NAME", "DIGEST", "CHANGED", "BY", "COMPONENTS"), rows)
    _more(out, page.next_cursor)


def _more(out: Screen, cursor: str) -> None:
    if cursor:
        out.say(f"more: --cursor {cursor}")


@APP.command()
def show(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    components: bool = typer.Option(False, "--components", help="List the components with their digests."),
) -> None:
    """Show a release, or the draft of that name."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = _found(door, release)
    listed = found.release.components if isinstance(found, calls.ReleaseView) else found.draft.components
    if components:
        rows = [(one.name, one.tag, one.semver, one.digest, one.platforms, one.role) for one in listed]
        out.table(listed, ("NAME", "TAG", "SEMVER", "DIGEST", "PLATFORMS", "ROLE"), rows)
    else:
        out.show(found, _lines(found) if isinstance(found, calls.ReleaseView) else _draft_lines(found))


def _found(door: "Door", release: str) -> calls.ReleaseView | drafts.DraftView:
    """Ask for a release, then for a draft; when there is neither, it is the release that is missing."""
    from cas.problems import Category, Problem

    try:
        return door.ask(calls.SHOW, calls.ShowRelease(release=release))
    except Problem as missing:
        if missing.category is not Category.MISSING:
            raise
        try:
            return door.ask(drafts.SHOW, drafts.ShowDraft(draft=release))
        except Problem as problem:
            raise missing from problem


@APP.command()
def diff(
    context: typer.Context,
    old: str = typer.Argument(help="Name, id or digest."),
    new: str = typer.Argument(help="Name, id or digest."),
    environment: str = typer.Option("", help="Also between their verdicts there: gates, vulnerabilities, policy."),
    form: DiffForm = typer.Option(DiffForm.TABLE, "--format", help="How the answer is printed."),
    sign: bool = typer.Option(False, "--sign", help="Have the instance sign the material changes, and keep them."),
    to: Path | None = typer.Option(None, "--out", help="With --sign: where the signed envelope goes."),
) -> None:
    """List what differs between two releases: components, files, packages, licences, evidence, verdicts."""
    from api.cli.explaining import diff_text, show_diff

    if (sign or form in {DiffForm.SARIF, DiffForm.PREDICATE}) and not environment:
        hint = "--sign" if sign else "--format"
        raise typer.BadParameter("material changes are between verdicts: name the environment", param_hint=hint)
    if to is not None and not sign:
        raise typer.BadParameter("only what is signed goes to a file: give --sign", param_hint="--out")
    out = screen(context)
    if sign:
        _sign(out, calls.SignDelta(release=new, old=old, environment=environment), to)
        return
    with out.door(writable=False) as door:
        found = door.ask(calls.DIFF, calls.DiffReleases(release=new, old=old, environment=environment))
        if form in {DiffForm.SARIF, DiffForm.PREDICATE} and found.verdicts is not None:
            typer.echo(diff_text(found.verdicts, form.value, door), nl=False)
            return
        if form is DiffForm.MARKDOWN:
            typer.echo(_markdown(found), nl=False)
            return
        if form is DiffForm.JSON:
            out.apart().show(found, ())
            return
        rows = [(one.kind, one.what, one.name, one.old, one.new) for one in found.changes]
        out.table(found.changes if not environment else found, ("CHANGE", "WHAT", "NAME", "OLD", "NEW"), rows)
        if found.verdicts is not None and out.form.value == "table":
            show_diff(out, found.verdicts, "table", door)


def _sign(out: Screen, ask: calls.SignDelta, to: Path | None) -> None:
    with out.door() as door:
        made = door.ask(calls.DELTA, ask)
    if to is not None:
        to.write_bytes(made.envelope)
    out.show(
        made,
        [
            ("delta", made.digest),
            ("predicate", made.predicate_type),
            ("material changes", len(made.delta.changes)),
            *([("envelope", to)] if to is not None else []),
            ("log entry", made.standing),
        ],
    )


def _markdown(found: calls.ReleaseDiff) -> str:
    from api.reports.delta import delta_markdown
    from api.reports.summary import text

    rows = [
        f"| {one.kind} | {one.what} | {text(one.name)} | {text(one.old or '-')} | {text(one.new or '-')} |\n"
        for one in found.changes
    ]
    head = "| change | what | name | old | new |\n|---|---|---|---|---|\n"
    told = "".join([head, *rows]) if rows else "No component, file, package, licence or document differs.\n"
    return told + ("\n" + delta_markdown(found.verdicts) if found.verdicts is not None else "")


def _lines(one: calls.ReleaseView) -> list[tuple[str, object]]:
    return [
        ("name", one.release.name),
        ("id", one.id),
        ("digest", one.digest),
        ("state", f"{one.state} since {when(one.changed_at)} by {one.changed_by}" if one.changed_at else one.state),
        *([("reason", one.reason)] if one.reason else []),
        ("line", one.release.line),
        ("created", f"{when(one.release.created_at)} by {one.created_by}"),
        ("components", _named(one.release.components)),
        ("template", one.release.template),
        ("runs in", one.environments),
        ("existed", one.existed),
    ]


def _named(components: "Iterable[Component]") -> list[str]:
    return [f"{part.name}:{part.tag}@{short(part.digest)}" for part in components]


def _draft_lines(one: drafts.DraftView) -> list[tuple[str, object]]:
    return [
        ("name", one.draft.name),
        ("digest", one.digest),
        ("state", "draft"),
        ("line", one.draft.line),
        ("begun", f"{when(one.draft.created_at)} by {one.created_by}"),
        ("changed", f"{when(one.draft.changed_at)} by {one.changed_by}"),
        ("components", _named(one.draft.components)),
        ("template", one.draft.template),
    ]
