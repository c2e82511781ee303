"""assess/1: evidence, findings, VEX, waivers and unknowns become one picture of the release at ``as_of``.

Knows how facts are joined; must not know what a policy makes of them. Nothing is dropped: what is closed by VEX or
marked by a waiver is listed with who, why, until when.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cas import refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.base import Instant
from cas.records.evidence import Admission, AttestationFacts, Evidence, SbomFacts, VexFacts
from cas.records.policy import PolicyPack, VexTrustTable, Waiver
from cas.records.proof import Verification
from cas.records.release import Component, Environment, Release, TemplateFacts
from cas.records.verdict import (
    AssessedFinding,
    AssessInput,
    Assessment,
    ComponentQuestion,
    ComponentRow,
    EvidenceRow,
    Findings,
    Match,
    Question,
    UnknownRow,
)
from pipeline.stage import Stage, StageIO
from pipeline.stages.gather import deployed_of
from policy import consensus, unknowns, waivers
from policy.consensus import Statement
from policy.images import named
from policy.instants import earliest_after
from policy.products import Subject, purl_parts
from policy.trust_table import BUILT_IN
from policy.waivers import Granted

MAX_FINDINGS: Final = 250_000


class FindingsIncomplete(Problem):
    """The matches given are not exactly those of the question's SBOMs and feed."""

    code = "assess.findings_incomplete"
    category = Category.INVALID
    title = "The findings do not belong to the question"
    remedy = "Ask through the instance, which matches every SBOM the question names."


class EvidenceForeign(Problem):
    """A head lists evidence whose records contradict each other."""

    code = "assess.evidence_foreign"
    category = Category.CORRUPT
    title = "A piece of evidence is not what its admission says"
    remedy = "Run stella fsck."


class TooManyFindings(Problem):
    """More findings than can be judged in bounded memory."""

    code = "assess.too_many_findings"
    category = Category.TOO_LARGE
    title = "Too many findings"
    remedy = "Split the release, or its SBOMs."


