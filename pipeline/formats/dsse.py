"""DSSE v1 envelopes as a format: known by content; the payload's format is what counts. Must not verify anything.

An envelope around a payload of a type that is nobody's JSON here is carried: evidence that something was signed, with
the payload's type as its predicate type.
"""

from typing import Final

from cas.records.evidence import AttestationFacts, EvidenceKind
from pipeline.attest import envelope as envelopes
from pipeline.attest.envelope import Envelope
from pipeline.attest.problems import EnvelopeInvalid
from pipeline.formats.decode import fit
from pipeline.formats.format import Content, Format
from pipeline.formats.problems import DocumentUnreadable

NAME: Final = "dsse"
_IN_TOTO: Final = "application/vnd.in-toto+json"
_FIRST: Final = frozenset(b" \t\r\n{[<\xef")


def carried(envelope: Envelope) -> bool:
    """Tell whether a payload is carried unread: its type is not in-toto's, and it is neither JSON nor XML."""
    return envelope.payload_type != _IN_TOTO and not (envelope.payload and envelope.payload[0] in _FIRST)


def _detects(content: Content) -> bool:
    document = content.object
    return "payload" in document and "payloadType" in document and "signatures" in document


def _version(_content: Content) -> str:
    return "1"


def _kind(_content: Content) -> EvidenceKind:
    return "attestation"


def _read(data: bytes, _version_text: str) -> AttestationFacts:
    try:
        found = envelopes.parse(data)
    except EnvelopeInvalid as problem:
        raise DocumentUnreadable(format=NAME, reason=problem.detail()[:200]) from problem
    return AttestationFacts(
        predicate_type=fit(found.payload_type, 1024),
        subjects=(),
        builder="",
        build_type="",
        source="",
        source_digest="",
        started_at="",
        finished_at="",
    )


DSSE: Final = Format(
    name=NAME,
    media_types=("application/vnd.dsse.envelope.v1+json",),
    schemas=(("1", "dsse-envelope.json"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=_read,
    about="The payload is opened and read as what it is; every signature is checked, with and without key ids,\n"
    "standard or URL-safe base64 ([attestations](../../attestations.md)). A payload of another type than in-\n"
    "toto's that is neither JSON nor XML is carried as an `attestation` whose predicate type is the payload's\n"
    "type; the submitter names the image. Several envelopes may come in one document, one a line. Refused: an\n"
    "envelope in an envelope, mixed or stray base64, more than 32 signatures.\n",
)
