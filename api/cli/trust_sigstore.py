"""stella trust sigstore …: drafted here, signed with root keys here, admitted through the door."""

import base64
from pathlib import Path
from typing import Any

import typer

from api.calls import trust as calls
from api.cli.output import Screen, group, screen
from api.cli.root_key import root_signer
from api.cli.words import read_file
from cas import digest
from cas.records.attest import SigstoreIdentity, SigstoreRoot, SigstoreTrust

APP = group("Sigstore instances that may vouch here, and for whom.")
_ROOT_KEY = typer.Option(None, "--root-key", help="Root key file; empty: the home's own, where it lies.")
_MOST = 1 << 20


@APP.command()
def show(context: typer.Context) -> None:
    """List trusted instances and the identities they may vouch for."""
    out = screen(context)
    with out.door(writable=False) as door:
        _show(out, door.ask(calls.SHOW_SIGSTORE, calls.ShowSigstore()))


@APP.command("set")
def put(
    context: typer.Context,
    file: Path = typer.Argument(help="trusted_root.json, got and compared by a way of your own."),
    identity: list[str] = typer.Option(
        ..., help="ISSUER#IDENTITY, globs, whom the instance may vouch for; repeatable. A public one issues to anybody."
    ),
    name: str = typer.Option("public", help="What the instance is called here; a known name is replaced."),
    root_key: Path | None = _ROOT_KEY,
) -> None:
    """Trust a Sigstore instance for some identities, or replace what is trusted under a name."""
    out = screen(context)
    data = read_file(file, most=_MOST)
    root = SigstoreRoot(name=name, root=digest.of_bytes(data), identities=tuple(_identities(identity)))
    with out.door() as door:
        now = door.ask(calls.SHOW_SIGSTORE, calls.ShowSigstore())
        others = [each for each in now.trust.roots if each.name != name]
        _change(out, door, now, [*others, root], [data], root_key)


@APP.command()
def remove(
    context: typer.Context,
    name: str = typer.Argument(help="What the instance is called here."),
    root_key: Path | None = _ROOT_KEY,
) -> None:
    """Trust an instance no longer; what was verified before keeps its standing."""
    out = screen(context)
    with out.door() as door:
        now = door.ask(calls.SHOW_SIGSTORE, calls.ShowSigstore())
        left = [each for each in now.trust.roots if each.name != name]
        if len(left) == len(now.trust.roots):
            raise typer.BadParameter(f"no instance is called {name}")
        _change(out, door, now, left, [], root_key)


def _identities(given: list[str]) -> list[SigstoreIdentity]:
    found = set()
    for each in given:
        issuer, mark, identity = each.partition("#")
        if not (issuer and mark and identity):
            raise typer.BadParameter("write ISSUER#IDENTITY", param_hint="--identity")
        found.add((issuer, identity))
    return [SigstoreIdentity(issuer=issuer, identity=identity) for issuer, identity in sorted(found)]


def _change(
    out: Screen, door: Any, now: calls.SigstoreView, roots: list[SigstoreRoot], files: list[bytes], key: Path | None
) -> None:
    from pipeline.operations.trust import sign_record

    drafted = SigstoreTrust(
        version=now.trust.version + 1,
        roots=tuple(sorted(roots, key=lambda one: one.name)),
        previous=now.digest or None,
    )
    envelope = sign_record("sigstore-trust", drafted, [root_signer(out, key)])
    ask = calls.ChangeSigstore(envelope=base64.b64encode(envelope).decode(), roots=tuple(files))
    _show(out, door.ask(calls.CHANGE_SIGSTORE, ask))


def _show(out: Screen, found: calls.SigstoreView) -> None:
    rows = [
        (root.name, root.root, [f"{each.issuer}#{each.identity}" for each in root.identities])
        for root in found.trust.roots
    ]
    out.table(found.trust.roots, ("INSTANCE", "TRUSTED ROOT", "VOUCHES FOR"), rows)
