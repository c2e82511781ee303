"""stella evidence …"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from api.calls import evidence as calls
from api.cli.evidence_show import stands
from api.cli.output import group, screen, short, soon, working
from api.cli.words import pairs_of, read_file
from cas import digest as digest_module

if TYPE_CHECKING:
    from api.door import Door

APP = group("Submit and list evidence.")
KIND = group("Register and list kinds of evidence of your own.")
APP.add_typer(KIND, name="kind")


@APP.command()
def submit(
    context: typer.Context,
    files: list[Path] = typer.Argument(
        help="Documents, or zip and tar archives of them: SBOM, VEX, provenance, reports of any tool."
    ),
    subject: str = typer.Option("", help="Digest of the image they speak of; empty when the documents name it."),
    format_: str = typer.Option("", "--format", help="Declared format; found out from the content when empty."),
    kind: str = typer.Option("", help="A kind of your own, as registered; its schema judges the documents."),
) -> None:
    """Submit documents, all or none."""
    if kind and format_:
        raise typer.BadParameter("give --format or --kind, not both", param_hint="--kind")
    format_ = f"generic/{kind}" if kind else format_
    out = screen(context)
    documents = tuple(calls.Document(data=read_file(path), subject=subject, format=format_) for path in files)
    with out.door() as door, working("admitting evidence"):
        made = door.ask(calls.SUBMIT, calls.SubmitEvidence(documents=documents))
    rows = [
        (
            _file(files[one.document].name, one.member),
            one.type,
            one.format,
            one.binding,
            stands(one),
            one.known,
            short(one.subject),
            list(one.signers),
        )
        for one in made.receipts
    ]
    out.table(made.receipts, ("FILE", "TYPE", "FORMAT", "BINDING", "STANDING", "KNOWN", "SUBJECT", "SIGNERS"), rows)
    if all(one.known for one in made.receipts):
        out.say("everything was here before: these are the first receipts")


def _file(name: str, member: str) -> str:
    return f"{name}: {member}" if member else name


@KIND.command()
def add(
    context: typer.Context,
    name: str = typer.Argument(help="What documents of it are submitted as: --kind NAME."),
    schema: Path = typer.Option(..., help="JSON Schema that every document of the kind must fulfil."),
) -> None:
    """Register a kind of evidence, or give it another schema; evidence that is here keeps the schema it came under."""
    try:
        text = read_file(schema, most=1 << 20).decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{schema}: not UTF-8") from error
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.ADD_KIND, calls.AddKind(name=name, schema=text))
    out.show(made, [("kind", made.name), ("schema", made.schema), ("existed", made.existed)])


@KIND.command("list")
def list_kinds(context: typer.Context) -> None:
    """List the kinds that are registered."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST_KINDS, calls.ListKinds(limit=500))
    out.table(page, ("NAME", "SCHEMA"), [(one.name, one.schema) for one in page.items])


