"""XML schemas shipped with the package, and all faults of a document at once. Must not know any format's meaning.

Only what pipeline/formats/xml has read is judged: bounded, without document type and entities. The validator sees the
document go by and keeps none of it; what it reads beside is our own schemas, never a file or an address that a document
or a schema names.
"""

import functools
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

from lxml import etree

from cas.problems import Fault
from pipeline.formats.schema import MAX_FAULTS

_CHUNK: Final = 1 << 16
_WHOLE: Final = 16 << 20  # of a larger document only the first faults are told, without their places
_KEYWORDS: Final = (
    ("ELEMENT_CONTENT", "element"),
    ("CVC_IDC", "unique"),
    ("ENUMERATION", "enum"),
    ("PATTERN", "pattern"),
    ("DATATYPE", "format"),
    ("ATTRIBUTE", "attribute"),
    ("TYPE", "type"),
)
_NAMESPACE: Final = re.compile(r"\{[^{}]*\}")


class _Shipped(etree.Resolver):  # type: ignore[misc]  # lxml has no types
    """Gives our own schemas to a schema that names them, and nothing else."""

    def resolve(self, url: str, public: Any, context: Any) -> Any:  # noqa: ARG002 - the signature is lxml's
        name = url.rpartition("/")[2]
        held = resources.files("pipeline.formats").joinpath("schemas", name)
        data = held.read_bytes() if re.fullmatch(r"[\w.-]+\.xsd", name) and held.is_file() else b""
        return self.resolve_string(data, context)


_SAFELY: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": True,  # lifts the bounds of libxml2: ours have been held before
}


@functools.cache
def validator(name: str) -> etree.XMLSchema:
    """Compile a shipped schema once per process."""
    parser = etree.XMLParser(**_SAFELY)
    parser.resolvers.add(_Shipped())
    data = resources.files("pipeline.formats").joinpath("schemas", name).read_bytes()
    return etree.XMLSchema(etree.fromstring(data, parser, base_url=name))


def _first(judge: etree.XMLSchema, data: bytes) -> Any:
    """Judge a document while it is read, and forget each element once it has ended; give the first faults, or None."""
    parser = etree.XMLPullParser(events=("end",), schema=judge, **_SAFELY)
    try:
        for at in range(0, len(data), _CHUNK):
            parser.feed(data[at : at + _CHUNK])
            for _, element in parser.read_events():
                element.clear(keep_tail=False)
        parser.close()
    except etree.XMLSyntaxError as error:
        return error.error_log
    return None


def _keyword(kind: str) -> str:
    return next((word for mark, word in _KEYWORDS if mark in kind), "schema")


def _place(tree: Any, path: str | None) -> str:
    """Spell where a fault is as the readers spell places: ``/bom/components/component[2]``, counted by name."""
    found = tree.xpath(path) if tree is not None and path else []
    if not found:
        return ""
    steps = []
    for each in (found[0], *found[0].iterancestors()):
        name = etree.QName(each).localname
        before = int(each.xpath("count(preceding-sibling::*[local-name()=$name])", name=name))
        steps.append(f"{name}[{before + 1}]" if each.getparent() is not None else name)
    return "/" + "/".join(reversed(steps))


def faults(name: str, data: bytes) -> Iterator[Fault]:
    """Give every fault of a document under a schema, 1,000 at most; none when it is valid."""
    first = _first(validator(name), data)
    if first is None:
        return
    tree, log = _whole(name, data) if len(data) <= _WHOLE else (None, first)
    number = 0
    for number, error in enumerate(log, 1):
        if number > MAX_FAULTS:
            yield Fault("", "evidence.schema.more", f"more than {MAX_FAULTS} faults")
            return
        said = _NAMESPACE.sub("", error.message)[:300]
        if tree is not None:
            said = f"line {error.line}: {said}"
        yield Fault(_place(tree, error.path), f"evidence.schema.{_keyword(error.type_name)}", said)
    if not number:  # refused once is refused
        yield Fault("", "evidence.schema.syntax", "the validator takes this for no document of its schema")


def _whole(name: str, data: bytes) -> tuple[Any, Any]:
    """Judge a document that failed once more, as a tree, so that every fault has its place."""
    judge = validator.__wrapped__(name)  # a list of errors of its own: the other is shared by whoever asks it
    try:
        tree = etree.fromstring(data, etree.XMLParser(**_SAFELY))
    except etree.XMLSyntaxError as error:
        return None, error.error_log
    judge.validate(tree)
    return tree, judge.error_log
