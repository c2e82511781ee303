"""A document's syntax, told from its bytes: JSON, JSON values one after another, XML, or text. Must not know formats.

Strict JSON comes first: what is JSON is nothing else. Detection never looks at names or declared types.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any, Final

from cas.problems import CanonInvalid, TooLarge
from pipeline.formats import pieces, xml
from pipeline.formats.decode import MAX_BYTES, bound, parse
from pipeline.formats.format import Content

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.DOTALL)
_MARK: Final = b"\xef\xbb\xbf"  # .NET begins XML with it; before JSON it is refused
_JSON: Final = frozenset(bytes([byte]) for byte in b'{["-0123456789tfn')
_MAX_VALUES: Final = 2_000_000
_LARGE_TEXT: Final = 1 << 20
_SKETCH: Final = 1 << 16


class _LargeText:
    """A large text that is decoded when all of it is asked for (a ``Late``): what it is, its beginning tells."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def sketch(self) -> str:
        """See Late."""
        return self._data[:_SKETCH].decode("utf-8", "ignore")  # all of it was seen to be UTF-8: a cut sign goes

    def whole(self) -> str:
        """See Late."""
        return self._data.decode("utf-8")


def content(data: bytes) -> Content:
    """Parse a document by its syntax.

    Raises: cas.canon_invalid (neither strict JSON nor anything else we can read), cas.too_large, XmlInvalidError
    """
    head = data[:256].removeprefix(_MARK).lstrip(b" \t\r\n")[:1]
    if head == b"<":
        return Content(data, "xml", xml.parse(data))
    if head and head not in _JSON and (told := _text(data)) is not None:
        return told  # no JSON begins so: nothing is decoded in vain
    try:
        large = pieces.large(data) if head == b"{" else None
        return Content(data, "json", parse(data)) if large is None else Content(data, "json", large, late=True)
    except CanonInvalid as problem:
        found = _lines(data) if head in {b"{", b"["} else _text(data)
        if found is None:
            raise problem from None
        return found


def values(data: bytes) -> Iterator[bytes]:
    """Give the bytes of each JSON object or array that stands at the top level, one after another.

    What stands between them, or is left open, is given too: a decoder refuses it.
    """
    depth, begin = 0, 0
    for token in _TOKENS.finditer(data):
        sign = token.group()
        if sign in {b"{", b"["}:
            depth += 1
        elif sign in {b"}", b"]"}:
            depth -= 1
            if depth <= 0:
                yield data[begin : token.end()]
                begin, depth = token.end(), 0
    if data[begin:].strip():
        yield data[begin:]


def _lines(data: bytes) -> Content | None:
    bound(data)
    found: list[Any] = []
    for value in values(data):
        if len(found) >= _MAX_VALUES:
            return None
        try:
            found.append(parse(value))
        except CanonInvalid:
            return None
    return Content(data, "json-lines", found) if len(found) > 1 else None


def _text(data: bytes) -> Content | None:
    if len(data) > MAX_BYTES:
        raise TooLarge(what="bytes", limit=MAX_BYTES, found=len(data))
    if b"\0" in data:
        return None
    check = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), _SKETCH):
            check.decode(data[at : at + _SKETCH], final=at + _SKETCH >= len(data))
    except UnicodeDecodeError:
        return None
    if len(data) > _LARGE_TEXT:
        return Content(data, "text", _LargeText(data), late=True)
    text = data.decode("utf-8")
    return None if not text.strip() else Content(data, "text", text)
