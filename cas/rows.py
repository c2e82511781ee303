"""Which rows each kind of record gives, and each ref that moves: one small function per kind, listed at the end.

Knows record kinds, as far as rows need them; must not know the database. A function gets all records of its kind that
some entries lead to, and adds rows; ``seq`` is the entry's position. A newcomer writes one and adds its line.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

from cas import digest
from cas.digest import Digest, uuid_of
from cas.excerpts import (
    Assessed,
    Attested,
    Decided,
    Judged,
    Listed,
    LogEntry,
    Picture,
    Pictured,
    PicturedFinding,
    RefMoved,
    Stood,
)
from cas.into import MANY, Into, Kinds, Makers, Many, below, each, fields
from cas.problems import RecordInvalid
from cas.records.deploy import Deployed, Deployment, DeploymentResult, DriftReport
from cas.records.evidence import Admission, Evidence, VexFacts, VexProduct
from cas.records.feed import AnySnapshot, FeedSnapshot, FeedSnapshot2
from cas.records.policy import Waiver
from cas.records.promotion import AdmittedApproval, Approval, Promotion
from cas.records.proof import HeadSet
from cas.records.release import Environment, Release, Resolution, Target

_ENTRIES: Final = fields("event record actor when")
_JUDGED: Final = fields("purpose outcome as_of valid_until policy question assessment")
_GATES: Final = fields("id gate enforcement status")
_GATE_FINDINGS: Final = fields("code severity component purl vulnerability")
_DECIDED: Final = fields("promotion verdict outcome as_of valid_until")
_FOUND: Final = fields("component platform purl version vulnerability severity score_tenths")
_STANDING: Final = fields("sbom_pointer vex waived_by open new epss kev_due")
_ADMISSION: Final = attrgetter("binding", "verification", "admitted_at", "submitter")
_PROMOTION: Final = attrgetter("purpose", "reason", "requested_by", "requested_at")
_ADMITTED: Final = attrgetter("person", "login", "personal", "admitted_at")
_DRIFT: Final = attrgetter("type", "component", "field", "expected", "actual")
_WAIVER: Final = attrgetter(
    "vulnerability", "component", "subject", "environment", "expires_at", "approved_by", "reason"
)
_COMPONENT: Final = attrgetter("name", "repository", "tag", "digest", "resolution", "semver", "role")
_STATUS: Final = attrgetter("state", "verdict", "decision", "deployment", "packet")
_DEPLOYED: Final = attrgetter("release", "deployment", "packet", "completed_at")
_BUILT: Final = attrgetter("builder", "source", "source_digest")


_PICTURES: Final = Kinds([Picture])


@functools.lru_cache(maxsize=1 << 16)
def mark(name: str) -> int:
    """Give the number that stands for a name, case aside; two names may share one, so the name is compared too."""
    return int.from_bytes(digest.raw_of_bytes(name.lower().encode())[:8], "big") >> 1


def of_entries(into: Into, first: int, entries: Sequence[LogEntry]) -> None:
    """Add a row for each entry."""
    count = len(entries)
    into.batch.extend("entries", range(first, first + count), [0] * count, *_ENTRIES(entries))


# (2) what Runs put out


def _pictured(into: Into, many: Many) -> None:
    """Give an assessment that names a picture the rows of one that holds its findings."""
    pictures = [into.read(one.picture, _PICTURES) for one in many.records]
    listed = [picture.findings if picture is not None else () for picture in pictures]
    sboms = [_sbom_of(picture, row) for picture in pictures if picture is not None for row in picture.findings]
    _findings(into, many, listed, sboms)


def _sbom_of(picture: Picture, row: PicturedFinding) -> Digest:
    if row.sbom >= len(picture.documents):
        raise RecordInvalid(kind="Picture", reason=f"no document at {row.sbom}")
    return picture.documents[row.sbom]


def _assessments(into: Into, many: Many) -> None:
    listed = [one.findings for one in many.records]
    _findings(into, many, listed, [row.sbom for rows in listed for row in rows])


def _findings(into: Into, many: Many, listed: Sequence[Sequence[Any]], sboms: list[Digest]) -> None:
    count = len(listed)
    seqs, items, pictures, findings = below(many, listed)
    into.batch.extend(
        "assessments",
        many.seqs,
        [0] * count,
        many.names,
        [one.question for one in many.records],
        many.names,
        list(map(len, listed)),
        [sum([row.open for row in rows]) for rows in listed],
    )
    marks = [mark(row.vulnerability) for row in findings]
    into.batch.extend("findings", seqs, items, pictures, *_FOUND(findings), sboms, *_STANDING(findings), marks)
    for seq, name, rows in zip(many.seqs, many.names, listed, strict=True):
        names = {(row.vulnerability, other) for row in rows for other in (row.advisory, *row.aliases)}
        for at, (shown, other) in enumerate(sorted(pair for pair in names if pair[0] != pair[1])):
            into.batch.add("finding_names", seq, at, name, shown, other, mark(other))


# (3) what entries admit


def _verdicts(into: Into, many: Many) -> None:
    ones, count = many.records, len(many.records)
    releases, environments = ([getattr(one, name) for one in ones] for name in ("release", "environment"))
    where = list(map(into.environment_name, environments))
    pictures = [one.assessment for one in ones]
    into.batch.extend(
        "verdicts", many.seqs, [0] * count, many.names, releases, environments, where, *_JUDGED(ones), pictures
    )
    seqs, items, names, gates = below(many, [one.gates for one in ones])
    listed = [gate.findings for gate in gates]
    into.batch.extend("gate_results", seqs, items, names, *_GATES(gates), list(map(len, listed)))
    if any(listed):
        rows = [[(gate.id, found) for gate in one.gates for found in gate.findings] for one in ones]
        seqs, items, names, pairs = below(many, rows)
        ids, told = zip(*pairs, strict=True)
        into.batch.extend("gate_findings", seqs, items, names, ids, *_GATE_FINDINGS(told))


def _decisions(into: Into, many: Many) -> None:
    into.batch.extend("decisions", many.seqs, [0] * len(many.seqs), many.names, *_DECIDED(many.records))


def _admission(into: Into, seq: int, name: Digest, one: Admission) -> None:
    evidence = into.load(one.evidence, Evidence)
    raw, form = (evidence.raw, evidence.format) if evidence else (None, "")
    into.batch.add("evidence", seq, 0, name, one.evidence, raw, one.subject, one.type, form, *_ADMISSION(one))
    facts = into.read(one.facts, _FACTS)
    if facts is not None:
        FACTS[type(facts)](into, seq, name, one.subject, facts)


def _vex(into: Into, seq: int, name: Digest, _: Digest, facts: VexFacts) -> None:
    at = 0
    for claim in facts.statements:
        stated = (claim.status, claim.justification, facts.author, claim.pointer)
        names = sorted({claim.vulnerability, *claim.aliases})
        for vulnerability, product in itertools.product(names, claim.products):
            for spelled in _spellings(product):
                into.batch.add("vex", seq, at, name, vulnerability, spelled, *stated)
                at += 1


def _spellings(product: VexProduct) -> list[str]:
    """Every name a statement gives for what it speaks of: purls of the product and of its components, or its id."""
    purls = [value for kind, value in product.identifiers if kind == "purl"]
    return sorted({*product.components, *(purls or [product.id])})


def _sbom(into: Into, seq: int, name: Digest, subject: Digest, facts: Listed) -> None:
    purls = sorted({package.purl for package in facts.packages if package.purl})
    count, packages = len(purls), list(map(package_of, purls))
    into.batch.extend(
        "packages",
        [seq] * count,
        range(count),
        [name] * count,
        [subject] * count,
        purls,
        packages,
        list(map(mark, packages)),
    )


def package_of(purl: str) -> str:
    """Give a purl without its version, qualifiers and subpath."""
    return purl.partition("#")[0].partition("?")[0].rpartition("@")[0] or purl


def _attestation(into: Into, seq: int, name: Digest, subject: Digest, facts: Attested) -> None:
    if facts.source or facts.source_digest:
        into.batch.add("builds", seq, 0, name, subject, *_BUILT(facts))


FACTS: Final[dict[type[Any], Callable[[Into, int, Digest, Digest, Any], None]]] = {
    Attested: _attestation,
    Listed: _sbom,
    VexFacts: _vex,
}
"""Rows of what admitted evidence says of its subject, by the kind of its facts."""

_FACTS: Final = Kinds(FACTS)


def _promotion(into: Into, seq: int, name: Digest, one: Promotion) -> None:
    where = into.environment_name(one.environment)
    into.batch.add("promotions", seq, 0, name, uuid_of(name), one.release, one.environment, where, *_PROMOTION(one))


def _approval(into: Into, seq: int, name: Digest, one: AdmittedApproval) -> None:
    given = into.load(one.approval, Approval)
    if given is not None:
        what = (one.approval, given.promotion, given.verdict, given.decision)
        into.batch.add("approvals", seq, 0, name, *what, *_ADMITTED(one), given.expires_at)


def _deployment(into: Into, seq: int, name: Digest, one: Deployment) -> None:
    where = (one.environment, into.environment_name(one.environment))
    what = (one.promotion, one.decision, one.release, *where, one.started_at, one.deployer)
    into.batch.add("deployments", seq, 0, name, uuid_of(name), *what)


def _result(into: Into, seq: int, name: Digest, one: DeploymentResult) -> None:
    into.batch.add("deployment_results", seq, 0, name, one.deployment, one.result, one.completed_at)
    deployment = into.load(one.deployment, Deployment)
    release = into.recall(deployment.release, Release) if deployment else None
    if deployment is None or release is None:
        return
    what = (name, one.deployment, deployment.release, release.line, into.environment_name(deployment.environment))
    for at, end in enumerate(one.outcomes):
        into.batch.add("outcomes", seq, at, *what, end.target, end.result, end.code, end.sticker, one.completed_at)


def _feed(into: Into, seq: int, name: Digest, one: AnySnapshot) -> None:
    documents = sum(source.documents for source in one.sources)
    newest = max((source.newest for source in one.sources), default="")
    into.batch.add("feeds", seq, 0, name, one.name, one.captured_at, documents, newest)


def _drift(into: Into, seq: int, name: Digest, one: DriftReport) -> None:
    found = [_DRIFT(drift) for drift in one.drifts] or [("", "", "", "", "")]
    for at, told in enumerate(found):
        into.batch.add("drift", seq, at, name, one.target, one.drifted, *told)


def _waiver(into: Into, seq: int, name: Digest, one: Waiver) -> None:
    into.batch.add("waivers", seq, 0, name, *_WAIVER(one))


# (4) what refs move to


def _release(into: Into, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    one = into.load(move.new, Release)
    if one is None or move.new is None:
        return
    name, add = move.new, into.batch.add
    add("releases", seq, at, name, uuid_of(name), one.name, one.line, one.created_at, one.created_by)
    for place, (key, value) in enumerate(one.source):
        add("release_sources", seq, place, name, key, value)
    item = 0
    for place, component in enumerate(one.components):
        add("components", seq, place, name, *_COMPONENT(component))
        image = into.load(component.resolution, Resolution)
        for node in image.nodes if image else ():
            add("images", seq, item, name, component.name, node.digest, node.role, node.platform)
            item += 1


def _environment(into: Into, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    one = into.load(move.new, Environment)
    if one is not None:
        into.batch.add("environments", seq, at, move.new, one.name, one.order, one.production)


def _target(into: Into, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    name = move.new or move.old
    one = into.load(name, Target)
    if one is not None:
        into.batch.add("targets", seq, at, name, one.name, one.type, one.environment, move.new is None)


def _status(into: Into, seq: int, at: int, move: RefMoved, entry: LogEntry) -> None:
    """Add a promotion's new state with all that a list shows of it, so that a list reads one table."""
    one = into.load(move.new, Stood)
    asked = into.recall(one.promotion, Promotion) if one else None
    if one is None or asked is None:
        return
    release = into.recall(asked.release, Release)
    into.batch.add(
        "promotion_states",
        *(seq, at, one.promotion, into.admitted(one.promotion), uuid_of(one.promotion), asked.release),
        *(release.name if release else "", into.environment_name(asked.environment), *_PROMOTION(asked)),
        *(*_STATUS(one), len(one.approvals), entry.when),
    )


