"""stella where"""

import typer

from api.calls import search as calls
from api.cli.output import group, screen, short, soon

APP = group("Where an image, a package, a vulnerability, a commit or a release runs now.")


@APP.command()
def where(
    context: typer.Context,
    what: str = typer.Argument(help="A digest, a CVE (or another name of it), a purl, a commit, a host or a release."),
    limit: int = typer.Option(200, min=1, max=1000, help="At most so many."),
) -> None:
    """Show where an image, a package, a vulnerability, a commit or a release runs now, since when, by which verdict."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.SEARCH, calls.Search(q=what, limit=limit))
    if out.form.value != "table":
        out.show(found, ())
        return
    if found.kind == "vulnerability":
        lines = [
            (one.environment, one.release, one.component, one.severity, _state(one), one.purl, short(one.verdict))
            for one in found.affected
        ]
        out.table(found, ("ENVIRONMENT", "RELEASE", "COMPONENT", "SEVERITY", "STATE", "PACKAGE", "VERDICT"), lines)
        typer.echo("\nruns")
    rows = [
        (
            one.environment,
            one.target,
            one.release,
            one.component,
            f"{one.allowed} {short(one.verdict)}",
            soon(one.since),
        )
        for one in found.runs
    ]
    out.table(found, ("ENVIRONMENT", "TARGET", "RELEASE", "COMPONENT", "BY VERDICT", "SINCE"), rows)
    if found.more:
        out.say("there is more: --limit")


def _state(one: calls.AffectedLine) -> str:
    return "open" if one.open else f"closed ({one.vex})"
