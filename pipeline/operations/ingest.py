"""Evidence in: many documents, one append. Knows documents and bindings; must not know gates.

(1) every document is opened and judged, all faults of all documents at once; (2) facts are computed, envelopes
verified, into staging; (3) subjects and bindings follow from what documents and signatures say; (4) one append moves
the heads, each once. A document that is bad, or an append that is refused, leaves nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cas import digest, refs
from cas.digest import Digest
from cas.log import Appended
from cas.problems import ExpectationFailed, Fault, Problem
from cas.records.evidence import Admission, Binding, Evidence, EvidenceKind, NormaliseInput
from cas.records.proof import Verification
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.formats.many import parts
from pipeline.formats.opened import Opened, Reading, Refused, open_document
from pipeline.formats.problems import EvidenceContended, EvidenceEmpty, EvidenceRefused, EvidenceTooMany
from pipeline.formats.schema import pointer
from pipeline.operations import archives, kinds
from pipeline.operations.staging import Staging
from pipeline.operations.verifying import Trusted, verified
from pipeline.operations.work import Work
from pipeline.stage import Done
from pipeline.stages.normalise2 import NORMALISE2

MAX_DOCUMENTS: Final = 1000
MAX_SUBJECTS: Final = 256
ATTEMPTS: Final = 32
ARCHIVE: Final = archives.Bounds(files=MAX_DOCUMENTS, file=64 << 20, total=256 << 20)


@dataclass(frozen=True, slots=True)
class Submission:
    """One document, or a zip or tar archive of documents, as it came.

    ``subject`` is an image digest or empty; ``format`` is what the submitter says it is, each one in an archive.
    ``fallback`` is the image that a document speaks of when it names none itself.
    """

    data: bytes
    subject: str = ""
    format: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one reading of a document about one subject.

    ``duplicate``: these bytes had been admitted for it before.
    """

    document: int  # place in the call
    member: str  # name in the archive that stands there, or empty
    raw: Digest
    evidence: Digest
    admission: Digest
    subject: Digest
    type: EvidenceKind
    format: str
    binding: Binding
    duplicate: bool
    verification: Digest | None
    verified: bool


@dataclass(frozen=True, slots=True)
class Submitted:
    """The receipts, in the order of the documents; ``appended`` is None when everything had been there."""

    receipts: tuple[Receipt, ...]
    appended: Appended | None


@dataclass(slots=True)
class _Document:
    """One reading of a document on its way in."""

    at: int
    member: str
    submitted: Digest
    opened: Opened
    reading: Reading
    facts: Done[Any]
    subjects: tuple[Digest, ...] = ()
    named: frozenset[Digest] = frozenset()

    def receipt(self, subject: Digest) -> str:
        """Name the ref of the first admission of this reading about a subject."""
        first = self.reading is self.opened.readings[0]
        return refs.receipt(self.submitted, subject, "" if first else self.reading.format.name)


def submit(
    effects: Effects,
    caller: Caller,
    documents: Sequence[Submission],
    *,
    max_documents: int = MAX_DOCUMENTS,
    also: Callable[[Work], bool] | None = None,
) -> Submitted:
    """Admit documents, all or none.

    A document without a given subject speaks of every image digest it names. ``also`` notes what is to stand in the
    same append, and tells whether it noted anything; it is asked again when a head moved meanwhile.

    Raises: evidence.empty, evidence.too_many, evidence.refused, evidence.contended, and those of the log
    """
    if not documents:
        raise EvidenceEmpty
    if len(documents) > max_documents:
        raise EvidenceTooMany(found=len(documents), limit=max_documents)
    staging = effects.store if isinstance(effects.store, Staging) else Staging(effects.store)
    staged = replace(effects, store=staging)
    ready = _prepare(Work(staged, caller), documents, max_documents)
    for _ in range(ATTEMPTS):
        work = Work(staged, caller)
        receipts = [receipt for document in ready for receipt in _admit(work, document)]
        noted = also is not None and also(work)
        if not noted and all(receipt.duplicate for receipt in receipts):
            return Submitted(tuple(receipts), None)
        work.settle()
        staging.release()
        try:
            return Submitted(tuple(receipts), work.commit())  # (4)
        except ExpectationFailed:
            continue  # somebody else moved a head: take it from where it is now
    raise EvidenceContended(subjects=sorted({receipt.subject for receipt in receipts})[:8])


