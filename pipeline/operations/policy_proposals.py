"""A pack on its way: proposed, approved by another person with their own key, published. Must not know gates.

Nobody changes alone what is demanded: whoever wrote a line of the draft may not approve it, and the approval is a
signature over the proposal itself. Proposals and approvals are records that stay; a ref moves each once.
"""

from dataclasses import dataclass

from cas import canon, digest, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.policy_life import PolicyApproved, PolicyDraft, PolicyProposal, PolicyPublished
from cas.store import load
from pipeline.attest import envelope as envelopes
from pipeline.attest import statements
from pipeline.effects import Caller, Effects
from pipeline.operations import personal, policy_drafts
from pipeline.operations.attestations import kind_of, seal_record
from pipeline.operations.policy import kept, read_stored
from pipeline.operations.work import Work
from policy.packs.view import AnyPack, pack_of


class ProposalMissing(Problem):
    """There is no such proposal that waits."""

    code = "policy.proposal_missing"
    category = Category.MISSING
    title = "No such proposal"
    remedy = "List the proposals that wait: stella policy proposals."


class CasesFail(Problem):
    """The cases that the pack carries do not hold, or there are none."""

    code = "policy.cases_fail"
    category = Category.CONFLICT
    title = "The pack's cases do not hold"
    remedy = "Run stella policy test, and correct the pack or its cases; a pack without cases is not proposed."


class ProposalSelf(Problem):
    """Who wrote a pack may not approve it."""

    code = "policy.proposal_self"
    category = Category.DENIED
    title = "Who wrote it may not approve"
    remedy = "Ask another person whose key the directory lists with purpose approve."


class ProposalUnapproved(Problem):
    """A pack is published when another person has approved it, and not before."""

    code = "policy.proposal_unapproved"
    category = Category.CONFLICT
    title = "Nobody has approved this proposal"
    remedy = "Have another person approve it: stella policy approve."


class ProposalApproved(Problem):
    """A proposal is approved once."""

    code = "policy.proposal_approved"
    category = Category.CONFLICT
    title = "This proposal is approved already"
    remedy = "Publish it: stella policy publish."


class NameWrong(Problem):
    """A draft's pack has another name than the draft."""

    code = "policy.draft_name"
    category = Category.CONFLICT
    title = "The pack has another name than its draft"
    remedy = "Keep the pack under its own name: stella policy draft NAME FILE."


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal by digest and value, its pack, and the approval when there is one."""

    digest: Digest
    proposal: PolicyProposal
    pack: AnyPack
    approved: Digest | None = None
    approval: PolicyApproved | None = None

    @property
    def id(self) -> str:
        """The proposal's id."""
        return digest.uuid_of(self.digest)


@dataclass(frozen=True, slots=True)
class Published:
    """A published pack, by digest and value."""

    digest: Digest
    pack: AnyPack
    record: Digest


def propose(effects: Effects, caller: Caller, name: str) -> Proposed:
    """Propose a draft as it stands: without faults, and with cases that all hold.

    Raises: policy.draft_missing, policy.draft_name, policy.yaml_invalid, policy.pack_invalid, rego.rule_missing,
        policy.trust_table_missing, policy.cases_fail
    """
    drafted = policy_drafts.find(effects, name)
    written = read_stored(effects, drafted.text)
    if written.pack.name != name:
        raise NameWrong(draft=name, pack=written.pack.name)
    results = policy_drafts.results(written)
    failing = [one.name for one in results if one.wrong]
    if failing or not results:
        raise CasesFail(cases=len(results), failing=", ".join(failing)[:400])
    work = Work(effects, caller)
    work.expect(refs.policy_draft(name), drafted.digest)
    made = PolicyProposal(
        draft=drafted.digest,
        pack=work.save(written.pack),
        authors=tuple(sorted({*drafted.draft.authors, caller.actor})),
        cases=len(results),
        proposed_by=caller.actor,
        proposed_at=work.now,
        nonce=effects.entropy.nonce(),
    )
    proposal = work.save(made)
    beside = (made.pack, *kept(effects, written, drafted.text))
    work.note("policy.proposed", proposal, (work.move(_ref(proposal), proposal),), beside=beside)
    work.commit()
    return Proposed(proposal, made, written.pack)


def _ref(proposal: Digest) -> str:
    return refs.policy_proposal(digest.uuid_of(proposal))


