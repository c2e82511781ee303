"""VEX explained: every statement about a vulnerability, and why it counts for a release or an image, or does not.

What is told is computed by the code that assesses, over the evidence as it is admitted now. Reads only, never judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from cas import refs
from cas.digest import Digest, is_digest
from cas.problems import Category, Problem
from cas.records.base import Instant, Record
from cas.records.evidence import Admission, Evidence, SbomFacts, VexFacts
from cas.records.picture import EvidenceRow2
from cas.records.policy import VexTrustTable
from cas.records.proof import HeadSet
from cas.records.release import Resolution
from cas.records.report import ReachFacts
from cas.records.verdict import ComponentQuestion
from cas.store import load
from pipeline.effects import Effects
from pipeline.facts import facts_of
from pipeline.operations import releases
from pipeline.operations.releases import ReleaseMissing
from pipeline.operations.vex_consensus import found_in_verdicts
from pipeline.stages.assess2 import row_of
from pipeline.stages.gather import subjects_of
from pipeline.versions.vers import within
from policy import claims
from policy.claims import Weighed
from policy.images import named
from policy.instants import of_seconds
from policy.packs.view import whole_of
from policy.product_identity import Fit, Subject, best_fit, links_of
from policy.reachability import Spoken as Reaches
from policy.reachability import reach_in
from policy.trust_table import BUILT_IN

R = TypeVar("R", bound=Record)
MAX_PACKAGES: Final = 32
_EVIDENCE: Final = "evidence/"


class SubjectMissing(Problem):
    """Neither a release nor the digest of an image."""

    code = "vex.subject_missing"
    category = Category.MISSING
    title = "No such release, and not an image's digest"
    remedy = "Name a release, or an image by its digest (sha256:…)."


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement about a vulnerability, and what became of it for one package of one component."""

    component: str
    platform: str
    purl: str
    state: str  # of the consensus about that package
    status: str
    applies: bool
    why: str  # counts, or the code of what failed
    detail: str
    specificity: int
    score: int
    source: str
    strength: str
    justification: str
    author: str
    signers: tuple[str, ...]
    verified: bool
    issued_at: Instant
    format: str
    evidence: Digest
    pointer: str


@dataclass(frozen=True, slots=True)
class _Heard:
    """What counts for one component on one platform."""

    component: str
    platform: str
    subject: Subject
    vex: tuple[tuple[EvidenceRow2, VexFacts], ...]
    reaches: Reaches


