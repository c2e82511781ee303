"""CycloneDX XML 1.2 to 1.7 as SBOM facts: the same as the JSON of the same BOM would give. Must not know feeds."""

from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

import msgspec

from cas.digest import Digest
from cas.problems import Fault
from cas.records.evidence import EvidenceKind, SbomFacts
from pipeline.formats import xml
from pipeline.formats.cyclonedx_model import (
    Bom,
    Component,
    Dependency,
    Hash,
    License,
    LicenseChoice,
    Metadata,
    Property,
    Tools,
    facts,
)
from pipeline.formats.format import Content, Format
from pipeline.formats.problems import DocumentUnreadable

NAME: Final = "cyclonedx-xml"
VERSIONS: Final = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
NAMESPACE: Final = "http://cyclonedx.org/schema/bom/"
_JSON: Final = msgspec.json.Encoder()


def _place(above: str, at: int) -> str:
    return f"{above}/components/component[{at + 1}]"


def _listed(element: Element, name: str, item: str) -> Iterator[Element]:
    """Give the items of a list element, if there is one."""
    for each, _ in xml.children(element, name):
        yield from (inner for inner, _ in xml.children(each, item))


def _choices(element: Element) -> Iterator[LicenseChoice]:
    for each in (inner for outer, _ in xml.children(element, "licenses") for inner in outer):
        if xml.local(each) == "expression":
            yield LicenseChoice(expression=xml.text(each))
        elif xml.local(each) == "expression-detailed":
            yield LicenseChoice(expression=each.get("expression", ""))
        elif xml.local(each) == "license":
            yield LicenseChoice(license=License(id=xml.text(each, "id"), name=xml.text(each, "name")))


def _properties(element: Element) -> msgspec.Raw:
    found = [
        Property(name=each.get("name", ""), value=xml.text(each)) for each in _listed(element, "properties", "property")
    ]
    return msgspec.Raw(_JSON.encode(found)) if found else msgspec.Raw()


def _component(element: Element) -> Component:
    return Component(
        type=element.get("type", ""),
        name=xml.text(element, "name"),
        version=xml.text(element, "version"),
        group=xml.text(element, "group"),
        purl=xml.text(element, "purl"),
        ref=element.get("bom-ref", ""),
        hashes=tuple(
            Hash(alg=each.get("alg", ""), content=xml.text(each)) for each in _listed(element, "hashes", "hash")
        ),
        licenses=tuple(_choices(element)),
        components=_components(element),
        properties=_properties(element),
    )


def _components(element: Element) -> tuple[Component, ...]:
    return tuple(map(_component, _listed(element, "components", "component")))


def _tools(metadata: Element) -> tuple[Component, ...] | Tools:
    tools = xml.child(metadata, "tools")
    if tools is None:
        return ()
    if xml.child(tools, "components") is not None:
        return Tools(components=_components(tools))
    return tuple(
        Component(name=xml.text(each, "name"), version=xml.text(each, "version"))
        for each, _ in xml.children(tools, "tool")
    )


def _metadata(root: Element) -> Metadata | None:
    found = xml.child(root, "metadata")
    if found is None:
        return None
    about = xml.child(found, "component")
    return Metadata(
        timestamp=xml.text(found, "timestamp"),
        component=_component(about) if about is not None else None,
        tools=_tools(found),
    )


def _dependency(element: Element) -> Dependency:
    depends = tuple(each.get("ref", "") for each, _ in xml.children(element, "dependency"))
    return Dependency(ref=element.get("ref", ""), depends=depends)


def _bom(root: Element) -> Bom:
    return Bom(
        serial=root.get("serialNumber", ""),
        metadata=_metadata(root),
        components=_components(root),
        dependencies=tuple(map(_dependency, _listed(root, "dependencies", "dependency"))),
    )


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of a CycloneDX document.

    Raises: evidence.unreadable, cas.too_large
    """
    try:
        root = xml.parse(data)
    except xml.XmlInvalidError as error:
        raise DocumentUnreadable(format=NAME, reason=str(error)) from error
    if xml.local(root) != "bom":
        raise DocumentUnreadable(format=NAME, reason="the root element is no bom")
    return facts(_bom(root), f"{NAME}/{version}", "/bom", _place)


def _faults(content: Content) -> Iterator[Fault]:
    """Hold components to what 1.7 says and its XSD cannot: a range of versions is for external components only."""
    todo = [(content.value, "/bom")]
    while todo:
        element, at = todo.pop()
        for listed, place in xml.children(element, "components", at):
            todo += xml.children(listed, "component", place)
        if xml.child(element, "versionRange") is not None and element.get("isExternal") not in ("true", "1"):
            yield Fault(at, "evidence.schema.dependencies", "versionRange is for components with isExternal only")


def _kind(content: Content) -> EvidenceKind | None:
    """Tell a document that lists vulnerabilities and no component: it is VEX, and no SBOM."""
    about = xml.child(content.value, "metadata")
    described = xml.child(about, "component") if about is not None else None
    holders = [content.value, *([described] if described is not None else [])]
    empty = not any(True for each in holders for _ in _listed(each, "components", "component"))
    return None if empty and any(True for _ in _listed(content.value, "vulnerabilities", "vulnerability")) else "sbom"


def _detects(content: Content) -> bool:
    return content.root == "bom" and content.namespace.startswith(NAMESPACE)


def _version(content: Content) -> str:
    return content.namespace.removeprefix(NAMESPACE)


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


ABOUT: Final = """
CycloneDX in XML. It gives the facts that the JSON of the same BOM gives ([cyclonedx-json](cyclonedx-json.md)); places are
written `/bom/components[1]/component[2]` in faults and `/bom/components/component[2]` in facts, counted from 1 by name.

The version is that of the namespace (`http://cyclonedx.org/schema/bom/1.6`); 1.0 and 1.1 are refused
(`evidence.version_unsupported`). Document types and entities are refused before anything is expanded. The XSD of the
version judges the document as it goes by; the validator reads our own schemas only, no file or address that a document
names. Of a document above 16 MiB only the first faults are told, without their places. One rule that XSD cannot say is
held beside it: `versionRange` (1.7) stands in components with `isExternal` only.

Blanks around texts do not count. Extensions in other namespaces pass where the XSD lets them, and are not read, but for
the one of vulnerabilities, which scanners wrote before 1.4 ([cyclonedx-xml-extension](cyclonedx-xml-extension.md)).
"""  # noqa: E501 - rows of tables

CYCLONEDX_XML: Final = Format(
    name=NAME,
    media_types=("application/vnd.cyclonedx+xml",),
    schemas=tuple((version, f"bom-{version}.xsd") for version in VERSIONS),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
    faults=_faults,
    about=ABOUT,
)
