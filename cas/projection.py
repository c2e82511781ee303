"""The pure mapping from log entries, and the records they name, to rows of the index.

Knows record kinds, as far as rows need them; must not know the database. Rows are a function of the log and the store:
the same entries give the same rows in the same order, whoever makes them and in however many steps.
"""

import functools
import itertools
import operator
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from cas import columns
from cas.digest import Digest, uuid_of
from cas.problems import ObjectMissing
from cas.records.deploy import Deployed, Deployment, DeploymentResult, DriftReport
from cas.records.evidence import Admission, Evidence, VexFacts, VexProduct
from cas.records.feed import AnySnapshot, FeedSnapshot, FeedSnapshot2
from cas.records.policy import Waiver
from cas.records.promotion import AdmittedApproval, Approval, Promotion, PromotionStatus
from cas.records.proof import HeadSet
from cas.records.release import Environment, Release, Resolution, Target
from cas.store import Reader
from cas.tables import Batch

R = TypeVar("R", bound=msgspec.Struct)

MANY: Final = 1 << 20
"""More rows than one ref's move gives: room between the items of two moves."""


class _Run(msgspec.Struct, frozen=True, gc=False):
    stage: str
    output: str


class RefMoved(msgspec.Struct, frozen=True, gc=False):
    """A ref went from ``old`` to ``new``."""

    name: str
    old: str | None
    new: str | None


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """As much of entry/1 as rows need. What is read here was checked when it was admitted."""

    event: str
    record: str | None
    runs: tuple[_Run, ...]
    moves: tuple[RefMoved, ...]
    actor: str
    when: str


class _GateFinding(msgspec.Struct, frozen=True, gc=False):
    code: str
    severity: str
    component: str
    purl: str
    vulnerability: str


class _Gate(msgspec.Struct, frozen=True, gc=False):
    id: str
    gate: str
    enforcement: str
    status: str
    findings: tuple[_GateFinding, ...]


class _Verdict(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="verdict/1"):
    """As much of verdict/1 as rows need: there are more of these than of anything else."""

    question: str
    assessment: str
    release: str
    environment: str
    policy: str | None
    purpose: str
    as_of: str
    outcome: str
    gates: tuple[_Gate, ...]
    valid_until: str


class _Decision(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="decision/1"):
    """As much of decision/1 as rows need."""

    promotion: str
    verdict: str
    outcome: str
    as_of: str
    valid_until: str


class _Finding(msgspec.Struct, frozen=True, gc=False):
    component: str
    platform: str
    purl: str
    version: str
    vulnerability: str
    severity: str
    score_tenths: int | None
    sbom: str
    sbom_pointer: str
    vex: str
    waived_by: str | None
    open: bool
    new: bool
    epss: int | None
    kev_due: str


class _Named(_Finding, frozen=True, gc=False):
    """A finding with every other name of its vulnerability."""

    advisory: str
    aliases: tuple[str, ...]


class _Assessment(msgspec.Struct, frozen=True, gc=False):
    """As much of an assessment as rows need: the first kind holds its findings, the second names a picture."""

    question: str
    findings: tuple[_Named, ...] = ()
    picture: str | None = None


class _Picture(msgspec.Struct, frozen=True, gc=False):
    """As much of picture/1 as rows need."""

    findings: tuple[_Named, ...]


_ENTRY: Final = msgspec.json.Decoder(LogEntry)
_KIND: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(msgspec.defstruct("Kind", [("kind", str)]))


class Projector:
    """Makes rows of entries. ``admitted`` gives the position of the entry that admitted a record (Log.admitted)."""

    def __init__(self, reader: Reader, admitted: Callable[[Digest], int | None]) -> None:
        self._reader = reader
        self._admitted = admitted
        self._environments: dict[Digest, str] = {}
        self._batch = Batch(0)
        self._assessed: set[Digest] = set()

    def project(self, start: int, leaves: Iterable[bytes], max_rows: int = MANY) -> Batch:
        """Make the rows of consecutive entries, given as their canonical bytes; stops after about ``max_rows``.

        An assessment's findings come once per batch, even where two entries list Runs that put it out.
        """
        self._batch = batch = Batch(start)
        self._assessed = set()
        for leaf in leaves:
            self._entry(batch.stop, _ENTRY.decode(leaf))
            batch.stop += 1
            if batch.count >= max_rows:
                break
        return batch

    def add(self, table: str, *row: Any) -> None:
        """Add a row."""
        self._batch.rows[table].append(row)
        self._batch.count += 1

    def load(self, name: Digest | None, kind: type[R]) -> R | None:
        """Read a record; None for what retention has taken away, which then has no rows."""
        if name is None:
            return None
        try:
            record = msgspec.json.decode(self._reader.get(name), type=kind)
        except ObjectMissing:
            return None
        columns.check(record)
        return record

    def environment_name(self, name: Digest) -> str:
        """Give the name of an environment's record; empty when it is gone."""
        known = self._environments.get(name)
        if known is None:
            environment = self.load(name, Environment)
            known = self._environments[name] = environment.name if environment else ""
        return known

    def _entry(self, seq: int, entry: LogEntry) -> None:
        self.add("entries", seq, 0, entry.event, entry.record, entry.actor, entry.when)
        for note in entry.runs:
            if note.stage == "assess" and note.output not in self._assessed:
                self._assessed.add(note.output)
                _assessment(self, seq, note.output)
        # a record that is spoken of again keeps the rows of its first entry
        if entry.record is not None and self._admitted(entry.record) == seq:
            self._record(seq, entry.record)
        for at, move in enumerate(entry.moves):
            make = _MOVES.get(move.name.partition("/")[0])
            if make is not None:
                make(self, seq, at, move, entry)

    def _record(self, seq: int, name: Digest) -> None:
        try:
            data = self._reader.get(name)
        except ObjectMissing:
            return
        try:
            one = _RECORD.decode(data)
        except msgspec.ValidationError:
            if _KIND.decode(data).kind in _KINDS:
                raise
            return
        columns.check(one)
        _RECORDS[type(one)](self, seq, name, one)


