"""What a gate is, and what it may look at. Must not know any gate, nor where facts came from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from cas.records.base import Part
from cas.records.promotion import AdmittedApproval, Approval, Promotion, StopLine
from cas.records.release import Environment, Release
from cas.records.verdict import Assessment, Finding, GateStatus, Question, Verdict

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class FactView:
    """What judge shows a gate: assessed facts and the release, by value."""

    question: Question
    release: Release
    environment: Environment
    assessment: Assessment
    template: tuple[tuple[str, bytes], ...]  # (path, bytes) of the captured deployment template


@dataclass(frozen=True, slots=True)
class MomentView:
    """What decide shows a gate: the verdict, the promotion, approvals, at ``as_of``."""

    as_of: str
    verdict: Verdict
    promotion: Promotion
    environment: Environment
    approvals: tuple[tuple[AdmittedApproval, Approval], ...]
    stop_line: StopLine | None
    requester_login: str
    directory: Any  # cas.records.proof.Directory | None
    source_completed_at: str  # when the environment before finished deploying this release; empty = never


@dataclass(slots=True)
class Answer:
    """A gate's answer while it is being made. Without ``settle`` the status follows from the findings."""

    status: GateStatus
    findings: tuple[Finding, ...] = ()
    counted: tuple[tuple[str, int], ...] = ()
    ends: tuple[str, ...] = ()  # instants at which this answer may change


@dataclass(frozen=True, slots=True)
class Gate(Generic[P]):
    """A published gate: ``name/version`` is frozen with the import closure of ``check``.

    ``asks`` and ``remedy`` and ``sentences`` (finding code → sentence with ``{argument}`` slots) are prose, rendered
    at the doors; they never enter a record.
    """

    name: str
    version: int
    params: type[P]
    check: Callable[[P, Any], Answer]
    asks: str
    remedy: str
    sentences: tuple[tuple[str, str], ...]
    flips: tuple[tuple[str, str], ...] = field(default=())  # flip code → sentence
    moment: bool = False

    @property
    def id(self) -> str:
        """``name/version``, as packs write it."""
        return f"{self.name}/{self.version}"


AnyGate = Gate[Any]
