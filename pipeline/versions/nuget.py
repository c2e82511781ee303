"""NuGet order (SemVer 2.0.0 with a fourth number): labels compare without case, build metadata has no say."""

import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded, number

_FORM: Final = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:\.([0-9]+))?"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.+-]*)?\Z"
)
_RELEASE: Final = b"\x03"
_TEXT: Final = b"\x02"
_NUMBER: Final = b"\x01"


def _label(text: str) -> bytes:
    out = bytearray()
    for name in text.lower().split("."):
        out += _NUMBER + number(name) if name.isdigit() else _TEXT + name.encode("ascii") + b"\x00"
    return bytes(out) + b"\x00"


def sort(version: str) -> str:
    """Give the key of a NuGet version; missing numbers count as zero.

    Raises: VersionInvalidError
    """
    found = _FORM.match(bounded(version))
    if not found:
        raise VersionInvalidError("not a NuGet version")
    *numbers, label = found.groups()
    core = b"".join(number(each or "0") for each in numbers)
    return (core + (_label(label) if label else _RELEASE)).hex()
