"""The Index contract: named finds over a projection of the log. The index finds, the store proves.

Knows what may be asked; must not know a database. Every find first applies what the log has and the index lacks, so
that who wrote something finds it. Nothing an index says enters a record: it is read again from the store by digest.
"""

from collections.abc import Sequence
from typing import Protocol

from cas.digest import Digest
from cas.found import (
    AffectedFound,
    ApprovalFound,
    ClaimFound,
    ComponentFound,
    DeployedFound,
    DeploymentFound,
    DriftFound,
    EntryFound,
    EvidenceFound,
    FeedFound,
    FindingFound,
    GateFound,
    OpenCount,
    Page,
    PromotionFound,
    ReleaseFound,
    RunningFound,
    Sought,
    VerdictCount,
    VerdictFound,
)
from cas.records.promotion import PromotionState


class Index(Protocol):
    """Finds. ``after`` is a page's ``after``; ``limit`` is held to 1 … 1000. Safe to share between threads."""

    def size(self) -> int:
        """Give how many entries of the log have been applied."""
        ...

    def catch_up(self) -> int:
        """Apply what the log has and the index lacks; gives the size reached.

        Raises: cas.proof_invalid when the log's entries do not hash to its root
        """
        ...

    def entries(
        self,
        after: int | None = None,
        limit: int = 100,
        *,
        event: str | None = None,
        actor: str | None = None,
        record: Digest | None = None,
        oldest_first: bool = False,
    ) -> Page[EntryFound]:
        """List entries."""
        ...

    def releases(
        self, after: int | None = None, limit: int = 100, *, line: str | None = None, environment: str | None = None
    ) -> Page[ReleaseFound]:
        """List releases; with ``environment`` only those deployed there now."""
        ...

    def components(self, release: Digest) -> tuple[ComponentFound, ...]:
        """List a release's components."""
        ...

    def evidence(
        self, after: int | None = None, limit: int = 100, *, subject: Digest | None = None, kind: str | None = None
    ) -> Page[EvidenceFound]:
        """List evidence."""
        ...

    def promotions(
        self,
        after: int | None = None,
        limit: int = 100,
        *,
        environment: str | None = None,
        states: Sequence[PromotionState] = (),
        release: Digest | None = None,
    ) -> Page[PromotionFound]:
        """List promotions with their newest state; with ``states`` those in one of them."""
        ...

    def approvals(self, promotion: Digest) -> tuple[ApprovalFound, ...]:
        """List a promotion's approvals."""
        ...

    def verdicts(
        self,
        after: int | None = None,
        limit: int = 100,
        *,
        release: Digest | None = None,
        environment: str | None = None,
        outcome: str | None = None,
        newest: bool = False,
    ) -> Page[VerdictFound]:
        """List verdicts, simulations included; with ``newest`` only the one that counts by release and environment."""
        ...

    def gates(self, verdict: Digest) -> tuple[GateFound, ...]:
        """List what a verdict's gates answered, in the pack's order."""
        ...

    def verdict_counts(self) -> tuple[VerdictCount, ...]:
        """Count verdicts by environment, outcome and month; simulations left out."""
        ...

    def deployments(
        self, after: int | None = None, limit: int = 100, *, environment: str | None = None
    ) -> Page[DeploymentFound]:
        """List deployments."""
        ...

    def deployed(self, environment: str | None = None) -> tuple[DeployedFound, ...]:
        """Tell what is deployed where now, component by component."""
        ...

    def running(self, digest: Digest, limit: int = 1000) -> tuple[RunningFound, ...]:
        """Tell where an image runs now, named by its index, a platform manifest or a config."""
        ...

    def where(
        self, kind: Sought, what: str, environments: Sequence[str] = (), limit: int = 1000
    ) -> tuple[RunningFound, ...]:
        """Tell where something runs now, in some environments or all: target by target.

        An image or a release by digest; a package by purl, with its version or without; a commit by its beginning, as
        the release or provenance names it; a host by name; a vulnerability by any of its names, case aside.
        """
        ...

    def affected(
        self, vulnerability: str, environments: Sequence[str] = (), limit: int = 1000
    ) -> tuple[AffectedFound, ...]:
        """List the findings of a vulnerability, by any of its names, in what is deployed now."""
        ...

    def has_host(self, name: str) -> bool:
        """Tell whether there is a target of this name."""
        ...

    def findings(
        self,
        release: Digest,
        after: int | None = None,
        limit: int = 100,
        *,
        environment: str | None = None,
        only_open: bool = True,
    ) -> Page[FindingFound]:
        """List findings of a release's newest verdicts."""
        ...

    def open_counts(self, severity: str | None = None, limit: int = 100) -> tuple[OpenCount, ...]:
        """Count open findings by release, environment and severity, most first."""
        ...

    def claims(self, release: Digest, limit: int = 1000) -> tuple[ClaimFound, ...]:
        """List the VEX statements admitted that speak of a release's findings, whether they were believed or not.

        A statement and a finding meet by package and by any name of the vulnerability that either of them gives.
        """
        ...

    def drift(self, after: int | None = None, limit: int = 100, *, target: Digest | None = None) -> Page[DriftFound]:
        """List drift reports, difference by difference."""
        ...

    def feeds(self, after: int | None = None, limit: int = 100) -> Page[FeedFound]:
        """List feed snapshots."""
        ...
