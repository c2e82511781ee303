"""VEX consensus: the claims that apply to a finding, weighed, and the Belnap state they add up to.

Four values: nothing known, affected, not affected, both. Knows claims; must not know how documents look. All weights
are integer millionths; products are taken in full and divided once, floor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cas.digest import Digest
from cas.records.base import Instant
from cas.records.evidence import VexFacts, VexStatement
from cas.records.picture import AnyRow
from cas.records.policy import VexSource, VexTrustTable
from cas.records.verdict import Claim, VexState
from policy.globs import any_matches
from policy.instants import DAY, of_seconds, seconds, seconds_or_none
from policy.products import Subject, product_fits

MILLION: Final = 1_000_000
CLOSING: Final = frozenset({"not_affected", "fixed"})


@dataclass(frozen=True, slots=True, eq=False)  # compared as itself: hashing whole documents would be slow
class Statement:
    """A VEX statement with the standing of the document it came in."""

    row: AnyRow
    facts: VexFacts
    statement: VexStatement
    issued: int  # seconds; never after its admission here

    @property
    def issuer(self) -> tuple[str, ...]:
        """Who speaks: verified signers; for unverified documents nobody but the document itself."""
        return self.row.signers if self.row.verified else ("", self.row.admission, self.statement.pointer)


@dataclass(frozen=True, slots=True)
class Consensus:
    """The state, every claim with its weight, and when a weight changes next."""

    state: VexState
    claims: tuple[Claim, ...]
    changes_at: Instant | None


NOTHING: Final = Consensus("none", (), None)


def index(documents: Iterable[tuple[AnyRow, VexFacts]]) -> dict[str, list[Statement]]:
    """Put statements under every name of their vulnerability."""
    found: dict[str, list[Statement]] = {}
    for row, facts in documents:
        admitted = seconds(row.admitted_at)
        for statement in facts.statements:
            issued = seconds_or_none(statement.issued_at)
            if issued is None:
                issued = seconds_or_none(facts.issued_at)
            one = Statement(row, facts, statement, admitted if issued is None else min(issued, admitted))
            for name in {statement.vulnerability, *statement.aliases}:
                found.setdefault(name, []).append(one)
    return found


def reach(
    statements: Mapping[str, list[Statement]],
    names: Iterable[str],
    subject: Subject,
    *,
    purl: str,
    table: VexTrustTable,
    as_of: Instant,
) -> Consensus:
    """Weigh what applies to one vulnerability in one package of one subject.

    (1) A statement applies when it names the vulnerability and one of its products fits. (2) A verified issuer's
    newer word replaces its older one, which stays listed with weight 0. (3) Affected always counts; not affected and
    fixed count when verified (or the table says otherwise) and heavy enough. (4) Both sides: conflict, every weight
    reduced by the penalty.
    """
    applying: dict[tuple[Digest, str], Statement] = {}
    for name in sorted(set(names)):
        for one in statements.get(name, ()):
            if any(product_fits(product, subject, purl) for product in one.statement.products):  # (1)
                applying[(one.row.admission, one.statement.pointer)] = one
    if not applying:
        return NOTHING
    newest = _newest(applying.values())  # (2)
    now = seconds(as_of)
    weighed = [(one, _millionfold(one, table, now) if one in newest else 0) for one in applying.values()]
    counting = [  # (3)
        one
        for one, weight in weighed
        if one in newest and (one.statement.status == "affected" or _closes(one, weight, table))
    ]
    state = _state(counting, weighed)
    penalty = MILLION - table.conflict_penalty if state == "conflict" else MILLION  # (4)
    claims = sorted((_claim(one, weight * penalty // MILLION**4) for one, weight in weighed), key=_order)
    return Consensus(state, tuple(claims), _next_step(list(newest), table, now))


def _newest(statements: Iterable[Statement]) -> set[Statement]:
    """Give each issuer's newest word; at one instant all of it, so that saying two things stays a conflict."""
    best: dict[tuple[str, ...], int] = {}
    every = list(statements)
    for one in every:
        best[one.issuer] = max(best.get(one.issuer, one.issued), one.issued)
    return {one for one in every if one.issued == best[one.issuer]}


def _source(one: Statement, table: VexTrustTable) -> VexSource | None:
    for source in table.sources:
        if one.row.verified:
            if source.signers and any(any_matches(source.signers, name) for name in one.row.signers):
                return source
        elif not source.signers:
            return source
    return None


def _strength(statement: VexStatement) -> str:
    if statement.status == "under_investigation":
        return "under_investigation"
    if statement.status == "not_affected" and statement.justification:
        return "config_with_evidence"
    return "vendor_blanket"


def _millionfold(one: Statement, table: VexTrustTable, now: int) -> int:
    """Give (wP·P + wC·C + wR·R)·M·F undivided: 10^24 is one."""
    source = _source(one, table)
    if source is None:
        return 0
    base = (
        table.provenance_weight * source.provenance
        + table.coverage_weight * source.coverage
        + table.replayability_weight * source.replayability
    )
    strength = dict(table.strengths).get(_strength(one.statement), 0)
    age = max(0, now - one.issued) // DAY
    fresh = table.freshness[age] if age < len(table.freshness) else 0
    return base * strength * fresh


def _closes(one: Statement, weight: int, table: VexTrustTable) -> bool:
    return (
        one.statement.status in CLOSING
        and (one.row.verified or table.unverified_counts)
        and weight // MILLION**3 >= max(table.minimum_score, 1)
    )


def _state(counting: list[Statement], weighed: list[tuple[Statement, int]]) -> VexState:
    closing = [one for one in counting if one.statement.status in CLOSING]
    if len(closing) < len(counting):
        return "conflict" if closing else "affected"
    if not closing:
        return "unknown"
    weights = {id(one): weight for one, weight in weighed}
    best = max(closing, key=lambda one: (weights[id(one)], one.statement.status == "fixed"))
    return "fixed" if best.statement.status == "fixed" else "not_affected"


def _claim(one: Statement, score: int) -> Claim:
    return Claim(
        evidence=one.row.raw,
        pointer=one.statement.pointer,
        status=one.statement.status,
        justification=one.statement.justification,
        author=one.facts.author,
        signer=",".join(one.row.signers) if one.row.verified else "",
        verified=one.row.verified,
        score=score,
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
