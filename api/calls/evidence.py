"""Evidence comes in: many documents in one atomic call, or one as a raw body (api/streams.py)."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.attest import SigstoreCheck
from cas.records.base import Instant, Slug

MANY = 1000


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One document, or a zip or tar archive of documents, byte for byte (base64 in JSON).

    ``format`` empty: found out from the content; ``generic/<name>`` for a kind of your own.
    """

    data: bytes
    subject: str = ""  # digest of the image it speaks of; empty when the document itself names it
    format: str = ""


class SubmitEvidence(Ask, frozen=True, kw_only=True):
    """Documents that are admitted all or none."""

    documents: Annotated[tuple[Document, ...], msgspec.Meta(min_length=1, max_length=MANY)]


class EvidenceReceipt(Answer, frozen=True, kw_only=True):
    """What became of one document. ``known``: the same bytes about the same subject were here before."""

    document: int = 0  # place in the call
    member: str = ""  # name in the archive that stands there, or empty
    admission: Digest
    evidence: Digest
    raw: Digest
    subject: Digest
    format: str
    type: str
    binding: str
    verified: bool  # a signature on it was verified when it came in
    known: bool
    admitted_at: Instant
    standing: str = ""  # verified: a good signature covers this subject; bad: one does not hold; else unsigned
    signature: str = ""  # what became of the signatures, whatever they cover: verified, unsigned, bad, none
    signers: tuple[str, ...] = ()  # whose signature is good: login, server, sigstore:<issuer>#<identity>
    predicate_type: str = ""
    predicate: str = ""  # a name for the predicate type, where it has one


class Submitted(Answer, frozen=True, kw_only=True):
    """Receipts, in the order of the documents; a document about several subjects has one for each."""

    receipts: tuple[EvidenceReceipt, ...]
    log_size: int


class ListEvidence(PageAsk, frozen=True, kw_only=True):
    """Evidence by subject, by type, or all there is; newest first."""

    subject: str = ""
    type: str = ""


class EvidencePage(Answer, frozen=True, kw_only=True):
    """A page of evidence."""

    items: tuple[EvidenceReceipt, ...]
    next_cursor: str


class ShowEvidence(Ask, frozen=True, kw_only=True):
    """One admission, with all that was verified about it."""

    admission: Digest


class SignatureView(Answer, frozen=True, kw_only=True):
    """One signature, and what became of it."""

    key_id: str
    algorithm: str
    signer: str
    status: str


class EvidenceView(Answer, frozen=True, kw_only=True):
    """What was admitted, how it stands, and why. ``sigstore`` tells of certificate and log entry, if there are any."""

    receipt: EvidenceReceipt
    submitter: str
    facts: Digest
    facts_kind: str
    envelope: str
    payload_type: str
    covers: bool
    subjects: tuple[Digest, ...]  # what the signatures are over
    signatures: tuple[SignatureView, ...]
    sigstore: SigstoreCheck | None


class CollectEvidence(Ask, frozen=True, kw_only=True):
    """An image in a registry, as host/repository:tag or @digest; what is attached to it is taken in."""

    image: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class NotTaken(Answer, frozen=True, kw_only=True):
    """Something attached to an image that is no evidence about it, and why."""

    subject: Digest
    manifest: Digest
    media_type: str
    reason: str


class Collected(Answer, frozen=True, kw_only=True):
    """What was attached, all taken in by one append; ``image`` is the digest the reference named."""

    image: Digest
    receipts: tuple[EvidenceReceipt, ...]
    not_taken: tuple[NotTaken, ...]
    log_size: int


class AddKind(Ask, frozen=True, kw_only=True):
    """Register a kind of evidence by a JSON Schema, or give it another one."""

    name: Slug
    schema: Annotated[str, msgspec.Meta(min_length=2, max_length=1 << 20)]  # JSON text


class KindView(Answer, frozen=True, kw_only=True):
    """A kind of the user's own; documents of it are submitted with the format ``generic/<name>``."""

    name: Slug
    digest: Digest
    schema: Digest
    existed: bool = False


class ListKinds(PageAsk, frozen=True, kw_only=True):
    """The kinds registered here."""


class KindsPage(Answer, frozen=True, kw_only=True):
    """A page of kinds."""

    items: tuple[KindView, ...]
    next_cursor: str


SUBMIT = Call(
    "evidence.submit",
    "POST",
    "/evidence/batch",
    SubmitEvidence,
    Submitted,
    "evidence:write",
    "Admit many documents, all or none (JSON, NDJSON or length-prefixed).",
    status=201,
)
LIST = Call("evidence.list", "GET", "/evidence", ListEvidence, EvidencePage, "evidence:read", "List evidence.")

SHOW = Call(
    "evidence.show",
    "GET",
    "/evidence/{admission}",
    ShowEvidence,
    EvidenceView,
    "evidence:read",
    "Show one piece of evidence: how it stands, who signed it, what was checked.",
)
COLLECT = Call(
    "evidence.collect",
    "POST",
    "/evidence/collect",
    CollectEvidence,
    Collected,
    "evidence:write",
    "Find what is attached to an image in a registry (signatures, attestations, SBOMs), and admit it, all or none.",
)

ADD_KIND = Call(
    "evidence.add_kind",
    "POST",
    "/evidence/kinds",
    AddKind,
    KindView,
    "policy:write",
    "Register a kind of evidence by a JSON Schema of your own.",
    status=201,
)
LIST_KINDS = Call(
    "evidence.list_kinds",
    "GET",
    "/evidence/kinds",
    ListKinds,
    KindsPage,
    "evidence:read",
    "List the kinds of evidence registered here.",
)

CALLS = (SUBMIT, COLLECT, LIST, ADD_KIND, LIST_KINDS, SHOW)
