"""stella scan"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from api.calls import evidence as calls
from api.cli.output import Screen, group, screen, working
from api.door import Door
from cas import digest as digest_module

if TYPE_CHECKING:
    from cas.records.evidence import ScanRun
    from pipeline.operations.scan import Scanned

APP = group("")
DIFFERENT = 2


@APP.command()
def scan(
    context: typer.Context,
    source: str = typer.Argument("", help="A directory, an OCI layout (oci:PATH or oci:PATH:NAME) or an image."),
    form: str = typer.Option("", "--format", help="cyclonedx-json (the default), spdx-json, …; see syft."),
    platform: str = typer.Option("", help="os/architecture, where the image has several."),
    subject: str = typer.Option("", help="Digest of the image that a directory was made into."),
    out: Path | None = typer.Option(None, help="Where the SBOM goes."),
    submit: bool = typer.Option(True, help="Submit the SBOM, and beside it how it was made."),
    sign: bool = typer.Option(False, help="Sign both as statements about the image, with --key."),
    compare: str = typer.Option("", help="Digest of an SBOM made before: scan again, and compare. Submits nothing."),
) -> int | None:
    """Make an SBOM with syft (the extra ``scan``), and submit it with a record of how it was made.

    Layouts and directories need no network. With --compare the exit code is 2 when other components are found.
    """
    shown = screen(context)
    if compare:
        return _compare(shown, source, form, platform, digest_module.parse(compare))
    if not source:
        raise typer.BadParameter("name a directory, a layout or an image", param_hint="SOURCE")
    if subject:
        digest_module.parse(subject)
    made = _scan(shown, source, form or "cyclonedx-json", platform)
    if out is not None:
        out.write_bytes(made.data)
    told: list[tuple[str, object]] = [
        ("sbom", made.run.sbom),
        ("format", made.run.format),
        ("components", made.run.components),
        ("tool", f"{made.run.tool} {made.run.tool_version}"),
        ("image", subject or made.run.subject),
    ]
    if submit:
        told += _submit(shown, made, subject or made.run.subject, sign=sign)
    shown.show(made.run, told)
    return None


def _scan(shown: Screen, source: str, form: str, platform: str) -> "Scanned":
    from api.wiring import generator, images_of
    from pipeline.operations import scan as operation

    with working("making an SBOM"):
        return operation.scan(generator(), images_of(shown.settings), source, form=form, platform=platform)


def _submit(shown: Screen, made: "Scanned", subject: str, *, sign: bool) -> list[tuple[str, object]]:
    from api.own_key import key_of
    from pipeline.operations.attestations import sign_statement
    from pipeline.operations.sboms import attest_sbom
    from pipeline.operations.scan import statement

    if not subject:
        raise typer.BadParameter(
            "a directory is no image: say which one was made of it, or give --no-submit", param_hint="--subject"
        )
    sbom, how = made.data, statement(made.run, subject)
    if sign:
        signer = key_of(shown.settings)
        if signer is None:
            raise typer.BadParameter("a statement is signed by somebody: give --key", param_hint="--key")
        sbom = attest_sbom(made.data, [(made.run.source, subject)], [signer])
        how = sign_statement(how, [signer])
    documents = tuple(calls.Document(data=data, subject=subject) for data in (sbom, how))
    with shown.door() as door, working("admitting evidence"):
        answer = door.ask(calls.SUBMIT, calls.SubmitEvidence(documents=documents))
    return [("binding", answer.receipts[0].binding), ("known", answer.receipts[0].known)]


def _compare(shown: Screen, source: str, form: str, platform: str, sbom: str) -> int | None:
    from pipeline.operations import scan as operation
    from pipeline.operations.sboms import read_sbom

    with shown.door(writable=False) as door:
        _, then = read_sbom(door.object(sbom))
        before = _run_of(door, sbom)
    if before is None and not source:
        raise typer.BadParameter("nobody noted how this SBOM was made: name what to scan", param_hint="SOURCE")
    if before is not None:
        source, platform = source or before.source, platform or before.platform
        form = form or operation.form_of(before)
    found = operation.compare(then, _scan(shown, source, form or "cyclonedx-json", platform), before)
    rows = [("+", *each) for each in found.added] + [("-", *each) for each in found.removed]
    rows += [(f"{name} was", then_, "") for name, then_, _ in found.settings]
    rows += [(f"{name} is", now, "") for name, _, now in found.settings]
    shown.table(_plain(found), ("WHAT", "COMPONENT", "VERSION"), rows)
    shown.say("the same components" if found.same else f"{len(found.added)} added, {len(found.removed)} gone")
    return None if found.same else DIFFERENT


def _plain(found: Any) -> dict[str, Any]:
    return {"same": found.same, "added": found.added, "removed": found.removed, "settings": found.settings}


def _run_of(door: Door, sbom: str) -> "ScanRun | None":
    """Look through the statements here for the one that tells how an SBOM was made."""
    from pipeline.operations.scan import run_of

    runs = (run_of(door.object(raw)) for raw in _attestations(door))
    return next((run for run in runs if run is not None and run.sbom == sbom), None)


def _attestations(door: Door) -> Iterator[str]:
    cursor = ""
    while True:
        page = door.ask(calls.LIST, calls.ListEvidence(type="attestation", limit=200, cursor=cursor))
        yield from (each.raw for each in page.items)
        cursor = page.next_cursor
        if not cursor:
            return
