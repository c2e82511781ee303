"""Evidence: admit documents, list what is admitted."""

from collections.abc import Iterator

from api import paging
from api.calls import evidence as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest, refs
from cas.digest import Digest
from cas.records.evidence import Admission, Evidence
from cas.records.proof import HeadSet
from cas.store import load
from pipeline.operations import kinds
from pipeline.operations.ingest import Receipt, Submission, submit

_HEADS = refs.evidence("")


def admit(visit: Visit, documents: tuple[calls.Document, ...]) -> calls.Submitted:
    """Admit documents, all or none."""
    given = [Submission(item.data, item.subject, item.format) for item in documents]
    limit = visit.instance.settings.limits.batch_documents
    made = submit(visit.effects, visit.caller, given, max_documents=limit)
    receipts = tuple(_receipt(visit, item) for item in made.receipts)
    return calls.Submitted(receipts=receipts, log_size=visit.effects.log.head().size)


def _receipt(visit: Visit, item: Receipt) -> calls.EvidenceReceipt:
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
    """List evidence by subject and admission."""
    items, cursor = paging.page(
        ask, _admissions(visit, ask), lambda item: f"{item[0]} {item[1]}", most=visit.instance.settings.limits.page
    )
    return calls.EvidencePage(items=tuple(_view(visit, item[1], item[2]) for item in items), next_cursor=cursor)


def _admissions(visit: Visit, ask: calls.ListEvidence) -> Iterator[tuple[Digest, Digest, Admission]]:
    """Walk heads by subject; those before the cursor are not read."""
    log, store = visit.effects.log, visit.effects.store
    last = paging.after(ask).partition(" ")[0]
    if ask.subject:
        head = log.ref(refs.evidence(digest.parse(ask.subject)))
        heads = [(refs.evidence(ask.subject), head)] if head else []
    else:
        heads = list(log.refs(_HEADS))
    for name, head in heads:
        subject = name.removeprefix(_HEADS)
        if last and subject < last:
            continue
        for member in load(store, head, HeadSet).members:
            admission = load(store, member, Admission)
            if not ask.type or admission.type == ask.type:
                yield subject, member, admission


def _view(visit: Visit, name: Digest, admission: Admission) -> calls.EvidenceReceipt:
    evidence = load(visit.effects.store, admission.evidence, Evidence)
    return calls.EvidenceReceipt(
        admission=name,
        evidence=admission.evidence,
        raw=evidence.raw,
        subject=admission.subject,
        format=evidence.format,
        type=admission.type,
        binding=admission.binding,
        verified=admission.binding == "attested",
        known=True,
        admitted_at=admission.admitted_at,
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
