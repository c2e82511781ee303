"""Python order (PEP 440): epoch, release, pre, post, dev, local."""

import re
from typing import Final

from pipeline.versions.scheme import VersionInvalidError, bounded, number

_FORM: Final = re.compile(
    r"v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?"
    r"(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?"
    r"(?:[-_.]?(dev)[-_.]?([0-9]*))?"
    r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\Z"
)
_STAGE: Final = {"alpha": 2, "a": 2, "beta": 3, "b": 3, "preview": 4, "pre": 4, "c": 4, "rc": 4}
_NONE_BEFORE: Final = b"\x01"
_NONE_AFTER: Final = b"\x05"


def _release(text: str) -> bytes:
    numbers = [digits.lstrip("0") for digits in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return b"".join(b"\x02" + number(digits) for digits in numbers) + b"\x01"


def _local(text: str | None) -> bytes:
    if text is None:
        return b"\x00"
    out = bytearray(b"\x01")
    for name in re.split(r"[-_.]", text):
        out += b"\x02" + number(name) if name.isdigit() else b"\x01" + name.encode("ascii") + b"\x00"
    return bytes(out) + b"\x00"


def _phases(stage: str | None, count: str, post: str | None, dev: str | None) -> bytes:
    if stage:
        out = bytes((_STAGE[stage],)) + number(count)
    elif post is None and dev is not None:
        out = _NONE_BEFORE  # a bare .dev comes before every pre-release
    else:
        out = _NONE_AFTER
    out += _NONE_BEFORE if post is None else b"\x02" + number(post)
    return out + (_NONE_AFTER if dev is None else b"\x02" + number(dev))


def sort(version: str) -> str:
    """Give the key of a PEP 440 version.

    Raises: VersionInvalidError
    """
    found = _FORM.match(bounded(version).lower())
    if not found:
        raise VersionInvalidError("not a PEP 440 version")
    epoch, release, stage, count, implicit, post, post_count, dev, dev_count, local = found.groups()
    posted = implicit if implicit is not None else (post_count or "0" if post else None)
    out = number(epoch or "0") + _release(release)
    out += _phases(stage, count or "0", posted, (dev_count or "0") if dev else None)
    return (out + _local(local)).hex()
