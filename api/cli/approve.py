"""stella approve, stella reject: signed here, with the person's own key; only the envelope travels."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

import typer

from api.bodies import encoded
from api.calls import promotions as calls
from api.cli.output import Screen, group, screen, working
from api.cli.promote import show_promotion
from api.times import plus

APP = group("Sign and give your approval.")
_HOURS = typer.Option(24, min=1, max=24 * 30, help="How long the approval holds.")
_REASON = typer.Option("", help="Why.")
_ENVELOPE = typer.Option(None, help="Give an envelope that was signed elsewhere.")
_WRITE = typer.Option(None, help="Write the signed envelope to this file and give nothing.")


@APP.command()
def approve(
    context: typer.Context,
    promotion: str = typer.Argument(help="The promotion's id."),
    reason: str = _REASON,
    hours: int = _HOURS,
    envelope: Path | None = _ENVELOPE,
    write: Path | None = _WRITE,
) -> None:
    """Sign your approval with --key, and give it."""
    _give(screen(context), promotion, "approve", reason, hours, envelope, write)


@APP.command()
def reject(
    context: typer.Context,
    promotion: str = typer.Argument(help="The promotion's id."),
    reason: str = _REASON,
    hours: int = _HOURS,
    envelope: Path | None = _ENVELOPE,
    write: Path | None = _WRITE,
) -> None:
    """Sign your veto with --key, and give it: one is enough."""
    _give(screen(context), promotion, "reject", reason, hours, envelope, write)


def _give(
    out: Screen,
    promotion: str,
    decision: Literal["approve", "reject"],
    reason: str,
    hours: int,
    envelope: Path | None,
    write: Path | None,
) -> None:
    from api.cli.words import read_file

    with out.door(writable=write is None) as door:
        if envelope is not None:
            data = read_file(envelope, most=1 << 20)
        else:
            asked = door.ask(calls.TO_SIGN, calls.ShowPromotion(promotion=promotion))
            data = _signed(out, asked, decision, reason, hours)
        if write is not None:
            write.write_bytes(data)
            out.say(f"written to {write}: give it with stella {decision} {promotion} --envelope {write}")
            return
        with working("deciding"):
            made = door.ask(calls.APPROVE, calls.GiveApproval(promotion=promotion, envelope=encoded(data)))
    show_promotion(out, made)


def _signed(out: Screen, asked: calls.ToSign, decision: Literal["approve", "reject"], reason: str, hours: int) -> bytes:
    """Build the statement and sign it with the person's key file; the key never leaves this process."""
    from api.cli.key import ask_passphrase
    from api.system import SystemEntropy
    from pipeline.adapters.keys import load_signer
    from pipeline.operations.approve import ApprovalView, statement_to_sign
    from pipeline.operations.attestations import sign_statement

    if not out.settings.key:
        raise typer.BadParameter("an approval is signed: give your key file", param_hint="--key")
    signer = load_signer(Path(out.settings.key).expanduser(), purposes=("approve",), passphrase=ask_passphrase)
    view = ApprovalView(
        promotion=asked.promotion, verdict=asked.verdict, environment=asked.environment, subjects=asked.subjects
    )
    expires_at = plus(asked.now, timedelta(hours=hours))
    statement = statement_to_sign(view, decision, reason, expires_at, SystemEntropy().nonce())
    return sign_statement(statement, [signer])
