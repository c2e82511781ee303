"""RPM order (rpmvercmp): ``~`` before the end, ``^`` after it, letters before numbers, other signs only separate."""

import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded, number

_SEGMENTS: Final = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_FORM: Final = re.compile(r"[0-9A-Za-z._+~^:-]+\Z")
_TILDE: Final = b"\x01"
_END: Final = b"\x02"
_CARET: Final = b"\x03"
_ALPHA: Final = b"\x04"
_NUMBER: Final = b"\x05"


def part(text: str) -> bytes:
    """Encode a version or a release alone, as rpmvercmp compares it."""
    out = bytearray()
    for segment in _SEGMENTS.findall(text):
        if segment == "~":
            out += _TILDE
        elif segment == "^":
            out += _CARET
        elif segment[0].isdigit():
            out += _NUMBER + number(segment)
        else:
            out += _ALPHA + segment.encode("ascii") + b"\x00"
    return bytes(out + _END)


def sort(version: str) -> str:
    """Give the key of ``[epoch:]version[-release]``; a missing release is lowest.

    Raises: VersionInvalidError
    """
    version = bounded(version)
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    if not epoch.isdigit() or not rest or not _FORM.match(rest):
        raise VersionInvalidError("not an RPM version")
    text, _, release = rest.partition("-")
    return (number(epoch) + part(text) + part(release)).hex()
