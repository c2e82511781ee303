"""Semantic Versioning 2.0.0 order, and how Go and npm spell it.

Build metadata (``+incompatible`` too) has no say in the order. Missing minor and patch count as zero, as Go's own
``1.20`` does. Go pseudo-versions are pre-releases by their form.
"""

import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded, number

_FORM: Final = re.compile(
    r"([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.+-]*)?\Z"
)
_GO: Final = re.compile(r"go([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:(alpha|beta|rc)([0-9]+))?(?:[-+ ].*)?\Z")
_RELEASE: Final = b"\x03"
_TEXT: Final = b"\x02"
_NUMBER: Final = b"\x01"


def _pre(text: str) -> bytes:
    out = bytearray()
    for name in text.split("."):
        out += _NUMBER + number(name) if name.isdigit() else _TEXT + name.encode("ascii") + b"\x00"
    return bytes(out) + b"\x00"


def _key(major: str, minor: str | None, patch: str | None, pre: str | None) -> str:
    core = number(major) + number(minor or "0") + number(patch or "0")
    return (core + (_pre(pre) if pre else _RELEASE)).hex()


def sort(version: str) -> str:
    """Give the key of a semantic version; a leading ``v`` or ``=`` is taken off.

    Raises: VersionInvalidError
    """
    found = _FORM.match(bounded(version).lstrip("=v "))
    if not found:
        raise VersionInvalidError("not a semantic version")
    return _key(*found.groups())


def sort_go(version: str) -> str:
    """Give the key of a Go module's or toolchain's version: ``v1.2.3``, ``1.2.3``, ``go1.21rc2``.

    Raises: VersionInvalidError
    """
    text = bounded(version)
    found = _GO.match(text)
    if not found:
        return sort(text)
    major, minor, patch, stage, count = found.groups()
    return _key(major, minor, patch, f"{stage}.{count}" if stage else None)