def _prepare(work: Work, documents: Sequence[Submission], most: int) -> list[_Document]:
    """Open every document and compute its facts; collect the faults of all.

    Raises: evidence.refused, evidence.too_many
    """
    ready: list[_Document] = []
    faults: list[Fault] = []
    seen = 0
    for at, given in enumerate(documents):
        try:
            for member, document in _members(given):
                seen += 1
                if seen > most:
                    raise EvidenceTooMany(found=seen, limit=most)
                try:
                    ready += _open(work, at, member, document)
                except Refused as refused:
                    inside = pointer((member,)) if member else ""
                    faults += [
                        Fault(f"/{at}{inside}{each.pointer}", each.code, each.message) for each in refused.faults
                    ]
        except archives.ArchiveUnsafeError as error:
            inside = pointer((error.name,)) if error.name else ""
            faults.append(Fault(f"/{at}{inside}", "evidence.archive_unsafe", error.reason))
    if faults:
        raise EvidenceRefused(documents=len(documents), faults=tuple(faults))
    return ready


def _members(given: Submission) -> Iterator[tuple[str, Submission]]:
    """Give the documents of an archive with their names, or the one document.

    Raises: ArchiveUnsafeError
    """
    if not archives.is_archive(given.data):
        yield "", given
        return
    found = 0
    for name, data in archives.files_in(given.data, ARCHIVE):
        found += 1
        yield name, replace(given, data=data)
    if not found:
        raise archives.ArchiveUnsafeError("", "the archive is empty")


def _open(work: Work, at: int, member: str, given: Submission) -> list[_Document]:
    if given.subject and not digest.is_digest(given.subject):
        raise Refused(Fault("", "evidence.subject_invalid", f"not a digest: {given.subject[:80]!r}"))
    if given.format.startswith(kinds.PREFIX):
        return _part(work, at, member, given)
    found: list[_Document] = []
    faults: list[Fault] = []
    for place, data in parts(given.data):
        try:
            found += _part(work, at, member, replace(given, data=data))
        except Refused as refused:
            faults += [Fault(place + each.pointer, each.code, each.message) for each in refused.faults]
    if faults:
        raise Refused(*faults)
    return found


def _part(work: Work, at: int, member: str, given: Submission) -> list[_Document]:
    """Open one part; a document that holds many is admitted as its parts, each under its own name."""
    own = given.format.startswith(kinds.PREFIX)
    opened = kinds.opened(work, given.data, given.format) if own else open_document(given.data, given.format)  # (1)
    submitted, raw = digest.of_bytes(given.data), work.effects.store.put(opened.raw)
    try:
        found = [
            _Document(
                at,
                member,
                submitted,
                opened,
                reading,
                work.run(NORMALISE2, NormaliseInput(raw=raw, format=reading.name)),  # (2)
            )
            for reading in opened.readings
        ]
    except Problem as problem:
        raise Refused(Fault("", problem.code, problem.detail())) from problem
    every = sorted({name for each in found for name in each.reading.format.subjects(each.facts.record)})
    if opened.kind == "signature" and given.subject and given.subject not in every:
        raise Refused(Fault("", "evidence.subject_foreign", f"the signature is over {', '.join(every)}"))
    for each in found:
        each.named = frozenset((*every, *opened.covered))
        each.subjects = _subjects(given.subject, opened.covered or tuple(every) or _fallback(given))
    return found


def _fallback(given: Submission) -> tuple[Digest, ...]:
    return (digest.parse(given.fallback),) if given.fallback else ()


def _subjects(given: str, named: tuple[Digest, ...]) -> tuple[Digest, ...]:
    """Say what the document speaks of: what was given, else everything it names.

    Raises: Refused
    """
    if given:
        return (given,)
    if not named:
        raise Refused(Fault("", "evidence.subject_missing", "name the image digest that the document speaks of"))
    if len(named) > MAX_SUBJECTS:
        said = f"the document names {len(named)} subjects, more than {MAX_SUBJECTS}: name the one that you mean"
        raise Refused(Fault("", "evidence.subjects_too_many", said))
    return named


