"""Sigstore bundles 0.1 to 0.3 and cosign's signatures, opened: what is signed, by what, logged where. Verifies nothing.

A cosign signature (as ``cosign download signature`` writes it) is read into the same shape: its Rekor entry becomes the
log entry of a bundle 0.1, so that one check serves both. Reading is typed, bounded and strict about base64.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cas import digest, jcs
from cas.digest import Digest, is_digest
from cas.problems import CanonInvalid, Category, Problem
from pipeline.attest import envelope as envelopes
from pipeline.attest.envelope import Envelope, decode_base64
from pipeline.attest.problems import EnvelopeInvalid

MEDIA_TYPES: Final = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": "0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2": "0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3": "0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "0.3",
}
FAMILY: Final = "application/vnd.dev.sigstore.bundle"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
MESSAGE: Final = "application/vnd.dev.sigstore.message-digest"
COSIGN_TYPE: Final = "cosign container image signature"
_OLDEST: Final = "application/vnd.dev.sigstore.bundle+json;version=0.1"
_MAX: Final = 96 << 20
_MAX_REST: Final = 4 << 20
_MAX_CERTIFICATE: Final = 64 << 10
_PEM: Final = b"-----BEGIN CERTIFICATE-----"


class BundleInvalid(Problem):
    """Bytes are neither a Sigstore bundle nor a cosign signature that can be read."""

    code = "attest.bundle_invalid"
    category = Category.INVALID
    title = "Not a Sigstore bundle"
    remedy = (
        "Send the bundle as its signer wrote it: media type 0.1, 0.2 or 0.3, one DSSE envelope or message signature."
    )


@dataclass(frozen=True, slots=True)
class Signed:
    """A bundle, opened. Exactly one of ``envelope`` and ``hashed`` is there; ``payload`` where the bytes travel along.

    ``certificate`` is the signer's, DER; without one ``hint`` may name a key that somebody keeps. ``document`` is the
    bundle as a Sigstore library reads it; ``entries`` are the bodies of the log
    entries in it.
    """

    version: str
    envelope: Envelope | None
    hashed: bytes | None  # SHA-256 of what a message signature is over
    payload: bytes | None
    signature: bytes
    certificate: bytes | None
    hint: str
    entries: tuple[bytes, ...]
    document: bytes
    subject: Digest | None = None  # the image that a cosign signature speaks of
    reference: str = ""
    annotations: tuple[tuple[str, str], ...] = ()

    @property
    def payload_type(self) -> str:
        """What the signed bytes are."""
        if self.envelope is not None:
            return self.envelope.payload_type
        return SIMPLE_SIGNING if self.payload is not None else MESSAGE


class _Bytes(msgspec.Struct, rename="camel"):
    raw_bytes: str = ""


class _Chain(msgspec.Struct):
    certificates: list[_Bytes] = []


class _Key(msgspec.Struct):
    hint: str = ""


class _Entry(msgspec.Struct, rename="camel"):
    canonicalized_body: str = ""


class _Material(msgspec.Struct, rename="camel"):
    x509_certificate_chain: _Chain | None = None
    certificate: _Bytes | None = None
    public_key: _Key | None = None
    tlog_entries: list[_Entry] | None = None


class _Hash(msgspec.Struct):
    algorithm: str = ""
    digest: str = ""


class _Message(msgspec.Struct, rename="camel"):
    message_digest: _Hash | None = None
    signature: str = ""


class _Bundle(msgspec.Struct, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: msgspec.Raw = msgspec.Raw(b"null")
    message_signature: _Message | None = None


_BUNDLE: Final = msgspec.json.Decoder(_Bundle)


def is_bundle(document: Any) -> bool:
    """Tell a bundle by its media type, whatever its version."""
    return isinstance(document, dict) and str(document.get("mediaType", "")).startswith(FAMILY)


def is_cosign(document: Any) -> bool:
    """Tell a signature as ``cosign download signature`` writes it."""
    return isinstance(document, dict) and "Base64Signature" in document and "Payload" in document


def parse(data: bytes) -> Signed:
    """Open a bundle or a cosign signature.

    Raises: attest.bundle_invalid, attest.envelope_invalid, cas.too_large
    """
    try:
        # strict first: two readers of one key given twice must not see two documents
        value = jcs.parse(data, max_bytes=_MAX, max_depth=64, max_nodes=200_000)
        return _cosign(value) if is_cosign(value) else _bundle(_BUNDLE.decode(data), data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, CanonInvalid, ValueError) as error:
        raise BundleInvalid(reason=str(error)[:200]) from error


def version_of(media_type: str) -> str:
    """Give a bundle's version; what is not known is given as it is written after the family's name."""
    return MEDIA_TYPES.get(media_type, media_type.removeprefix(FAMILY).strip("+json;.v=")[:32] or "unknown")


def _bundle(given: _Bundle, data: bytes) -> Signed:
    version = MEDIA_TYPES.get(given.media_type)
    if version is None:
        raise BundleInvalid(reason="media type not known", media_type=given.media_type[:100])
    material = given.verification_material
    raw = bytes(given.dsse_envelope)
    envelope = envelopes.parse(raw) if raw != b"null" else None
    message = given.message_signature
    if (envelope is None) == (message is None):
        raise BundleInvalid(reason="exactly one of dsseEnvelope and messageSignature is wanted")
    if message is not None and (message.message_digest is None or message.message_digest.algorithm != "SHA2_256"):
        raise BundleInvalid(reason="a message signature names the SHA-256 of the message", pointer="/messageSignature")
    hashed = decode_base64(message.message_digest.digest) if message and message.message_digest else None
    if hashed is not None and len(hashed) != 32:
        raise BundleInvalid(reason="the message's digest is no SHA-256", pointer="/messageSignature/messageDigest")
    return Signed(
        version=version,
        envelope=envelope,
        hashed=hashed,
        payload=envelope.payload if envelope else None,
        signature=decode_base64(message.signature) if message else b"",
        certificate=_leaf(material),
        hint=material.public_key.hint[:1024] if material.public_key else "",
        entries=tuple(decode_base64(each.canonicalized_body) for each in material.tlog_entries or ()),
        document=data,
    )


def _leaf(material: _Material) -> bytes | None:
    """Give the signer's certificate: the only one, or the first of a chain (bundles before 0.3)."""
    kinds = (material.certificate, material.x509_certificate_chain, material.public_key)
    if sum(each is not None for each in kinds) != 1:
        raise BundleInvalid(reason="exactly one of certificate, x509CertificateChain and publicKey is wanted")
    if material.public_key is not None:
        return None
    chain = material.x509_certificate_chain
    if chain is not None and not chain.certificates:
        raise BundleInvalid(reason="the chain holds no certificate")
    first = chain.certificates[0] if chain is not None else material.certificate
    assert first is not None
    return _certificate(decode_base64(first.raw_bytes))


