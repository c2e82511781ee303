"""XML inside bounds: no declarations, no entities of its own, no processing of anything outside. Knows no format.

Expat reads; what makes XML dangerous (DTDs, entity declarations, external references) is refused where it begins,
before anything is expanded. Size, depth and number of elements and attributes are bounded while reading.

Coverage and test tools begin with a document type that only names a DTD (``<!DOCTYPE report PUBLIC "…"
"report.dtd">``). Such a one is blanked out and the rest is read as if it had not been there: nothing is fetched,
nothing declared, and an entity that the DTD might have declared is undefined, thus refused. With an internal subset
it is refused itself.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from cas.problems import TooLarge
from pipeline.formats.decode import MAX_BYTES, MAX_DEPTH, MAX_NODES

_CHUNK: Final = 1 << 16
_BLANKS: Final = bytes(byte if byte == 0x0A else 0x20 for byte in range(256))


class XmlInvalidError(ValueError):
    """The bytes are not XML that we take; the message says why and where."""


class _Doctype(Exception):  # noqa: N818 - a way out of expat, not an error
    """A document type without declarations ends at a byte."""

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


class _Reader:
    """Builds elements from what expat tells, and counts."""

    def __init__(self, *, doctype: bool) -> None:
        self.doctype = doctype  # whether one that declares nothing may stand here
        self.builder = TreeBuilder()
        self.depth = 0
        self.nodes = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.builder.data
        self.parser.StartDoctypeDeclHandler = self.doctype_begins
        self.parser.EntityDeclHandler = self.refuse_entity
        self.parser.ExternalEntityRefHandler = self.refuse_entity

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.nodes += 1 + len(attributes)
        if self.depth > MAX_DEPTH:
            raise TooLarge(what="depth", limit=MAX_DEPTH)
        if self.nodes > MAX_NODES:
            raise TooLarge(what="nodes", limit=MAX_NODES)
        self.builder.start(_named(name), {_named(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self.depth -= 1
        self.builder.end(_named(name))

    def doctype_begins(self, _name: str, _system: str | None, _public: str | None, subset: int) -> None:
        if self.doctype and not subset:
            raise _Doctype(self.parser.CurrentByteIndex)  # expat tells it at the closing bracket
        raise XmlInvalidError(f"line {self.parser.CurrentLineNumber}: document types with declarations are not taken")

    def refuse_entity(self, *_told: object) -> int:
        raise XmlInvalidError(f"line {self.parser.CurrentLineNumber}: entities are not taken")


def _named(name: str) -> str:
    """Write a name as ElementTree does: ``{namespace}local``."""
    return "{" + name if "}" in name else name


def parse(data: bytes) -> Element:
    """Read a document to its root element.

    Raises: XmlInvalidError, cas.too_large
    """
    if len(data) > MAX_BYTES:
        raise TooLarge(what="bytes", limit=MAX_BYTES, found=len(data))
    try:
        return _read(data, doctype=True)
    except _Doctype as found:
        return _read(_blanked(data, found.end), doctype=False)


def _blanked(data: bytes, end: int) -> bytes:
    """Put blanks where a document type stood, so that lines and columns stay.

    Raises: XmlInvalidError
    """
    begin = data.rfind(b"<!DOCTYPE", 0, end)
    if begin < 0 or data[end : end + 1] != b">":  # as in UTF-16
        raise XmlInvalidError("document types are taken in encodings that contain ASCII only")
    return data[:begin] + data[begin : end + 1].translate(_BLANKS) + data[end + 1 :]


def _read(data: bytes, *, doctype: bool) -> Element:
    reader = _Reader(doctype=doctype)
    try:
        for at in range(0, len(data), _CHUNK):
            reader.parser.Parse(data[at : at + _CHUNK], False)
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise XmlInvalidError(
            f"line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}"
        ) from error
    except (LookupError, UnicodeError, ValueError) as error:
        raise error if isinstance(error, XmlInvalidError) else XmlInvalidError(str(error)[:200]) from error
    return reader.builder.close()


def local(element: Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, name: str, at: str = "") -> Iterator[tuple[Element, str]]:
    """Give the child elements of a local name, each with its place ``<at>/<name>[n]``, counted from 1 as XPath does."""
    number = 0
    for each in element:
        if local(each) == name:
            number += 1
            yield each, f"{at}/{name}[{number}]"


def child(element: Element, name: str) -> Element | None:
    """Give the first child element of a local name."""
    return next((each for each, _ in children(element, name)), None)


def text(element: Element | None, name: str = "") -> str:
    """Give the stripped text of an element, or of its first child of a name; empty when there is none."""
    found = child(element, name) if element is not None and name else element
    return (found.text or "").strip() if found is not None else ""
