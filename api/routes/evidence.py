"""Evidence: admit documents, list what is admitted."""

from api import paging
from api.calls import evidence as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest
from cas.found import EvidenceFound
from cas.records.evidence import Admission, Evidence
from cas.store import load
from pipeline.operations import kinds
from pipeline.operations.ingest import Receipt, Submission, submit


def admit(visit: Visit, documents: tuple[calls.Document, ...]) -> calls.Submitted:
    """Admit documents, all or none."""
    given = [Submission(item.data, item.subject, item.format) for item in documents]
    limit = visit.instance.settings.limits.batch_documents
    made = submit(visit.effects, visit.caller, given, max_documents=limit)
    receipts = tuple(receipt(visit, item) for item in made.receipts)
    return calls.Submitted(receipts=receipts, log_size=visit.effects.log.head().size)


def receipt(visit: Visit, item: Receipt) -> calls.EvidenceReceipt:
    """Say what became of one reading of a document."""
    admission = load(visit.effects.store, item.admission, Admission)
    return calls.EvidenceReceipt(
        document=item.document,
        member=item.member,
        admission=item.admission,
        evidence=item.evidence,
        raw=item.raw,
        subject=item.subject,
        format=item.format,
        type=item.type,
        binding=item.binding,
        verified=item.verified,
        known=item.duplicate,
        admitted_at=admission.admitted_at,
    )


def submit_all(visit: Visit, ask: calls.SubmitEvidence) -> calls.Submitted:
    """Admit documents, all or none."""
    return admit(visit, ask.documents)


def list_all(visit: Visit, ask: calls.ListEvidence) -> calls.EvidencePage:
    """List evidence, newest first."""
    found = visit.instance.index().evidence(
        paging.place(ask),
        paging.limit(ask, visit.instance.settings.limits.page),
        subject=digest.parse(ask.subject) if ask.subject else None,
        kind=ask.type or None,
    )
    return calls.EvidencePage(
        items=tuple(_view(visit, row) for row in found.rows), next_cursor=paging.cursor(ask, found.after)
    )


def _view(visit: Visit, row: EvidenceFound) -> calls.EvidenceReceipt:
    return calls.EvidenceReceipt(
        admission=row.admission,
        evidence=row.evidence,
        raw=row.raw or load(visit.effects.store, row.evidence, Evidence).raw,
        subject=row.subject,
        format=row.format,
        type=row.type,
        binding=row.binding,
        verified=row.binding == "attested",
        known=True,
        admitted_at=row.admitted_at,
    )


def add_kind(visit: Visit, ask: calls.AddKind) -> calls.KindView:
    """Register a kind."""
    return _kind(kinds.add(visit.effects, visit.caller, ask.name, ask.schema.encode()))


def list_kinds(visit: Visit, ask: calls.ListKinds) -> calls.KindsPage:
    """List kinds by name."""
    items, cursor = paging.page(
        ask, kinds.every(visit.effects), lambda item: item.kind.name, most=visit.instance.settings.limits.page
    )
    return calls.KindsPage(items=tuple(map(_kind, items)), next_cursor=cursor)


def _kind(kept: kinds.Kept) -> calls.KindView:
    return calls.KindView(name=kept.kind.name, digest=kept.digest, schema=kept.kind.schema, existed=kept.existed)


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.SUBMIT, submit_all),
    Handler(calls.LIST, list_all),
    Handler(calls.ADD_KIND, add_kind),
    Handler(calls.LIST_KINDS, list_kinds),
)
