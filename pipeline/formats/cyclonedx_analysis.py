"""What a CycloneDX document says beside its components, as structs: vulnerabilities, analyses, call stacks, who is who.

One projection for JSON and XML; each syntax gives the places. Must not make facts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from cas.digest import Digest
from cas.records.evidence import VexProduct
from pipeline.formats.decode import algorithm, digest_in
from pipeline.versions import purl

_IMAGE_PROPERTIES: Final = ("aquasecurity:trivy:RepoDigest", "aquasecurity:trivy:ImageID")
_MAX_IDENTITIES: Final = 8


class Hash(msgspec.Struct, gc=False):
    """A hash of a component."""

    alg: str = ""
    content: str = ""


class Property(msgspec.Struct, gc=False):
    """A name and a value."""

    name: str = ""
    value: str = ""


class Frame(msgspec.Struct, gc=False, rename={"file": "fullFilename"}):
    """One frame of a call stack; the first is the innermost."""

    package: str = ""
    module: str = ""
    function: str = ""
    line: int = 0
    file: str = ""

    def text(self) -> str:
        """Write the frame for people."""
        name = ".".join(part for part in (self.package, self.module, self.function) if part)
        return f"{name} ({self.file}:{self.line})" if self.file else name


class Stack(msgspec.Struct, gc=False):
    """A call stack."""

    frames: tuple[Frame, ...] = ()


class Evidence(msgspec.Struct, gc=False):
    """What shows that a component is there, and used."""

    callstack: Stack | None = None


class Part(msgspec.Struct, gc=False, rename={"ref": "bom-ref"}):
    """A component, as claims speak of it."""

    ref: str = ""
    name: str = ""
    group: str = ""
    version: str = ""
    purl: str = ""
    cpe: str = ""
    hashes: tuple[Hash, ...] = ()
    properties: tuple[Property, ...] = ()
    components: tuple["Part", ...] = ()
    evidence: Evidence | None = None


class Tools(msgspec.Struct, gc=False):
    """Tools as components (1.5 and later)."""

    components: tuple[Part, ...] = ()


class Contact(msgspec.Struct, gc=False):
    """Whoever wrote or supplied the document."""

    name: str = ""


class Metadata(msgspec.Struct, gc=False):
    """When, by what and whom, about what."""

    timestamp: str = ""
    component: Part | None = None
    tools: tuple[Part, ...] | Tools = ()
    authors: tuple[Contact, ...] = ()
    supplier: Contact | None = None
    manufacturer: Contact | None = None


class Source(msgspec.Struct, gc=False):
    """Where a name comes from."""

    name: str = ""


class Reference(msgspec.Struct, gc=False):
    """Another name of the vulnerability."""

    id: str = ""


class Rating(msgspec.Struct, gc=False):
    """A score or a severity."""

    score: float | None = None
    severity: str = ""


class Analysis(msgspec.Struct, gc=False, rename={"first": "firstIssued", "last": "lastUpdated"}):
    """The claim."""

    state: str = ""
    justification: str = ""
    response: tuple[str, ...] = ()
    detail: str = ""
    first: str = ""
    last: str = ""


class Version(msgspec.Struct, gc=False):
    """A version or a range of an affected component."""

    version: str = ""
    range: str = ""
    status: str = ""


class Affected(msgspec.Struct, gc=False):
    """A component that the vulnerability speaks of."""

    ref: str = ""
    versions: tuple[Version, ...] = ()


class Vulnerability(msgspec.Struct, gc=False):
    """One vulnerability."""

    id: str = ""
    source: Source | None = None
    references: tuple[Reference, ...] = ()
    ratings: tuple[Rating, ...] = ()
    description: str = ""
    recommendation: str = ""
    workaround: str = ""
    updated: str = ""
    analysis: Analysis | None = None
    affects: tuple[Affected, ...] = ()
    properties: tuple[Property, ...] = ()


class Bom(msgspec.Struct, gc=False, rename={"serial": "serialNumber"}):
    """What we read of a document."""

    serial: str = ""
    version: int = 1
    metadata: Metadata | None = None
    components: tuple[Part, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """How a syntax writes places: of a vulnerability, of what hangs on it, of a component below a place."""

    vulnerability: Callable[[int], str]
    affected: Callable[[str, int], str]
    version: Callable[[str, int], str]
    component: Callable[[str, int], str]
    root: str


JSON_PLACES: Final = Places(
    vulnerability="/vulnerabilities/{}".format,
    affected="{}/affects/{}".format,
    version="{}/versions/{}".format,
    component="{}/components/{}".format,
    root="",
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A document with its components by reference."""

    bom: Bom
    metadata: Metadata
    by_ref: dict[str, Part]
    whole: tuple[VexProduct, ...]  # what the document describes, by every identity it gives