@APP.command("list")
def list_all(
    context: typer.Context,
    subject: str = typer.Option("", help="Digest of an image."),
    type_: str = typer.Option(
        "", "--type", help="sbom, vex, provenance, attestation, findings, secrets, tests, coverage, licenses, …"
    ),
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List evidence."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, calls.ListEvidence(subject=subject, type=type_, limit=limit, cursor=cursor))
    rows = [
        (
            short(one.subject),
            one.type,
            one.format,
            one.binding,
            stands(one),
            short(one.raw)[7:],
            soon(one.admitted_at),
            list(one.signers),
        )
        for one in page.items
    ]
    out.table(page, ("SUBJECT", "TYPE", "FORMAT", "BINDING", "STANDING", "RAW", "ADMITTED", "SIGNERS"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


@APP.command()
def show(
    context: typer.Context,
    evidence: str = typer.Argument(help="Digest of the admission, the raw document or the evidence; may be shortened."),
) -> None:
    """Show how one piece of evidence stands: verified, unsigned or bad, by whom, and what was checked."""
    from api.cli.evidence_show import admission_of
    from api.cli.evidence_show import show as shown

    out = screen(context)
    with out.door(writable=False) as door:
        name = digest_module.parse(admission_of(door, evidence))
        shown(out, door.ask(calls.SHOW, calls.ShowEvidence(admission=name)))


@APP.command()
def collect(
    context: typer.Context,
    image: str = typer.Argument(help="host/repository:tag or @digest, oci:PATH, oci:PATH:NAME."),
    submit: bool = typer.Option(True, help="Submit what is found; else only list it."),
) -> None:
    """Find what is attached to an image (cosign signatures, attestations, SBOMs, referrers), and submit it as one.

    Nothing is trusted for being attached: each piece is verified as if it had been submitted by hand.
    """
    from api.cli.evidence_show import receipts
    from api.wiring import images_of
    from pipeline.operations.collect import find

    out = screen(context)
    with working("looking beside the image"):
        found = find(images_of(out.settings), image)
    for one in found.skipped:
        out.say(f"not taken: {one.media_type} in {short(one.manifest)}: {one.reason}")
    if not submit or not found.documents:
        rows = [(short(one.subject), one.media_type, short(one.manifest), len(one.data)) for one in found.documents]
        told = [
            {"subject": one.subject, "media_type": one.media_type, "manifest": one.manifest, "size": len(one.data)}
            for one in found.documents
        ]
        out.table(told, ("SUBJECT", "MEDIA TYPE", "MANIFEST", "BYTES"), rows)
        return
    documents = tuple(calls.Document(data=one.data, subject=one.subject) for one in found.documents)
    with out.door() as door, working("admitting evidence"):
        made = door.ask(calls.SUBMIT, calls.SubmitEvidence(documents=documents))
    receipts(out, made.receipts)


@APP.command()
def attest(
    context: typer.Context,
    file: Path = typer.Argument(help="The document: SBOM, VEX, or a predicate such as SLSA provenance."),
    subject: list[str] = typer.Option(..., help="name=digest of an image it speaks of; repeatable."),
    predicate_type: str = typer.Option("", help="Told from the content for CycloneDX, SPDX and OpenVEX."),
    out: Path = typer.Option(..., help="Where the signed envelope goes."),
) -> None:
    """Sign a document as an in-toto statement about images, with --key; nothing is submitted."""
    from api.own_key import key_of
    from pipeline.attest.wrapping import wrap
    from pipeline.operations.attestations import sign_statement

    shown = screen(context)
    signer = key_of(shown.settings)
    if signer is None:
        raise typer.BadParameter("a statement is signed by somebody: give --key", param_hint="--key")
    subjects = [(name, digest_module.parse(given)) for name, given in pairs_of(subject, "--subject")]
    payload = wrap(read_file(file), subjects, predicate_type)
    out.write_bytes(sign_statement(payload, [signer]))
    shown.show({"envelope": str(out)}, [("envelope", out), ("subjects", [name for name, _ in subjects])])


@APP.command("attest-sbom")
def attest_sbom(
    context: typer.Context,
    sbom: str = typer.Argument(help="Digest of the SBOM's raw bytes, as stored here (evidence list shows it)."),
    subject: list[str] = typer.Option([], help="name=digest of an image; empty: those it was submitted about."),
    out: Path | None = typer.Option(None, help="Where the signed envelope goes."),
    submit: bool = typer.Option(True, help="Submit the envelope as evidence."),
) -> None:
    """Sign a stored SBOM as an in-toto statement about images, with --key, and submit it as attested evidence."""
    from api.own_key import key_of
    from pipeline.operations.sboms import attest_sbom as attested

    shown = screen(context)
    signer = key_of(shown.settings)
    if signer is None:
        raise typer.BadParameter("a statement is signed by somebody: give --key", param_hint="--key")
    raw = digest_module.parse(sbom)
    with shown.door(writable=submit) as door:
        given = [(name, digest_module.parse(named)) for name, named in pairs_of(subject, "--subject")]
        subjects = given or [("image", one) for one in _subjects(door, raw)]
        if not subjects:
            raise typer.BadParameter("it was submitted about no image: name one", param_hint="--subject")
        envelope = attested(door.object(raw), subjects, [signer])
        if out is not None:
            out.write_bytes(envelope)
        told: list[tuple[str, object]] = [("sbom", raw), ("subjects", [named for _, named in subjects])]
        if submit:
            made = door.ask(calls.SUBMIT, calls.SubmitEvidence(documents=(calls.Document(data=envelope),)))
            told += [("binding", [one.binding for one in made.receipts])]
    shown.show({"sbom": raw, "subjects": [named for _, named in subjects], "envelope": str(out or "")}, told)


def _subjects(door: "Door", raw: str) -> list[str]:
    """List the images that a stored SBOM was submitted about."""
    found: set[str] = set()
    cursor = ""
    while True:
        page = door.ask(calls.LIST, calls.ListEvidence(type="sbom", limit=200, cursor=cursor))
        found |= {one.subject for one in page.items if one.raw == raw}
        cursor = page.next_cursor
        if not cursor:
            return sorted(found)
