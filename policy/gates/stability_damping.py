"""Does what VEX closes stay closed?

The history is that of the claims themselves: at each instant at which somebody said something, what would have counted.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from cas.digest import Digest
from cas.records.base import Count, Instant, Part, Tenths
from cas.records.evidence import VexFacts
from cas.records.picture import AnyFinding, AnyRow
from cas.records.verdict import EvidenceRef, Finding, GateStatus
from policy import claims
from policy.claims import CLOSING, Issuer, Statement
from policy.counting import CLOSED_BY_VEX, GROUP_FLIPS, distinct, of_group, score
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import DAY, of_seconds, seconds, seconds_or_none

Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
Flips = tuple[int, ...]
"""Instants in seconds, in order."""
Document = tuple[str, ...]
FOREVER: Final = 1 << 52


class Params(Part, frozen=True, kw_only=True):
    """How often a finding may have flipped in a time, how long it must stand since, and from which score it counts.

    ``by``: a word counts from the instant it was issued, as in the consensus (never after its admission), or from the
    one at which it was admitted here, which no issuer can choose.
    """

    max_flips: Count = 2
    within_days: Days = 90
    minimum_age_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 1
    threshold_tenths: Tenths = 0
    by: Literal["issued", "admitted"] = "issued"


def check(params: Params, view: FactView) -> Answer:
    """Fail for each vulnerability that VEX closes and that flipped too often or too lately: it counts as open.

    The history of a finding is that of the claims that apply to it: an issuer's newer word replaces its older one, a
    newer version of a document its older one. It stands open where a word of affected stands or none closes, else
    closed. Words count whether signed or not. The first word is no flip. Unknown where a claim's own document is not
    among the evidence, or where its words do not come out closed.
    """
    closed = distinct(
        one
        for one in view.assessment.findings
        if one.vex in CLOSED_BY_VEX and one.waived_by is None and _weighs(params, one)
    )
    if view.facts is None and closed:
        return Answer("unknown", (finding("no_picture"),))
    history = _History(params, view)
    unstable: list[Finding] = []
    unknown: list[Finding] = []
    ends: set[Instant] = set()
    for group in closed:
        known = [(one, flips) for one in group if (flips := history.flips(one)) is not None]
        wrong = [(why, flips, one) for one, flips in known if (why := _wrong(params, flips, history.now))]
        if wrong:
            why, flips, one = max(wrong, key=lambda each: (each[0] == "flapping", each[1]))
            unstable.append(_told(params, view, why, (one, *(each for each in group if each is not one)), flips))
            ends |= {_stable_at(params, each) for _, each, _ in wrong}
        elif len(known) < len(group):
            unknown.append(of_group(view, "history_unknown", group, ()))
    status: GateStatus = "fail" if unstable else "unknown" if unknown else "pass"
    counted = (("closed", len(closed)), ("unstable", len(unstable)), ("unknown", len(unknown)))
    return Answer(status, (*unstable, *unknown), counted, tuple(sorted(ends)))


def _weighs(params: Params, one: AnyFinding) -> bool:
    tenths = score(one)
    return tenths is None or tenths >= params.threshold_tenths


def _wrong(params: Params, flips: Flips, now: int) -> str:
    """Say why a history does not let a finding count as closed; empty when it does."""
    if sum(now - at < params.within_days * DAY for at in flips) > params.max_flips:
        return "flapping"
    return "flipped_lately" if flips and now - flips[-1] < params.minimum_age_days * DAY else ""


def _stable_at(params: Params, flips: Flips) -> Instant:
    """Give when few enough flips are left in the time and the newest is old enough, if there are no more."""
    old_enough = flips[-1] + params.minimum_age_days * DAY
    excess = flips[: len(flips) - params.max_flips] if len(flips) > params.max_flips else ()
    return of_seconds(max((old_enough, *(at + params.within_days * DAY for at in excess[-1:]))))


class _Word(NamedTuple):
    """What an issuer said of a finding: from when on it stood, until a newer version of its document, and its place
    among the issuer's words.
    """

    at: int
    until: int
    place: int
    issuer: Issuer
    status: str


class _History:
    """The words behind the claims of a picture, by the place in the document that each claim names."""

    def __init__(self, params: Params, view: FactView) -> None:
        self.now = seconds(view.question.as_of)
        self._by = params.by
        self._words: dict[tuple[Digest, str], _Word] = {}
        documents = list(_documents(view))
        editions: dict[Document, set[tuple[int, int]]] = {}
        for row, facts in documents:
            editions.setdefault(_document(row, facts), set()).add(self._edition(row, facts))
        for said in claims.index(documents).values():
            for one in said:
                self._add(self._word(one, editions[_document(one.row, one.facts)]), one)

    def _edition(self, row: AnyRow, facts: VexFacts) -> tuple[int, int]:
        """Give when a version of a document was published, and when it began to stand."""
        admitted = seconds(row.admitted_at)
        issued = seconds_or_none(facts.issued_at)
        published = admitted if issued is None else min(issued, admitted)
        return published, published if self._by == "issued" else admitted

    def _word(self, one: Statement, editions: set[tuple[int, int]]) -> _Word:
        """Date a word: one in a later version of a document did not stand before that version did."""
        published, began = self._edition(one.row, one.facts)
        at = one.issued if self._by == "issued" else began
        if min(editions)[0] < published:
            at = max(at, began)
        later = [stood for edition, stood in editions if edition > published]
        until = min(later) if later else at if one.replaced else FOREVER
        return _Word(at, until, one.issued, one.issuer, one.statement.status)

    def _add(self, word: _Word, one: Statement) -> None:
        """Keep the earliest word of a document that was admitted more than once."""
        key = (one.row.raw, one.statement.pointer)
        held = self._words.get(key)
        self._words[key] = word if held is None else min(held, word)

    def flips(self, one: AnyFinding) -> Flips | None:
        """Give the instants at which a finding that is closed went from open to closed or back.

        None when a word is not at hand, or when what is at hand does not come out closed.
        """
        words = [self._words.get((claim.evidence, claim.pointer)) for claim in one.claims]
        known = [word for word in words if word is not None]
        if len(known) < len(words) or not _closed(known, self.now):
            return None
        instants = sorted({at for word in known for at in (word.at, word.until) if at <= self.now})
        sides = [_closed(known, at) for at in instants]
        return tuple(at for at, before, after in zip(instants[1:], sides, sides[1:], strict=False) if before != after)


def _closed(words: list[_Word], at: int) -> bool:
    """Tell whether the words that stand at an instant close: each issuer's newest, all of those it said at once."""
    alive = [word for word in words if word.at <= at < word.until]
    newest: dict[Issuer, int] = {}
    for word in alive:
        newest[word.issuer] = max(word.place, newest.get(word.issuer, word.place))
    standing = {word.status for word in alive if word.place == newest[word.issuer]}
    return "affected" not in standing and bool(standing & CLOSING)