_VERDICT: Final = attrgetter("purpose", "outcome", "as_of", "valid_until", "policy", "question", "assessment")
_FINDING: Final = attrgetter(*_Finding.__struct_fields__)
_GATE: Final = attrgetter("id", "gate", "enforcement", "status")
_GATE_FINDING: Final = attrgetter("code", "severity", "component", "purl", "vulnerability")
_ADMISSION: Final = attrgetter("binding", "verification", "admitted_at", "submitter")
_PROMOTION: Final = attrgetter("purpose", "reason", "requested_by", "requested_at")
_ADMITTED: Final = attrgetter("person", "login", "personal", "admitted_at")
_DRIFT: Final = attrgetter("type", "component", "field", "expected", "actual")
_WAIVER: Final = attrgetter(
    "vulnerability", "component", "subject", "environment", "expires_at", "approved_by", "reason"
)
_COMPONENT: Final = attrgetter("name", "repository", "tag", "digest", "resolution", "semver", "role")
_STATUS: Final = attrgetter("promotion", "state", "verdict", "decision", "deployment", "packet")
_DEPLOYED: Final = attrgetter("release", "deployment", "packet", "completed_at")


def _verdict(into: Projector, seq: int, name: Digest, one: _Verdict) -> None:
    environment = into.environment_name(one.environment)
    into.add("verdicts", seq, 0, name, one.release, one.environment, environment, *_VERDICT(one))
    at = 0
    for item, gate in enumerate(one.gates):
        into.add("gate_results", seq, item, name, *_GATE(gate), len(gate.findings))
        for found in gate.findings:
            into.add("gate_findings", seq, at, name, gate.id, *_GATE_FINDING(found))
            at += 1


def _assessment(into: Projector, seq: int, name: Digest) -> None:
    one = into.load(name, _Assessment)
    if one is None:
        return
    picture = into.load(one.picture, _Picture)
    findings = picture.findings if picture else one.findings
    into.add("assessments", seq, 0, name, one.question, len(findings), sum(row.open for row in findings))
    for at, row in enumerate(findings):
        into.add("findings", seq, at, name, *_FINDING(row))
    names = {(row.vulnerability, other) for row in findings for other in (row.advisory, *row.aliases)}
    for at, (shown, other) in enumerate(sorted(pair for pair in names if pair[0] != pair[1])):
        into.add("finding_names", seq, at, name, shown, other)


def _admission(into: Projector, seq: int, name: Digest, one: Admission) -> None:
    evidence = into.load(one.evidence, Evidence)
    raw, form = (evidence.raw, evidence.format) if evidence else (None, "")
    into.add("evidence", seq, 0, name, one.evidence, raw, one.subject, one.type, form, *_ADMISSION(one))
    facts = into.load(one.facts, VexFacts) if one.type == "vex" else None
    if facts is not None:
        _vex(into, seq, name, facts)


def _vex(into: Projector, seq: int, name: Digest, facts: VexFacts) -> None:
    at = 0
    for claim in facts.statements:
        stated = (claim.status, claim.justification, facts.author, claim.pointer)
        names = sorted({claim.vulnerability, *claim.aliases})
        for vulnerability, product in itertools.product(names, claim.products):
            for spelled in _spellings(product):
                into.add("vex", seq, at, name, vulnerability, spelled, *stated)
                at += 1


def _spellings(product: VexProduct) -> list[str]:
    """Every name a statement gives for what it speaks of: purls of the product and of its components, or its id."""
    purls = [value for kind, value in product.identifiers if kind == "purl"]
    return sorted({*product.components, *(purls or [product.id])})


def _promotion(into: Projector, seq: int, name: Digest, one: Promotion) -> None:
    environment = into.environment_name(one.environment)
    into.add("promotions", seq, 0, name, uuid_of(name), one.release, one.environment, environment, *_PROMOTION(one))


