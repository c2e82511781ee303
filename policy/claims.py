"""Claims weighed into a consensus: what applies to a finding and why, who says it, its weight, the Belnap state.

Formula, freshness and penalty are those of the trust table; products go by their real names, issuers by signer and
author, reachability evidence raises the strength, and whatever did not apply says which check failed. All weights are
integer millionths; products are taken in full and divided once, floor. Must not know how documents look.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from cas.records.base import Instant
from cas.records.evidence import VexFacts, VexStatement
from cas.records.picture import AnyRow, Reach
from cas.records.policy import VexSource, VexTrustTable
from cas.records.verdict import Claim, VexState
from policy.globs import matches
from policy.instants import DAY, of_seconds, seconds, seconds_or_none
from policy.product_identity import DIGEST, Fit, Subject, Within, best_fit
from policy.reachability import NOWHERE, REACHABLE, UNREACHABLE

MILLION: Final = 1_000_000
CLOSING: Final = frozenset({"not_affected", "fixed"})
AUTHOR: Final = "author:"
UNVERIFIED: Final = "unverified"
_BY_PATH: Final = frozenset({"vulnerable_code_not_in_execute_path", "code_not_reachable"})
_NUMBER: Final = re.compile(r"\d+")

Issuer: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)  # compared as itself: hashing whole documents would be slow
class Statement:
    """A VEX statement with the standing of the document it came in."""

    row: AnyRow
    facts: VexFacts
    statement: VexStatement
    issued: int  # seconds; never after its admission here
    replaced: bool  # its issuer has published a newer version of the same document

    @property
    def issuer(self) -> Issuer:
        """Who speaks: verified signers with the author they speak for; else nobody but the document itself."""
        if self.row.verified:
            return (*self.row.signers, self.facts.author)
        return ("", self.row.admission, self.statement.pointer)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A statement about the vulnerability: whether it applies, what it weighs, and what became of it.

    ``score`` is in millionths, penalty included. ``why``: ``counts``, or the reason for which it does not.
    """

    statement: Statement
    fit: Fit
    score: int
    source: str  # class of the trust table's source, or empty
    strength: str
    why: str


@dataclass(frozen=True, slots=True)
class Consensus:
    """The state, every claim with its weight, and when a weight changes next."""

    state: VexState
    claims: tuple[Claim, ...]
    changes_at: Instant | None


NOTHING: Final = Consensus("none", (), None)


def index(documents: Iterable[tuple[AnyRow, VexFacts]]) -> dict[str, list[Statement]]:
    """Put statements under every name of their vulnerability."""
    every = list(documents)
    newest = _newest_versions(every)
    found: dict[str, list[Statement]] = {}
    for row, facts in every:
        admitted = seconds(row.admitted_at)
        replaced = _key(row, facts) in newest and newest[_key(row, facts)] != _edition(row, facts)
        for statement in facts.statements:
            issued = seconds_or_none(statement.issued_at)
            if issued is None:
                issued = seconds_or_none(facts.issued_at)
            one = Statement(row, facts, statement, admitted if issued is None else min(issued, admitted), replaced)
            for name in {statement.vulnerability, *statement.aliases}:
                found.setdefault(name, []).append(one)
    return found


def _key(row: AnyRow, facts: VexFacts) -> tuple[tuple[str, ...], str, str]:
    return (row.signers, facts.author, facts.id)


def _edition(row: AnyRow, facts: VexFacts) -> tuple[int, tuple[int, ...], str]:
    issued = seconds_or_none(facts.issued_at)
    admitted = seconds(row.admitted_at)
    at = admitted if issued is None else min(issued, admitted)
    return at, tuple(int(part) for part in _NUMBER.findall(facts.version)[:4]), facts.version


def _newest_versions(
    documents: list[tuple[AnyRow, VexFacts]],
) -> dict[tuple[tuple[str, ...], str, str], tuple[int, tuple[int, ...], str]]:
    """Give the newest edition of each document that its issuer verifiably publishes under one id."""
    newest: dict[tuple[tuple[str, ...], str, str], tuple[int, tuple[int, ...], str]] = {}
    for row, facts in documents:
        if row.verified and facts.id:
            key = _key(row, facts)
            newest[key] = max(newest.get(key, (0, (), "")), _edition(row, facts))
    return newest