@dataclass(slots=True)
class _Piece:
    """A component on a platform with everything that counts for it."""

    question: ComponentQuestion
    part: Component
    rows: list[EvidenceRow] = field(default_factory=list)
    sboms: list[tuple[EvidenceRow, SbomFacts]] = field(default_factory=list)
    vex: list[tuple[EvidenceRow, VexFacts]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Context:
    """What every finding is looked at with."""

    as_of: Instant
    table: VexTrustTable
    granted: dict[str, list[Granted]]
    known: frozenset[tuple[str, str, str]] | None  # open in the baseline; None = no baseline


def assess(asked: AssessInput, io: StageIO) -> Assessment:
    """Put together what is known.

    (1) Every admission of the question, each with its own facts. (2) The matches must be those of exactly these SBOMs
    against the question's feed. (3) VEX by product and component, waivers by their scope. (4) Unknowns.

    Raises: assess.findings_incomplete, assess.evidence_foreign, assess.too_many_findings
    """
    question = io.load(asked.question, Question)
    release = io.load(question.release, Release)
    environment = io.load(question.environment, Environment)
    parts = {part.name: part for part in release.components}
    pieces = [_piece(one, parts[one.component], io) for one in question.components]  # (1)
    matched = _matched(asked, question, pieces, io)  # (2)
    table, table_digest = _table(question, io)
    granted = (Granted(name, io.load(name, Waiver)) for name in question.waivers)
    context = _Context(
        question.as_of,
        table,
        waivers.in_force(granted, environment.name, question.as_of),
        _baseline(asked, question, release.line, io),
    )
    findings: list[AssessedFinding] = []
    changes: set[Instant | None] = set()
    for piece in pieces:
        for finding, change in _findings(piece, matched, context):  # (3)
            findings.append(finding)
            changes.update(change)
        if len(findings) > MAX_FINDINGS:
            raise TooManyFindings(limit=MAX_FINDINGS)
    findings.sort(key=_order)
    return Assessment(
        question=asked.question,
        components=tuple(_counted(piece) for piece in pieces),
        evidence=tuple(sorted((row for piece in pieces for row in piece.rows), key=_row_order)),
        findings=tuple(findings),
        unknowns=_unknowns(question, pieces, matched.values(), findings),  # (4)
        template=_template(asked, question, release, io),
        trust_table=table_digest,
        valid_until=earliest_after(question.as_of, *changes),
    )


def _piece(question: ComponentQuestion, part: Component, io: StageIO) -> _Piece:
    piece = _Piece(question, part)
    for name in question.admissions:
        admission = io.load(name, Admission)
        evidence = io.load(admission.evidence, Evidence)
        if admission.subject != evidence.subject or admission.subject not in question.subjects:
            raise EvidenceForeign(admission=name, subject=admission.subject)
        row, facts = _row(question, name, admission, evidence, io)
        piece.rows.append(row)
        if isinstance(facts, SbomFacts):
            piece.sboms.append((row, facts))
        elif isinstance(facts, VexFacts):
            piece.vex.append((row, facts))
    return piece


def _row(
    question: ComponentQuestion, name: Digest, admission: Admission, evidence: Evidence, io: StageIO
) -> tuple[EvidenceRow, SbomFacts | VexFacts | AttestationFacts | None]:
    facts: SbomFacts | VexFacts | AttestationFacts | None = None
    if evidence.type == "sbom":
        facts = io.load(admission.facts, SbomFacts)
    elif evidence.type == "vex":
        facts = io.load(admission.facts, VexFacts)
    elif evidence.type in {"provenance", "attestation"}:
        facts = io.load(admission.facts, AttestationFacts)
    checked = io.load(evidence.verification, Verification) if evidence.verification else None
    verified = (
        checked is not None
        and checked.status == "verified"
        and evidence.envelope == checked.envelope
        and evidence.subject in checked.subjects
    )
    signers = (
        {check.signer for check in checked.signatures if check.status == "verified"} if checked and verified else set()
    )
    attested = isinstance(facts, AttestationFacts)
    return EvidenceRow(
        component=question.component,
        platform=question.platform,
        admission=name,
        evidence=admission.evidence,
        raw=evidence.raw,
        facts=admission.facts,
        type=evidence.type,
        format=evidence.format,
        # only a verified signature over the subject attests, whatever the admission says
        binding="attested" if verified else "embedded" if evidence.binding == "embedded" else "asserted",
        verified=verified,
        signers=tuple(sorted(signers - {""})),
        predicate_type=facts.predicate_type
        if isinstance(facts, AttestationFacts) and attested
        else _predicate(checked),
        builder=facts.builder if isinstance(facts, AttestationFacts) else "",
        source=facts.source if isinstance(facts, AttestationFacts) else "",
        admitted_at=admission.admitted_at,
    ), facts


def _predicate(checked: Verification | None) -> str:
    return checked.predicate_type if checked else ""


def _matched(asked: AssessInput, question: Question, pieces: list[_Piece], io: StageIO) -> dict[Digest, Findings]:
    matched = {}
    for name in asked.findings:
        found = io.load(name, Findings)
        if found.feed != question.feed or found.facts in matched:
            raise FindingsIncomplete(findings=name)
        matched[found.facts] = found
    wanted = {row.facts for piece in pieces for row, _ in piece.sboms} if question.feed else set()
    if set(matched) != wanted:
        raise FindingsIncomplete(missing=sorted(wanted - set(matched)), foreign=sorted(set(matched) - wanted))
    return matched


def _table(question: Question, io: StageIO) -> tuple[VexTrustTable, Digest]:
    pack = io.load(question.policy, PolicyPack) if question.policy else None
    if pack is not None and pack.trust_table is not None:
        return io.load(pack.trust_table, VexTrustTable), pack.trust_table
    return BUILT_IN, io.keep(BUILT_IN)


def _template(asked: AssessInput, question: Question, release: Release, io: StageIO) -> Digest | None:
    """Take the template's facts in: those of this release, when it has a Compose project."""
    given = io.load(asked.template, TemplateFacts).release if asked.template else None
    if given != (question.release if release.compose else None):
        raise FindingsIncomplete(template=asked.template, release=question.release)
    return asked.template


def _baseline(asked: AssessInput, question: Question, line: str, io: StageIO) -> frozenset[tuple[str, str, str]] | None:
    """Give what was open in the release deployed before; only its own recorded assessment is taken."""
    heads = {head.name: head.digest for head in question.heads}
    environment = io.load(question.environment, Environment)
    deployed = deployed_of(line, heads.get(refs.deployed(environment.name)), io)
    expected = deployed.assessment if deployed else None
    if asked.baseline != expected:
        raise FindingsIncomplete(baseline=asked.baseline, expected=expected)
    if expected is None:
        return None
    before = io.load(expected, Assessment)
    return frozenset((one.component, _unversioned(one.purl), one.vulnerability) for one in before.findings if one.open)


def _unversioned(purl: str) -> str:
    found = purl_parts(purl)
    return f"{found.type}/{found.namespace}/{found.name}" if found else purl


def _findings(
    piece: _Piece, matched: dict[Digest, Findings], context: _Context
) -> Iterable[tuple[AssessedFinding, tuple[Instant | None, Instant | None]]]:
    subject = Subject(
        digests=frozenset(piece.question.subjects),
        image=named(f"{piece.part.repository}:{piece.part.tag or 'latest'}"),
        purls=frozenset(package.purl for _, facts in piece.sboms for package in facts.packages if package.purl),
    )
    statements = consensus.index(piece.vex)
    documents = {(row.raw, row.facts): row for row, _ in piece.sboms}  # admitted twice, told once
    for row in documents.values():
        found = matched.get(row.facts)
        for match in found.matches if found else ():
            yield _assessed(piece, row, match, (subject, statements), context)


def _assessed(
    piece: _Piece, row: EvidenceRow, match: Match, spoken: tuple[Subject, dict[str, list[Statement]]], context: _Context
) -> tuple[AssessedFinding, tuple[Instant | None, Instant | None]]:
    subject, statements = spoken
    names = {match.advisory, *match.aliases}
    vex = (
        consensus.reach(statements, names, subject, purl=match.purl, table=context.table, as_of=context.as_of)
        if statements
        else consensus.NOTHING
    )
    waiver = waivers.covering(context.granted, names, match.purl, subject.digests) if context.granted else None
    vulnerability = shown_name(names)
    key = (piece.part.name, _unversioned(match.purl), vulnerability)
    finding = AssessedFinding(
        component=piece.part.name,
        platform=piece.question.platform,
        purl=match.purl,
        version=match.version,
        vulnerability=vulnerability,
        advisory=match.advisory,
        aliases=match.aliases,
        related=match.related,
        severity=match.severity,
        score_tenths=match.score_tenths,
        fixed_in=match.fixed_in,
        sbom=row.raw,
        sbom_pointer=match.component_pointer,
        feed_package=match.package,
        feed_pointer=match.pointer,
        vex=vex.state,
        claims=vex.claims,
        waived_by=waiver.digest if waiver else None,
        open=vex.state not in consensus.CLOSING and waiver is None,
        new=context.known is None or key not in context.known,
        epss=match.epss,
        kev=match.kev,
        kev_due=match.kev_due,
    )
    return finding, (vex.changes_at, waiver.waiver.expires_at if waiver else None)


def shown_name(names: Iterable[str]) -> str:
    """Choose the name people see: the first CVE, else the first GHSA, else the first of all."""
    every = sorted(names)
    for prefix in ("CVE-", "GHSA-"):
        for name in every:
            if name.startswith(prefix):
                return name
    return every[0]


def _counted(piece: _Piece) -> ComponentRow:
    packages = {(p.purl, p.name, p.version) for _, facts in piece.sboms for p in facts.packages}
    return ComponentRow(
        component=piece.part.name,
        platform=piece.question.platform,
        image=piece.question.image,
        packages=len(packages),
        sboms=len(piece.sboms),
    )


def _unknowns(
    question: Question, pieces: list[_Piece], matched: Iterable[Findings], findings: list[AssessedFinding]
) -> tuple[UnknownRow, ...]:
    rows = list(unknowns.about_question(question))
    for piece in pieces:
        rows.extend(unknowns.about_component(piece.question, len(piece.sboms)))
    for found in matched:
        rows.extend(found.unknowns)
    rows.extend(unknowns.about_findings((one, one.sbom) for one in findings))
    return unknowns.in_order(rows)


def _order(one: AssessedFinding) -> tuple[str, ...]:
    return (
        one.component,
        one.platform,
        one.purl,
        one.vulnerability,
        one.advisory,
        one.sbom,
        one.sbom_pointer,
        one.feed_package,
        one.feed_pointer,
    )


def _row_order(row: EvidenceRow) -> tuple[str, str, str, str]:
    return (row.component, row.platform, row.type, row.admission)


ASSESS = Stage("assess", 1, AssessInput, Assessment, assess)
