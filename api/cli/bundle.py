"""stella bundle …"""

from pathlib import Path

import typer

from api.cli.output import group, screen, working

APP = group("Export, verify and import signed bundles.")


@APP.command()
def export(
    context: typer.Context,
    to: Path = typer.Option(..., "--out", help="The file to write; it must not exist."),
    release: str = typer.Option("", help="A release, its verdicts and promotions."),
    promotion: str = typer.Option("", help="A promotion and all it led to."),
    record: str = typer.Option("", help="A record by digest or id."),
    start: str = typer.Option("", help="Everything admitted from this instant on (YYYY-MM-DDThh:mm:ssZ)."),
    end: str = typer.Option("", help="And before this one."),
) -> None:
    """Write a signed bundle of what is asked for and all that it rests on."""
    out = screen(context)
    asked = {"release": release, "promotion": promotion, "record": record, "start": start, "end": end}
    with out.door(writable=False) as door, working("writing the bundle"):
        size = door.export({name: value for name, value in asked.items() if value}, to)
    out.show({"path": str(to), "size": size}, [("bundle", to), ("size", size)])
    out.say(f"check it anywhere: stella bundle verify {to} --root sha256:<fingerprint>")


@APP.command()
def verify(
    context: typer.Context,
    bundle: Path = typer.Argument(help="A bundle file."),
    root: str = typer.Option("", help="Fingerprint of the root that must have signed it."),
) -> None:
    """Check a bundle: exit 0 good, 2 bad, 4 consistent but signer not established, 3 could not check."""
    from replay import verify as verifier

    del context
    raise typer.Exit(verifier.main([str(bundle), *(["--root", root] if root else [])]))


@APP.command("import")
def bring(
    context: typer.Context,
    bundle: Path = typer.Argument(help="A bundle file."),
    root: str = typer.Option("", help="Fingerprint of the root that must have signed it."),
) -> None:
    """Bring a bundle in. What it says is a claim until it is rerun here."""
    out = screen(context)
    if not bundle.is_file():
        raise typer.BadParameter(f"{bundle}: no such file")
    with out.door() as door, working("bringing in"):
        made = door.bring(bundle, root)
    out.show(
        made,
        [
            ("claim", made.claim),
            ("origin", made.origin),
            ("signer established", made.established),
            ("objects", made.objects),
            ("known", made.known),
        ],
    )
    out.say(f"run it again here: stella replay {made.claim}")