def find(effects: Effects, proposal_id: str) -> Proposed:
    """Give a proposal that waits, for an approval or to be published.

    Raises: policy.proposal_missing
    """
    name = effects.log.ref(refs.policy_proposal(proposal_id)) if len(proposal_id) <= 64 else None
    if name is None:
        raise ProposalMissing(proposal=proposal_id[:80])
    data = effects.store.get(name)
    approved = canon.to_record(data, PolicyApproved) if kind_of(data) == "policy_approved/1" else None
    proposal = approved.proposal if approved else name
    made = load(effects.store, proposal, PolicyProposal)
    pack = pack_of(effects.store.get(made.pack))
    return Proposed(proposal, made, pack, name if approved else None, approved)


def waiting(effects: Effects) -> tuple[Proposed, ...]:
    """List the proposals that wait, oldest first."""
    prefix = refs.policy_proposal("")
    found = (find(effects, ref.removeprefix(prefix)) for ref, _ in effects.log.refs(prefix))
    return tuple(sorted(found, key=lambda one: (one.proposal.proposed_at, one.digest)))


def to_sign(effects: Effects, proposal_id: str) -> bytes:
    """Build the statement that an approver signs on their own machine: the proposal itself, by digest and value.

    Raises: policy.proposal_missing, policy.proposal_approved
    """
    found = find(effects, proposal_id)
    if found.approved is not None:
        raise ProposalApproved(proposal=found.id)
    subjects = (("policy_pack", found.proposal.pack), ("policy_proposal", found.digest))
    return statements.build("policy", found.digest, "policy_proposal/1", subjects, found.proposal)


def approve(effects: Effects, caller: Caller, envelope: bytes) -> Proposed:
    """Take another person's signature over a proposal, once.

    (1) the statement names a proposal that waits; (2) one person's key with purpose approve covers it and its pack;
    (3) that person wrote none of it; (4) one entry notes the approval.

    Raises: attest.*, approval.not_signed, approval.person_unknown, personal.subjects_wrong, policy.proposal_*
    """
    statement = statements.parse(envelopes.parse(envelope, max_bytes=1 << 20).payload)
    name, _ = statements.content_of(statement, "policy", PolicyProposal)
    found = find(effects, digest.uuid_of(name))  # (1)
    if found.approved is not None:
        raise ProposalApproved(proposal=found.id)
    work = Work(effects, caller)
    work.expect(_ref(found.digest), found.digest)
    signed = personal.signed(work, envelope, [found.digest, found.proposal.pack])  # (2)
    if signed.person.id in found.proposal.authors:  # (3)
        raise ProposalSelf(login=signed.person.login)
    approval = PolicyApproved(
        proposal=found.digest, pack=found.proposal.pack, approved_by=signed.person.id, approved_at=work.now
    )
    made = work.save(approval)
    work.note(  # (4)
        "policy.approved",
        made,
        (work.move(_ref(found.digest), made),),
        envelopes=(signed.envelope,),
        verifications=(signed.verification,),
        beside=(found.digest, signed.payload),
    )
    work.commit()
    return Proposed(found.digest, found.proposal, found.pack, made, approval)


def refuse(effects: Effects, caller: Caller, proposal_id: str) -> Proposed:
    """End a proposal without effect; the draft stays.

    Raises: policy.proposal_missing
    """
    found = find(effects, proposal_id)
    work = Work(effects, caller)
    work.note("policy.refused", found.digest, (work.move(_ref(found.digest), None),))
    work.commit()
    return found


def publish(effects: Effects, caller: Caller, proposal_id: str) -> Published:
    """Make an approved pack the newest of its name, sealed by the server; its draft ends when it is still that one.

    The pack is read again first: what it includes must still come together, its rules and table still be here.

    Raises: policy.proposal_missing, policy.proposal_unapproved, policy.pack_invalid, rego.rule_missing
    """
    found = find(effects, proposal_id)
    if found.approved is None:
        raise ProposalUnapproved(proposal=found.id)
    draft = load(effects.store, found.proposal.draft, PolicyDraft)
    read_stored(effects, effects.store.get(draft.yaml))
    work = Work(effects, caller)
    published = PolicyPublished(
        approved=found.approved, pack=found.proposal.pack, published_by=caller.actor, published_at=work.now
    )
    record = work.save(published)
    moves = [
        work.move(refs.policy_pack(found.pack.name), found.proposal.pack),
        work.move(refs.policy_published(found.proposal.pack), record),
        work.move(_ref(found.digest), None),
    ]
    if work.ref(refs.policy_draft(draft.name)) == found.proposal.draft:
        moves.append(work.move(refs.policy_draft(draft.name), None))
    sealed = seal_record(effects, "policy", found.proposal.pack, ())
    work.note("policy.published", found.proposal.pack, tuple(moves), envelopes=(sealed,), beside=(record, draft.yaml))
    work.commit()
    return Published(found.proposal.pack, found.pack, record)
