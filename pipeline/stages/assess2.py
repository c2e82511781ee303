"""assess/2: evidence, findings, reports, VEX, reachability, waivers and unknowns become one picture, shared by digest.

As assess/1, with what scanners report, what is reached, what waivers do beside suppressing, and whether evidence is
verified, unsigned or bad. The picture does not know who asked: two questions about the same evidence name the same one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import msgspec

from cas import refs
from cas.digest import Digest
from cas.pictures import picture_of
from cas.records.base import Instant, Record
from cas.records.evidence import Admission, AttestationFacts, Evidence, SbomFacts, VexFacts
from cas.records.picture import AssessedFinding2, AssessInput2, Assessment2, EvidenceRow2, Findings2, Picture
from cas.records.policy import VexTrustTable, Waiver, Waiver2
from cas.records.proof import Verification
from cas.records.release import Component, Environment, Release, TemplateFacts
from cas.records.report import GenericFacts, ReachFacts, ReportFacts
from cas.records.verdict import ComponentQuestion, ComponentRow, Question, UnknownRow
from pipeline.facts import created_at, facts_of
from pipeline.feeds.reading import Feed
from pipeline.formats.format import Facts
from pipeline.stage import Stage, StageIO
from pipeline.stages.assess import EvidenceForeign, FindingsIncomplete, TooManyFindings
from pipeline.stages.gather import deployed_of
from pipeline.versions.vers import within
from policy import accepted, claims, unknowns
from policy.accepted import Accepted
from policy.assessing import Context, Known, Listed, Piece, findings, order
from policy.images import named
from policy.instants import earliest_after
from policy.packs.view import whole_of
from policy.product_identity import Subject, links_of
from policy.reported import package_of
from policy.trust_table import BUILT_IN

R = TypeVar("R", bound=Record)
MAX_FINDINGS: Final = 250_000
_KIND: Final = msgspec.json.Decoder(msgspec.defstruct("Kind", [("kind", str)]))


@dataclass(slots=True)
class _Heard:
    """A component on a platform with everything that counts for it, as loaded."""

    question: ComponentQuestion
    part: Component
    rows: list[EvidenceRow2] = field(default_factory=list)
    sboms: list[tuple[EvidenceRow2, SbomFacts]] = field(default_factory=list)
    vex: list[tuple[EvidenceRow2, VexFacts]] = field(default_factory=list)
    reports: list[tuple[EvidenceRow2, ReportFacts]] = field(default_factory=list)
    reach: list[tuple[EvidenceRow2, ReachFacts]] = field(default_factory=list)
    controls: set[str] = field(default_factory=set)

    def take(self, row: EvidenceRow2, facts: Facts) -> None:
        """Sort a piece of evidence in."""
        self.rows.append(row)
        if isinstance(facts, SbomFacts):
            self.sboms.append((row, facts))
        elif isinstance(facts, VexFacts):
            self.vex.append((row, facts))
        elif isinstance(facts, ReportFacts):
            self.reports.append((row, facts))
        elif isinstance(facts, ReachFacts):
            self.reach.append((row, facts))
        if row.verified:
            self.controls |= {row.predicate_type} - {""}
            self.controls |= {facts.name} if isinstance(facts, GenericFacts) else set()


def assess(asked: AssessInput2, io: StageIO) -> Assessment2:
    """Put together what is known.

    (1) Every admission of the question, each with its own facts. (2) The matches must be those of exactly these SBOMs
    against the question's feed. (3) Findings of ours and of scanners, with VEX, reachability and waivers. (4) Unknowns.

    Raises: assess.findings_incomplete, assess.evidence_foreign, assess.too_many_findings
    """
    question = io.load(asked.question, Question)
    release = io.load(question.release, Release)
    environment = io.load(question.environment, Environment)
    parts = {part.name: part for part in release.components}
    heard = [_heard(one, parts[one.component], io) for one in question.components]  # (1)
    matched = _matched(asked, question, heard, io)  # (2)
    table, table_digest = _table(question, io)
    documents = _documents(heard, matched)
    places = {name: place for place, name in enumerate(documents)}
    granted = (_waiver(name, io) for name in question.waivers)
    context = Context(
        question.as_of,
        table,
        accepted.in_force(granted, environment.name, release.line, question.as_of),
        _baseline(asked, question, release.line, io),
        _Lists(question.feed, io),
        places.__getitem__,
        within,
    )
    found: list[AssessedFinding2] = []
    changes: set[Instant | None] = set()
    for one in heard:
        for assessed in findings(_piece(one, matched), context):  # (3)
            found.append(assessed.finding)
            changes.update(assessed.changes)
        if len(found) > MAX_FINDINGS:
            raise TooManyFindings(limit=MAX_FINDINGS)
    found.sort(key=order)
    picture = Picture(
        components=tuple(_counted(one) for one in heard),
        evidence=tuple(sorted((row for one in heard for row in one.rows), key=_row_order)),
        documents=documents,
        findings=tuple(found),
        unknowns=_unknowns(question, heard, matched.values(), [(one, documents[one.sbom]) for one in found]),  # (4)
        template=_template(asked, question, release, io),
        trust_table=table_digest,
    )
    return Assessment2(
        question=asked.question, picture=io.keep(picture), valid_until=earliest_after(question.as_of, *changes)
    )


def _heard(question: ComponentQuestion, part: Component, io: StageIO) -> _Heard:
    heard = _Heard(question, part)
    for name in question.admissions:
        admission = io.load(name, Admission)
        evidence = io.load(admission.evidence, Evidence)
        if admission.subject != evidence.subject or admission.subject not in question.subjects:
            raise EvidenceForeign(admission=name, subject=admission.subject)
        facts = io.derive(admission.facts, facts_of, via=name)
        heard.take(row_of(question, (name, admission), evidence, facts, io), facts)
    return heard


class Loads(Protocol):
    """Whatever gives records by digest: a stage's io, or a reader outside of stages."""

    def load(self, wanted: Digest, kind: type[R], /) -> R:
        """Give a record."""