class _Reading:
    """Gives records to the code of stages."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def load(self, wanted: Digest, kind: type[R], /) -> R:
        return load(self._effects.store, wanted, kind)


def explain(
    effects: Effects, what: str, vulnerability: str, *, purl: str = "", environment: str = "", at: Instant = ""
) -> tuple[Explained, ...]:
    """Tell of every statement in the store about a vulnerability why it applies to a release or image, or why not.

    (1) What is admitted for the release's images, or the image, is weighed as assessing does. (2) Packages are the one
    given, else those in which the newest verdict found it, else those that a statement comes nearest to. (3) Statements
    admitted for other images only are listed as such.

    Raises: vex.subject_missing
    """
    heard = _heard(effects, what)  # (1)
    table = _table(effects, environment)
    as_of = at or effects.clock.now()
    told: list[Explained] = []
    for piece in heard:
        statements = claims.index(piece.vex)
        names = _names(statements, vulnerability)
        for package in [purl] if purl else _packages(effects, what, piece, statements, names):  # (2)
            state, weighed = claims.weigh(
                statements,
                names,
                piece.subject,
                purl=package,
                table=table,
                as_of=as_of,
                reachable=reach_in(piece.reaches, names, package),
                within=within,
            )
            told += [_explained(piece, package, state, one) for one in weighed]
    told += _elsewhere(effects, heard, vulnerability)  # (3)
    told.sort(
        key=lambda one: (one.component, one.platform, one.purl, not one.applies, -one.score, one.evidence, one.pointer)
    )
    return tuple(told)


def _explained(piece: _Heard, purl: str, state: str, one: Weighed) -> Explained:
    said = one.statement
    return Explained(
        component=piece.component,
        platform=piece.platform,
        purl=purl,
        state=state,
        status=said.statement.status,
        applies=one.fit.applies,
        why=one.why,
        detail=one.fit.detail,
        specificity=one.fit.specificity,
        score=one.score,
        source=one.source,
        strength=one.strength,
        justification=said.statement.justification,
        author=said.facts.author,
        signers=said.row.signers,
        verified=said.row.verified,
        issued_at=of_seconds(said.issued),
        format=said.facts.format,
        evidence=said.row.raw,
        pointer=said.statement.pointer,
    )


def _heard(effects: Effects, what: str) -> tuple[_Heard, ...]:
    try:
        release, _ = releases.find(effects, what)
    except ReleaseMissing as problem:
        if not is_digest(what):
            raise SubjectMissing(subject=what[:128]) from problem
        return (_piece(effects, "image", "", (what,), named("")),)
    return tuple(
        _piece(
            effects,
            part.name,
            platform,
            subjects_of(load(effects.store, part.resolution, Resolution), platform)[1],
            named(f"{part.repository}:{part.tag or 'latest'}"),
        )
        for part in release.components
        for platform in part.platforms
    )


def _piece(effects: Effects, component: str, platform: str, subjects: tuple[Digest, ...], image: Any) -> _Heard:
    question = ComponentQuestion(
        component=component, platform=platform, image=subjects[0], subjects=subjects, admissions=()
    )
    vex, sboms, reached = [], [], []
    for name in sorted({name for subject in subjects for name in _members(effects, refs.evidence(subject))}):
        admission = load(effects.store, name, Admission)
        if admission.type not in {"vex", "sbom", "reachability"}:
            continue
        facts = facts_of(effects.store.get(admission.facts))
        evidence = load(effects.store, admission.evidence, Evidence)
        row = row_of(question, (name, admission), evidence, facts, _Reading(effects))
        if isinstance(facts, VexFacts):
            vex.append((row, facts))
        elif isinstance(facts, SbomFacts):
            sboms.append(facts)
        elif isinstance(facts, ReachFacts):
            reached.append((row.raw, facts, row.verified))
    subject = Subject(
        digests=frozenset(subjects),
        image=image,
        purls=frozenset(package.purl for facts in sboms for package in facts.packages if package.purl),
        platform=platform,
        links=tuple(sorted({link for facts in sboms for link in links_of(facts)})),
    )
    return _Heard(component, platform, subject, tuple(vex), Reaches(reached))


def _members(effects: Effects, ref: str) -> tuple[Digest, ...]:
    head = effects.log.ref(ref)
    return load(effects.store, head, HeadSet).members if head else ()


def _table(effects: Effects, environment: str) -> VexTrustTable:
    active = effects.log.ref(refs.policy(environment)) if environment else None
    pack = whole_of(effects.store.get(active), effects.store.get) if active else None
    return load(effects.store, pack.trust_table, VexTrustTable) if pack and pack.trust_table else BUILT_IN


def _names(statements: Any, vulnerability: str) -> frozenset[str]:
    """Give the names of a vulnerability: what was asked, and what statements under that name call it too."""
    said = [one.statement for one in statements.get(vulnerability, ())]
    return frozenset({vulnerability, *(name for each in said for name in (each.vulnerability, *each.aliases))})


def _packages(effects: Effects, what: str, piece: _Heard, statements: Any, names: frozenset[str]) -> list[str]:
    found = {
        one.purl
        for _, _, one in found_in_verdicts(effects, what, "")
        if one.component == piece.component and names & {one.vulnerability, one.advisory, *one.aliases}
    }
    if found:
        return sorted(found)[:MAX_PACKAGES]
    nearest: dict[str, int] = {}
    for one in {id(each): each for name in names for each in statements.get(name, ())}.values():
        for package in piece.subject.purls:
            fit = best_fit(one.statement.products, piece.subject, package, within)
            nearest[package] = max(nearest.get(package, 0), 10 + fit.specificity if fit.applies else fit.nearness)
    best = max(nearest.values(), default=0)
    return sorted(package for package, near in nearest.items() if near == best)[:MAX_PACKAGES] or [""]


def _elsewhere(effects: Effects, heard: tuple[_Heard, ...], vulnerability: str) -> Iterator[Explained]:
    """List statements of documents that were admitted for other images only."""
    mine = {subject for piece in heard for subject in piece.subject.digests}
    seen = {row.raw for piece in heard for row, _ in piece.vex}
    for ref, head in effects.log.refs(_EVIDENCE):
        subject = ref.removeprefix(_EVIDENCE)
        if subject in mine:
            continue
        for name in load(effects.store, head, HeadSet).members:
            admission = load(effects.store, name, Admission)
            if admission.type == "vex":
                yield from _foreign(effects, (name, admission), vulnerability, seen)


def _foreign(
    effects: Effects, admitted: tuple[Digest, Admission], vulnerability: str, seen: set[Digest]
) -> Iterator[Explained]:
    subject = admitted[1].subject
    evidence = load(effects.store, admitted[1].evidence, Evidence)
    facts = facts_of(effects.store.get(admitted[1].facts))
    if evidence.raw in seen or not isinstance(facts, VexFacts):
        return
    question = ComponentQuestion(component="other", platform="", image=subject, subjects=(subject,), admissions=())
    row = row_of(question, admitted, evidence, facts, _Reading(effects))
    piece = _Heard("", "", Subject(frozenset((subject,)), named(""), frozenset()), (), Reaches(()))
    for one in claims.index([(row, facts)]).get(vulnerability, ()):
        fit = Fit(False, "document_of_another_image", subject)
        yield _explained(piece, "", "", Weighed(one, fit, 0, "", "", "document_of_another_image"))
