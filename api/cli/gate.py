"""stella gate …, stella explain: the gates' answers."""

import enum
from pathlib import Path
from typing import Final

import typer

from api import exit_codes
from api.calls import verdicts as calls
from api.calls.verdicts import WhyLine
from api.cli.output import Screen, clean, group, screen, when, working

APP = group("Ask the gates.")


class Form(str, enum.Enum):
    """How a verdict is printed, beside the table and ``--output``."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    SARIF = "sarif"


_MARKS: Final = {
    "flip": "flips when: ",
    "remedy": "next: ",
    "evidence": "evidence: ",
    "component": "in ",
    "path": "by ",
    "closed": "closed: ",
}
_WARN = typer.Option(0, help="Exit with this code (20 to 125) when it is allowed with warnings.")


@APP.command()
def evaluate(
    context: typer.Context,
    release: str = typer.Argument("", help="Name, id or digest; empty with --create."),
    environment: str = typer.Option(..., help="Where it is to go."),
    file: list[Path] = typer.Option(
        [], "--file", "-f", help="Document or archive to admit first, all or none; repeatable."
    ),
    declared: list[str] = typer.Option(
        [], help="Document with its format, as an empty report needs it: gitleaks-json=leaks.json; repeatable."
    ),
    subject: str = typer.Option(
        "", help="Image that the documents speak of; empty when they name it, or there is one."
    ),
    create: str = typer.Option("", help="Freeze a release of this name from --image in the same call."),
    image: str = typer.Option("", help="registry/repository@sha256:…, …:tag, or oci:LAYOUT:NAME; with --create."),
    component: str = typer.Option("", help="What the image is called in the release; its own name when empty."),
    platform: list[str] = typer.Option([], help="Platform that may run; all that the image offers when empty."),
    wait: bool = typer.Option(False, "--wait", help="Wait while it cannot be decided: evidence may still come in."),
    timeout: int = typer.Option(300, min=1, max=86_400, help="With --wait: so many seconds at most."),
    form: Form = typer.Option(Form.TABLE, "--format", help="How the answer is printed."),
    write: list[str] = typer.Option([], help="Write it to a file too, format=path: sarif=out.sarif; repeatable."),
    summary: Path | None = typer.Option(None, help="Append Markdown to this file ($GITHUB_STEP_SUMMARY)."),
    warn_exit: int = _WARN,
) -> None:
    """Admit documents and judge a release, in one call: exit 0 allow, 2 deny, 3 cannot decide."""
    from api.cli.evaluating import Asked, Printer, declared_in, evaluated, targets_of

    check_warn_exit(warn_exit)
    targets = targets_of(write)
    out = screen(context)
    asked = Asked(
        release=release,
        environment=environment,
        files=tuple(file),
        declared=declared_in(declared),
        subject=subject,
        create=create,
        image=image,
        component=component,
        platforms=",".join(platform),
        seconds=timeout if wait else 0,
    )
    found = evaluated(out if form is Form.TABLE else out.apart(), asked)
    printer = Printer(found.verdict, asked.paths)
    if form is Form.TABLE:
        show_verdict(out, found.verdict)
    else:
        out = out.apart()
        typer.echo(printer.text(form.value), nl=False)
    printer.write(targets, summary)
    finish(out, found.verdict.outcome, found.verdict.digest, warned=found.verdict.warned, warn_exit=warn_exit)


@APP.command()
def simulate(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    environment: str = typer.Option(..., help="Where it would go."),
    as_of: str = typer.Option("", help="Another time, YYYY-MM-DDThh:mm:ssZ."),
    policy: str = typer.Option("", help="Digest of another policy pack."),
    feed: str = typer.Option("", help="Digest of another feed snapshot."),
) -> None:
    """What if? The verdict is marked a simulation, and no decision accepts it."""
    out = screen(context)
    ask = calls.SimulateGate(release=release, environment=environment, as_of=as_of, policy=policy, feed=feed)
    with out.door() as door, working("judging"):
        found = door.ask(calls.SIMULATE, ask)
    show_verdict(out, found)
    out.say("a simulation: it counts for nothing")


@APP.command()
def explain(
    context: typer.Context,
    verdict: str = typer.Argument(help="Digest or id of a verdict."),
    every: bool = typer.Option(False, "--all", help="Every rule in full, those that block nothing too."),
    fixes: bool = typer.Option(False, "--fixes", help="The shortest set of steps that turns it."),
    lines: bool = typer.Option(False, "--lines", help="The lines of evidence themselves, cut and escaped."),
    against: str = typer.Option("", help="An earlier verdict: say what is different since."),
    form: Form = typer.Option(Form.TABLE, "--format", help="How the answer is printed."),
) -> None:
    """Why a verdict says what it says, what would flip it, and what is different from another one."""
    from api.cli.explaining import explained, show_diff, show_fixes, show_lines, with_fixes

    out = screen(context)
    with out.door(writable=False) as door:
        if against:
            asked = calls.CompareVerdicts(verdict=verdict, against=against)
            show_diff(out, door.ask(calls.DIFF, asked), form.value, door)
            return
        found = door.ask(calls.SHOW, calls.ShowVerdict(verdict=verdict))
        way = door.ask(calls.FIXES, calls.ShowVerdict(verdict=verdict)) if fixes else None
        if form is not Form.TABLE:
            typer.echo(explained(found, way, form.value), nl=False)
            return
        if out.form.value != "table":
            out.show(with_fixes(found, way), ())
            return
        show_verdict(out, found, every=every)
        if lines:
            show_lines(out, found, door)
        if way is not None:
            show_fixes(out, way)


@APP.command("list")
def list_all(
    context: typer.Context,
    release: str = typer.Option("", help="Of this release."),
    environment: str = typer.Option("", help="For this environment."),
    limit: int = typer.Option(50, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List the newest verdict of each release and environment."""
    out = screen(context)
    ask = calls.ListVerdicts(release=release, environment=environment, limit=limit, cursor=cursor)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, ask)
    rows = [(one.outcome, one.release, one.environment, when(one.as_of), one.digest) for one in page.items]
    out.table(page, ("OUTCOME", "RELEASE", "ENVIRONMENT", "AS OF", "VERDICT"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


def check_warn_exit(code: int) -> None:
    """Refuse a code for warnings that means something else already."""
    if code and not exit_codes.WARN_LEAST <= code <= exit_codes.WARN_MOST:
        raise typer.BadParameter(
            f"a code from {exit_codes.WARN_LEAST} to {exit_codes.WARN_MOST}", param_hint="--warn-exit"
        )


def show_verdict(out: Screen, one: calls.VerdictView, *, every: bool = False) -> None:
    """Print a verdict: gates, then why."""
    if out.form.value != "table":
        out.show(one, ())
        return
    out.show(
        one,
        [
            ("release", one.release),
            ("environment", one.environment),
            ("outcome", one.outcome + (" (with warnings)" if one.warned else "")),
            ("policy", one.policy),
            ("as of", when(one.as_of)),
            ("valid until", when(one.valid_until)),
            (
                "standing",
                f"entry {one.standing}" if one.standing is not None else "none here: a claim, or a simulation",
            ),
        ],
    )
    if one.shadow:
        out.say(f"shadow: {one.shadow} (never counts): stella explain {one.shadow_verdict}")
    rows = [(line.status, line.id, line.gate, line.enforcement, line.findings) for line in one.gates]
    out.table(one.gates, ("STATUS", "GATE", "KIND", "ENFORCEMENT", "FINDINGS"), rows)
    show_why(out, one.why, one.digest, every=every)


def show_why(out: Screen, lines: tuple[WhyLine, ...], verdict: str | None, *, every: bool = False) -> None:
    """Print the why tree: what blocks in full; of the rest a line each, unless ``every`` is wanted."""
    shown, told = (lines, ()) if every else brief(lines)
    for line in shown:
        typer.echo("  " * line.depth + _MARKS.get(line.kind, "") + clean(line.text))
    for text in told:
        typer.echo(clean(text))
    if told:
        out.say(f"all of it: stella explain {verdict} --all")


def brief(lines: tuple[WhyLine, ...]) -> tuple[tuple[WhyLine, ...], tuple[str, ...]]:
    """Part a why tree into what is shown in full, and one line for each rule that blocks nothing."""
    shown: list[WhyLine] = []
    rules: list[tuple[WhyLine, list[WhyLine]]] = []
    for line in lines:
        if line.depth == 0:
            rules.append((line, []))
        else:
            rules[-1][1].append(line)
    told: list[str] = []
    for rule, below in rules:
        if rule.enforcement in {"warn", "observe"}:
            told.append(_told(rule, sum(line.kind == "finding" for line in below)))
        elif rule.kind != "closed":
            shown += [rule, *below]
    closed = sum(rule.kind == "closed" for rule, _ in rules)
    return tuple(shown), (*told, *((f"closed by VEX or a waiver: {_many(closed)}",) if closed else ()))


def _told(rule: WhyLine, findings: int) -> str:
    would = "would " if rule.enforcement == "observe" else ""
    answers = {
        "fail": f"{would}fail" if would else "fails",
        "unknown": f"{would}be unknown" if would else "is unknown",
        "warn": f"{would}warn" if would else "warns",
    }
    return f"{rule.enforcement}: {rule.rule} {answers.get(rule.status, rule.status)} ({_many(findings)})"


def _many(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def finish(out: Screen, outcome: str, verdict: str | None, *, warned: bool = False, warn_exit: int = 0) -> None:
    """End a gate's answer with the line that recipes check, and its exit code."""
    out.say(f"stella: {outcome} verdict={verdict or 'none'}")
    raise typer.Exit(exit_codes.of_outcome(outcome, warned=warned, warn_exit=warn_exit))
