"""Gate answers and verdicts."""

import msgspec

from api import paging, why
from api.calls import verdicts as calls
from api.names import record_named
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest, refs
from cas.digest import Digest
from cas.found import VerdictFound
from cas.records.release import Environment, Release
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.operations import explaining, policy_shadow, release_diff
from pipeline.operations.asking import evaluate, simulate
from policy.packs.view import pack_of


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
    """List the newest verdict of each release and environment, newest first."""
    release = visit.effects.log.ref(refs.release(ask.release)) if ask.release else None
    if ask.release and release is None:
        return calls.VerdictsPage(items=(), next_cursor="")
    found = visit.instance.index().verdicts(
        paging.place(ask),
        paging.limit(ask, visit.instance.settings.limits.page),
        release=release,
        environment=ask.environment or None,
        newest=True,
    )
    return calls.VerdictsPage(items=tuple(map(_line, found.rows)), next_cursor=paging.cursor(ask, found.after))


def _line(row: VerdictFound) -> calls.VerdictLine:
    return calls.VerdictLine(
        digest=row.verdict,
        outcome=row.outcome,
        release=row.release_name or row.release,
        environment=row.environment_name,
        as_of=row.as_of,
        valid_until=row.valid_until,
    )


def view(visit: Visit, name: Digest, verdict: Verdict) -> calls.VerdictView:
    """Give a verdict with its gates and reasons in words."""
    store = visit.effects.store
    pack = pack_of(store.get(verdict.policy)) if verdict.policy else None
    environment = load(store, verdict.environment, Environment).name
    shade = policy_shadow.beside(visit.effects, name, verdict.release, environment)
    return calls.VerdictView(
        id=digest.uuid_of(name),
        digest=name,
        outcome=verdict.outcome,
        warned=why.warned(verdict.gates),
        release=load(store, verdict.release, Release).name,
        environment=environment,
        purpose=verdict.purpose,
        as_of=verdict.as_of,
        valid_until=verdict.valid_until,
        policy=f"{pack.name} {pack.version}" if pack else "",
        gates=why.gate_lines(verdict.gates),
        why=why.why_lines(verdict, store),
        verdict=verdict,
        standing=visit.effects.log.admitted(name),
        shadow=load(store, shade.shadow, Verdict).outcome if shade else "",
        shadow_verdict=shade.shadow if shade else "",
    )


def fixes(visit: Visit, ask: calls.ShowVerdict) -> calls.VerdictFixes:
    """Give the shortest way to an answer."""
    name = record_named(visit.effects, ask.verdict)
    verdict = load(visit.effects.store, name, Verdict)
    way = explaining.shortest(visit.effects, visit.caller, verdict)
    found = way.found
    return calls.VerdictFixes(
        digest=name,
        outcome=verdict.outcome,
        known=found is not None or verdict.outcome == "allow",
        minimal=found is None or found.minimal,
        verified=found is not None and found.verified,
        then=found.then if found else verdict.outcome,
        fixes=why.fix_lines(found.fixes if found else ()),
        unasked=way.unasked,
    )


def diff(visit: Visit, ask: calls.CompareVerdicts) -> calls.VerdictsDiff:
    """Say what is different."""
    old, new = (record_named(visit.effects, one) for one in (ask.against, ask.verdict))
    return compared(visit, old, new)


def compared(visit: Visit, old: Digest, new: Digest) -> calls.VerdictsDiff:
    """Spell the difference of two verdicts."""
    store = visit.effects.store
    found = release_diff.compare(store, old, new)
    before, after = load(store, old, Verdict), load(store, new, Verdict)
    return calls.VerdictsDiff(
        old=old,
        new=new,
        before=found.difference.before,
        after=found.difference.after,
        old_release=load(store, before.release, Release).name,
        new_release=load(store, after.release, Release).name,
        environment=load(store, after.environment, Environment).name,
        inputs=found.difference.inputs,
        gates=why.change_lines(found.difference, (before, after)),
        changes=tuple(map(why.material_line, found.changes[: release_diff.SHOWN])),
        evidence=tuple(
            calls.EvidenceChangeLine(**msgspec.structs.asdict(one)) for one in found.evidence[: release_diff.SHOWN]
        ),
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.EVALUATE, judge),
    Handler(calls.SIMULATE, what_if),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.FIXES, fixes),
    Handler(calls.DIFF, diff),
)
