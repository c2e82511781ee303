"""RubyGems order (Gem::Version): numbers above texts, a missing segment is zero, trailing zeros do not count.

Behind the common beginning the version goes on as if with zeros for ever, so a run of zeros is encoded by what ends it:
a text puts the version below the zeros (the earlier the lower), a number above them (the earlier the higher).
"""

import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded, number

_FORM: Final = re.compile(r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\Z")
_SEGMENT: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_TEXT: Final = b"\x01"
_END: Final = b"\x02"
_NUMBER: Final = b"\x03"


def _segments(version: str) -> list[str]:
    """List canonical segments: zeros before the first text and at the end are dropped."""
    segments = _SEGMENT.findall(version.replace("-", ".pre."))
    first = next((at for at, segment in enumerate(segments) if not segment.isdigit()), len(segments))
    out: list[str] = []
    for half in (segments[:first], segments[first:]):
        while half and half[-1].isdigit() and not half[-1].strip("0"):
            half.pop()
        out += half
    return out


def sort(version: str) -> str:
    """Give the key of a gem's version.

    Raises: VersionInvalidError
    """
    text = bounded(version)
    if not _FORM.match(text):
        raise VersionInvalidError("not a gem version")
    out = bytearray()
    zeros = 0
    for segment in _segments(text):
        if segment.isdigit() and not segment.strip("0"):
            zeros += 1
            continue
        if zeros > 0xFF:
            raise VersionInvalidError("too many zeros")
        if segment.isdigit():
            out += _NUMBER + bytes((0xFF - zeros,)) + number(segment)
        else:
            out += _TEXT + bytes((zeros,)) + segment.encode("ascii") + b"\x00"
        zeros = 0
    return bytes(out + _END).hex()
