"""stella vex …"""

from enum import StrEnum
from pathlib import Path

import typer

from api.calls import vex as calls
from api.cli.output import group, screen, short, when
from api.cli.vex_providers import APP as PROVIDERS
from api.cli.words import read_file

APP = group("Why VEX statements apply or not, the consensus, what changed; whom to trust; export.")
TRUST = group("Show and store how VEX claims are weighed.")
APP.add_typer(TRUST, name="trust")
APP.add_typer(PROVIDERS, name="providers")


class Form(StrEnum):
    """A format of VEX."""

    OPENVEX = "openvex"
    CSAF = "csaf"
    CYCLONEDX = "cyclonedx"


@APP.command()
def explain(
    context: typer.Context,
    subject: str = typer.Argument(help="A release, or an image's digest."),
    vulnerability: str = typer.Argument(help="For example CVE-2024-1234."),
    component: str = typer.Option("", help="Only this package, by purl."),
    environment: str = typer.Option("", help="With the trust table of its active pack."),
) -> None:
    """Tell of every statement about a vulnerability why it applies, or which check failed."""
    out = screen(context)
    ask = calls.ExplainVex(subject=subject, vulnerability=vulnerability, component=component, environment=environment)
    with out.door(writable=False) as door:
        found = door.ask(calls.EXPLAIN, ask)
    rows = [
        (
            f"{one.component} {one.platform}".strip(),
            one.status,
            one.score,
            one.source,
            one.why,
            ", ".join(one.signers) or one.author,
            f"{short(one.evidence)}{one.pointer}",
            f"{one.meaning} {one.detail}".strip(),
        )
        for one in found.items
    ]
    out.table(found, ("COMPONENT", "SAYS", "WEIGHT", "SOURCE", "WHY", "WHO", "WHERE", "MEANING"), rows)


@APP.command()
def consensus(
    context: typer.Context,
    release: str = typer.Option("", help="Of one release."),
    environment: str = typer.Option("", help="As judged for one environment."),
    limit: int = typer.Option(500, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List what issuers together say, as the newest verdicts found it."""
    out = screen(context)
    ask = calls.ListConsensus(release=release, environment=environment, limit=limit, cursor=cursor)
    with out.door(writable=False) as door:
        page = door.ask(calls.CONSENSUS, ask)
    rows = [
        (one.vulnerability, one.consensus_state, one.confidence, one.reach, one.issuers, one.component, one.purl)
        for one in page.items
    ]
    out.table(page, ("VULNERABILITY", "STATE", "WEIGHT", "REACH", "ISSUERS", "COMPONENT", "PACKAGE"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


@APP.command()
def get(
    context: typer.Context, name: str = typer.Argument(metavar="ID", help="As stella vex consensus -o json gives it.")
) -> None:
    """Show one consensus with every claim and its weight."""
    out = screen(context)
    with out.door(writable=False) as door:
        one = door.ask(calls.GET, calls.GetConsensus(id=name))
    said = [
        f"{claim.score}: {claim.status} by {claim.signer or claim.author or 'unsigned'}"
        f" ({short(claim.evidence)}{claim.pointer})"
        for claim in one.claims
    ]
    out.show(
        one,
        [
            ("vulnerability", one.vulnerability),
            ("package", one.purl),
            ("state", one.consensus_state),
            ("weight", one.confidence),
            ("why", one.rationale),
            ("reach", one.reach),
            ("claims", said),
            ("verdict", f"{one.verdict} of {when(one.as_of)}"),
        ],
    )


@APP.command()
def delta(
    context: typer.Context,
    old: str = typer.Argument(help="A verdict, by digest or id."),
    new: str = typer.Argument(help="A later verdict."),
) -> None:
    """List claims that came, went or weigh otherwise, and states that flipped, with reasons."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.DELTA, calls.CompareVex(old=old, new=new))
    rows = [
        (one.kind, one.vulnerability, one.purl, one.component, one.old, one.new, one.issuer or one.reasons)
        for one in found.items
    ]
    out.table(found, ("CHANGE", "VULNERABILITY", "PACKAGE", "COMPONENT", "OLD", "NEW", "BY"), rows)


@APP.command()
def export(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    form: Form = typer.Option(Form.OPENVEX, "--format", help="openvex, csaf or cyclonedx."),
    environment: str = typer.Option("", help="As judged for one environment."),
    author: str = typer.Option("", help="Who says it."),
    namespace: str = typer.Option("", help="URI of the publisher (CSAF)."),
    to: Path | None = typer.Option(None, help="Folder to write into; else the document goes to standard output."),
) -> None:
    """Write the consensus about a release as VEX."""
    out = screen(context)
    ask = calls.ExportVex(
        release=release, format=form.value, environment=environment, author=author, namespace=namespace
    )
    with out.door(writable=False) as door:
        made = door.ask(calls.EXPORT, ask)
    if to is not None:
        _write(to, made.files)
        out.table(made.files, ("FILE", "DIGEST"), [(to / file.name, file.sha256) for file in made.files])
    elif len(made.files) == 1 and out.form.value == "table":
        typer.echo(made.files[0].data.decode())
    elif out.form.value == "table":
        raise typer.BadParameter(f"{len(made.files)} documents: name a folder with --to")
    else:
        out.show(made, ())


def _write(folder: Path, files: tuple[calls.VexFile, ...]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            (folder / file.name).write_bytes(file.data)
    except OSError as error:
        raise typer.BadParameter(f"{folder}: {error.strerror}") from error


@TRUST.command("show")
def trust_show(
    context: typer.Context,
    environment: str = typer.Option("", help="That of its active pack."),
    table: str = typer.Option("", help="That of a digest."),
) -> None:
    """Print the table that counts, as YAML to start from."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.TRUST_SHOW, calls.ShowTrustTable(environment=environment, table=table))
    if out.form.value == "table":
        typer.echo(found.yaml, nl=False)
    else:
        out.show(found, ())


@TRUST.command("set")
def trust_set(context: typer.Context, file: Path = typer.Argument(help="A table as YAML or JSON.")) -> None:
    """Store a table; a pack that names its digest (trust_table) weighs by it."""
    out = screen(context)
    try:
        text = read_file(file, most=1 << 18).decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file}: not UTF-8") from error
    with out.door() as door:
        made = door.ask(calls.TRUST_SET, calls.SetTrustTable(yaml=text))
    lines = [("name", f"{made.table.name} {made.table.version}"), ("digest", made.digest)]
    out.show(made, [*lines, ("in a pack", f"trust_table: {made.digest}")])
