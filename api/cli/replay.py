"""stella replay"""

from pathlib import Path

import typer

from api import exit_codes
from api.calls import replays as calls
from api.cli.output import group, screen, working

APP = group("Run a verdict, decision or packet again, elsewhere.")


@APP.command()
def replay(
    context: typer.Context,
    subject: str = typer.Argument(help="Digest or id of a verdict, decision, packet; or a bundle file."),
    root: str = typer.Option("", help="For a bundle: fingerprint of the root that must have signed it."),
) -> None:
    """Run again, in a fresh process over a sealed store, every stage that led to a record.

    Exit 0 equal, 2 different, 3 an engine is missing here.
    """
    out = screen(context)
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


def _bundle(path: Path, root: str) -> calls.ReplayView:
    """Rerun what a bundle claims where it lies; no home is needed."""
    from api.routes.replays import view
    from cas import digest
    from replay.imports import replay_bundle

    with working("running again"):
        return view(replay_bundle(path, root=digest.parse(root) if root else None))
