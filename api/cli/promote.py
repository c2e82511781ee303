"""stella promote"""

import typer

from api.calls import promotions as calls
from api.cli.gate import check_warn_exit, finish, show_verdict, show_why
from api.cli.output import Screen, group, screen, when, working

APP = group("Ask that a release go to an environment.")


@APP.command()
def promote(
    context: typer.Context,
    release: str = typer.Argument(help="Name, id or digest."),
    to: str = typer.Option(..., "--to", help="The environment it is to go to."),
    reason: str = typer.Option("", help="Why."),
    previous: str = typer.Option("", help="Id of the rejected promotion that this one repeats."),
    plan: bool = typer.Option(False, "--plan", help="Only show what would be judged and change."),
    warn_exit: int = typer.Option(0, help="Exit with this code (20 to 125) when it is allowed with warnings."),
) -> None:
    """Ask that a release go to an environment; it is judged at once: exit 0 allow, 2 deny, 3 cannot decide."""
    check_warn_exit(warn_exit)
    out = screen(context)
    if plan:
        _plan(out, release, to, warn_exit)
    ask = calls.RequestPromotion(release=release, environment=to, reason=reason, previous=previous)
    with out.door() as door, working("judging"):
        made = door.ask(calls.REQUEST, ask)
    show_promotion(out, made)
    finish(out, made.outcome or "undecided", made.verdict, warned=made.warned, warn_exit=warn_exit)


def _plan(out: Screen, release: str, environment: str, warn_exit: int) -> None:
    with out.door() as door, working("judging"):
        found = door.ask(calls.PLAN, calls.PlanPromotion(release=release, environment=environment))
    if out.form.value == "table":
        show_verdict(out, found.verdict)
        out.table(found.changes, ("COMPONENT", "FROM", "TO"), found.changes)
        out.say(f"targets: {', '.join(found.targets) or 'none'}; approvals needed: {found.required_approvals}")
    else:
        out.show(found, ())
    one = found.verdict
    finish(out, one.outcome, one.digest, warned=one.warned, warn_exit=warn_exit)


def show_promotion(out: Screen, one: calls.PromotionView) -> None:
    """Print where a promotion stands, and why."""
    given = [f"{line.login} {line.decision}{'' if line.personal else ' (login)'}" for line in one.approvals]
    out.show(
        one,
        [
            ("promotion", one.id),
            ("state", one.state),
            ("release", f"{one.release} {one.release_digest}"),
            ("environment", one.environment),
            ("asked", f"by {one.requested_by}, {when(one.requested_at)}"),
            ("reason", one.reason),
            ("verdict", f"{one.outcome} {one.verdict}" if one.verdict else None),
            ("decision", f"{one.decided} {one.decision}" if one.decision else None),
            ("valid until", when(one.valid_until)),
            ("approvals", f"{len(one.approvals)} of {one.required_approvals}"),
            ("given", given),
            ("packet", one.packet),
        ],
    )
    if out.form.value == "table":
        show_why(out, one.why, one.verdict)
        _next(out, one)


def _next(out: Screen, one: calls.PromotionView) -> None:
    """Say what to do next."""
    say = {
        "pending_approval": f"next: somebody else approves: stella approve {one.id} --key <key file>",
        "approved": f"next: stella deploy {one.id}",
        "rejected": f"next: mend what is named above, then ask again with --previous {one.id}",
        "failed": "next: see what stopped it, and what can be done: stella status",
        "rolled_back": "next: see what stopped it, and what can be done: stella status",
        "pending_gate": f"next: bring the evidence that is missing, then stella promotion decide {one.id}",
    }
    if one.state in say:
        out.say(say[one.state])