def row_of(
    question: ComponentQuestion, admitted: tuple[Digest, Admission], evidence: Evidence, facts: Facts, io: Loads
) -> EvidenceRow2:
    """Say what standing a piece of evidence has for a component."""
    name, admission = admitted
    checked = io.load(evidence.verification, Verification) if evidence.verification else None
    covers = checked is not None and evidence.envelope == checked.envelope and evidence.subject in checked.subjects
    verified = checked is not None and checked.status == "verified" and covers
    bad = checked is not None and checked.status == "bad"
    signers = (
        {each.signer for each in checked.signatures if each.status == "verified"} if checked and verified else set()
    )
    said = facts if isinstance(facts, AttestationFacts) else None
    return EvidenceRow2(
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
        standing="verified" if verified else "bad" if bad else "unsigned",
        signers=tuple(sorted(signers - {""})),
        predicate_type=said.predicate_type if said else checked.predicate_type if checked else "",
        builder=said.builder if said else "",
        source=said.source if said else "",
        created_at=created_at(facts),
        admitted_at=admission.admitted_at,
    )


def _matched(asked: AssessInput2, question: Question, heard: list[_Heard], io: StageIO) -> dict[Digest, Findings2]:
    matched = {}
    for name in asked.findings:
        found = io.load(name, Findings2)
        if found.feed != question.feed or found.facts in matched:
            raise FindingsIncomplete(findings=name)
        matched[found.facts] = found
    wanted = {row.facts for one in heard for row, _ in one.sboms} if question.feed else set()
    if set(matched) != wanted:
        raise FindingsIncomplete(missing=sorted(wanted - set(matched)), foreign=sorted(set(matched) - wanted))
    return matched


def _documents(heard: list[_Heard], matched: dict[Digest, Findings2]) -> tuple[Digest, ...]:
    """List what findings may point at: SBOMs, reports, objects of the feed."""
    raws = {row.raw for one in heard for row, _ in (*one.sboms, *one.reports)}
    return tuple(sorted(raws | {match.package for found in matched.values() for match in found.matches}))


def _waiver(name: Digest, io: StageIO) -> Accepted:
    new = getattr(_KIND.decode(io.read(name)), "kind", "") == str(Waiver2.__struct_config__.tag)
    return Accepted(name, io.load(name, Waiver2) if new else io.load(name, Waiver))


def _table(question: Question, io: StageIO) -> tuple[VexTrustTable, Digest]:
    chosen = whole_of(io.read(question.policy), io.read).trust_table if question.policy else None
    if chosen is not None:
        return io.load(chosen, VexTrustTable), chosen
    return BUILT_IN, io.keep(BUILT_IN)


def _template(asked: AssessInput2, question: Question, release: Release, io: StageIO) -> Digest | None:
    """Take the template's facts in: those of this release, when it has a Compose project."""
    given = io.load(asked.template, TemplateFacts).release if asked.template else None
    if given != (question.release if release.compose else None):
        raise FindingsIncomplete(template=asked.template, release=question.release)
    return asked.template


