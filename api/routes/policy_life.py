"""The life of policy packs."""

from typing import Literal

from api import paging
from api.bodies import decoded, encoded
from api.calls import policy_life as calls
from api.calls.policies import PolicyView
from api.names import who
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.routes.policies import view
from api.visit import Visit
from cas.problems import Fault
from cas.records.policy_life import Flip
from cas.records.release import Environment, Release
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.operations import policy, policy_drafts, policy_init, policy_proposals, policy_shadow, policy_simulation
from pipeline.operations.policy_drafts import Drafted
from pipeline.operations.policy_proposals import Proposed
from pipeline.operations.policy_shadow import Compared


def draft(visit: Visit, ask: calls.WritePolicyDraft) -> calls.PolicyDraftView:
    """Keep a draft."""
    if bool(ask.yaml) == bool(ask.policy):
        raise RequestInvalid(call="policy.draft", faults=(Fault("/yaml", "policy.source", "either yaml or policy"),))
    text = policy_drafts.text_kept(visit.effects, ask.policy) if ask.policy else ask.yaml.encode()
    expect = ask.expect or None
    return _draft(visit, policy_drafts.write(visit.effects, visit.caller, ask.name, text, expect=expect))


def drafts(visit: Visit, ask: calls.ListPolicyDrafts) -> calls.PolicyDraftsPage:
    """List drafts."""
    items, cursor = paging.page(
        ask,
        policy_drafts.listed(visit.effects),
        lambda one: one.draft.name,
        most=visit.instance.settings.limits.page,
    )
    return calls.PolicyDraftsPage(items=tuple(_draft(visit, one) for one in items), next_cursor=cursor)


def show_draft(visit: Visit, ask: calls.OnePolicyDraft) -> calls.PolicyDraftView:
    """Show a draft."""
    return _draft(visit, policy_drafts.find(visit.effects, ask.name))


def discard(visit: Visit, ask: calls.OnePolicyDraft) -> calls.PolicyDraftView:
    """Give a draft up."""
    return _draft(visit, policy_drafts.discard(visit.effects, visit.caller, ask.name))


def _draft(visit: Visit, one: Drafted) -> calls.PolicyDraftView:
    return calls.PolicyDraftView(
        name=one.draft.name,
        digest=one.digest,
        authors=tuple(who(visit.effects, each) for each in one.draft.authors),
        written_by=who(visit.effects, one.draft.written_by),
        written_at=one.draft.written_at,
        yaml=one.text.decode("utf-8", "backslashreplace"),
    )


def _text(visit: Visit, ask: calls.CheckPolicy, call: str) -> bytes:
    if bool(ask.yaml) == bool(ask.draft):
        raise RequestInvalid(call=call, faults=(Fault("/yaml", "policy.source", "either yaml or draft"),))
    return policy_drafts.text_of(visit.effects, yaml=ask.yaml, draft=ask.draft)


def lint(visit: Visit, ask: calls.CheckPolicy) -> calls.LintView:
    """List what is, or looks, wrong."""
    found = policy_drafts.lint(visit.effects, _text(visit, ask, "policy.lint"))
    faults = [_line("fault", one) for one in found.faults]
    return calls.LintView(valid=not faults, items=(*faults, *(_line("warning", one) for one in found.warnings)))


def _line(level: Literal["fault", "warning"], one: Fault) -> calls.LintLine:
    return calls.LintLine(level=level, code=one.code, pointer=one.pointer, message=one.message)


def try_cases(visit: Visit, ask: calls.CheckPolicy) -> calls.CasesView:
    """Try a pack on its cases."""
    results = policy_drafts.try_cases(visit.effects, _text(visit, ask, "policy.test"))
    items = tuple(
        calls.CaseLine(name=one.name, holds=not one.wrong, outcome=one.outcome, wrong=one.wrong) for one in results
    )
    return calls.CasesView(holds=all(one.holds for one in items), items=items)


def simulate(visit: Visit, ask: calls.SimulatePolicy) -> calls.SimulationView:
    """Judge the newest verdicts again."""
    if sum(map(bool, (ask.yaml, ask.draft, ask.policy))) != 1:
        fault = Fault("/yaml", "policy.source", "one of yaml, draft, policy")
        raise RequestInvalid(call="policy.simulate", faults=(fault,))
    pack = policy_drafts.pack_meant(visit.effects, yaml=ask.yaml, draft=ask.draft, pack=ask.policy)
    done = policy_simulation.simulate(visit.effects, visit.caller, pack, last=ask.last, environment=ask.environment)
    items = tuple(_flip(visit, row) for row in done.simulation.rows)
    flipped = sum(one.flipped for one in items)
    return calls.SimulationView(digest=done.digest, pack=pack, judged=len(items), flipped=flipped, items=items)


def _flip(visit: Visit, row: Flip) -> calls.FlipLine:
    store = visit.effects.store
    verdict = load(store, row.verdict, Verdict)
    return calls.FlipLine(
        release=load(store, verdict.release, Release).name,
        environment=load(store, verdict.environment, Environment).name,
        was=row.was,
        would_be=row.would_be,
        flipped=row.was != row.would_be,
        because=row.because,
        as_of=verdict.as_of,
        verdict=row.verdict,
        simulated=row.simulated or "",
    )


