"""Canonical JSON of our own structs. Must not know any kind, nor foreign JSON (cas.jcs).

Their domain has no floats, ASCII keys and safe integers only: there msgspec's sorted encoding equals RFC 8785 byte for
byte.
"""

from typing import Any, Final, TypeVar

import msgspec

from cas import columns
from cas.problems import CanonInvalid, RecordInvalid

S = TypeVar("S", bound=msgspec.Struct)

_ENCODER = msgspec.json.Encoder(order="sorted")


_DECODERS: Final[dict[type[msgspec.Struct], msgspec.json.Decoder[Any]]] = {}


def of_record(value: msgspec.Struct) -> bytes:
    """Encode one of our structs canonically.

    Raises: cas.canon_invalid when a string holds a lone surrogate
    """
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, msgspec.ValidationError) as error:
        raise CanonInvalid(reason=str(error)[:200]) from error


def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    found = _DECODERS[kind] = msgspec.json.Decoder(kind)
    return found


def to_record(data: bytes, kind: type[S]) -> S:
    """Decode bytes that must be the canonical encoding of ``kind``; blanks, duplicates and other orders are refused.

    Raises: cas.record_invalid
    """
    try:
        value: S = (_DECODERS.get(kind) or _decoder(kind)).decode(data)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise RecordInvalid(kind=kind.__name__, reason=str(error)[:200]) from error
    columns.check(value)
    if _ENCODER.encode(value) != data:
        raise RecordInvalid(kind=kind.__name__, reason="not canonical")
    return value
