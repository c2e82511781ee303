"""Alpine order (apk-tools, version.c): digits, letter, suffixes, ``-r`` revision.

What follows a common beginning decides: pre-release suffix < end < revision < suffix number < patch suffix < letter <
further digits. A component with leading zeros counts its zeros first.
"""

import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded, number

_FORM: Final = re.compile(
    r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:-r([0-9]+))?\Z"
)
_SUFFIX: Final = re.compile(r"_([a-z]+)([0-9]*)")
_BEFORE: Final = ("alpha", "beta", "pre", "rc")
_AFTER: Final = ("cvs", "svn", "git", "hg", "p")
_PRE, _END, _REVISION, _SUFFIX_NUMBER, _POST, _LETTER, _DIGIT, _COMPONENT = (bytes((n,)) for n in range(1, 9))


def _component(digits: str) -> bytes:
    zeros = len(digits) - len(digits.lstrip("0"))
    if not zeros:
        return _COMPONENT + b"\x01" + number(digits)
    if zeros > 0xFF:
        raise VersionInvalidError("too many zeros")
    rest = digits[zeros:]
    return _COMPONENT + b"\x00" + bytes((0xFF - zeros,)) + (_DIGIT + number(rest) if rest else b"")


def sort(version: str) -> str:
    """Give the key of an Alpine version.

    Raises: VersionInvalidError
    """
    found = _FORM.match(bounded(version))
    if not found:
        raise VersionInvalidError("not an Alpine version")
    first, rest, letter, suffixes, revision = found.groups()
    out = bytearray(number(first))
    for digits in rest.split(".")[1:]:
        out += _component(digits)
    if letter:
        out += _LETTER + letter.encode("ascii")
    for name, digits in _SUFFIX.findall(suffixes):
        if name in _BEFORE:
            out += _PRE + bytes((_BEFORE.index(name),))
        else:
            out += _POST + bytes((_AFTER.index(name),))
        if digits:
            out += _SUFFIX_NUMBER + number(digits)
    if revision:
        out += _REVISION + number(revision)
    return bytes(out + _END).hex()
