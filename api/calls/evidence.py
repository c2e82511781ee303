"""Evidence comes in: many documents in one atomic call, or one as a raw body (api/streams.py)."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Instant

MANY = 1000


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One document, byte for byte (base64 in JSON). ``format`` empty: found out from the content."""

    data: bytes
    subject: str = ""  # digest of the image it speaks of; empty when the document itself names it
    format: str = ""


class SubmitEvidence(Ask, frozen=True, kw_only=True):
    """Documents that are admitted all or none."""

    documents: Annotated[tuple[Document, ...], msgspec.Meta(min_length=1, max_length=MANY)]


class EvidenceReceipt(Answer, frozen=True, kw_only=True):
    """What became of one document. ``known``: the same bytes about the same subject were here before."""

    document: int = 0  # place in the call
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

CALLS = (SUBMIT, LIST)