def _baseline(asked: AssessInput2, question: Question, line: str, io: StageIO) -> Known | None:
    """Give what was open in the release deployed before; only its own recorded assessment is taken."""
    heads = {head.name: head.digest for head in question.heads}
    environment = io.load(question.environment, Environment)
    deployed = deployed_of(line, heads.get(refs.deployed(environment.name)), io)
    expected = deployed.assessment if deployed else None
    if asked.baseline != expected:
        raise FindingsIncomplete(baseline=asked.baseline, expected=expected)
    if expected is None:
        return None
    before = picture_of(expected, io.read)
    return frozenset((one.component, package_of(one.purl), one.vulnerability) for one in before.findings if one.open)


class _Lists:
    """KEV and EPSS of the question's feed, for what no match has looked up."""

    def __init__(self, feed: Digest | None, io: StageIO) -> None:
        self._feed = feed
        self._io = io
        self._found: Feed | None = None

    def __call__(self, names: tuple[str, ...]) -> Listed:
        if self._feed is None:
            return Listed("", "", None)
        if self._found is None:
            self._found = Feed(self._io, self._feed)
        due, name = self._found.lists.kev(names)
        return Listed(due, name, self._found.lists.epss(names))


def _piece(heard: _Heard, matched: dict[Digest, Findings2]) -> Piece:
    documents = {(row.raw, row.facts): row for row, _ in heard.sboms}  # admitted twice, told once
    return Piece(
        component=heard.part.name,
        platform=heard.question.platform,
        subject=Subject(
            digests=frozenset(heard.question.subjects),
            image=named(f"{heard.part.repository}:{heard.part.tag or 'latest'}"),
            purls=frozenset(package.purl for _, facts in heard.sboms for package in facts.packages if package.purl),
            platform=heard.question.platform,
            links=tuple(sorted({link for _, facts in heard.sboms for link in links_of(facts)})) if heard.vex else (),
        ),
        statements=claims.index(heard.vex),
        matches=tuple((row, matched[row.facts].matches) for row in documents.values() if row.facts in matched),
        reports=tuple({(row.raw, row.facts): (row, facts) for row, facts in heard.reports}.values()),
        reach=tuple({(row.raw, row.facts): (row, facts) for row, facts in heard.reach}.values()),
        controls=frozenset(heard.controls),
    )


def _counted(heard: _Heard) -> ComponentRow:
    packages = {(p.purl, p.name, p.version) for _, facts in heard.sboms for p in facts.packages}
    return ComponentRow(
        component=heard.part.name,
        platform=heard.question.platform,
        image=heard.question.image,
        packages=len(packages),
        sboms=len(heard.sboms),
    )


def _unknowns(
    question: Question, heard: list[_Heard], matched: Iterable[Findings2], found: list[tuple[AssessedFinding2, Digest]]
) -> tuple[UnknownRow, ...]:
    rows = list(unknowns.about_question(question))
    for one in heard:
        rows.extend(unknowns.about_component(one.question, len(one.sboms)))
        rows.extend(row for each, facts in one.sboms for row in unknowns.about_sbom(each.raw, len(facts.packages)))
        for each, report in one.reports:
            rows.extend(unknowns.about_report(each.raw, report.tool, complete=report.complete))
            rows.extend(_unplaced(each.raw, report))
        rows.extend(unknowns.about_signature(each.raw) for each in one.rows if each.standing == "bad")
    analysed = {(one.part.name, one.question.platform) for one in heard if one.reach}
    rows.extend(
        unknowns.about_reach(one, sbom)
        for one, sbom in found
        if one.open and one.reach.state == "U" and (one.component, one.platform) in analysed
    )
    for answer in matched:
        rows.extend(answer.unknowns)
    rows.extend(unknowns.about_findings(found))
    return unknowns.in_order(rows)


def _unplaced(raw: Digest, report: ReportFacts) -> Iterable[UnknownRow]:
    for result in report.results:
        if result.category == "vulnerability" and result.names:
            placed = bool(result.purl or result.package)
            yield from unknowns.about_result(raw, result.names[0], result.pointer, placed=placed)


def _row_order(row: EvidenceRow2) -> tuple[str, str, str, str]:
    return (row.component, row.platform, row.type, row.admission)


ASSESS2 = Stage("assess", 2, AssessInput2, Assessment2, assess)
