"""stella waiver …: a risk accepted by two people until an end; the approval is signed here, with their own key."""

from datetime import timedelta
from pathlib import Path

import msgspec
import typer

from api.bodies import decoded, encoded
from api.calls import health
from api.calls import waivers as calls
from api.cli.output import Screen, group, screen, when
from api.times import plus

APP = group("Accept a risk until an end; the finding stays in view.")


@APP.command()
def request(
    context: typer.Context,
    vulnerability: str = typer.Argument(help="For example CVE-2024-1234."),
    reason: str = typer.Option(..., help="Why the risk is accepted."),
    ticket: str = typer.Option(..., help="Where it is discussed."),
    days: int = typer.Option(30, min=1, max=366, help="How long."),
    effect: str = typer.Option("suppress", help="suppress, defer, downgrade or require_control."),
    severity: str = typer.Option("unknown", help="What downgrade lowers to: high, medium, low, negligible."),
    control: str = typer.Option("", help="What require_control demands: a predicate type or evidence kind."),
    component: str = typer.Option("*", help="purl glob."),
    environment: str = typer.Option("", help="Only there."),
    subject: str = typer.Option("", help="Only for this image digest."),
    line: str = typer.Option("", help="Only for releases of this line."),
    while_version: str = typer.Option("", help="Only while the package has this version."),
    while_reach: list[str] = typer.Option([], help="Only while reachability is one of these states (repeatable)."),
) -> None:
    """Ask that a risk be accepted. Another person approves it: stella waiver approve ID."""
    out = screen(context)
    with out.door() as door:
        now = door.ask(health.HEALTH, health.Health()).now
        ask = _asked(
            {
                "vulnerability": vulnerability,
                "reason": reason,
                "ticket": ticket,
                "expires_at": plus(now, timedelta(days=days)),
                "effect": effect,
                "severity": severity,
                "control": control,
                "component": component,
                "environment": environment,
                "subject": subject,
                "line": line,
                "while_version": while_version,
                "while_reach": while_reach,
            },
        )
        made = door.ask(calls.REQUEST, ask)
    _show_request(out, made)
    out.say(f"another person approves it: stella waiver approve {made.id} --key THEIR-KEY")


@APP.command()
def approve(
    context: typer.Context,
    waiver: str = typer.Argument("", help="The request's id."),
    envelope: Path | None = typer.Option(None, help="Give an envelope that was signed elsewhere."),
    write: Path | None = typer.Option(None, help="Write the signed envelope to this file and give nothing."),
) -> None:
    """Sign a request with --key, and let it take effect. Who asked is refused."""
    from api.cli.words import read_file

    out = screen(context)
    if envelope is None and not waiver:
        raise typer.BadParameter("name the request, or give an envelope")
    with out.door(writable=write is None) as door:
        if envelope is not None:
            data = read_file(envelope, most=1 << 20)
        else:
            asked = door.ask(calls.TO_SIGN, calls.OneRequest(waiver_request=waiver))
            data = sign_with_key(out, decoded(asked.statement))
        if write is not None:
            write.write_bytes(data)
            out.say(f"written to {write}: give it with stella waiver approve --envelope {write}")
            return
        made = door.ask(calls.APPROVE, calls.ApproveWaiver(envelope=encoded(data)))
    _show(out, made)


def _asked(given: dict[str, object]) -> calls.RequestWaiver:
    """Build the request; what a word may be is the call's own business."""
    try:
        return msgspec.convert(given, calls.RequestWaiver)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from error


def sign_with_key(out: Screen, statement: bytes) -> bytes:
    """Sign the statement with the person's key file; the key never leaves this process."""
    from api.cli.key import ask_passphrase
    from pipeline.adapters.keys import load_signer
    from pipeline.operations.attestations import sign_statement

    if not out.settings.key:
        raise typer.BadParameter("an approval is signed: give your key file", param_hint="--key")
    signer = load_signer(Path(out.settings.key).expanduser(), purposes=("approve",), passphrase=ask_passphrase)
    return sign_statement(statement, [signer])


@APP.command()
def refuse(context: typer.Context, waiver: str = typer.Argument(help="The request's id.")) -> None:
    """End a request without effect."""
    out = screen(context)
    with out.door() as door:
        gone = door.ask(calls.REFUSE, calls.OneRequest(waiver_request=waiver))
    out.show(gone, [("refused", gone.id), ("vulnerability", gone.request.vulnerability)])


@APP.command("list")
def list_all(
    context: typer.Context,
    environment: str = typer.Option("", help="That may count there."),
    ending: int = typer.Option(0, help="Only those that end within so many days."),
    waiting: bool = typer.Option(False, "--waiting", help="Requests that wait for an approval instead."),
) -> None:
    """List waivers, the ended ones too, soonest end first; or requests that wait."""
    out = screen(context)
    with out.door(writable=False) as door:
        if waiting:
            _list_requests(out, door.ask(calls.REQUESTS, calls.ListRequests(limit=500)))
            return
        page = door.ask(calls.LIST, calls.ListWaivers(environment=environment, ending_days=ending, limit=500))
    rows = [
        (
            one.waiver.vulnerability,
            getattr(one.waiver, "effect", "suppress"),
            one.waiver.component,
            one.waiver.environment,
            when(one.waiver.expires_at),
            one.days_left,
            one.approved_by,
            one.digest,
        )
        for one in page.items
    ]
    heads = ("VULNERABILITY", "EFFECT", "COMPONENT", "ENVIRONMENT", "ENDS", "DAYS", "BY", "DIGEST")
    out.table(page, heads, rows)


def _list_requests(out: Screen, page: calls.WaiverRequestsPage) -> None:
    rows = [
        (
            one.id,
            one.request.vulnerability,
            one.request.effect,
            one.request.component,
            one.request.environment,
            when(one.request.expires_at),
            one.requested_by,
        )
        for one in page.items
    ]
    out.table(page, ("ID", "VULNERABILITY", "EFFECT", "COMPONENT", "ENVIRONMENT", "ENDS", "ASKED BY"), rows)


@APP.command()
def withdraw(context: typer.Context, waiver: str = typer.Argument(help="The waiver's digest.")) -> None:
    """Take a waiver back before its end."""
    out = screen(context)
    with out.door() as door:
        gone = door.ask(calls.WITHDRAW, calls.WithdrawWaiver(waiver=waiver))
    out.show(gone, [("withdrawn", gone.digest), ("vulnerability", gone.waiver.vulnerability)])


def _show_request(out: Screen, one: calls.WaiverRequestView) -> None:
    out.show(
        one,
        [
            ("request", one.id),
            ("vulnerability", one.request.vulnerability),
            ("effect", one.request.effect),
            ("ends", when(one.request.expires_at)),
            ("asked by", one.requested_by),
        ],
    )


def _show(out: Screen, one: calls.WaiverView) -> None:
    out.show(
        one,
        [
            ("waiver", one.digest),
            ("vulnerability", one.waiver.vulnerability),
            ("effect", getattr(one.waiver, "effect", "suppress")),
            ("ends", when(one.waiver.expires_at)),
            ("asked by", one.requested_by),
            ("approved by", one.approved_by),
        ],
    )
