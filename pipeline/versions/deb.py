"""Debian order (deb-version(7), dpkg's verrevcmp): ``~`` before the end, letters before other signs."""

import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded, number

_PARTS: Final = re.compile(r"([^0-9]*)([0-9]*)")
_FORM: Final = re.compile(r"[0-9A-Za-z.+~:-]+\Z")
_END: Final = b"\x02"
_SIGN: Final = {
    sign: 1 if sign == "~" else (ord(sign) if sign.isalpha() else ord(sign) + 0x80)
    for sign in map(chr, range(128))
    if not sign.isdigit()
}


def _part(text: str) -> bytes:
    out = bytearray()
    for signs, digits in _PARTS.findall(text or "0"):
        if not signs and not digits:
            break
        out += bytes(map(_SIGN.__getitem__, signs)) + _END + number(digits)
    return bytes(out + _END)


def sort(version: str) -> str:
    """Give the key of a Debian version.

    Raises: VersionInvalidError
    """
    version = bounded(version)
    if not _FORM.match(version):
        raise VersionInvalidError("a sign that Debian versions do not have")
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    if not epoch.isdigit() or not rest:
        raise VersionInvalidError("epoch is not a number")
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = rest, "0"
    return (number(epoch) + _part(upstream) + _part(revision)).hex()
