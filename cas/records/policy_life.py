"""Policy packs that include others, and the life of a pack: drafted, proposed, approved, published, made active."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Nonce, Part, Record, Slug, Text
from cas.records.policy import GateUse, Override
from cas.records.verdict import Outcome


class Include(Part, frozen=True, kw_only=True):
    """Another stored pack whose gates are asked too; ``prefix`` stands before their ids."""

    pack: Digest
    prefix: str


class PolicyPack2(Record, frozen=True, kw_only=True, tag="policy_pack/2"):
    """A set of gates that may take in other packs by digest, and carries the cases that test it.

    What is included comes first, in order; a gate use of the pack's own with the id of an included one takes its place.
    What it asks in the end is ``policy.packs.view.flattened``.
    """

    name: Slug
    version: str
    description: Text
    include: tuple[Include, ...]  # in the author's order
    gates: tuple[GateUse, ...]
    moment: tuple[GateUse, ...]
    overrides: tuple[Override, ...]
    verdict_ttl_seconds: Count
    decision_ttl_seconds: Count
    trust_table: Digest | None  # None = the one that the included packs agree on
    cases: Digest | None  # canonical JSON of the cases; never read when judging


class PolicyDraft(Record, frozen=True, kw_only=True, tag="policy_draft/1"):
    """A pack being written, kept as its author wrote it, faults and all. ``authors``: everybody since it was begun."""

    name: Slug
    yaml: Digest
    authors: tuple[ActorId, ...]  # sorted
    written_by: ActorId
    written_at: Instant
    previous: Digest | None


class PolicyProposal(Record, frozen=True, kw_only=True, tag="policy_proposal/1"):
    """A founding record: a draft without faults whose cases hold, to be approved by somebody who did not write it."""

    draft: Digest
    pack: Digest
    authors: tuple[ActorId, ...]
    cases: Count  # how many held
    proposed_by: ActorId
    proposed_at: Instant
    nonce: Nonce


class PolicyApproved(Record, frozen=True, kw_only=True, tag="policy_approved/1"):
    """A proposal that another person signed."""

    proposal: Digest
    pack: Digest
    approved_by: ActorId
    approved_at: Instant


class PolicyPublished(Record, frozen=True, kw_only=True, tag="policy_published/1"):
    """A pack that was approved, and is the newest of its name: what production takes."""

    approved: Digest
    pack: Digest
    published_by: ActorId
    published_at: Instant


class PolicyActivation(Record, frozen=True, kw_only=True, tag="policy_activation/1"):
    """A pack became the one that judges an environment. ``before`` is what a rollback returns to."""

    environment: Slug
    pack: Digest
    cause: Literal["activate", "rollback"]
    reason: Text
    before: Digest | None  # PolicyActivation
    replaced: Digest | None  # the pack that was active
    by: ActorId
    at: Instant
    nonce: Nonce


class Flip(Part, frozen=True, kw_only=True):
    """A verdict judged again under another pack, at its own time with its own evidence."""

    verdict: Digest
    simulated: Digest | None  # None: there was no answer
    was: Outcome
    would_be: Literal["allow", "deny", "undecided", "no_answer"]
    because: tuple[str, ...]  # ids of the gates that decide the new outcome or no longer do; or the problem's code


class PolicySimulation(Record, frozen=True, kw_only=True, tag="policy_simulation/1"):
    """What the newest verdicts would have been under a pack; rows newest first, those that did not flip included."""

    pack: Digest
    environment: str  # empty = all
    rows: tuple[Flip, ...]


class ShadowVerdict(Record, frozen=True, kw_only=True, tag="shadow_verdict/1"):
    """What another pack says beside a verdict. It never counts: its purpose is simulation."""

    verdict: Digest
    pack: Digest
    shadow: Digest