def _admit(work: Work, document: _Document) -> list[Receipt]:
    """Note one admission for each subject that these bytes have not been admitted for."""
    receipts: list[Receipt] = []
    listed = False
    for subject in document.subjects:
        before = work.ref(document.receipt(subject))
        if before is not None:
            receipts.append(_first(work, document, before))
            continue
        if not listed:
            work.again(document.facts)
            listed = True
        receipts.append(_note(work, document, subject))
    return receipts


def _first(work: Work, document: _Document, name: Digest) -> Receipt:
    """Give the receipt of the first time."""
    admission = load(work.effects.store, name, Admission)
    evidence = load(work.effects.store, admission.evidence, Evidence)
    return _receipt(work, document, name, admission, evidence, duplicate=True)


def _receipt(
    work: Work, document: _Document, name: Digest, admission: Admission, evidence: Evidence, *, duplicate: bool
) -> Receipt:
    answer = load(work.effects.store, admission.verification, Verification) if admission.verification else None
    return Receipt(
        document=document.at,
        member=document.member,
        raw=evidence.raw,
        evidence=admission.evidence,
        admission=name,
        subject=admission.subject,
        type=admission.type,
        format=evidence.format,
        binding=admission.binding,
        duplicate=duplicate,
        verification=admission.verification,
        verified=answer is not None and answer.status == "verified",
    )


def _note(work: Work, document: _Document, subject: Digest) -> Receipt:
    opened, store = document.opened, work.effects.store
    envelope = store.put(opened.envelope) if opened.envelope is not None else None
    beside = (store.put(opened.statement),) if opened.statement is not None else ()
    checked = _verify(work, envelope, subject, bundle=opened.bundle) if envelope is not None else None
    binding = _binding(document, checked, subject)  # (3)
    evidence = Evidence(
        raw=store.put(opened.raw),
        envelope=envelope,
        format=document.reading.name,
        type=document.reading.kind,
        subject=subject,
        binding=binding,
        verification=checked.digest if checked is not None else None,
    )
    admission = Admission(
        evidence=work.save(evidence),
        facts=document.facts.digest,
        subject=subject,
        type=document.reading.kind,
        binding=binding,
        verification=evidence.verification,
        admitted_at=work.now,
        submitter=work.caller.actor,
    )
    name = work.save(admission)
    work.note(
        "evidence.admitted",
        name,
        (work.move(document.receipt(subject), name),),
        joins=(refs.evidence(subject),),
        envelopes=(envelope,) if envelope is not None else (),
        verifications=(checked.digest,) if checked is not None else (),
        beside=beside,
    )
    return _receipt(work, document, name, admission, evidence, duplicate=False)


def _verify(work: Work, envelope: Digest, subject: Digest, *, bundle: bool) -> Done[Verification] | None:
    """Ask who signed, by what counts now; the append holds only while roots and directory stay the same.

    Asked right after the newest of them was admitted: no key can have been revoked since, and the answer does not hang
    on what else was submitted before.
    """
    root, directory = work.ref(refs.TRUST_ROOT), work.ref(refs.DIRECTORY)
    work.expect(refs.TRUST_ROOT, root)
    work.expect(refs.DIRECTORY, directory)
    if root is None:
        return None
    position = 1 + max(work.effects.log.admitted(name) or 0 for name in (root, directory) if name)
    sigstore = None
    if bundle:
        sigstore = work.ref(refs.SIGSTORE)
        work.expect(refs.SIGSTORE, sigstore)
    return verified(work, envelope, subject, Trusted(root, directory, position, sigstore), bundle=bundle)


def _binding(document: _Document, checked: Done[Verification] | None, subject: Digest) -> Binding:
    """Attested: a verified signature covers the digest; embedded: the document names it; else asserted."""
    if checked is not None and checked.record.status == "verified" and subject in checked.record.subjects:
        return "attested"
    return "embedded" if subject in document.named else "asserted"
