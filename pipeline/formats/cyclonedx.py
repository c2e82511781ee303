"""CycloneDX JSON 1.4 to 1.7 as SBOM facts. Must not know feeds.

1.4 and 1.5 are judged by the 1.6 schema: each later minor version only adds to what the earlier ones allow, so nothing
valid is refused; fields of the future in an older document pass.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import EvidenceKind, Package, SbomFacts
from pipeline.formats.decode import algorithm, digest_in, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.versions import purl

NAME: Final = "cyclonedx-json"
_SUBJECT_PROPERTIES: Final = ("aquasecurity:trivy:RepoDigest", "aquasecurity:trivy:ImageID")
_SOURCE_MARK: Final = b"aquasecurity:trivy:SrcName"


class _Hash(msgspec.Struct, gc=False):
    alg: str = ""
    content: str = ""


class _License(msgspec.Struct, gc=False):
    id: str = ""
    name: str = ""


class _LicenseChoice(msgspec.Struct, gc=False):
    license: _License | None = None
    expression: str = ""


class _Property(msgspec.Struct, gc=False):
    name: str = ""
    value: str = ""


class _Component(msgspec.Struct, gc=False, rename={"ref": "bom-ref"}):
    type: str = ""
    name: str = ""
    version: str = ""
    group: str = ""
    purl: str = ""
    ref: str = ""
    hashes: tuple[_Hash, ...] = ()
    licenses: tuple[_LicenseChoice, ...] = ()
    components: tuple["_Component", ...] = ()
    properties: msgspec.Raw = msgspec.Raw()


class _Tools(msgspec.Struct, gc=False):
    components: tuple[_Component, ...] = ()


class _Metadata(msgspec.Struct, gc=False):
    timestamp: str = ""
    component: _Component | None = None
    tools: tuple[_Component, ...] | _Tools = ()


class _Dependency(msgspec.Struct, gc=False, rename={"depends": "dependsOn"}):
    ref: str = ""
    depends: tuple[str, ...] = ()


class _Bom(msgspec.Struct, gc=False, rename={"serial": "serialNumber", "spec": "specVersion"}):
    spec: str = ""
    serial: str = ""
    metadata: _Metadata | None = None
    components: tuple[_Component, ...] = ()
    dependencies: tuple[_Dependency, ...] = ()


_BOM: Final = msgspec.json.Decoder(_Bom)
_PROPERTIES: Final = msgspec.json.Decoder(tuple[_Property, ...])


def _properties(component: _Component) -> tuple[_Property, ...]:
    return _PROPERTIES.decode(component.properties) if component.properties else ()


def _source(component: _Component) -> str:
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


def _licenses(component: _Component) -> tuple[str, ...]:
    names = {
        choice.expression or ((choice.license.id or choice.license.name) if choice.license else "")
        for choice in component.licenses
    }
    return tuple(sorted(names - {""}))


def _package(component: _Component, pointer: str) -> Package:
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


def _walk(components: tuple[_Component, ...], pointer: str) -> Iterator[Package]:
    for at, component in enumerate(components):
        here = f"{pointer}/{at}"
        yield _package(component, here)
        if component.components:
            yield from _walk(component.components, f"{here}/components")


def named_by(component: _Component | None) -> tuple[Digest, ...]:
    """List the digests that name the described thing: hashes, purl, version, reference, Trivy's image properties."""
    if component is None:
        return ()
    found = {f"sha256:{each.content.lower()}" for each in component.hashes if algorithm(each.alg) == "sha256"}
    texts = [component.purl.partition("?")[0], component.version, component.ref, component.name]
    if component.properties:
        texts += [each.value for each in _properties(component) if each.name in _SUBJECT_PROPERTIES]
    return tuple(sorted(filter(None, {digest_in(text) for text in (*texts, *found)})))


def _tools(metadata: _Metadata) -> tuple[str, ...]:
    listed = metadata.tools.components if isinstance(metadata.tools, _Tools) else metadata.tools
    return tuple(sorted({f"{tool.name} {tool.version}".strip() for tool in listed} - {""}))


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of a CycloneDX document.

    Raises: evidence.unreadable, cas.too_large
    """
    bom = typed(data, _BOM, NAME)
    metadata = bom.metadata or _Metadata()
    packages = list(_walk(bom.components, "/components"))
    if metadata.component is not None and metadata.component.components:
        packages += _walk(metadata.component.components, "/metadata/component/components")
    packages.sort(key=lambda each: (each.purl, each.name, each.version, each.ref, each.pointer))
    return SbomFacts(
        format=f"{NAME}/{version}",
        serial=bom.serial,
        created_at=instant(metadata.timestamp),
        tools=_tools(metadata),
        subjects=named_by(metadata.component),
        packages=tuple(packages),
        depends=tuple(sorted({(each.ref, to) for each in bom.dependencies for to in each.depends})),
    )


def _kind(content: Content) -> EvidenceKind | None:
    """Tell a document that lists vulnerabilities and no component: it is VEX, and no SBOM."""
    document = content.object
    described = (document.get("metadata") or {}).get("component") or {}
    empty = not document.get("components") and not described.get("components")
    return None if empty and document.get("vulnerabilities") else "sbom"


def _detects(content: Content) -> bool:
    document = content.object
    return document.get("bomFormat") == "CycloneDX" or (
        "bomFormat" in document and "specVersion" in document and "spdxVersion" not in document
    )


def _version(content: Content) -> str:
    return str(content.object.get("specVersion", ""))


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


CYCLONEDX: Final = Format(
    name=NAME,
    media_types=("application/vnd.cyclonedx+json",),
    schemas=(
        ("1.4", "bom-1.6.schema.json"),
        ("1.5", "bom-1.6.schema.json"),
        ("1.6", "bom-1.6.schema.json"),
        ("1.7", "bom-1.7.schema.json"),
    ),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
)
