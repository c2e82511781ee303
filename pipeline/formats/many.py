"""Documents that hold many: attestation documents of registries, one wrapping a line. Splits bytes; opens nothing.

Every part is a document of its own, byte for byte as it stood, with a name of its own: what is bad in one says so of
that one alone.
"""

from typing import Final

import msgspec

from pipeline.attest.sigstore_bundle import FAMILY

MAX_PARTS: Final = 1000
_HEAD: Final = 4096
_MARKS: Final = (b'"payloadType"', b'"Base64Signature"', FAMILY.encode())


class _Attestation(msgspec.Struct):
    bundle: msgspec.Raw


class _Attestations(msgspec.Struct):
    attestations: list[_Attestation]


_DECODER: Final = msgspec.json.Decoder(_Attestations)


def parts(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Give each part with its pointer; a document that is not many is its own only part."""
    if not data[:_HEAD].lstrip().startswith(b"{"):
        return (("", data),)
    return _listed(data) or _lines(data) or (("", data),)


def _listed(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Split ``{"attestations": [{"bundle": …}]}``, as package registries and code hosts give it."""
    if b'"attestations"' not in data[:_HEAD]:
        return ()
    try:
        found = _DECODER.decode(data).attestations
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    if len(found) > MAX_PARTS:
        return ()
    return tuple((f"/attestations/{at}/bundle", bytes(each.bundle)) for at, each in enumerate(found))


def _lines(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Split lines when each of them is a wrapping."""
    if data.find(b"\n{") < 0:
        return ()
    lines = [line for line in data.split(b"\n", MAX_PARTS + 1) if line.strip()]
    wrapped = 1 < len(lines) <= MAX_PARTS and all(
        line.startswith(b"{") and any(mark in line for mark in _MARKS) for line in lines
    )
    return tuple((f"/{at}", line) for at, line in enumerate(lines)) if wrapped else ()
