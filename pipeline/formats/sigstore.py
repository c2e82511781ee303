"""Sigstore bundles 0.1 to 0.3 and cosign signatures as formats: known by content. Must not verify anything.

A bundle around a DSSE envelope is a wrapping: the envelope's payload is the document. A bundle around a message
signature, and a cosign signature, are documents of their own: evidence of type ``signature`` about what was signed.
"""

from collections.abc import Iterable
from typing import Any, Final

from cas.digest import Digest
from cas.problems import Fault, Problem, TooLarge
from cas.records.attest import SignatureFacts
from cas.records.evidence import EvidenceKind
from pipeline.attest import sigstore_bundle
from pipeline.attest.problems import EnvelopeInvalid
from pipeline.attest.sigstore_bundle import BundleInvalid, Signed, is_bundle, is_cosign, version_of
from pipeline.formats.format import Content, Format
from pipeline.formats.problems import DocumentUnreadable

BUNDLE_NAME: Final = "sigstore-bundle"
COSIGN_NAME: Final = "cosign-signature"
VERSIONS: Final = tuple((version, "") for version in ("0.1", "0.2", "0.3"))


def opened(data: bytes) -> Signed:
    """Open a bundle or a cosign signature.

    Raises: evidence.unreadable, cas.too_large
    """
    try:
        return sigstore_bundle.parse(data)
    except (BundleInvalid, EnvelopeInvalid) as problem:
        raise DocumentUnreadable(format=BUNDLE_NAME, reason=problem.detail()[:200]) from problem


def wrapped(data: bytes) -> bytes | None:
    """Give the payload of the envelope in a bundle; None for a signature that stands for itself."""
    found = sigstore_bundle.parse(data)
    return found.envelope.payload if found.envelope is not None else None


def _read_bundle(data: bytes, version: str) -> SignatureFacts:
    return _facts(data, f"{BUNDLE_NAME}/{version}")


def _read_cosign(data: bytes, version: str) -> SignatureFacts:
    return _facts(data, f"{COSIGN_NAME}/{version}")


def _facts(data: bytes, name: str) -> SignatureFacts:
    found = opened(data)
    if found.hashed is None:
        raise DocumentUnreadable(format=name, reason="the bundle holds an envelope: its payload is the document")
    return SignatureFacts(
        format=name,
        subjects=(found.subject or f"sha256:{found.hashed.hex()}",),
        reference=found.reference,
        annotations=found.annotations,
        keyless=found.certificate is not None,
        logged=bool(found.entries),
        created_at="",
    )


def _subjects(facts: Any) -> tuple[Digest, ...]:
    named: tuple[Digest, ...] = facts.subjects
    return named


def _faults(content: Content) -> Iterable[Fault]:
    try:
        sigstore_bundle.parse(content.data)
    except TooLarge as problem:
        yield Fault("", "evidence.too_large", problem.detail())
    except (BundleInvalid, EnvelopeInvalid) as problem:
        yield Fault(str(problem.fields.get("pointer", "")), "evidence.bundle_invalid", _said(problem))


def _said(problem: Problem) -> str:
    return str(problem.fields.get("reason", problem.title))


def _signature(_content: Content) -> EvidenceKind:
    return "signature"


_VERIFYING: Final = """
A certificate is held, offline, against the trusted Sigstore instances of the home (`stella trust sigstore`): chain and
window of the authority, certificate log, transparency log, time by log or timestamp authority, the signature, and that
the log entry is about this very signature. A plain key is held against trust root and directory. The answer says
verified, unsigned or bad, and by whom: see [attestations](../../attestations.md)."""

SIGSTORE_BUNDLE: Final = Format(
    name=BUNDLE_NAME,
    media_types=tuple(sigstore_bundle.MEDIA_TYPES),
    schemas=VERSIONS,
    detects=lambda content: is_bundle(content.object),
    version=lambda content: version_of(str(content.object.get("mediaType", ""))),
    kind=_signature,
    read=_read_bundle,
    subjects=_subjects,
    faults=_faults,
    about="A bundle around a DSSE envelope is opened: its payload is the document, and is read as what it is. A\n"
    "bundle around a message signature is evidence of type `signature` about the file of that SHA-256. Many\n"
    "bundles may come in one document: an attestation document of a package registry\n"
    "(`attestations[].bundle`), or one bundle a line. Refused: other media types, neither or both contents, a\n"
    "certificate and a key at once, digests other than SHA-256.\n" + _VERIFYING,
)

COSIGN: Final = Format(
    name=COSIGN_NAME,
    media_types=(sigstore_bundle.SIMPLE_SIGNING,),
    schemas=(("1", ""),),
    detects=lambda content: is_cosign(content.object),
    version=lambda _content: "1",
    kind=_signature,
    read=_read_cosign,
    subjects=_subjects,
    faults=_faults,
    about="What `cosign download signature` writes, and `stella evidence collect` finds beside an image: the\n"
    "simple-signing document in base64 (`Payload`), its signature, certificate and Rekor entry. It is\n"
    "evidence of type `signature` about the digest in `critical.image.docker-manifest-digest`; a signature\n"
    "about another digest than the one it is submitted for stays a signature about that other digest, and\n"
    "verifies nothing here.\n" + _VERIFYING,
)