def reach(
    statements: Mapping[str, list[Statement]],
    names: Iterable[str],
    subject: Subject,
    *,
    purl: str,
    table: VexTrustTable,
    as_of: Instant,
    reachable: Reach = NOWHERE,
    within: Within | None = None,
) -> Consensus:
    """Give the consensus about one vulnerability in one package of one subject: see ``weigh``."""
    state, weighed = weigh(
        statements, names, subject, purl=purl, table=table, as_of=as_of, reachable=reachable, within=within
    )
    applying = [one for one in weighed if one.fit.applies]
    if not applying:
        return NOTHING
    standing = [one.statement for one in applying if one.why not in {"replaced", "document_replaced"}]
    claims = sorted((_claim(one) for one in applying), key=_order)
    return Consensus(state, tuple(claims), _next_step(standing, table, seconds(as_of)))


def weigh(
    statements: Mapping[str, list[Statement]],
    names: Iterable[str],
    subject: Subject,
    *,
    purl: str,
    table: VexTrustTable,
    as_of: Instant,
    reachable: Reach = NOWHERE,
    within: Within | None = None,
) -> tuple[VexState, tuple[Weighed, ...]]:
    """Weigh every statement about a vulnerability, those that do not apply included.

    (1) A statement applies when one of its products means the package in the subject; one without products, when its
    signature covers the subject. (2) An issuer's newer word replaces an older one that is no narrower, and a newer
    version of a document replaces the older whole. (3) Affected always counts; not affected and fixed count when
    verified (or the table says otherwise) and heavy enough. (4) Both sides: conflict, every weight reduced.
    """
    now = seconds(as_of)
    about: dict[tuple[str, str], Statement] = {}
    for name in sorted(set(names)):
        for one in statements.get(name, ()):
            about[one.row.admission, one.statement.pointer] = one
    ordered = [about[key] for key in sorted(about)]
    fits = {id(one): _fit(one, subject, purl, within) for one in ordered}  # (1)
    applying = [one for one in ordered if fits[id(one)].applies]
    gone = _replaced(applying, fits)  # (2)
    weights = {id(one): _millionfold(one, table, now, reachable) for one in applying}
    whys = {id(one): _why(one, gone, weights[id(one)], table) for one in applying}  # (3)
    counting = [one for one in applying if whys[id(one)] == "counts" and one.statement.status != "under_investigation"]
    state = _state(counting, weights) if applying else "none"
    penalty = MILLION - table.conflict_penalty if state == "conflict" else MILLION  # (4)
    return state, tuple(
        Weighed(
            statement=one,
            fit=fits[id(one)],
            score=0 if id(one) in gone else weights.get(id(one), 0) * penalty // MILLION**4,
            source=source.source_class if (source := source_of(one, table)) else "",
            strength=strength(one.statement, reachable),
            why=whys.get(id(one), fits[id(one)].reason),
        )
        for one in ordered
    )


def _fit(one: Statement, subject: Subject, purl: str, within: Within | None) -> Fit:
    if not one.statement.products and one.row.binding == "attested":
        return Fit(True, "attested_subject", "", DIGEST, 4)
    return best_fit(one.statement.products, subject, purl, within)


def _replaced(applying: list[Statement], fits: Mapping[int, Fit]) -> dict[int, str]:
    """List what no longer stands: older words of an issuer, unless the newer one is broader; replaced documents.

    At one instant all of it stands, so that saying two things stays a conflict.
    """
    gone = {id(one): "document_replaced" for one in applying if one.replaced}
    by_issuer: dict[Issuer, list[Statement]] = {}
    for one in applying:
        if not one.replaced:
            by_issuer.setdefault(one.issuer, []).append(one)
    for said in by_issuer.values():
        narrowest: dict[int, int] = {}  # instant → the narrowest scope said then
        for one in said:
            narrowest[one.issued] = min(narrowest.get(one.issued, 9), fits[id(one)].specificity)
        newer = 9
        standing: dict[int, int] = {}  # instant → the narrowest scope said after it
        for instant in sorted(narrowest, reverse=True):
            standing[instant] = newer
            newer = min(newer, narrowest[instant])
        for one in said:
            if standing[one.issued] <= fits[id(one)].specificity:
                gone[id(one)] = "replaced"
    return gone


