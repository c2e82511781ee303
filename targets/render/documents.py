"""How signatures are spelled in documents: standard base64; RS256, ES256 (64 bytes r‖s, RFC 7518 3.4), EdDSA.

DSSE carries DER for P-256, as signers give it, so the two forms are converted here. Holds no keys, verifies nothing.
"""

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from cas.records.proof import KeyAlgorithm
from targets.render.signed_json import DocumentInvalid, read, signed_bytes

__all__ = ["ALGORITHMS", "DocumentInvalid", "algorithm_name", "read", "signed_bytes", "to_raw", "to_text"]

ALGORITHMS: Final[dict[str, str]] = {"rsa": "RS256", "ecdsa-p256": "ES256", "ed25519": "EdDSA"}


def algorithm_name(algorithm: KeyAlgorithm) -> str:
    """Give the JWA name that stands in ``signatureAlgorithm``."""
    return ALGORITHMS[algorithm]


def to_text(algorithm: str, signature: bytes) -> str:
    """Write a signer's signature as it stands in a document; P-256 goes from DER to r‖s."""
    if algorithm == "ES256":
        r, s = decode_dss_signature(signature)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return base64.b64encode(signature).decode("ascii")


def to_raw(algorithm: str, text: str) -> bytes:
    """Read a document's signature into the form that keys verify; P-256 goes from r‖s to DER.

    Raises: artifact.document_invalid
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise DocumentInvalid(field="signature", reason="not standard base64") from error
    if base64.b64encode(raw).decode("ascii") != text:
        raise DocumentInvalid(field="signature", reason="not standard base64")
    if algorithm != "ES256":
        return raw
    if len(raw) != 64:
        raise DocumentInvalid(field="signature", reason="ES256 is 64 bytes")
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
