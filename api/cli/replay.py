"""stella replay"""

from pathlib import Path
from typing import Final

import typer

from api import exit_codes
from api.calls import replays as calls
from api.cli.output import Screen, group, screen, working

_SHOWN: Final = 20
APP = group("Run a verdict, a packet or a whole log again, elsewhere.")


@APP.command()
def replay(
    context: typer.Context,
    subject: str = typer.Argument("", help="Digest or id of a verdict, decision, packet; or a bundle file."),
    root: str = typer.Option("", help="For a bundle: fingerprint of the root that must have signed it."),
    everything: bool = typer.Option(False, "--everything", help="Instead: all that the home's log admitted."),
    since: str = typer.Option("", help="With --everything: only entries from this instant on."),
    until: str = typer.Option("", help="With --everything: only entries before this instant."),
    processes: int = typer.Option(0, min=0, max=256, help="With --everything: how many; 0: one for each processor."),
) -> None:
    """Run again, in a fresh process over a sealed store, every stage that led to a record.

    Exit 0 equal, 2 different, 3 something could not be run again here: an engine or an object is missing.
    """
    out = screen(context)
    if everything == bool(subject):
        raise typer.BadParameter("name a record or a bundle, or say --everything")
    if everything:
        _everything(out, since, until, processes)
        return
    if since or until or processes:
        raise typer.BadParameter("--since, --until and --processes go with --everything")
    if not subject.startswith("sha256:") and Path(subject).is_file():
        found = _bundle(Path(subject), root)
    else:
        with out.door(writable=False) as door, working("running again"):
            found = door.ask(calls.REPLAY, calls.Replay(subject=subject))
    lines: list[tuple[str, object]] = [("subject", found.subject), ("result", found.result), ("runs", found.runs)]
    if found.engines_missing:
        lines.append(("engines missing", found.engines_missing))
    lines += [
        (f"{one.stage}/{one.version}{one.pointer}", f"recorded {one.recorded}, now {one.recomputed}")
        for one in found.differences
    ]
    out.show(found, lines)
    raise typer.Exit({"equal": exit_codes.OK, "different": exit_codes.INPUT}.get(found.result, exit_codes.AUTH))


def _everything(out: Screen, since: str, until: str, processes: int) -> None:
    """Rerun a home's whole log, or a period of it, where the home lies."""
    from api.upkeep import replay_everything
    from replay.audit import Period

    if out.settings.server:
        raise typer.BadParameter("this reads a home's files: run it where the home lies, or replay a bundle")
    period = Period(_instant(since, "--since"), _instant(until, "--until"))
    with working("running again") as tell:
        found = replay_everything(
            out.settings, period, processes, lambda done, of: tell(f"running again: {done:,} of {of:,}")
        )
    missing = [f"{engine} ({count} runs)" for engine, count in found.engines_missing]
    lines: list[tuple[str, object]] = [
        ("result", found.result),
        ("log", f"{found.log_size} entries, root {found.log_root}"),
        ("entries", found.entries),
        ("runs", found.runs),
        ("equal", found.equal),
    ]
    lines += [("different", found.differing)] if found.differing else []
    lines += [("engines missing", missing)] if missing else []
    lines += [("absent", f"{found.gone}: objects that are not here, by retention or loss")] if found.gone else []
    lines += [
        (f"{one.stage}/{one.version}{one.pointer}", f"run {one.run}: recorded {one.recorded}, now {one.recomputed}")
        for one in found.different[:_SHOWN]
    ]
    out.show(found, lines)
    raise typer.Exit({"equal": exit_codes.OK, "different": exit_codes.INPUT}.get(found.result, exit_codes.AUTH))


def _instant(text: str, option: str) -> str:
    from api.times import read

    try:
        return read(text) if text else ""
    except ValueError as error:
        raise typer.BadParameter(
            "write a day or an instant, as 2026-03-01 or 2026-03-01T12:00:00Z", param_hint=option
        ) from error


def _bundle(path: Path, root: str) -> calls.ReplayView:
    """Rerun what a bundle claims where it lies; no home is needed."""
    from api.routes.replays import view
    from cas import digest
    from replay.imports import replay_bundle

    with working("running again"):
        return view(replay_bundle(path, root=digest.parse(root) if root else None))