def source_of(one: Statement, table: VexTrustTable) -> VexSource | None:
    """Give the first source of the table that the document's signers and author fit.

    A signer's pattern may end in `` author:<glob>``: then the author must fit too. ``author:<glob>`` alone is any
    verified signer, ``unverified author:<glob>`` an unverified document; no patterns at all, any unverified one.
    """
    for source in table.sources:
        if not source.signers:
            if not one.row.verified:
                return source
        elif any(_pattern_fits(pattern, one) for pattern in source.signers):
            return source
    return None


def _pattern_fits(pattern: str, one: Statement) -> bool:
    signer, marked, author = pattern.partition(AUTHOR)
    signer = signer.strip()
    if marked and not matches(author, one.facts.author):
        return False
    if not one.row.verified:
        return bool(marked) and signer == UNVERIFIED
    if signer == UNVERIFIED:
        return False
    return (marked and not signer) or any(matches(signer, name) for name in one.row.signers)


def strength(statement: VexStatement, reachable: Reach) -> str:
    """Name how well a claim is founded.

    A claim that the code is not executed is strongest where analysis or runtime agree, and a bare assertion where they
    do not.
    """
    if statement.status == "under_investigation":
        return "under_investigation"
    if statement.status != "not_affected" or not statement.justification:
        return "vendor_blanket"
    if statement.justification in _BY_PATH:
        if reachable.state in UNREACHABLE:
            return "exploitability_with_reachability"
        if reachable.state in REACHABLE or reachable.state == "X":
            return "vendor_blanket"
    return "config_with_evidence"


def _millionfold(one: Statement, table: VexTrustTable, now: int, reachable: Reach) -> int:
    """Give (wP·P + wC·C + wR·R)·M·F undivided: 10^24 is one."""
    source = source_of(one, table)
    if source is None:
        return 0
    base = (
        table.provenance_weight * source.provenance
        + table.coverage_weight * source.coverage
        + table.replayability_weight * source.replayability
    )
    founded = dict(table.strengths).get(strength(one.statement, reachable), 0)
    age = max(0, now - one.issued) // DAY
    fresh = table.freshness[age] if age < len(table.freshness) else 0
    return base * founded * fresh


def _why(one: Statement, gone: Mapping[int, str], weight: int, table: VexTrustTable) -> str:
    if id(one) in gone:
        return gone[id(one)]
    if one.statement.status not in CLOSING:
        return "counts"
    if not one.row.verified and not table.unverified_counts:
        return "unverified"
    return "counts" if weight // MILLION**3 >= max(table.minimum_score, 1) else "too_light"


def _state(counting: list[Statement], weights: Mapping[int, int]) -> VexState:
    closing = [one for one in counting if one.statement.status in CLOSING]
    if len(closing) < len(counting):
        return "conflict" if closing else "affected"
    if not closing:
        return "unknown"
    best = max(closing, key=lambda one: (weights[id(one)], one.statement.status == "fixed"))
    return "fixed" if best.statement.status == "fixed" else "not_affected"


def _claim(one: Weighed) -> Claim:
    said = one.statement
    return Claim(
        evidence=said.row.raw,
        pointer=said.statement.pointer,
        status=said.statement.status,
        justification=said.statement.justification,
        author=said.facts.author,
        signer=",".join(said.row.signers) if said.row.verified else "",
        verified=said.row.verified,
        score=one.score,
    )


def _order(claim: Claim) -> tuple[int, str, str, str, str]:
    return (-claim.score, claim.status, claim.evidence, claim.pointer, claim.signer)


def _next_step(statements: list[Statement], table: VexTrustTable, now: int) -> Instant | None:
    """Give the next whole day of age at which a claim that still weighs something weighs less."""
    steps = []
    for one in statements:
        age = max(0, now - one.issued) // DAY
        if age < len(table.freshness):
            steps.append(one.issued + (age + 1) * DAY)
    return of_seconds(min(steps)) if steps else None
