"""A CycloneDX document, however it was written, as SBOM facts. Must not know JSON, XML, or feeds.

JSON and XML documents become the same ``Bom``; only the places of components are spelled differently.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import Package, SbomFacts
from pipeline.formats.decode import algorithm, digest_in
from pipeline.formats.instant import instant
from pipeline.versions import purl

_SUBJECT_PROPERTIES: Final = ("aquasecurity:trivy:RepoDigest", "aquasecurity:trivy:ImageID")
_SOURCE_MARK: Final = b"aquasecurity:trivy:SrcName"


class Hash(msgspec.Struct, gc=False):
    """A hash and its algorithm."""

    alg: str = ""
    content: str = ""


class License(msgspec.Struct, gc=False):
    """A licence by SPDX id or by name."""

    id: str = ""
    name: str = ""


class LicenseChoice(msgspec.Struct, gc=False):
    """A licence, or an SPDX expression."""

    license: License | None = None
    expression: str = ""


class Property(msgspec.Struct, gc=False):
    """A name and a value, as a tool sees fit."""

    name: str = ""
    value: str = ""


class Component(msgspec.Struct, gc=False, rename={"ref": "bom-ref"}):
    """A component. ``properties`` stay JSON until somebody asks: most of a large document is properties."""

    type: str = ""
    name: str = ""
    version: str = ""
    group: str = ""
    purl: str = ""
    ref: str = ""
    hashes: tuple[Hash, ...] = ()
    licenses: tuple[LicenseChoice, ...] = ()
    components: tuple["Component", ...] = ()
    properties: msgspec.Raw = msgspec.Raw()


class Tools(msgspec.Struct, gc=False):
    """Tools as components (1.5 and later)."""

    components: tuple[Component, ...] = ()


class Metadata(msgspec.Struct, gc=False):
    """When, by what, about what."""

    timestamp: str = ""
    component: Component | None = None
    tools: tuple[Component, ...] | Tools = ()


class Dependency(msgspec.Struct, gc=False, rename={"depends": "dependsOn"}):
    """What one reference depends on."""

    ref: str = ""
    depends: tuple[str, ...] = ()


class Bom(msgspec.Struct, gc=False, rename={"spec": "specVersion", "serial": "serialNumber"}):
    """What we read of a document."""

    spec: str = ""
    serial: str = ""
    metadata: Metadata | None = None
    components: tuple[Component, ...] = ()
    dependencies: tuple[Dependency, ...] = ()


Place = Callable[[str, int], str]
"""Gives the place of the component at a position below a place."""

_PROPERTIES: Final = msgspec.json.Decoder(tuple[Property, ...])


def _properties(component: Component) -> tuple[Property, ...]:
    return _PROPERTIES.decode(component.properties) if component.properties else ()


def _source(component: Component) -> str:
    """Give ``name@version`` of the source package, which Trivy writes into properties."""
    raw = component.properties
    if not raw or _SOURCE_MARK not in bytes(raw):
        return ""
    found = {each.name.rpartition(":")[2]: each.value for each in _properties(component)}
    version = found.get("SrcVersion", "")
    if version and found.get("SrcRelease"):
        version += f"-{found['SrcRelease']}"
    if version and found.get("SrcEpoch", "0") != "0":
        version = f"{found['SrcEpoch']}:{version}"
    name = found.get("SrcName", "")
    return f"{name}@{version}" if name and version else name


def _licenses(component: Component) -> tuple[str, ...]:
    names = {
        choice.expression or ((choice.license.id or choice.license.name) if choice.license else "")
        for choice in component.licenses
    }
    return tuple(sorted(names - {""}))


def _package(component: Component, pointer: str) -> Package:
    return Package(
        ref=component.ref,
        purl=purl.canonical(component.purl) if component.purl else "",
        name=f"{component.group}/{component.name}" if component.group else component.name,
        version=component.version,
        type=component.type,
        licenses=_licenses(component) if component.licenses else (),
        hashes=tuple(sorted({(algorithm(each.alg), each.content.lower()) for each in component.hashes}))
        if component.hashes
        else (),
        pointer=pointer,
        source=_source(component),
    )


def _walk(components: tuple[Component, ...], above: str, place: Place) -> Iterator[Package]:
    for at, component in enumerate(components):
        here = place(above, at)
        yield _package(component, here)
        if component.components:
            yield from _walk(component.components, here, place)


def named_by(component: Component | None) -> tuple[Digest, ...]:
    """List the digests that name the described thing: hashes, purl, version, reference, Trivy's image properties."""
    if component is None:
        return ()
    found = {f"sha256:{each.content.lower()}" for each in component.hashes if algorithm(each.alg) == "sha256"}
    texts = [component.purl.partition("?")[0], component.version, component.ref, component.name]
    if component.properties:
        texts += [each.value for each in _properties(component) if each.name in _SUBJECT_PROPERTIES]
    return tuple(sorted(filter(None, {digest_in(text) for text in (*texts, *found)})))


def _tools(metadata: Metadata) -> tuple[str, ...]:
    listed = metadata.tools.components if isinstance(metadata.tools, Tools) else metadata.tools
    return tuple(sorted({f"{tool.name} {tool.version}".strip() for tool in listed} - {""}))


def facts(bom: Bom, name: str, root: str, place: Place) -> SbomFacts:
    """Give the facts of a document read as ``name``, whose places begin with ``root``."""
    metadata = bom.metadata or Metadata()
    packages = list(_walk(bom.components, root, place))
    if metadata.component is not None and metadata.component.components:
        packages += _walk(metadata.component.components, f"{root}/metadata/component", place)
    packages.sort(key=lambda each: (each.purl, each.name, each.version, each.ref, each.pointer))
    return SbomFacts(
        format=name,
        serial=bom.serial,
        created_at=instant(metadata.timestamp),
        tools=_tools(metadata),
        subjects=named_by(metadata.component),
        packages=tuple(packages),
        depends=tuple(sorted({(each.ref, to) for each in bom.dependencies for to in each.depends})),
    )
