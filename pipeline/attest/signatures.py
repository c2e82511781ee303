"""Verifying signatures and judging public keys. Knows keys and bytes; must not know envelopes, nor who owns a key.

The algorithm comes from the key record, never from what is being checked. A key is judged when it is loaded:
canonical SubjectPublicKeyInfo, its id the SHA-256 of those bytes, Ed25519 points canonical, on the curve and not of
small order, RSA of 2048 to 8192 bits with exponent 65537.
"""

import base64
import binascii
import functools
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from cas import digest
from cas.records.proof import Key, KeyAlgorithm, Purpose
from pipeline.attest.problems import KeyInvalid

PublicKey: TypeAlias = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey

RSA_BITS: Final = range(2048, 8193)
RSA_EXPONENT: Final = 65537
_SPKI_MAX: Final = 2048
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_EIGHTH: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _EIGHTH, _P - _EIGHTH})  # orders 4, 1, 2, 8, 8
_PKCS1: Final = padding.PKCS1v15()
_SHA256: Final = hashes.SHA256()
_ECDSA: Final = ec.ECDSA(_SHA256)
_PREHASHED: Final = Prehashed(_SHA256)


def load_key(key: Key) -> PublicKey:
    """Judge a key record and give the key it holds.

    Raises: attest.key_invalid
    """
    return _load(key.algorithm, key.spki, key.id)


def verify(key: Key, message: bytes, signature: bytes) -> bool:
    """Tell whether the signature over the message is by this key, under the algorithm of its record.

    Raises: attest.key_invalid
    """
    public = load_key(key)
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, message)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            _verify_p256(public, message, signature)
        else:
            public.verify(signature, message, _PKCS1, _SHA256)
    except InvalidSignature:
        return False
    return True


def verify_hashed(key: Key, hashed: bytes, signature: bytes) -> bool:
    """Tell whether the signature is by this key over the message of this SHA-256; Ed25519 needs the message itself.

    Raises: attest.key_invalid
    """
    public = load_key(key)
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, hashed, ec.ECDSA(_PREHASHED))
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, hashed, _PKCS1, _PREHASHED)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _verify_p256(public: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> None:
    """Take DER, as DSSE carries it, or the 64 bytes r and s of JWA, which some signers put there."""
    try:
        public.verify(signature, message, _ECDSA)
    except InvalidSignature:
        if len(signature) != 64:
            raise
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        public.verify(encode_dss_signature(r, s), message, _ECDSA)


def spki_of(public: PublicKey) -> bytes:
    """Encode a key as SubjectPublicKeyInfo, DER."""
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_of(public: PublicKey, purposes: tuple[Purpose, ...]) -> Key:
    """Describe a public key as a record; judged before it is given.

    Raises: attest.key_invalid
    """
    spki = spki_of(public)
    key = Key(
        id=digest.of_bytes(spki)[7:],
        algorithm=_algorithm(public),
        spki=base64.b64encode(spki).decode("ascii"),
        purposes=tuple(sorted(set(purposes))),
        revoked_at=None,
    )
    load_key(key)
    return key


def read_public(data: bytes, purposes: tuple[Purpose, ...]) -> Key:
    """Read a public key as people hand it over (PEM, or DER) and describe it as a record.

    Raises: attest.key_invalid
    """
    if len(data) > 4 * _SPKI_MAX:
        raise KeyInvalid(reason="too long")
    try:
        if data.lstrip().startswith(b"-----"):
            public = serialization.load_pem_public_key(data)
        else:
            public = serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyInvalid(reason="not a public key in PEM or DER") from error
    if not isinstance(public, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise KeyInvalid(reason="algorithm not supported")
    return key_of(public, purposes)


def _algorithm(public: PublicKey) -> KeyAlgorithm:
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(public, rsa.RSAPublicKey):
        return "rsa"
    if isinstance(public.curve, ec.SECP256R1):
        return "ecdsa-p256"
    raise KeyInvalid(reason="curve not supported", curve=public.curve.name)


@functools.lru_cache(maxsize=4096)
def _load(algorithm: KeyAlgorithm, spki: str, key_id: str) -> PublicKey:
    try:
        der = binascii.a2b_base64(spki, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise KeyInvalid(reason="spki is not base64", key_id=key_id[:64]) from error
    if len(der) > _SPKI_MAX or base64.b64encode(der).decode("ascii") != spki:
        raise KeyInvalid(reason="spki is too long or not canonical base64", key_id=key_id[:64])
    if digest.of_bytes(der)[7:] != key_id:
        raise KeyInvalid(reason="id is not the SHA-256 of the spki", key_id=key_id[:64])
    try:
        public = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyInvalid(reason="spki is not a supported public key", key_id=key_id) from error
    if not isinstance(public, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise KeyInvalid(reason="algorithm not supported", key_id=key_id)
    if _algorithm(public) != algorithm:
        raise KeyInvalid(reason="the key is not of the algorithm its record names", key_id=key_id)
    if spki_of(public) != der:
        raise KeyInvalid(reason="spki is not in its canonical encoding", key_id=key_id)
    _judge(public, key_id)
    return public


def _judge(public: PublicKey, key_id: str) -> None:
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        if public.key_size not in RSA_BITS or numbers.e != RSA_EXPONENT or numbers.n % 2 == 0:
            raise KeyInvalid(reason="RSA must have 2048 to 8192 bits and exponent 65537", key_id=key_id)
    elif isinstance(public, ed25519.Ed25519PublicKey):
        reason = _ed25519_fault(public.public_bytes_raw())
        if reason:
            raise KeyInvalid(reason=reason, key_id=key_id)


def _ed25519_fault(raw: bytes) -> str:
    """Say what is wrong with an encoded point (RFC 8032, 5.1.3), or nothing.

    The neutral element and the points of order 2, 4 and 8 sign everything for everybody.
    """
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    if y >= _P:
        return "point is not canonical"
    if y in _SMALL_ORDER_Y:
        return "point is of small order"
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if pow(square, (_P - 1) // 2, _P) != 1:
        return "point is not on the curve"
    return ""