def _deployed(into: Into, seq: int, at: int, move: RefMoved, _: LogEntry) -> None:
    """Rows for what a head gained and lost; lost comes first, so that the last row of a line tells what runs."""
    heads = (into.load(name, HeadSet) for name in (move.old, move.new))
    old, new = (set(head.members) if head else set() for head in heads)
    changed = [(False, name) for name in sorted(old - new)] + [(True, name) for name in sorted(new - old)]
    environment = move.name.partition("/")[2]
    for place, (running, name) in enumerate(changed):
        one = into.load(name, Deployed)
        if one is not None:
            item = at * MANY + place
            into.batch.add("deployed", seq, item, environment, one.line, running, name, *_DEPLOYED(one))


OUTPUTS: Final[dict[str, Makers]] = {"assess": Makers({Assessed: _assessments, Pictured: _pictured})}
"""Rows of what a Run put out, by its stage and the record's kind: once, by the first entry that lists such a Run."""

RECORDS: Final = Makers(
    {
        Admission: each(_admission),
        AdmittedApproval: each(_approval),
        Decided: _decisions,
        Deployment: each(_deployment),
        DeploymentResult: each(_result),
        DriftReport: each(_drift),
        FeedSnapshot: each(_feed),
        FeedSnapshot2: each(_feed),
        Promotion: each(_promotion),
        Judged: _verdicts,
        Waiver: each(_waiver),
    }
)
"""Rows of the record that an entry admits, by its kind."""

MOVES: Final[dict[str, Callable[[Into, int, int, RefMoved, LogEntry], None]]] = {
    "deployed": _deployed,
    "environment": _environment,
    "promotion": _status,
    "release": _release,
    "target": _target,
}
"""Rows of the refs that an entry moves, by the first part of their names (cas.refs)."""
