"""stella match …"""

import typer

from api.calls import matches as calls
from api.cli.output import group, screen, when

APP = group("Match one package against the current advisory feed.")


@APP.command()
def purl(context: typer.Context, package: str = typer.Argument(help="A package URL, with its version.")) -> None:
    """List every advisory that matches a package, and what could not be answered."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.PURL, calls.MatchPurl(purl=package))
    rows = [
        (
            one.advisory,
            next((name for name in one.aliases if name.startswith("CVE-")), ""),
            f"{one.severity} ({one.severity_source})" if one.severity_source else one.severity,
            ", ".join(one.fixed_in),
            "; ".join(step.said for step in one.because),
        )
        for one in found.matches
    ]
    out.table(found, ("ADVISORY", "CVE", "SEVERITY", "FIXED IN", "BECAUSE"), rows)
    for step in found.unanswered:
        out.say(f"not answered: {step.said}")
    out.say(f"feed captured {when(found.captured_at)}")


@APP.command()
def explain(
    context: typer.Context,
    package: str = typer.Argument(help="A package URL, with its version."),
    vulnerability: str = typer.Argument(help="An advisory or vulnerability, by any of its names."),
) -> None:
    """Say which range decided, or why nothing matched."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.EXPLAIN, calls.ExplainMatch(purl=package, vulnerability=vulnerability))
    lines: list[tuple[str, object]] = [
        ("matched", found.matched),
        ("feed", when(found.captured_at)),
        ("because", [_told(step) for step in found.steps if not found.matched or step.code == "matched"]),
    ]
    if found.matched:
        lines.append(("also looked at", [_told(step) for step in found.steps if step.code != "matched"]))
    out.show(found, lines)


def _told(step: calls.StepLine) -> str:
    """Say where a step looked, and what it found."""
    where = " ".join(part for part in (step.advisory, f"({step.ecosystem})" if step.ecosystem else "") if part)
    return f"{where}: {step.said}" if where else step.said