def _documents(view: FactView) -> Iterator[tuple[AnyRow, VexFacts]]:
    for row in view.assessment.evidence:
        facts = view.facts(row.facts) if view.facts is not None and row.type == "vex" else None
        if isinstance(facts, VexFacts):
            yield row, facts


def _document(row: AnyRow, facts: VexFacts) -> Document:
    """Name a document through its versions, which only who signs it can publish."""
    return (*row.signers, facts.author, facts.id) if row.verified and facts.id else ("", row.admission)


def _told(params: Params, view: FactView, why: str, group: tuple[AnyFinding, ...], flips: Flips) -> Finding:
    one = group[0]
    told = of_group(
        view,
        why,
        group,
        (
            ("flips", len(flips)),
            ("allowed", params.max_flips),
            ("within_days", params.within_days),
            ("newest", of_seconds(flips[-1])),
            ("minimum_age_days", params.minimum_age_days),
        ),
    )
    return finding(
        why,
        told.arguments,
        severity=told.severity,
        component=told.component,
        purl=told.purl,
        vulnerability=told.vulnerability,
        evidence=(*told.evidence, *(EvidenceRef(digest=each.evidence, pointer=each.pointer) for each in one.claims)),
        path=told.path,
        flips=(*(flip for flip in told.flips if flip[0] != "file_vex"), ("wait", _stable_at(params, flips))),
    )


GATE = Gate(
    "stability_damping",
    1,
    Params,
    check,
    asks="Does what VEX closes stay closed?",
    remedy="Ask the issuers what holds, and wait until it has held; or fix it, or grant a waiver.",
    sentences=(
        (
            "flapping",
            (
                "{vulnerability} in {purl} is closed by VEX, but flipped {flips} times, last at {newest}; "
                "{allowed} within {within_days} days are allowed."
            ),
        ),
        (
            "flipped_lately",
            (
                "{vulnerability} in {purl} is closed by VEX, but flipped at {newest}; that must have stood for "
                "{minimum_age_days} days."
            ),
        ),
        ("history_unknown", "The documents that speak of {vulnerability} in {purl} do not tell when they said what."),
        ("no_picture", "This question was asked before gates could read documents; ask again."),
    ),
    flips=(*GROUP_FLIPS, ("wait", "Judge again after {argument}, if nothing flips until then.")),
)