def _walk(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from _walk(part.components)


def opened(bom: Bom) -> Opened:
    """Put a document's components under their references."""
    metadata = bom.metadata or Metadata()
    inside = metadata.component.components if metadata.component is not None else ()
    by_ref = {part.ref: part for part in _walk((*bom.components, *inside)) if part.ref}
    return Opened(bom, metadata, by_ref, _whole(metadata.component))


def url_of(part: Part) -> str:
    """Give a component's purl canonically, or the empty text."""
    return (purl.canonical(part.purl) or part.purl) if part.purl else ""


def image_digests(part: Part | None) -> tuple[Digest, ...]:
    """List the digests that name the described thing: hashes, purl, version, reference, Trivy's image properties."""
    if part is None:
        return ()
    texts = [part.purl.partition("?")[0], part.version, part.ref, part.name]
    texts += [f"sha256:{each.content.lower()}" for each in part.hashes if algorithm(each.alg) == "sha256"]
    texts += [each.value for each in part.properties if each.name in _IMAGE_PROPERTIES]
    return tuple(sorted(filter(None, {digest_in(text) for text in texts})))


def _whole(part: Part | None) -> tuple[VexProduct, ...]:
    """Give what the document describes as products: one per digest, and its purl or its name as a reference."""
    if part is None:
        return ()
    found = [product(f"{part.name}@{digest}") for digest in image_digests(part)[:_MAX_IDENTITIES]]
    if part.purl:
        found.append(product(url_of(part), cpe=part.cpe))
    elif not found and ("/" in part.name or part.cpe):
        found.append(product(f"{part.name}:{part.version}" if part.version else part.name, cpe=part.cpe))
    return tuple(found)


def product(name: str, components: tuple[str, ...] = (), cpe: str = "") -> VexProduct:
    """Make a product of a claim."""
    kind = "cpe23" if cpe.startswith("cpe:2.3:") else "cpe22"
    return VexProduct(id=name, identifiers=((kind, cpe),) if cpe else (), hashes=(), components=components)


def referred(document: Opened, ref: str) -> tuple[str, bool]:
    """Give (identity, whether it is the described thing itself) of what a reference means.

    A BOM-Link into another document is its package where the reference is a purl, else the link itself.
    """
    about = document.metadata.component
    if about is not None and ref == about.ref:
        return "", True
    part = document.by_ref.get(ref)
    if part is not None:
        return url_of(part) or f"urn:cdx:{_serial(document.bom)}#{quote(ref, safe='')}", False
    if ref.startswith("urn:cdx:"):
        head, _, fragment = ref.partition("#")
        inner = unquote(fragment)
        if not inner:
            return ("", True) if document.whole else (head.rpartition("/")[0], False)
        return (purl.canonical(inner) or f"{head.rpartition('/')[0]}#{fragment}", False)
    return (purl.canonical(ref) if ref.startswith("pkg:") else "") or f"urn:cdx:{_serial(document.bom)}#{ref}", False


def _serial(bom: Bom) -> str:
    return bom.serial.removeprefix("urn:uuid:")
