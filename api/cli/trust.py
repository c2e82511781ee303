"""stella trust …: changes are drafted here, signed with root keys here, and admitted through the door."""

import base64
from pathlib import Path
from typing import Any

import typer

from api.calls import trust as calls
from api.cli.output import Screen, group, screen
from api.cli.root_key import root_signer
from api.cli.trust_sigstore import APP as SIGSTORE
from api.cli.words import read_file

APP = group("Show, rotate, revoke keys; keep the directory of people.")
DIRECTORY = group("The directory of people.")
_ROOT_KEY = typer.Option(None, "--root-key", help="Root key file; empty: the home's own, where it lies.")


@APP.command()
def show(context: typer.Context) -> None:
    """Show who speaks for this instance, and who is known."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.SHOW, calls.ShowTrust())
    _show(out, found)


@APP.command()
def rotate(
    context: typer.Context,
    old: str = typer.Argument(help="Id of the key to replace."),
    new: Path = typer.Argument(help="The new public key, PEM."),
    purpose: str = typer.Option("server", help="root or server."),
    root_key: Path | None = _ROOT_KEY,
) -> None:
    """Replace a key by another, in one step."""
    _change_root(screen(context), root_key, add=(new, purpose), revoke=old)


@APP.command()
def revoke(
    context: typer.Context,
    key: str = typer.Argument(help="Id of the key."),
    root_key: Path | None = _ROOT_KEY,
) -> None:
    """Let a key no longer count from here on; what it signed before keeps its standing."""
    _change_root(screen(context), root_key, add=None, revoke=key)


@DIRECTORY.command("list")
def people(context: typer.Context) -> None:
    """List people, their groups and keys."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.SHOW, calls.ShowTrust())
    rows = [
        (one.login, one.groups, [f"{key.id} ({key.algorithm})" for key in one.keys]) for one in found.directory.people
    ]
    out.table(found.directory.people, ("LOGIN", "GROUPS", "KEYS"), rows)


@DIRECTORY.command()
def add(
    context: typer.Context,
    login: str = typer.Argument(help="The person's login."),
    public_key: Path | None = typer.Argument(None, help="The person's public key, PEM."),
    group_: list[str] = typer.Option([], "--group", help="A group; repeatable, replaces all groups."),
    purpose: list[str] = typer.Option(["approve", "submit"], help="What the key may sign; repeatable."),
    root_key: Path | None = _ROOT_KEY,
) -> None:
    """Put a person into the directory, or give a person a further key or other groups."""
    from api.system import SystemEntropy
    from cas.records.proof import Person
    from pipeline.attest.signatures import read_public

    out = screen(context)
    key = read_public(read_file(public_key, most=1 << 16), tuple(purpose)) if public_key else None  # type: ignore[arg-type]
    with out.door() as door:
        now = door.ask(calls.SHOW, calls.ShowTrust())
        known = next((one for one in now.directory.people if one.login == login), None)
        if known is None and key is None:
            raise typer.BadParameter(f"{login} is not known yet: give a public key")
        held = {one.id: one for one in known.keys} if known else {}
        if key is not None:
            held[key.id] = key
        person = Person(
            id=known.id if known else f"person:{SystemEntropy().nonce()}",
            login=login,
            groups=tuple(sorted(set(group_))) if group_ or known is None else known.groups,
            keys=tuple(held[name] for name in sorted(held)),
        )
        others = [one for one in now.directory.people if one.login != login]
        _change_directory(out, door, now, [*others, person], root_key)


@DIRECTORY.command()
def remove(
    context: typer.Context,
    login: str = typer.Argument(help="The person's login."),
    root_key: Path | None = _ROOT_KEY,
) -> None:
    """Take a person out; what they signed before keeps its standing."""
    out = screen(context)
    with out.door() as door:
        now = door.ask(calls.SHOW, calls.ShowTrust())
        left = [one for one in now.directory.people if one.login != login]
        if len(left) == len(now.directory.people):
            raise typer.BadParameter(f"nobody is called {login}")
        _change_directory(out, door, now, left, root_key)


def _change_directory(out: Screen, door: Any, now: calls.TrustView, people: list[Any], root_key: Path | None) -> None:
    from cas.records.proof import Directory
    from pipeline.operations.trust import sign_record

    drafted = Directory(
        version=now.directory.version + 1,
        people=tuple(sorted(people, key=lambda one: one.login)),
        previous=now.directory_digest,
    )
    envelope = sign_record("directory", drafted, [root_signer(out, root_key)])
    ask = calls.ChangeTrust(envelope=base64.b64encode(envelope).decode())
    _show(out, door.ask(calls.CHANGE_DIRECTORY, ask))


def _change_root(out: Screen, root_key: Path | None, *, add: tuple[Path, str] | None, revoke: str) -> None:
    import msgspec

    from cas.records.proof import TrustRoot
    from pipeline.attest.signatures import read_public
    from pipeline.operations.trust import sign_record

    with out.door() as door:
        now = door.ask(calls.SHOW, calls.ShowTrust())
        held = {key.id: key for key in now.root.keys}
        if revoke not in held:
            raise typer.BadParameter(f"the trust root holds no key {revoke}")
        held[revoke] = msgspec.structs.replace(held[revoke], revoked_at=now.log_size)
        if add is not None:
            new = read_public(read_file(add[0], most=1 << 16), (add[1],))  # type: ignore[arg-type]
            held[new.id] = new
        drafted = TrustRoot(
            version=now.root.version + 1,
            origin=now.root.origin,
            threshold=now.root.threshold,
            keys=tuple(held[name] for name in sorted(held)),
            previous=now.root_digest,
        )
        envelope = sign_record("trust-root", drafted, [root_signer(out, root_key)])
        ask = calls.ChangeTrust(envelope=base64.b64encode(envelope).decode())
        _show(out, door.ask(calls.CHANGE_ROOT, ask))


def _show(out: Screen, found: calls.TrustView) -> None:
    keys = [
        f"{key.id} {key.algorithm} for {', '.join(key.purposes)}"
        + (f", revoked at entry {key.revoked_at}" if key.revoked_at is not None else "")
        for key in found.root.keys
    ]
    out.show(
        found,
        [
            ("root fingerprint", found.fingerprint),
            ("trust root", f"version {found.root.version} {found.root_digest}"),
            ("threshold", found.root.threshold),
            *(("key", key) for key in keys),
            ("directory", f"version {found.directory.version} {found.directory_digest}"),
            *(
                ("person", f"{one.login} in {', '.join(one.groups) or 'no group'}, {len(one.keys)} keys")
                for one in found.directory.people
            ),
        ],
    )


APP.add_typer(DIRECTORY, name="directory")
APP.add_typer(SIGSTORE, name="sigstore")