def _decision(into: Projector, seq: int, name: Digest, one: _Decision) -> None:
    into.add("decisions", seq, 0, name, *msgspec.structs.astuple(one))


def _approval(into: Projector, seq: int, name: Digest, one: AdmittedApproval) -> None:
    given = into.load(one.approval, Approval)
    if given is not None:
        what = (one.approval, given.promotion, given.verdict, given.decision)
        into.add("approvals", seq, 0, name, *what, *_ADMITTED(one), given.expires_at)


def _deployment(into: Projector, seq: int, name: Digest, one: Deployment) -> None:
    where = (one.environment, into.environment_name(one.environment))
    what = (one.promotion, one.release, *where, one.started_at, one.deployer)
    into.add("deployments", seq, 0, name, uuid_of(name), *what)


def _result(into: Projector, seq: int, name: Digest, one: DeploymentResult) -> None:
    into.add("deployment_results", seq, 0, name, one.deployment, one.result, one.completed_at)
    deployment = into.load(one.deployment, Deployment)
    release = into.load(deployment.release, Release) if deployment else None
    if deployment is None or release is None:
        return
    what = (name, one.deployment, deployment.release, release.line, into.environment_name(deployment.environment))
    for at, end in enumerate(one.outcomes):
        into.add("outcomes", seq, at, *what, end.target, end.result, end.code, end.sticker, one.completed_at)


def _feed(into: Projector, seq: int, name: Digest, one: AnySnapshot) -> None:
    documents = sum(source.documents for source in one.sources)
    newest = max((source.newest for source in one.sources), default="")
    into.add("feeds", seq, 0, name, one.name, one.captured_at, documents, newest)


def _drift(into: Projector, seq: int, name: Digest, one: DriftReport) -> None:
    found = [_DRIFT(drift) for drift in one.drifts] or [("", "", "", "", "")]
    for at, fields in enumerate(found):
        into.add("drift", seq, at, name, one.target, one.drifted, *fields)


def _waiver(into: Projector, seq: int, name: Digest, one: Waiver) -> None:
    into.add("waivers", seq, 0, name, *_WAIVER(one))


_RECORDS: Final[dict[type[Any], Callable[[Projector, int, Digest, Any], None]]] = {
    Admission: _admission,
    AdmittedApproval: _approval,
    _Decision: _decision,
    Deployment: _deployment,
    DeploymentResult: _result,
    DriftReport: _drift,
    FeedSnapshot: _feed,
    FeedSnapshot2: _feed,
    Promotion: _promotion,
    _Verdict: _verdict,
    Waiver: _waiver,
}
"""Rows of the record that an entry admits, by its kind."""

_KINDS: Final = frozenset(kind.__struct_config__.tag for kind in _RECORDS)
_RECORD: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(functools.reduce(operator.or_, _RECORDS))


def _release(into: Projector, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    one = into.load(move.new, Release)
    if one is None or move.new is None:
        return
    name = move.new
    into.add("releases", seq, at, name, uuid_of(name), one.name, one.line, one.created_at, one.created_by)
    item = 0
    for place, component in enumerate(one.components):
        into.add("components", seq, place, name, *_COMPONENT(component))
        image = into.load(component.resolution, Resolution)
        for node in image.nodes if image else ():
            into.add("images", seq, item, name, component.name, node.digest, node.role, node.platform)
            item += 1


def _environment(into: Projector, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    one = into.load(move.new, Environment)
    if one is not None:
        into.add("environments", seq, at, move.new, one.name, one.order, one.production)


def _target(into: Projector, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    name = move.new or move.old
    one = into.load(name, Target)
    if one is not None:
        into.add("targets", seq, at, name, one.name, one.type, one.environment, move.new is None)


def _status(into: Projector, seq: int, at: int, move: RefMoved, entry: LogEntry) -> None:
    one = into.load(move.new, PromotionStatus)
    if one is not None:
        into.add("promotion_states", seq, at, *_STATUS(one), entry.when)


def _deployed(into: Projector, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    """Rows for what a head gained and lost; lost comes first, so that the last row of a line tells what runs."""
    heads = (into.load(name, HeadSet) for name in (move.old, move.new))
    old, new = (set(head.members) if head else set() for head in heads)
    changed = [(False, name) for name in sorted(old - new)] + [(True, name) for name in sorted(new - old)]
    environment = move.name.partition("/")[2]
    for place, (running, name) in enumerate(changed):
        one = into.load(name, Deployed)
        if one is not None:
            item = at * MANY + place
            into.add("deployed", seq, item, environment, one.line, running, name, *_DEPLOYED(one))


_MOVES: Final[dict[str, Callable[[Projector, int, int, RefMoved, LogEntry], None]]] = {
    "deployed": _deployed,
    "environment": _environment,
    "promotion": _status,
    "release": _release,
    "target": _target,
}
"""Rows of the refs that an entry moves, by the first part of their names (cas.refs)."""
