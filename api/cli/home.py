"""stella init, fsck, index, backup: the home itself. These work on files, never through a door."""

from pathlib import Path

import typer

from api import exit_codes
from api.cli.output import group, screen, working

APP = group("The home itself.")
_INDEX = group("Rebuild the index.")


@APP.command()
def init(
    context: typer.Context,
    login: str = typer.Option("", help="Your login in the directory; the first person, in the group admins."),
) -> None:
    """Make a home: root, server and sticker keys, an empty log. A home that is there stays as it is."""
    from api.own_key import key_of
    from api.wiring import exists, open_instance
    from pipeline.operations import trust

    out = screen(context)
    settings = out.settings
    key = key_of(settings)
    if login and key is None:
        raise typer.BadParameter("a person is known by a key: give --key", param_hint="--login")
    known = exists(settings)
    with working("making keys"):
        instance = open_instance(settings, found=True, owner_login=login or "owner", owner_key=key)
    try:
        now = trust.current(instance.effects)
    finally:
        instance.close()
    fingerprint = trust.fingerprint(now.root)
    people = [person.login for person in now.directory.people]
    out.show(
        {"home": str(settings.root), "fingerprint": fingerprint, "existed": known, "people": people},
        [("home", settings.root), ("root fingerprint", fingerprint), ("existed", known), ("people", people)],
    )
    if not known:
        out.say(f"Keep {settings.root / 'keys' / 'root.pem'} somewhere safe, and write the fingerprint down elsewhere.")


@APP.command()
def fsck(
    context: typer.Context,
    repair_from: Path | None = typer.Option(None, help="Another home whose good objects replace bad ones."),
) -> None:
    """Check every object, frame, entry and reference; names each bad digest and who refers to it."""
    from api.upkeep import check

    out = screen(context)
    with working("checking"):
        found = check(out.settings, repair_from)
    lines = [("objects", found.objects), ("bytes", found.bytes), ("entries", found.entries), ("faults", len(found.bad))]
    out.show(found, [*lines, ("repaired", found.repaired)])
    if found.bad:
        rows = [(one.part, one.where, one.reason, one.digest, one.referrers) for one in found.bad]
        if out.form.value == "table":
            out.table(found.bad, ("PART", "WHERE", "FAULT", "DIGEST", "REFERRED TO BY"), rows)
        out.say("repair: stella fsck --repair-from another home")
        raise typer.Exit(exit_codes.INPUT)


@_INDEX.command()
def rebuild(context: typer.Context) -> None:
    """Build the index anew from the log."""
    from api.upkeep import rebuild_index

    out = screen(context)
    with working("reading the log"):
        rows = rebuild_index(out.settings)
    out.table(rows, ("TABLE", "ROWS"), rows)


@APP.command()
def backup(
    context: typer.Context,
    to: Path = typer.Argument(help="A folder that does not exist yet."),
    keys: bool = typer.Option(False, "--keys", help="The keys too: keep that copy as safe as the home."),
) -> None:
    """Copy the home as it stands; it may be in use meanwhile."""
    from api.upkeep import copy_home

    out = screen(context)
    with working("copying"):
        made = copy_home(out.settings, to, keys=keys)
    out.show(made, [("copied to", made.path), ("log size", made.log_size), ("objects", made.objects)])


APP.add_typer(_INDEX, name="index")
