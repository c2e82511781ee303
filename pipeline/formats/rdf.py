"""RDF/XML as a graph: the striped syntax that SPDX tools write. Must not know SPDX.

Node elements (``rdf:about``, ``rdf:ID``, ``rdf:nodeID``, none) hold property elements, which hold a text, name a node
(``rdf:resource``, ``rdf:nodeID``) or hold one. ``rdf:parseType``, containers and ``xml:base`` are refused, not guessed
at. Descriptions of the same node are one node.
"""

from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from pipeline.formats import xml

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"
_NAMES: Final = tuple(f"{{{RDF}}}{name}" for name in ("about", "ID", "nodeID"))
_RESOURCE: Final = tuple(f"{{{RDF}}}{name}" for name in ("resource", "nodeID"))
_KNOWN: Final = frozenset((*_NAMES, *_RESOURCE, f"{{{RDF}}}datatype"))


class RdfInvalidError(ValueError):
    """The document is not in the part of RDF/XML that we take; ``place`` is where."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(slots=True)
class Node:
    """What a document says of one thing. Keys are ``{namespace}name``; values are texts, or names of nodes."""

    name: str
    place: str
    types: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    nodes: dict[str, list[str]] = field(default_factory=dict)


def graph(root: Element) -> dict[str, Node]:
    """Read a document to its nodes by name, in the order in which they are first spoken of.

    Raises: RdfInvalidError
    """
    reader = _Reader()
    counted: dict[str, int] = {}
    for each in root:
        name = xml.local(each)
        counted[name] = counted.get(name, 0) + 1
        reader.node(each, f"/RDF/{name}[{counted[name]}]")
    return reader.nodes


class _Reader:
    """Collects nodes."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def node(self, element: Element, place: str) -> str:
        """Read a node element; give the node's name."""
        _check(element, place)
        name = _name(element, place)
        node = self.nodes.setdefault(name, Node(name, place))
        if element.tag != f"{{{RDF}}}Description":
            node.types.append(str(element.tag))
            node.place = place if len(node.types) == 1 else node.place  # where it is described, not where it is named
        for key, value in element.attrib.items():
            if key not in _KNOWN:
                node.texts.setdefault(key, []).append(value)
        counted: dict[str, int] = {}
        for each in element:
            local = xml.local(each)
            counted[local] = counted.get(local, 0) + 1
            self._property(node, each, f"{place}/{local}[{counted[local]}]")
        return name

    def _property(self, node: Node, element: Element, place: str) -> None:
        _check(element, place)
        tag = str(element.tag)
        named = [value for key in _RESOURCE if (value := element.get(key)) is not None]
        if len(element) > 1 or (named and len(element)):
            raise RdfInvalidError(place, "a property holds one node or names one")
        if named:
            target = named[0] if element.get(_RESOURCE[0]) is not None else f"_:{named[0]}"
        elif len(element):
            target = self.node(element[0], f"{place}/{xml.local(element[0])}")
        else:
            node.texts.setdefault(tag, []).append(xml.text(element))
            return
        if tag == f"{{{RDF}}}type":
            namespace, mark, local = target.rpartition("#")
            node.types.append(f"{{{namespace}{mark}}}{local}")
        node.nodes.setdefault(tag, []).append(target)


def _check(element: Element, place: str) -> None:
    for key in element.attrib:
        if key == f"{_XML}base" or (key.startswith(f"{{{RDF}}}") and key not in _KNOWN):
            raise RdfInvalidError(place, f"{key.rpartition('}')[2]} is not taken")


def _name(element: Element, place: str) -> str:
    named = [(key, value) for key in _NAMES if (value := element.get(key)) is not None]
    if len(named) > 1:
        raise RdfInvalidError(place, "a node has one name")
    if not named:
        return f"_:{place}"
    key, value = named[0]
    return value if key == _NAMES[0] else f"#{value}" if key == _NAMES[1] else f"_:{value}"