def _certificate(der: bytes) -> bytes:
    if not 0 < len(der) <= _MAX_CERTIFICATE:
        raise BundleInvalid(reason="a certificate has 1 to 65536 bytes")
    return der


def _cosign(given: dict[str, Any]) -> Signed:
    """Read ``{Base64Signature, Payload, Cert, Chain, Bundle}``; Payload is the simple-signing document, base64."""
    payload, signature = given.get("Payload"), given.get("Base64Signature")
    if not isinstance(payload, str) or not isinstance(signature, str):
        raise BundleInvalid(reason="Payload and Base64Signature must be strings")
    signed, made = decode_base64(payload), decode_base64(signature)
    subject, reference, notes = _simple(signed)
    certificate = _given_certificate(given.get("Cert"))
    entry = _rekor(given.get("Bundle"))
    hashed = bytes.fromhex(digest.of_bytes(signed)[7:])
    return Signed(
        version="0.1",
        envelope=None,
        hashed=hashed,
        payload=signed,
        signature=made,
        certificate=certificate,
        hint="",
        entries=(decode_base64(entry["canonicalizedBody"]),) if entry else (),
        document=_as_bundle(certificate, entry, {"messageSignature": _message(hashed, made)}),
        subject=subject,
        reference=reference,
        annotations=notes,
    )


def _simple(payload: bytes) -> tuple[Digest, str, tuple[tuple[str, str], ...]]:
    """Read a simple-signing document: the image's digest, what it was called, what the signer noted."""
    found = jcs.parse(payload, max_bytes=1 << 20, max_depth=16, max_nodes=5_000)
    critical = found.get("critical") if isinstance(found, dict) else None
    if not isinstance(critical, dict) or critical.get("type") != COSIGN_TYPE:
        raise BundleInvalid(reason="the payload is no cosign image signature", pointer="/Payload")
    image, identity = critical.get("image"), critical.get("identity")
    named = image.get("docker-manifest-digest") if isinstance(image, dict) else None
    if not isinstance(named, str) or not is_digest(named):
        raise BundleInvalid(reason="the payload names no image digest", pointer="/Payload")
    reference = identity.get("docker-reference", "") if isinstance(identity, dict) else ""
    notes = found.get("optional") or {}
    kept = tuple(sorted((key[:256], value[:1024]) for key, value in notes.items() if isinstance(value, str)))
    return named, str(reference)[:1024], kept


def _given_certificate(given: Any) -> bytes | None:
    """Take PEM, or Go's certificate object with its ``Raw`` DER."""
    if isinstance(given, dict):
        given = given.get("Raw")
        return _certificate(decode_base64(given)) if isinstance(given, str) else None
    return der_of(given.encode("ascii")) if isinstance(given, str) and given else None


