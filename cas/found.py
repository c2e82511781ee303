"""What finds give back: typed rows and pages. Knows field names only.

A row is no fact; its digests lead to the facts.
"""

from typing import Final, Generic, Literal, TypeVar

import msgspec

from cas.digest import Digest
from cas.records.base import Instant
from cas.records.evidence import Binding, EvidenceKind
from cas.records.promotion import PromotionState

MAX_LIMIT: Final = 1000

Sought = Literal["image", "release", "package", "commit", "host", "vulnerability"]
"""What may be asked for by where it runs."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A row of an answer. ``cursor`` orders rows totally, newest highest."""

    cursor: int


F = TypeVar("F", bound=Found)


class Page(msgspec.Struct, Generic[F], frozen=True, kw_only=True):
    """Some rows, newest first. ``after`` is where the next page goes on, None at the end."""

    rows: tuple[F, ...]
    after: int | None


class EntryFound(Found, frozen=True, kw_only=True):
    """An entry of the log."""

    seq: int
    event: str
    record: Digest | None
    actor: str
    noted_at: Instant


class ReleaseFound(Found, frozen=True, kw_only=True):
    """A release."""

    release: Digest
    id: str
    name: str
    line: str
    created_at: Instant
    created_by: str


class ComponentFound(Found, frozen=True, kw_only=True):
    """A component of a release."""

    release: Digest
    name: str
    repository: str
    tag: str
    digest: Digest
    semver: str
    role: str


class EvidenceFound(Found, frozen=True, kw_only=True):
    """Evidence as it was admitted."""

    admission: Digest
    evidence: Digest
    raw: Digest | None
    subject: Digest
    type: EvidenceKind
    format: str
    binding: Binding
    verification: Digest | None
    admitted_at: Instant
    submitter: str


class PromotionFound(Found, frozen=True, kw_only=True):
    """A promotion with its newest state."""

    promotion: Digest
    id: str
    release: Digest
    release_name: str
    environment_name: str
    purpose: str
    reason: str
    requested_by: str
    requested_at: Instant
    state: PromotionState
    verdict: Digest | None
    decision: Digest | None
    deployment: Digest | None
    packet: Digest | None
    approvals: int


class ApprovalFound(Found, frozen=True, kw_only=True):
    """An approval of a promotion."""

    admitted: Digest
    approval: Digest
    promotion: Digest
    verdict: Digest
    decision: str
    person: str
    login: str
    personal: bool
    admitted_at: Instant
    expires_at: Instant


class VerdictFound(Found, frozen=True, kw_only=True):
    """A verdict."""

    verdict: Digest
    release: Digest
    release_name: str | None
    environment_name: str
    purpose: str
    outcome: str
    as_of: Instant
    valid_until: Instant
    policy: Digest | None
    assessment: Digest


class GateFound(Found, frozen=True, kw_only=True):
    """What one gate of a verdict answered."""

    verdict: Digest
    id: str
    gate: str
    enforcement: str
    status: str
    findings: int


class VerdictCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many verdicts ended so, in one environment and month (``YYYY-MM``)."""

    environment_name: str
    outcome: str
    month: str
    count: int


class DeploymentFound(Found, frozen=True, kw_only=True):
    """A deployment; ``outcome`` is None while it runs."""

    deployment: Digest
    id: str
    promotion: Digest
    release: Digest
    release_name: str | None
    environment_name: str
    started_at: Instant
    deployer: str
    result: Digest | None
    outcome: str | None
    completed_at: Instant | None
    deployed: Digest | None


class DeployedFound(Found, frozen=True, kw_only=True):
    """A component of what a line runs in an environment now."""

    environment_name: str
    line: str
    release: Digest
    release_name: str | None
    component: str | None
    repository: str | None
    tag: str | None
    digest: Digest | None
    deployment: Digest
    packet: Digest
    completed_at: Instant


class RunningFound(Found, frozen=True, kw_only=True):
    """A target on which an image runs by our last deployment there; ``outcome`` failed means: an observation tells."""

    environment_name: str
    target: Digest
    target_name: str | None
    line: str
    release: Digest
    release_name: str | None
    component: str
    digest: Digest
    role: str
    platform: str
    outcome: str
    deployment: Digest
    completed_at: Instant


class FindingFound(Found, frozen=True, kw_only=True):
    """A vulnerability in a component, as assessed for the newest verdict of a release in an environment."""

    release: Digest
    environment_name: str
    verdict: Digest
    assessment: Digest
    component: str
    platform: str
    purl: str
    version: str
    vulnerability: str
    severity: str
    score_tenths: int | None
    vex: str
    waived_by: Digest | None
    open: bool
    new: bool
    epss: int | None
    kev_due: str
    sbom: Digest
    sbom_pointer: str


class AffectedFound(FindingFound, frozen=True, kw_only=True):
    """A finding in what is deployed now."""

    release_name: str | None


class OpenCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings of one severity are open in a release, by its newest verdict in an environment."""

    release: Digest
    release_name: str | None
    environment_name: str
    severity: str
    count: int


class ClaimFound(msgspec.Struct, frozen=True, kw_only=True):
    """A VEX statement about a finding's vulnerability and package."""

    release: Digest
    environment_name: str
    component: str
    purl: str
    vulnerability: str
    severity: str
    open: bool
    status: str
    justification: str
    author: str
    admission: Digest
    pointer: str


class DriftFound(Found, frozen=True, kw_only=True):
    """One difference of a drift report; a report without any has one row with empty fields."""

    report: Digest
    target: Digest
    target_name: str | None
    drifted: bool
    type: str
    component: str
    field: str
    expected: str
    actual: str


class FeedFound(Found, frozen=True, kw_only=True):
    """A feed snapshot."""

    feed: Digest
    name: str
    captured_at: Instant
    documents: int
    newest: str
