"""Policy packs and waivers, as stored."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Count, Instant, Name, Nonce, Part, Record, Scalar, Slug, Text

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
