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


def _passes(judge: etree.XMLSchema, data: bytes) -> bool:
    """Judge a document while it is read, and forget each element once it has ended."""
    parser = etree.XMLPullParser(events=("end",), schema=judge, **_SAFELY)
    try:
        for at in range(0, len(data), _CHUNK):
            parser.feed(data[at : at + _CHUNK])
            for _, element in parser.read_events():
                element.clear(keep_tail=False)
        parser.close()
    except etree.XMLSyntaxError:
        return False
    return True


def _keyword(kind: str) -> str:
    return next((word for mark, word in _KEYWORDS if mark in kind), "schema")


def _place(tree: Any, path: str | None) -> str:
    """Spell where a fault is as the readers spell places: ``/bom/components/component[2]``, counted by name."""
    found = tree.xpath(path) if path else []
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
    if _passes(validator(name), data):
        return
    judge = validator.__wrapped__(name)  # its list of errors is shared by whoever asks it
    tree = etree.fromstring(data, etree.XMLParser(**_SAFELY))
    judge.validate(tree)
    for number, error in enumerate(judge.error_log):
        if number >= MAX_FAULTS:
            yield Fault("", "evidence.schema.more", f"more than {MAX_FAULTS} faults")
            return
        said = _NAMESPACE.sub("", error.message)[:300]
        place = _place(tree, error.path)
        yield Fault(place, f"evidence.schema.{_keyword(error.type_name)}", f"line {error.line}: {said}")
