"""What a gate is, and what it may look at. Must not know any gate, nor where facts came from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from cas.digest import Digest
from cas.records.base import Instant, Part, Record
from cas.records.feed import AnySnapshot
from cas.records.picture import AnyFinding, AnyPicture
from cas.records.promotion import AdmittedApproval, Approval, BreakGlass, Promotion, StopLine
from cas.records.proof import Directory
from cas.records.rego import RegoAnswer
from cas.records.release import Environment, Release, TemplateFacts
from cas.records.verdict import (
    EvidenceRef,
    Finding,
    GateStatus,
    Question,
    SeverityLabel,
    Verdict,
)

P = TypeVar("P", bound=Part)
Groups: TypeAlias = tuple[tuple[AnyFinding, ...], ...]


class FactView(msgspec.Struct, frozen=True, kw_only=True):
    """What judge shows a gate: assessed facts and the release, by value.

    ``assessment`` is an Assessment for judge/1 and a Picture for judge/2; a gate that reads what only a Picture has
    (reachability, waiver effects, the standing of evidence) answers ``unknown`` about an Assessment. ``facts`` gives
    the facts record of a piece of evidence by its digest (``row.facts``): reports, tests, SBOMs, as they were read.
    """

    question: Question
    release: Release
    environment: Environment
    assessment: AnyPicture
    template: TemplateFacts | None  # what read_template/1 found in the captured deployment template
    feed: AnySnapshot | None
    facts: Callable[[Digest], Record] | None = None  # None before judge/2
    open_groups: Groups | None = None  # counting.distinct of what is open, made once
    open_counts: tuple[tuple[SeverityLabel, int], ...] | None = None  # counting.severities of these groups
    open_chosen: dict[Callable[..., Any], Groups] | None = (
        None  # of these groups, what a field chooses: made when asked
    )
    rego_answers: tuple[RegoAnswer, ...] = ()  # what custom rules said of this picture; none before judge/2


@dataclass(frozen=True, slots=True)
class Vote:
    """An approval as it came in. ``signers`` are logins whose personal keys verifiably signed it."""

    digest: Digest  # of the AdmittedApproval
    admitted: AdmittedApproval
    approval: Approval
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MomentView:
    """What decide shows a gate: the verdict, the promotion, approvals, at ``as_of``."""

    as_of: Instant
    verdict: Verdict
    verdict_digest: Digest
    promotion: Promotion
    promotion_digest: Digest
    environment: Environment
    votes: tuple[Vote, ...]
    stop_line: StopLine | None
    directory: Directory | None
    requester_login: str  # empty when the directory does not know who asked
    source_completed_at: str  # when the environment before finished deploying this release; empty = never
    break_glass: BreakGlass | None = None  # in force: the verdict is set aside by two people
    unreviewed: tuple[tuple[Digest, BreakGlass], ...] = ()  # what nobody has reviewed in this environment yet


class Answer(msgspec.Struct, frozen=True):
    """A gate's answer. ``ends`` are instants at which it may change; those that lie behind ``as_of`` do not matter."""

    status: GateStatus
    findings: tuple[Finding, ...] = ()
    counted: tuple[tuple[str, int], ...] = ()
    ends: tuple[Instant, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate(Generic[P]):
    """A published gate: ``name/version`` is frozen with the import closure of ``check``.

    ``asks`` and ``remedy`` and ``sentences`` (finding code → sentence with ``{argument}`` slots) are prose, rendered
    at the doors; they never enter a record. A gate of judge answers ``unknown`` when facts are missing; a gate of the
    moment (``moment=True``) answers ``unknown`` while time or people can still turn it, and ``fail`` when they cannot.
    """

    name: str
    version: int
    params: type[P]
    check: Callable[[P, Any], Answer]
    asks: str
    remedy: str
    sentences: tuple[tuple[str, str], ...]
    flips: tuple[tuple[str, str], ...] = field(default=())  # flip code → sentence with {argument}
    moment: bool = False
    id: str = field(init=False)
    """``name/version``, as packs write it."""

    def __post_init__(self) -> None:
        """Spell the id once."""
        object.__setattr__(self, "id", f"{self.name}/{self.version}")


AnyGate = Gate[Any]


def finding(
    code: str,
    arguments: Iterable[tuple[str, str | int]] = (),
    *,
    severity: SeverityLabel = "unknown",
    component: str = "",
    purl: str = "",
    vulnerability: str = "",
    evidence: Iterable[EvidenceRef] = (),
    path: tuple[str, ...] = (),
    flips: Iterable[tuple[str, str]] = (),
) -> Finding:
    """Build a finding; arguments, evidence and flips are put into their one order."""
    return Finding(
        code=code,
        arguments=tuple(sorted((name, str(value)) for name, value in arguments)),
        severity=severity,
        component=component,
        purl=purl,
        vulnerability=vulnerability,
        evidence=tuple(sorted(set(evidence), key=lambda ref: (ref.digest, ref.pointer))),
        path=path,
        flips=tuple(sorted(set(flips))),
    )
