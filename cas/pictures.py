"""Assessments of both kinds as one picture: the pure view of readers that take either. Must not know who reads.

assessment/1 holds its findings itself; assessment/2 names a picture that several assessments share.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from cas import canon
from cas.digest import Digest
from cas.records.picture import AnyPicture, Assessment2, Picture
from cas.records.verdict import Assessment

_KIND: Final = msgspec.json.Decoder(msgspec.defstruct("Kind", [("kind", str)]))
_NEW: Final = str(Assessment2.__struct_config__.tag)


def is_new(data: bytes) -> bool:
    """Tell whether the bytes are an assessment/2.

    Raises: cas.record_invalid, later, where they are read: bytes that are no record are none
    """
    try:
        return str(_KIND.decode(data).kind) == _NEW  # type: ignore[attr-defined]  # the field given above
    except (msgspec.DecodeError, msgspec.ValidationError):
        return False


def picture_of(assessment: Digest, read: Callable[[Digest], bytes]) -> AnyPicture:
    """Give what an assessment of either kind says of evidence, findings and unknowns.

    Raises: cas.record_invalid, and as ``read``
    """
    data = read(assessment)
    if not is_new(data):
        return canon.to_record(data, Assessment)
    return canon.to_record(read(canon.to_record(data, Assessment2).picture), Picture)
