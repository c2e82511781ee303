"""DSSE v1 envelopes as a format: known by content; the payload's format is what counts. Must not verify anything."""

from typing import Any, Final

from cas.digest import Digest
from cas.records.evidence import EvidenceKind
from pipeline.formats.format import Document, Format

NAME: Final = "dsse"


def _detects(document: Document) -> bool:
    return "payload" in document and "payloadType" in document and "signatures" in document


def _version(_document: Document) -> str:
    return "1"


def _kind(_document: Document) -> EvidenceKind:
    return "attestation"


def _subjects(_facts: Any) -> tuple[Digest, ...]:
    return ()


DSSE: Final = Format(
    name=NAME,
    media_types=("application/vnd.dsse.envelope.v1+json",),
    schemas=(("1", "dsse-envelope.json"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=None,
    subjects=_subjects,
)
