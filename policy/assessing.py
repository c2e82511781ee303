"""One finding, assessed: what was matched or reported, what VEX, reachability and waivers make of it. Pure joins.

Knows how facts about one component on one platform are joined; must not know where they came from, nor what a policy
makes of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cas.digest import Digest
from cas.records.base import Instant
from cas.records.picture import AssessedFinding2, EvidenceRow2, Match2, Reach
from cas.records.policy import VexTrustTable
from cas.records.report import ReachFacts, ReportFacts
from policy import accepted, claims
from policy.accepted import Accepted, Spoken
from policy.claims import Consensus, Statement
from policy.product_identity import Subject, Within
from policy.reachability import NOWHERE, reach_in
from policy.reachability import Spoken as Reaches
from policy.reported import Join, Told, package_of, vulnerabilities

Known = frozenset[tuple[str, str, str]]
"""(component, package, vulnerability) that were open in the baseline."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the feed's lists say under some names: KEV due date and name, EPSS."""

    due: str
    name: str
    epss: int | None


@dataclass(frozen=True, slots=True)
class Context:
    """What every finding of a release is looked at with."""

    as_of: Instant
    table: VexTrustTable
    granted: Mapping[str, list[Accepted]]
    known: Known | None  # None = no baseline
    listed: Callable[[tuple[str, ...]], Listed]
    place: Callable[[Digest], int]  # of a document among those of the picture
    within: Within | None = None  # how versions of products lie in ranges; None = ranges apply to nothing


@dataclass(frozen=True, slots=True)
class Piece:
    """All that was said about one component on one platform."""

    component: str
    platform: str
    subject: Subject
    statements: Mapping[str, list[Statement]]
    matches: tuple[tuple[EvidenceRow2, tuple[Match2, ...]], ...]  # by SBOM
    reports: tuple[tuple[EvidenceRow2, ReportFacts], ...]
    reach: tuple[tuple[EvidenceRow2, ReachFacts], ...]
    controls: frozenset[str]  # what verified evidence attests


@dataclass(frozen=True, slots=True)
class Assessed:
    """A finding, and the instants at which it may become another."""

    finding: AssessedFinding2
    changes: tuple[Instant | None, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found, whoever found it."""

    names: frozenset[str]
    match: Match2
    sbom: Digest
    reported_by: tuple[str, ...]
    matched: bool


def findings(piece: Piece, context: Context) -> Iterator[Assessed]:
    """Give every finding of a piece: matches first, then what only scanners reported."""
    join = Join(vulnerabilities(piece.reports))
    reaches = Reaches((row.raw, facts, row.verified) for row, facts in piece.reach)
    for row, matches in piece.matches:
        for match in matches:
            names = frozenset((match.advisory, *match.aliases))
            yield _assessed(piece, context, reaches, _Found(names, match, row.raw, join.tools(match), matched=True))
    for told, tools in join.left():
        match = _as_match(told, context)
        yield _assessed(
            piece, context, reaches, _Found(frozenset(told.result.names), match, told.raw, tools, matched=False)
        )


def _as_match(told: Told, context: Context) -> Match2:
    """Read a reported vulnerability as if it had been matched: its line is the report's own."""
    result = told.result
    shown = shown_name(result.names)
    listed = context.listed(result.names)
    return Match2(
        purl=result.purl,
        name=result.package,
        version=result.version,
        component_pointer=result.pointer,
        ecosystem="reported",
        advisory=shown,
        aliases=tuple(name for name in result.names if name != shown),
        related=(),
        published="",
        severity=result.severity,
        severity_source=told.tool[:255],
        score_tenths=result.score_tenths,
        fixed_in=result.fixed_in,
        package=told.raw,
        pointer=result.pointer,
        epss=listed.epss,
        kev=listed.name,
        kev_due=listed.due,
    )


def _assessed(piece: Piece, context: Context, reaches: Reaches, found: _Found) -> Assessed:
    """Join one finding: (1) reachability, (2) VEX founded on it, (3) the waiver that wins, (4) what counts."""
    match = found.match
    reach = reach_in(reaches, found.names, match.purl) if piece.reach else NOWHERE  # (1)
    vex = (  # (2)
        claims.reach(
            piece.statements,
            found.names,
            piece.subject,
            purl=match.purl,
            table=context.table,
            as_of=context.as_of,
            reachable=reach,
            within=context.within,
        )
        if piece.statements
        else claims.NOTHING
    )
    waiver = None
    if context.granted:  # (3)
        spoken = Spoken(found.names, match.purl, match.version, piece.subject.digests, reach)
        waiver = accepted.winner(context.granted, spoken)
    finding = _finding(piece, context, found, (vex, reach, waiver))  # (4)
    return Assessed(finding, (vex.changes_at, waiver.waiver.expires_at if waiver else None))


def _finding(
    piece: Piece, context: Context, found: _Found, said: tuple[Consensus, Reach, Accepted | None]
) -> AssessedFinding2:
    match = found.match
    vex, reach, waiver = said
    severity, tenths = accepted.lowered(waiver, match.severity, match.score_tenths)
    waived = waiver is not None and accepted.closes(waiver, piece.controls)
    vulnerability = shown_name(found.names)
    key = (piece.component, package_of(match.purl), vulnerability)
    return AssessedFinding2(
        component=piece.component,
        platform=piece.platform,
        purl=match.purl,
        version=match.version,
        vulnerability=vulnerability,
        advisory=match.advisory,
        aliases=match.aliases,
        related=match.related,
        ecosystem=match.ecosystem,
        published=match.published,
        severity=severity,
        score_tenths=tenths,
        raw_severity=match.severity,
        raw_score_tenths=match.score_tenths,
        severity_source=match.severity_source,
        fixed_in=match.fixed_in,
        origin=("both" if found.reported_by else "matched") if found.matched else "reported",
        reported_by=found.reported_by,
        sbom=context.place(found.sbom),
        sbom_pointer=match.component_pointer,
        feed_package=context.place(match.package),
        feed_pointer=match.pointer,
        vex=vex.state,
        claims=vex.claims,
        reached=None if reach == NOWHERE else reach,
        waived_by=waiver.digest if waiver else None,
        waiver_effect=waiver.effect if waiver else "",
        waiver_until=waiver.waiver.expires_at if waiver else "",
        control=waiver.control if waiver else "",
        open=vex.state not in claims.CLOSING and not waived,
        new=context.known is None or key not in context.known,
        epss=match.epss,
        kev=match.kev,
        kev_due=match.kev_due,
    )


def shown_name(names: Iterable[str]) -> str:
    """Choose the name people see: the first CVE, else the first GHSA, else the first of all."""
    every = sorted(names)
    for prefix in ("CVE-", "GHSA-"):
        for name in every:
            if name.startswith(prefix):
                return name
    return every[0]


def order(one: AssessedFinding2) -> tuple[str | int, ...]:
    """Order findings totally; documents lie in the order of their digests."""
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
