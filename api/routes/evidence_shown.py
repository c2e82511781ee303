"""Evidence: list and show what is admitted, and its kinds. Loads nothing that only admitting needs."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from api import paging
from api.calls import evidence as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest
from cas.digest import Digest
from cas.found import EvidenceFound
from cas.log import Log
from cas.problems import ObjectMissing
from cas.records.evidence import Admission, Evidence
from cas.store import load
from pipeline.attest.predicates import label
from pipeline.operations import kinds_kept, standing
from pipeline.operations.attestations import kind_of
from pipeline.operations.kinds_kept import Kept
from pipeline.operations.standing import Standing

ADMITTED: Final = "evidence.admitted"
NEAR: Final = 4096  # entries that are read back before the index is opened for a page
_PIECE: Final = 256
_ITEMS: Final = 1 << 32  # places of the index within one entry


def list_all(visit: Visit, ask: calls.ListEvidence) -> calls.EvidencePage:
    """List evidence, newest first; a page that lies near in the log is read from it, without opening the index."""
    near = None if visit.instance.indexed else _near(visit, ask)
    if near is not None:
        return near
    found = visit.instance.index().evidence(
        paging.place(ask),
        paging.limit(ask, visit.instance.settings.limits.page),
        subject=digest.parse(ask.subject) if ask.subject else None,
        kind=ask.type or None,
    )
    return calls.EvidencePage(
        items=tuple(_found(visit, row) for row in found.rows), next_cursor=paging.cursor(ask, found.after)
    )


def _near(visit: Visit, ask: calls.ListEvidence) -> calls.EvidencePage | None:
    """Give the page as the index would, cursor included; None when it does not lie in the next entries back."""
    subject = digest.parse(ask.subject) if ask.subject else None
    length = paging.limit(ask, visit.instance.settings.limits.page)
    place = paging.place(ask)
    start = visit.effects.log.head().size if place is None else place // _ITEMS
    rows = (
        (position, name, one)
        for position, name, one in _back(visit, start)
        if subject in {None, one.subject} and ask.type in {"", one.type}
    )
    found = list(islice(rows, length + 1))
    if len(found) <= length and start > NEAR:
        return None
    shown = found[:length]
    after = shown[-1][0] * _ITEMS if len(found) > length else None
    return calls.EvidencePage(
        items=tuple(_listed(visit, name, one) for _, name, one in shown), next_cursor=paging.cursor(ask, after)
    )


def _back(visit: Visit, start: int) -> Iterator[tuple[int, Digest, Admission]]:
    log: Log = visit.effects.log
    for stop in range(start, max(start - NEAR, 0), -_PIECE):
        for position, entry in reversed(list(log.read(max(stop - _PIECE, start - NEAR, 0), stop))):
            if entry.event == ADMITTED and entry.record is not None and log.admitted(entry.record) == position:
                yield position, entry.record, load(visit.effects.store, entry.record, Admission)


def _found(visit: Visit, row: EvidenceFound) -> calls.EvidenceReceipt:
    return _listed(visit, row.admission, load(visit.effects.store, row.admission, Admission))


def _listed(visit: Visit, name: Digest, admission: Admission) -> calls.EvidenceReceipt:
    evidence = load(visit.effects.store, admission.evidence, Evidence)
    return receipt_of(name, admission, evidence, standing.standing_of(visit.effects.store, evidence))


def receipt_of(name: Digest, admission: Admission, evidence: Evidence, found: Standing) -> calls.EvidenceReceipt:
    """Tell of an admission that is known."""
    return calls.EvidenceReceipt(
        admission=name,
        evidence=admission.evidence,
        raw=evidence.raw,
        subject=admission.subject,
        format=evidence.format,
        type=admission.type,
        binding=admission.binding,
        verified=found.signature == "verified",
        known=True,
        admitted_at=admission.admitted_at,
        standing=found.standing,
        signature=found.signature,
        signers=found.signers,
        predicate_type=found.predicate_type,
        predicate=label(found.predicate_type),
    )


def show(visit: Visit, ask: calls.ShowEvidence) -> calls.EvidenceView:
    """Show one admission; bytes that merely look like one, and were never admitted here, are not shown."""
    if visit.effects.log.admitted(ask.admission) is None:
        raise ObjectMissing(digest=ask.admission)
    found = standing.shown(visit.effects, ask.admission)
    checked = found.verification
    return calls.EvidenceView(
        receipt=receipt_of(ask.admission, found.admission, found.evidence, found.standing),
        submitter=found.admission.submitter,
        facts=found.admission.facts,
        facts_kind=kind_of(visit.effects.store.get(found.admission.facts)),
        envelope=found.evidence.envelope or "",
        payload_type=checked.payload_type if checked else "",
        covers=found.standing.covers,
        subjects=checked.subjects if checked else (),
        signatures=tuple(
            calls.SignatureView(key_id=one.key_id, algorithm=one.algorithm, signer=one.signer, status=one.status)
            for one in (checked.signatures if checked else ())
        ),
        sigstore=found.sigstore,
    )


def list_kinds(visit: Visit, ask: calls.ListKinds) -> calls.KindsPage:
    """List kinds by name."""
    items, cursor = paging.page(
        ask, kinds_kept.every(visit.effects), lambda item: item.kind.name, most=visit.instance.settings.limits.page
    )
    return calls.KindsPage(items=tuple(map(kind_view, items)), next_cursor=cursor)


def kind_view(kept: Kept) -> calls.KindView:
    """Tell of a kind."""
    return calls.KindView(name=kept.kind.name, digest=kept.digest, schema=kept.kind.schema, existed=kept.existed)


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.LIST_KINDS, list_kinds),
)
