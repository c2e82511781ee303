"""Evidence: admit documents, collect what is attached to an image; kinds of one's own."""

import msgspec

from api.calls import evidence as calls
from api.routes.evidence_shown import kind_view, receipt_of
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas.records.evidence import Admission, Evidence
from cas.store import load
from pipeline.operations import kinds, standing
from pipeline.operations.collect import Found, LayoutHere, find
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
    store = visit.effects.store
    admission = load(store, item.admission, Admission)
    evidence = load(store, item.evidence, Evidence)
    told = receipt_of(item.admission, admission, evidence, standing.standing_of(store, evidence))
    return msgspec.structs.replace(
        told, document=item.document, member=item.member, verified=item.verified, known=item.duplicate
    )


def submit_all(visit: Visit, ask: calls.SubmitEvidence) -> calls.Submitted:
    """Admit documents, all or none."""
    return admit(visit, ask.documents)


def collect(visit: Visit, ask: calls.CollectEvidence) -> calls.Collected:
    """Find what is attached to an image in a registry, and admit it in one append."""
    if ask.image.startswith("oci:"):
        raise LayoutHere(image=ask.image[:200])
    found = find(visit.effects.images, ask.image)
    documents = tuple(calls.Document(data=one.data, subject=one.subject) for one in found.documents)
    receipts = admit(visit, documents).receipts if documents else ()
    return calls.Collected(
        image=found.image,
        receipts=receipts,
        not_taken=not_taken(found),
        log_size=visit.effects.log.head().size,
    )


def not_taken(found: Found) -> tuple[calls.NotTaken, ...]:
    """Tell what was attached and not taken."""
    return tuple(
        calls.NotTaken(subject=one.subject, manifest=one.manifest, media_type=one.media_type, reason=one.reason)
        for one in found.skipped
    )


def add_kind(visit: Visit, ask: calls.AddKind) -> calls.KindView:
    """Register a kind."""
    return kind_view(kinds.add(visit.effects, visit.caller, ask.name, ask.schema.encode()))


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.SUBMIT, submit_all),
    Handler(calls.COLLECT, collect),
    Handler(calls.ADD_KIND, add_kind),
)