def init(visit: Visit, ask: calls.InitPolicy) -> calls.InitView:
    """Propose a pack from evidence."""
    made = policy_init.propose(visit.effects, visit.caller, ask.release, ask.environment, ask.name)
    return calls.InitView(yaml=made.yaml, verdict=made.verdict, loosened=made.loosened)


def propose(visit: Visit, ask: calls.OnePolicyDraft) -> calls.ProposalView:
    """Propose a draft."""
    return _proposal(visit, policy_proposals.propose(visit.effects, visit.caller, ask.name))


def proposals(visit: Visit, ask: calls.ListProposals) -> calls.ProposalsPage:
    """List proposals that wait."""
    items, cursor = paging.page(
        ask,
        policy_proposals.waiting(visit.effects),
        lambda one: f"{one.proposal.proposed_at} {one.digest}",
        most=visit.instance.settings.limits.page,
    )
    return calls.ProposalsPage(items=tuple(_proposal(visit, one) for one in items), next_cursor=cursor)


def to_sign(visit: Visit, ask: calls.OnePolicyProposal) -> calls.ProposalToSign:
    """Give what an approver signs."""
    statement = policy_proposals.to_sign(visit.effects, ask.proposal)
    proposal = policy_proposals.find(visit.effects, ask.proposal).proposal
    return calls.ProposalToSign(statement=encoded(statement), proposal=proposal)


def approve(visit: Visit, ask: calls.ApprovePolicy) -> calls.ProposalView:
    """Take a signature over a proposal."""
    return _proposal(visit, policy_proposals.approve(visit.effects, visit.caller, decoded(ask.envelope)))


def refuse(visit: Visit, ask: calls.OnePolicyProposal) -> calls.ProposalView:
    """End a proposal."""
    return _proposal(visit, policy_proposals.refuse(visit.effects, visit.caller, ask.proposal))


def publish(visit: Visit, ask: calls.OnePolicyProposal) -> PolicyView:
    """Publish an approved pack."""
    return view(visit, policy_proposals.publish(visit.effects, visit.caller, ask.proposal).digest)


def _proposal(visit: Visit, one: Proposed) -> calls.ProposalView:
    return calls.ProposalView(
        id=one.id,
        digest=one.digest,
        name=one.pack.name,
        version=one.pack.version,
        proposal=one.proposal,
        authors=tuple(who(visit.effects, each) for each in one.proposal.authors),
        approved=one.approval,
        approved_by=who(visit.effects, one.approval.approved_by) if one.approval else "",
    )


def roll_back(visit: Visit, ask: calls.RollBackPolicy) -> PolicyView:
    """Return to the pack before."""
    return view(visit, policy.roll_back(visit.effects, visit.caller, ask.environment, ask.reason))


def set_shadow(visit: Visit, ask: calls.SetShadow) -> PolicyView:
    """Judge a pack as a shadow."""
    return view(visit, policy_shadow.put(visit.effects, visit.caller, ask.policy, ask.environment))


def clear_shadow(visit: Visit, ask: calls.OneEnvironment) -> PolicyView:
    """Judge no shadow any more."""
    return view(visit, policy_shadow.clear(visit.effects, visit.caller, ask.environment))


def shadow(visit: Visit, ask: calls.ReportShadow) -> calls.ShadowPage:
    """Compare the shadow with what counts."""
    lines = (_shadow(visit, one) for one in policy_shadow.report(visit.effects, ask.environment))
    kept = tuple(one for one in lines if one.differs or not ask.differing)
    items, cursor = paging.page(
        ask,
        tuple(sorted(kept, key=lambda one: one.release)),
        lambda one: one.release,
        most=visit.instance.settings.limits.page,
    )
    return calls.ShadowPage(items=items, next_cursor=cursor)


def _shadow(visit: Visit, one: Compared) -> calls.ShadowLine:
    return calls.ShadowLine(
        release=load(visit.effects.store, one.verdict.release, Release).name,
        verdict=one.verdict_digest,
        outcome=one.verdict.outcome,
        shadow=one.shadow_digest,
        shadow_outcome=one.shadow.outcome,
        differs=one.verdict.outcome != one.shadow.outcome,
        because=one.because,
        pack=one.pack,
        as_of=one.verdict.as_of,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.DRAFT, draft),
    Handler(calls.DRAFTS, drafts),
    Handler(calls.SHOW_DRAFT, show_draft),
    Handler(calls.DISCARD, discard),
    Handler(calls.LINT, lint),
    Handler(calls.TEST, try_cases),
    Handler(calls.SIMULATE, simulate),
    Handler(calls.INIT, init),
    Handler(calls.PROPOSE, propose),
    Handler(calls.PROPOSALS, proposals),
    Handler(calls.TO_SIGN, to_sign),
    Handler(calls.APPROVE, approve),
    Handler(calls.REFUSE, refuse),
    Handler(calls.PUBLISH, publish),
    Handler(calls.ROLL_BACK, roll_back),
    Handler(calls.SET_SHADOW, set_shadow),
    Handler(calls.CLEAR_SHADOW, clear_shadow),
    Handler(calls.SHADOW, shadow),
)
