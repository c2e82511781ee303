"""decide/1: the answer for the moment. Knows which gates of the moment hold; must not know any of them.

The environment's own demands hold whatever the pack says; the pack may add to them.
"""

from typing import Final, Literal

from cas import digest
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.deploy import Deployed
from cas.records.policy import PolicyPack
from cas.records.promotion import AdmittedApproval, Approval, Promotion, StopLine
from cas.records.proof import Directory, Verification, VerifyInput
from cas.records.release import Environment
from cas.records.verdict import DecideInput, Decision, GateResult, Verdict
from pipeline.stage import Stage, StageIO
from policy.evaluate import Asked, ask, bind, gate
from policy.gate import MomentView, Vote
from policy.instants import earliest_after, plus
from policy.params import of_pairs

DEFAULT_TTL: Final = 3_600
DEMANDED: Final = ("stop_line/1", "freeze_window/1", "soak_time/1", "approvals/1")
ROLLBACK: Final = ("stop_line/1",)


class Simulated(Problem):
    """A simulation cannot be decided on."""

    code = "decide.simulated"
    category = Category.DENIED
    title = "This verdict is a simulation"
    remedy = "Request a promotion: the instance then derives the question itself."


class VerdictExpired(Problem):
    """The verdict's time is over."""

    code = "decide.verdict_expired"
    category = Category.CONFLICT
    title = "The verdict is no longer valid"
    remedy = "Have the release judged again."


class VerdictForeign(Problem):
    """The verdict is not about this promotion's release, environment and purpose."""

    code = "decide.verdict_foreign"
    category = Category.INVALID
    title = "The verdict belongs to something else"
    remedy = "Decide with the verdict of this promotion's release in its environment."


def decide(asked: DecideInput, io: StageIO) -> Decision:
    """Let a promotion go on, wait, or end, at this moment.

    Rejected: the verdict denies, or a blocking gate of the moment failed for good (a veto). Pending: the verdict is
    undecided, or a blocking gate still waits for time or people. Else approved. For a rollback the verdict is shown
    but does not block, and only gates that say so hold.

    Raises: decide.simulated, decide.verdict_expired, decide.verdict_foreign
    """
    promotion = io.load(asked.promotion, Promotion)
    verdict = io.load(asked.verdict, Verdict)
    environment = io.load(asked.environment, Environment)
    check(asked, promotion, verdict, environment, io)
    pack = io.load(verdict.policy, PolicyPack) if verdict.policy else None
    shown = view(asked, promotion, verdict, environment, io)
    rollback = promotion.purpose == "rollback"
    evaluated = ask(gates(pack, environment.name, rollback=rollback), shown)
    ttl = plus(asked.as_of, pack.decision_ttl_seconds if pack else DEFAULT_TTL)
    last = min(ttl, verdict.valid_until)
    return Decision(
        promotion=asked.promotion,
        verdict=asked.verdict,
        release=promotion.release,
        environment=asked.environment,
        purpose=promotion.purpose,
        as_of=asked.as_of,
        outcome=outcome("allow" if rollback else verdict.outcome, evaluated.results),
        gates=evaluated.results,
        approvals=asked.approvals,
        valid_until=min(last, earliest_after(asked.as_of, *evaluated.ends) or last),
    )


def check(asked: DecideInput, promotion: Promotion, verdict: Verdict, environment: Environment, io: StageIO) -> None:
    """Hold verdict and promotion together. The environment is the one of today: only its name must be the same."""
    if "simulation" in {verdict.purpose, promotion.purpose}:
        raise Simulated(verdict=asked.verdict)
    names = {io.load(name, Environment).name for name in (verdict.environment, promotion.environment)}
    same = (verdict.release, verdict.purpose) == (promotion.release, promotion.purpose)
    if not same or names != {environment.name}:
        raise VerdictForeign(promotion=asked.promotion, verdict=asked.verdict)
    if asked.as_of >= verdict.valid_until or asked.as_of < verdict.as_of:
        raise VerdictExpired(verdict=asked.verdict, valid_until=verdict.valid_until, as_of=asked.as_of)


def gates(pack: PolicyPack | None, environment: str, *, rollback: bool) -> tuple[Asked, ...]:
    """Give what the environment demands, then what the pack adds; an equal demand that blocks stands for both."""
    added = bind(pack.moment, pack.overrides, environment) if pack else ()
    if rollback:
        added = tuple(one for one in added if getattr(one.params, "rollback", False))
    blocking = {one.gate.id for one in added if one.enforcement == "block"}
    demanded = tuple(
        Asked(f"environment.{name.partition('/')[0]}", gate(name), of_pairs(gate(name), ()), "block")
        for name in (ROLLBACK if rollback else DEMANDED)
        if name not in blocking
    )
    return demanded + added


def view(
    asked: DecideInput, promotion: Promotion, verdict: Verdict, environment: Environment, io: StageIO
) -> MomentView:
    """Build what the gates of the moment see."""
    directory = io.load(asked.directory, Directory) if asked.directory else None
    people = {person.id: person.login for person in directory.people} if directory else {}
    source = io.load(asked.source_deployed, Deployed) if asked.source_deployed else None
    return MomentView(
        as_of=asked.as_of,
        verdict=verdict,
        verdict_digest=asked.verdict,
        promotion=promotion,
        promotion_digest=asked.promotion,
        environment=environment,
        votes=tuple(_vote(name, io) for name in asked.approvals),
        stop_line=io.load(asked.stop_line, StopLine) if asked.stop_line else None,
        directory=directory,
        requester_login=people.get(promotion.requested_by, ""),
        source_completed_at=_completed(source, promotion, environment, io),
    )


def _completed(source: Deployed | None, promotion: Promotion, environment: Environment, io: StageIO) -> str:
    """Give when the environment before finished deploying this very release, or nothing."""
    if source is None or source.release != promotion.release:
        return ""
    return source.completed_at if io.load(source.environment, Environment).name == environment.after else ""


def _vote(name: Digest, io: StageIO) -> Vote:
    admitted = io.load(name, AdmittedApproval)
    approval = io.load(admitted.approval, Approval)
    checked = io.load(admitted.verification, Verification) if admitted.verification else None
    signers: set[str] = set()
    if checked is not None and _speaks_of(checked, admitted, io):
        signers = {one.signer for one in checked.signatures if one.status == "verified" and one.signer}
    return Vote(name, admitted, approval, tuple(sorted(signers)))


def _speaks_of(checked: Verification, admitted: AdmittedApproval, io: StageIO) -> bool:
    """Tell whether a verification is of this approval's envelope, for approvals, and its payload names the approval."""
    return (
        checked.status == "verified"
        and checked.envelope == admitted.envelope
        and io.load(checked.input, VerifyInput).purpose == "approve"
        and admitted.approval in digest.named_in(io.read(checked.payload))
    )


def outcome(verdict: str, results: tuple[GateResult, ...]) -> Literal["approved", "pending", "rejected"]:
    """Fold the verdict's word and the gates of the moment."""
    blocking = {result.status for result in results if result.enforcement == "block"}
    if verdict == "deny" or "fail" in blocking or not results:
        return "rejected"
    return "pending" if verdict != "allow" or "unknown" in blocking else "approved"


DECIDE = Stage("decide", 1, DecideInput, Decision, decide)
