"""DSSE v1 envelopes as a format: known by content; the payload's format is what counts. Must not verify anything."""

from typing import Final

from cas.records.evidence import EvidenceKind
from pipeline.formats.format import Content, Format

NAME: Final = "dsse"


def _detects(content: Content) -> bool:
    document = content.object
    return "payload" in document and "payloadType" in document and "signatures" in document


def _version(_content: Content) -> str:
    return "1"


def _kind(_content: Content) -> EvidenceKind:
    return "attestation"


DSSE: Final = Format(
    name=NAME,
    media_types=("application/vnd.dsse.envelope.v1+json",),
    schemas=(("1", "dsse-envelope.json"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=None,
)
