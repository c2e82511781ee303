"""stella break-glass …: two people set a verdict aside for some hours; reported until somebody else reviewed it."""

from datetime import timedelta
from pathlib import Path

import typer

from api.bodies import decoded, encoded
from api.calls import break_glass as calls
from api.calls import health
from api.cli.output import Screen, group, screen, when
from api.times import plus

APP = group("Set a verdict aside by two people, for hours; reported until reviewed.")


@APP.command()
def request(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    environment: str = typer.Option(..., help="Where it is to go."),
    reason: str = typer.Option(..., help="Why it cannot wait."),
    ticket: str = typer.Option(..., help="The incident."),
    hours: int = typer.Option(4, min=1, max=72, help="How long."),
) -> None:
    """Ask. Nothing happens until two people sign: stella break-glass sign ID --key THEIR-KEY."""
    out = screen(context)
    with out.door() as door:
        now = door.ask(health.HEALTH, health.Health()).now
        ask = calls.RequestBreakGlass(
            release=release,
            environment=environment,
            reason=reason,
            ticket=ticket,
            expires_at=plus(now, timedelta(hours=hours)),
        )
        made = door.ask(calls.REQUEST, ask)
    _show(out, made)
    out.say(f"two people sign it: stella break-glass sign {made.id} --key THEIR-KEY")


@APP.command()
def sign(
    context: typer.Context,
    request_id: str = typer.Argument("", metavar="REQUEST", help="The request's id."),
    envelope: Path | None = typer.Option(None, help="Give an envelope that was signed elsewhere."),
    write: Path | None = typer.Option(None, help="Write the signed envelope to this file and give nothing."),
) -> None:
    """Sign with --key. The second person's signature sets the verdict aside."""
    from api.cli.waiver import sign_with_key
    from api.cli.words import read_file

    out = screen(context)
    if envelope is None and not request_id:
        raise typer.BadParameter("name the request, or give an envelope")
    with out.door(writable=write is None) as door:
        if envelope is not None:
            data = read_file(envelope, most=1 << 20)
        else:
            asked = door.ask(calls.TO_SIGN, calls.OneBreakGlassRequest(glass_request=request_id))
            data = sign_with_key(out, decoded(asked.statement))
        if write is not None:
            write.write_bytes(data)
            out.say(f"written to {write}: give it with stella break-glass sign --envelope {write}")
            return
        made = door.ask(calls.SIGN, calls.SignBreakGlass(envelope=encoded(data)))
    _show(out, made)
    if made.break_glass:
        out.say(f"set aside until {when(made.request.expires_at)}; reported until reviewed by somebody else")
    else:
        out.say("one more person must sign")


@APP.command("list")
def list_all(context: typer.Context) -> None:
    """List requests that wait for signatures, and acts that nobody has reviewed."""
    out = screen(context)
    with out.door(writable=False) as door:
        found = door.ask(calls.LIST, calls.ListBreakGlass())
    rows: list[tuple[object, ...]] = []
    for waits in found.waiting:
        ends = when(waits.request.expires_at)
        rows.append(("waits for signatures", waits.id, waits.request.environment, ends, ", ".join(waits.signed_by)))
    for one in found.unreviewed:
        ends = when(one.break_glass.expires_at)
        rows.append(("NOT REVIEWED", one.digest, one.break_glass.environment, ends, ", ".join(one.people)))
    out.table(found, ("STATE", "ID OR DIGEST", "ENVIRONMENT", "ENDS", "SIGNED BY"), rows)


@APP.command()
def review(
    context: typer.Context,
    break_glass: str = typer.Argument(help="The act's digest."),
    reason: str = typer.Option(..., help="What was found."),
    not_justified: bool = typer.Option(False, "--not-justified", help="It should not have been done."),
) -> None:
    """Note what you found. Who signed is refused."""
    out = screen(context)
    with out.door() as door:
        ask = calls.ReviewBreakGlass(
            break_glass=break_glass, outcome="not_justified" if not_justified else "justified", reason=reason
        )
        made = door.ask(calls.REVIEW, ask)
    out.show(made, [("reviewed", made.digest), ("environment", made.break_glass.environment)])


def _show(out: Screen, one: calls.BreakGlassRequestView) -> None:
    out.show(
        one,
        [
            ("request", one.id),
            ("release", one.request.release),
            ("environment", one.request.environment),
            ("ends", when(one.request.expires_at)),
            ("signed by", ", ".join(one.signed_by) or "nobody yet"),
            ("set aside", one.break_glass or "not yet"),
        ],
    )