def der_of(pem: bytes) -> bytes:
    """Give the DER of the first certificate of a PEM text.

    Raises: attest.bundle_invalid
    """
    begin = pem.find(_PEM)
    end = pem.find(b"-----END CERTIFICATE-----", begin)
    if begin < 0 or end < 0:
        raise BundleInvalid(reason="no certificate in PEM")
    try:
        body = b"".join(pem[begin + len(_PEM) : end].split())
        return _certificate(binascii.a2b_base64(body, strict_mode=True))
    except binascii.Error as error:
        raise BundleInvalid(reason="a certificate is not base64") from error


def _rekor(given: Any) -> dict[str, Any] | None:
    """Turn cosign's Rekor bundle into a log entry with an inclusion promise."""
    if given is None:
        return None
    payload = given.get("Payload") if isinstance(given, dict) else None
    if not isinstance(payload, dict):
        raise BundleInvalid(reason="the Rekor bundle has no payload", pointer="/Bundle")
    promise = given.get("SignedEntryTimestamp")
    body, log = payload.get("body"), payload.get("logID")
    at, index = payload.get("integratedTime"), payload.get("logIndex")
    if not (isinstance(promise, str) and isinstance(body, str) and isinstance(log, str)):
        raise BundleInvalid(reason="the Rekor bundle is not whole", pointer="/Bundle")
    if type(at) is not int or type(index) is not int:
        raise BundleInvalid(reason="the Rekor bundle is not whole", pointer="/Bundle/Payload")
    entry = jcs.parse(decode_base64(body), max_bytes=_MAX_REST, max_depth=32, max_nodes=20_000)
    if not isinstance(entry, dict):
        raise BundleInvalid(reason="the log entry is no object", pointer="/Bundle/Payload/body")
    return {
        "logIndex": str(index),
        "logId": {"keyId": base64.b64encode(bytes.fromhex(log)).decode()},
        "kindVersion": {"kind": str(entry.get("kind")), "version": str(entry.get("apiVersion"))},
        "integratedTime": str(at),
        "inclusionPromise": {"signedEntryTimestamp": promise},
        "canonicalizedBody": body,
    }


def _message(hashed: bytes, signature: bytes) -> dict[str, Any]:
    return {
        "messageDigest": {"algorithm": "SHA2_256", "digest": base64.b64encode(hashed).decode()},
        "signature": base64.b64encode(signature).decode(),
    }


def _as_bundle(certificate: bytes | None, entry: dict[str, Any] | None, content: dict[str, Any]) -> bytes:
    """Write a bundle 0.1, the only one that may do without an inclusion proof."""
    material: dict[str, Any] = {"tlogEntries": [entry] if entry else []}
    if certificate is None:
        material["publicKey"] = {"hint": ""}
    else:
        material["x509CertificateChain"] = {"certificates": [{"rawBytes": base64.b64encode(certificate).decode()}]}
    return jcs.of_value({"mediaType": _OLDEST, "verificationMaterial": material, **content})


def bundle_of_attestation(envelope: bytes, certificate: bytes, rekor: bytes) -> bytes:
    """Write a bundle 0.1 from what cosign keeps apart: a DSSE layer, its certificate (PEM), its Rekor bundle (JSON).

    The envelope stands in it byte for byte.

    Raises: attest.bundle_invalid, attest.envelope_invalid
    """
    envelopes.parse(envelope)
    try:
        entry = _rekor(jcs.parse(rekor, max_bytes=_MAX_REST, max_depth=32, max_nodes=20_000)) if rekor else None
        made = _as_bundle(der_of(certificate), entry, {"dsseEnvelope": {}})
    except (CanonInvalid, ValueError) as error:
        raise BundleInvalid(reason=str(error)[:200]) from error
    return made.replace(b'"dsseEnvelope":{}', b'"dsseEnvelope":' + envelope.strip(), 1)


def cosign_document(payload: bytes, signature: str, certificate: str, chain: str, rekor: str) -> bytes:
    """Write a cosign signature as one document, in the shape of ``cosign download signature``; PEM stays PEM.

    Raises: attest.bundle_invalid
    """
    try:
        bundle = jcs.parse(rekor.encode(), max_bytes=_MAX_REST, max_depth=32, max_nodes=20_000) if rekor else None
        return jcs.of_value(
            {
                "Base64Signature": signature,
                "Payload": base64.b64encode(payload).decode(),
                "Cert": certificate or None,
                "Chain": chain or None,
                "Bundle": bundle,
            }
        )
    except CanonInvalid as error:
        raise BundleInvalid(reason=error.detail()[:200]) from error


def key_id_of(hint: str) -> str:
    """Give the hex SHA-256 that a hint spells: hex, base64, or npm's ``SHA256:`` form; empty when it spells none."""
    text = hint.removeprefix("SHA256:")
    if len(text) == 64 and all(sign in "0123456789abcdef" for sign in text.lower()):
        return text.lower()
    try:
        raw = decode_base64(text)
    except (ValueError, EnvelopeInvalid):
        return ""
    return raw.hex() if len(raw) == 32 else ""
