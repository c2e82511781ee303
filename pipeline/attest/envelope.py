"""DSSE v1 envelopes: the pre-authentication encoding, strict reading, canonical writing. Must not know statements.

Reading is bounded before anything is decoded. The payload is cut out as a raw token first, so that only the small
rest is parsed node by node (duplicate keys refused), whatever the payload's size.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from cas import jcs
from cas.problems import CanonInvalid, TooLarge
from pipeline.attest.problems import EnvelopeInvalid

MAX_ENVELOPE: Final = 96 << 20
MAX_SIGNATURES: Final = 32
_MAX_REST: Final = 256 << 10
_MAX_SIGNATURE: Final = 2048
_MAX_NAME: Final = 1024
_HEAD: Final = 256
_URL_SAFE: Final = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: bytes, and the unauthenticated hint who made it ("" when absent)."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as it was read."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def pae(self) -> bytes:
        """Give the bytes that every signature covers."""
        return pae(self.payload_type, self.payload)


class _Outer(msgspec.Struct):
    payload: msgspec.Raw


class _WrittenSignature(msgspec.Struct):
    keyid: str
    sig: bytes


class _Written(msgspec.Struct, rename={"payload_type": "payloadType"}):
    payload: bytes
    payload_type: str
    signatures: list[_WrittenSignature]


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_OUTER: Final = msgspec.json.Decoder(_Outer)
_STRING: Final = msgspec.json.Decoder(str)
_BYTES: Final = msgspec.json.Decoder(bytes)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Encode what is signed (DSSE v1: PAE); lengths count bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def build(payload_type: str, payload: bytes, signatures: Sequence[tuple[str, bytes]]) -> bytes:
    """Write a canonical envelope: sorted keys, standard base64, signatures by key id."""
    return _ENCODER.encode(
        _Written(
            payload=payload,
            payload_type=payload_type,
            signatures=[_WrittenSignature(keyid=key_id, sig=sig) for key_id, sig in sorted(signatures)],
        )
    )


def parse(data: bytes, *, max_bytes: int = MAX_ENVELOPE) -> Envelope:
    """Read an envelope; unknown fields are ignored (DSSE v1), duplicate keys and trailing bits are not.

    Raises: attest.envelope_invalid, cas.too_large
    """
    if len(data) > max_bytes:
        raise TooLarge(what="envelope", size=len(data), limit=max_bytes)
    try:
        raw = bytes(_OUTER.decode(data).payload)
        at = _place(data, raw)
        rest = jcs.parse(data[:at] + b'""' + data[at + len(raw) :], max_bytes=_MAX_REST, max_depth=8, max_nodes=4096)
        payload = _payload(raw)
    except (msgspec.DecodeError, msgspec.ValidationError, CanonInvalid, ValueError, RecursionError) as error:
        raise EnvelopeInvalid(reason=str(error)[:200]) from error
    kind = rest.get("payloadType")
    if not isinstance(kind, str) or not 0 < len(kind) <= _MAX_NAME:
        raise EnvelopeInvalid(reason="payloadType must be a string of 1 to 1024 characters")
    return Envelope(kind, payload, _signatures(rest.get("signatures")))


def _place(data: bytes, token: bytes) -> int:
    """Find a token; its head first, since comparing is many times faster than searching for megabytes."""
    at = data.index(token[:_HEAD])
    return at if data.startswith(token, at) else data.index(token)


def _payload(token: bytes) -> bytes:
    """Decode the payload's token: standard, padded, unescaped base64 at once, any other spelling by the long way."""
    try:
        payload = _BYTES.decode(token)
    except msgspec.ValidationError:
        return decode_base64(_STRING.decode(token))
    tail = len(payload) - (len(payload) % 3 or 3)
    if payload and not token.endswith(base64.b64encode(payload[tail:]) + b'"'):
        return decode_base64(_STRING.decode(token))
    return payload


def _signatures(given: object) -> tuple[Signature, ...]:
    if not isinstance(given, list):
        raise EnvelopeInvalid(reason="signatures must be an array")
    if len(given) > MAX_SIGNATURES:
        raise TooLarge(what="signatures", count=len(given), limit=MAX_SIGNATURES)
    return tuple(_signature(item, at) for at, item in enumerate(given))


def _signature(item: object, at: int) -> Signature:
    if not isinstance(item, dict):
        raise EnvelopeInvalid(reason="a signature must be an object", pointer=f"/signatures/{at}")
    text, key_id = item.get("sig"), item.get("keyid")
    if not isinstance(text, str) or not isinstance(key_id, str | None) or len(key_id or "") > _MAX_NAME:
        raise EnvelopeInvalid(reason="sig and keyid must be strings", pointer=f"/signatures/{at}")
    try:
        signature = decode_base64(text)
    except ValueError as error:
        raise EnvelopeInvalid(reason=str(error)[:200], pointer=f"/signatures/{at}/sig") from error
    if not 0 < len(signature) <= _MAX_SIGNATURE:
        raise EnvelopeInvalid(reason="a signature has 1 to 2048 bytes", pointer=f"/signatures/{at}/sig")
    return Signature(key_id or "", signature)


def decode_base64(text: str) -> bytes:
    """Decode standard or URL-safe base64, padded or not; mixed alphabets and stray trailing bits are refused.

    Raises: ValueError
    """
    if "-" in text or "_" in text:
        if "+" in text or "/" in text:
            raise ValueError("base64 mixes two alphabets")
        text = text.translate(_URL_SAFE)
    if not text.endswith("="):
        text += "=" * (-len(text) % 4)
    try:
        data = binascii.a2b_base64(text, strict_mode=True) if text else b""
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    tail = len(data) - len(data) % 3
    if base64.b64encode(data[tail:]).decode("ascii") != text[tail // 3 * 4 :]:
        raise ValueError("base64 has stray bits or padding")
    return data
