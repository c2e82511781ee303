"""Gate answers and verdicts."""

from api import paging, why
from api.calls import verdicts as calls
from api.names import record_named
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest
from cas.digest import Digest
from cas.records.policy import PolicyPack
from cas.records.release import Environment, Release
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.operations.asking import evaluate, simulate

_NEWEST = "verdict/"


def judge(visit: Visit, ask: calls.EvaluateGate) -> calls.VerdictView:
    """Judge a release for an environment."""
    judged = evaluate(visit.effects, visit.caller, ask.release, ask.environment)
    return view(visit, judged.digest, judged.verdict)


def what_if(visit: Visit, ask: calls.SimulateGate) -> calls.VerdictView:
    """Judge with chosen inputs; the verdict counts for nothing."""
    judged = simulate(
        visit.effects,
        visit.caller,
        ask.release,
        ask.environment,
        at=ask.as_of or None,
        policy=digest.parse(ask.policy) if ask.policy else None,
        feed=digest.parse(ask.feed) if ask.feed else None,
    )
    return view(visit, judged.digest, judged.verdict)


def show(visit: Visit, ask: calls.ShowVerdict) -> calls.VerdictView:
    """Show a verdict."""
    name = record_named(visit.effects, ask.verdict)
    return view(visit, name, load(visit.effects.store, name, Verdict))


def list_all(visit: Visit, ask: calls.ListVerdicts) -> calls.VerdictsPage:
    """List the newest verdict of each release and environment."""
    found = (_line(visit, at) for _, at in visit.effects.log.refs(_NEWEST))
    wanted = [
        one
        for one in found
        if (not ask.release or ask.release == one.release)
        and (not ask.environment or ask.environment == one.environment)
    ]
    items, cursor = paging.page(
        ask,
        sorted(wanted, key=_order, reverse=True),
        _order,
        most=visit.instance.settings.limits.page,
        descending=True,
    )
    return calls.VerdictsPage(items=items, next_cursor=cursor)


def _order(one: calls.VerdictLine) -> str:
    return f"{one.as_of} {one.digest}"


def _line(visit: Visit, name: Digest) -> calls.VerdictLine:
    verdict = load(visit.effects.store, name, Verdict)
    return calls.VerdictLine(
        digest=name,
        outcome=verdict.outcome,
        release=load(visit.effects.store, verdict.release, Release).name,
        environment=load(visit.effects.store, verdict.environment, Environment).name,
        as_of=verdict.as_of,
        valid_until=verdict.valid_until,
    )


def view(visit: Visit, name: Digest, verdict: Verdict) -> calls.VerdictView:
    """Give a verdict with its gates and reasons in words."""
    store = visit.effects.store
    pack = load(store, verdict.policy, PolicyPack) if verdict.policy else None
    return calls.VerdictView(
        id=digest.uuid_of(name),
        digest=name,
        outcome=verdict.outcome,
        warned=why.warned(verdict.gates),
        release=load(store, verdict.release, Release).name,
        environment=load(store, verdict.environment, Environment).name,
        purpose=verdict.purpose,
        as_of=verdict.as_of,
        valid_until=verdict.valid_until,
        policy=f"{pack.name} {pack.version}" if pack else "",
        gates=why.gate_lines(verdict.gates),
        why=why.why_lines(verdict, store),
        verdict=verdict,
        standing=visit.effects.log.admitted(name),
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.EVALUATE, judge),
    Handler(calls.SIMULATE, what_if),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
)
