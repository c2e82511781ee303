"""Printing explanations: the lines of evidence themselves, the shortest fixes, the difference of two verdicts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from api.calls.verdicts import VerdictFixes, VerdictsDiff, VerdictView
from api.cli.output import Screen, ascii_json, clean
from cas.problems import Problem

if TYPE_CHECKING:
    from api.door import Door

_LINES = 12  # of one excerpt
_EXCERPTS = 200


def explained(found: VerdictView, way: VerdictFixes | None, form: str) -> str:
    """Give a verdict as a document, with the fixes that were asked for."""
    from api.cli.evaluating import Printer

    if form != "json" or way is None:
        text = Printer(found).text(form)
        if way is not None and form == "markdown":
            from api.reports.summary import text as escaped

            text += "\n### The shortest fixes\n\n" + "".join(f"- {escaped(line)}\n" for line in _told(way))
        return text
    return _json(with_fixes(found, way))


def with_fixes(found: VerdictView, way: VerdictFixes | None) -> Any:
    """Give a verdict as an answer, with the fixes that were asked for."""
    import msgspec

    return found if way is None else {**msgspec.to_builtins(found), "fixes": msgspec.to_builtins(way)}


def show_fixes(out: Screen, way: VerdictFixes) -> None:
    """Print the shortest set of steps."""
    for line in _told(way):
        out.say(line)


def _told(way: VerdictFixes) -> Iterator[str]:
    if way.outcome == "allow":
        yield "nothing blocks: there is nothing to fix"
        return
    if not way.known:
        yield "no set of steps is known that turns every gate: see what flips each of them"
        return
    count = len(way.fixes)
    enough = way.then == "allow" or not way.verified
    least = "and no fewer do" if way.minimal else "perhaps not the fewest"
    yield f"{count} step{'s' if count != 1 else ''}, {least if enough else 'which are not enough'}:"
    yield from (f"  {at}. {one.text}" for at, one in enumerate(way.fixes, 1))
    yield from (f"custom rule {rule} was not asked again: it gave no answer here" for rule in way.unasked)
    if way.verified:
        yield f"asked again with these steps taken, the gates answer: {way.then}"
    elif not way.unasked:
        yield "documents are still to come, so nobody can ask the gates yet: submit them, and ask again"


def show_lines(out: Screen, found: VerdictView, door: "Door") -> None:
    """Print what stands at each evidence pointer of what blocks, once; what is not here any more says so."""
    from pipeline.formats.spots import spots

    wanted: dict[str, list[str]] = {}
    for gate in found.verdict.gates:
        if gate.enforcement == "block" and gate.status in {"fail", "unknown"}:
            for one in gate.findings[:_EXCERPTS]:
                for ref in one.evidence:
                    wanted.setdefault(ref.digest, []).append(ref.pointer)
    for digest, pointers in wanted.items():
        try:
            places = spots(door.object(digest), pointers)
        except Problem as problem:
            out.say(f"{digest}: {problem.detail()}")
            continue
        for pointer, spot in sorted(places.items(), key=lambda pair: (pair[1].line, pair[0])):
            out.say(f"{digest} {pointer or '/'} line {spot.line}:")
            shown = spot.text.splitlines()
            for line in shown[:_LINES]:
                typer.echo("  | " + clean(line))
            if spot.cut or len(shown) > _LINES:
                typer.echo("  | …")


def show_diff(out: Screen, found: VerdictsDiff, form: str, door: "Door") -> None:
    """Print a difference: as a table, JSON, Markdown, or SARIF."""
    text = diff_text(found, form, door)
    if text:
        typer.echo(text, nl=False)
        return
    pairs: list[tuple[str, object]] = [
        ("before", f"{found.before} ({found.old_release}) {found.old}"),
        ("after", f"{found.after} ({found.new_release}) {found.new}"),
        ("environment", found.environment),
    ]
    pairs += [(name, f"{before} → {after}") for name, before, after in found.inputs]
    out.show(found, pairs)
    if out.form.value != "table":
        return
    for gate in found.gates:
        out.say(f"gate {gate.id}: {gate.before or 'not asked'} → {gate.after or 'not asked'}")
        for sign, told in (("+", gate.appeared), ("-", gate.gone)):
            for line in told:
                typer.echo(f"  {sign} {clean(line)}")
    for one in found.changes:
        out.say(f"{one.rule} {one.text}" + (f" [{', '.join(one.gates)}]" if one.gates else ""))
    for each in found.evidence:
        what = f"{each.component} {each.type} {each.format} {each.raw}"
        out.say(f"evidence {what}: {each.before or 'not there'} → {each.after or 'not there'}")
    if not found.gates and not found.changes and not found.evidence:
        out.say("nothing is different")


def diff_text(found: VerdictsDiff, form: str, door: "Door") -> str:
    """Give a difference as a document; empty for a table. ``predicate`` is an in-toto statement, not signed."""
    if form == "markdown":
        from api.reports.delta import delta_markdown

        return delta_markdown(found)
    if form == "sarif":
        from importlib.metadata import version

        from api.reports.delta import delta_sarif

        return delta_sarif(found, version=version("stella-release"))
    if form == "predicate":
        from api.reports.delta import statement

        return statement(found, _images(found, door)).decode() + "\n"
    if form in {"table", ""}:
        return ""
    if form != "json":
        raise typer.BadParameter(f"a difference has no {form}", param_hint="--format")
    return _json(found)


def _images(found: VerdictsDiff, door: "Door") -> tuple[tuple[str, str], ...]:
    from api.calls.releases import SHOW, ShowRelease

    release = door.ask(SHOW, ShowRelease(release=found.new_release)).release
    return tuple((one.name, one.digest) for one in release.components)


def _json(answer: Any) -> str:
    import msgspec

    return ascii_json(msgspec.json.format(msgspec.json.encode(answer), indent=2)) + "\n"
