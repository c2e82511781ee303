"""Policy packs and waivers, as stored."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Millionths, Name, Nonce, Part, Record, Scalar, Slug, Text
from cas.records.report import ReachState, Severity

Enforcement = Literal["block", "warn", "observe"]


class Param(Part, frozen=True, kw_only=True):
    """A gate's parameter; its gate's Params struct gave the meaning when the pack was stored."""

    name: Slug
    value: Scalar


class GateUse(Part, frozen=True, kw_only=True):
    """A gate as a pack asks it: ``name/version`` with parameters. ``id`` is unique in the pack."""

    id: Slug
    gate: str
    params: tuple[Param, ...]  # sorted by name
    enforcement: Enforcement


class Override(Part, frozen=True, kw_only=True):
    """What one environment changes of one gate use."""

    environment: Slug
    id: Slug
    params: tuple[Param, ...]
    enforcement: Enforcement | None


class PolicyPack(Record, frozen=True, kw_only=True, tag="policy_pack/1"):
    """A set of gates. ``moment`` gates are asked by decide, ``gates`` by judge; an empty ``gates`` denies."""

    name: Slug
    version: str
    description: Text
    gates: tuple[GateUse, ...]  # in the author's order, kept in explanations
    moment: tuple[GateUse, ...]
    overrides: tuple[Override, ...]
    verdict_ttl_seconds: Count
    decision_ttl_seconds: Count
    trust_table: Digest | None  # VexTrustTable; None = the built-in one, by its frozen version


class VexSource(Part, frozen=True, kw_only=True):
    """Whose claims weigh how much: provenance, coverage, replayability. The first source whose glob fits counts."""

    source_class: Literal["vendor", "distro", "internal", "hub", "attestation", "unverified"]
    signers: tuple[str, ...]  # globs of verified signers; empty = unverified claims
    provenance: Millionths
    coverage: Millionths
    replayability: Millionths


class VexTrustTable(Record, frozen=True, kw_only=True, tag="vex_trust_table/1"):
    """How VEX claims are weighed; all fractions in millionths.

    A claim of not_affected or fixed counts when its score is at least ``minimum_score``; one of affected always does.
    """

    name: Slug
    version: str
    provenance_weight: Millionths
    coverage_weight: Millionths
    replayability_weight: Millionths
    sources: tuple[VexSource, ...]  # in order of asking
    strengths: tuple[tuple[str, Millionths], ...]  # sorted by name
    freshness: tuple[Millionths, ...]  # by whole days of age; older is 0
    conflict_penalty: Millionths
    minimum_score: Millionths
    unverified_counts: bool  # whether an unverified claim may close a finding


class Waiver(Record, frozen=True, kw_only=True, tag="waiver/1"):
    """An accepted risk with an end. It marks findings; it never removes one."""

    vulnerability: Name
    component: str  # purl glob; "*" = any
    subject: Digest | None  # image; None = any of the scope
    environment: str  # empty = any
    reason: Text
    ticket: str
    approved_by: ActorId
    expires_at: Instant
    nonce: Nonce


class Waiver2(Record, frozen=True, kw_only=True, tag="waiver/2"):
    """An accepted risk with an end, an effect, an owner and conditions. It marks findings; it never removes one.

    suppress: the finding counts as closed; defer: closed until the end, which is a promise to fix; downgrade: it
    counts as ``severity``; require_control: closed only while verified evidence attests ``control``. The conditions
    carry it to later releases only while they hold: ``while_version`` is the package's version, ``while_reach`` are the
    states of reachability under which it was granted; empty means whatever.
    """

    effect: Literal["suppress", "defer", "downgrade", "require_control"]
    severity: Severity  # of downgrade; else "unknown"
    control: str  # of require_control; else empty
    vulnerability: Name
    component: str  # purl glob; "*" = any
    subject: Digest | None  # image; None = any of the scope
    environment: str  # empty = any
    line: str  # release line; empty = any
    while_version: str
    while_reach: tuple[ReachState, ...]
    reason: Text
    ticket: Name
    requested_by: ActorId
    approved_by: ActorId
    expires_at: Instant
    nonce: Nonce


class WaiverRequest(Record, frozen=True, kw_only=True, tag="waiver_request/1"):
    """A founding record: somebody asks that a risk be accepted. It does nothing until another person approves it."""

    effect: Literal["suppress", "defer", "downgrade", "require_control"]
    severity: Severity
    control: str
    vulnerability: Name
    component: str
    subject: Digest | None
    environment: str
    line: str
    while_version: str
    while_reach: tuple[ReachState, ...]
    reason: Text
    ticket: Name
    requested_by: ActorId
    requested_at: Instant
    expires_at: Instant
    nonce: Nonce
