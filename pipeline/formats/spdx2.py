"""SPDX 2.2 and 2.3, however written, as SBOM facts; and their JSON. Must not know feeds.

Every spelling of SPDX 2 (JSON, tag-value, RDF) becomes the same ``Document``; only the places of packages differ.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.problems import Fault
from cas.records.evidence import EvidenceKind, Package, SbomFacts
from pipeline.formats.decode import algorithm, digest_in, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.formats.schema import RELAXED
from pipeline.versions import purl

NAME: Final = "spdx-json"
SCHEMAS: Final = (("2.2", RELAXED), ("2.3", "spdx-2.3.schema.json"))
_NOTHING: Final = ("", "NOASSERTION", "NONE")
_FORWARD: Final = ("CONTAINS", "DEPENDS_ON")
_BACKWARD: Final = ("CONTAINED_BY", "DEPENDENCY_OF")
_BUILT_FROM: Final = "built package from: "
"""How Trivy names the source package in ``sourceInfo``."""


class _Checksum(msgspec.Struct, gc=False, rename={"value": "checksumValue"}):
    algorithm: str = ""
    value: str = ""


class _Ref(msgspec.Struct, gc=False, rename={"type": "referenceType", "locator": "referenceLocator"}):
    type: str = ""
    locator: str = ""


class _Package(
    msgspec.Struct,
    gc=False,
    rename={
        "id": "SPDXID",
        "version": "versionInfo",
        "refs": "externalRefs",
        "declared": "licenseDeclared",
        "concluded": "licenseConcluded",
        "purpose": "primaryPackagePurpose",
        "source": "sourceInfo",
        "files": "hasFiles",
    },
):
    id: str = ""
    name: str = ""
    version: str = ""
    refs: tuple[_Ref, ...] = ()
    checksums: tuple[_Checksum, ...] = ()
    declared: str = ""
    concluded: str = ""
    purpose: str = ""
    source: str = ""
    files: tuple[str, ...] = ()


class _Relationship(
    msgspec.Struct, gc=False, rename={"a": "spdxElementId", "b": "relatedSpdxElement", "type": "relationshipType"}
):
    a: str = ""
    b: str = ""
    type: str = ""


class _Creation(msgspec.Struct, gc=False):
    created: str = ""
    creators: tuple[str, ...] = ()


class Document(
    msgspec.Struct,
    gc=False,
    rename={
        "id": "SPDXID",
        "namespace": "documentNamespace",
        "creation": "creationInfo",
        "describes": "documentDescribes",
    },
):
    """What we read of a document; the names are those of its JSON."""

    id: str = ""
    namespace: str = ""
    creation: _Creation | None = None
    describes: tuple[str, ...] = ()
    packages: tuple[_Package, ...] = ()
    relationships: tuple[_Relationship, ...] = ()


_DOCUMENT: Final = msgspec.json.Decoder(Document)


def _purl(package: _Package) -> str:
    given = next((each.locator for each in package.refs if each.type == "purl"), "")
    return purl.canonical(given) if given else ""


def source_of(text: str) -> str:
    """Give ``name@version`` of the source package that Trivy writes into the text about a package's source."""
    return text.removeprefix(_BUILT_FROM).replace(" ", "@", 1) if text.startswith(_BUILT_FROM) else ""


def _read_package(package: _Package, pointer: str) -> Package:
    licenses = {text for text in (package.declared, package.concluded) if text not in _NOTHING}
    return Package(
        ref=package.id,
        purl=_purl(package),
        name=package.name,
        version="" if package.version in _NOTHING else package.version,
        type=package.purpose.lower(),
        licenses=tuple(sorted(licenses)),
        hashes=tuple(sorted({(algorithm(each.algorithm), each.value.lower()) for each in package.checksums})),
        pointer=pointer,
        source=source_of(package.source),
    )


def _edges(document: Document) -> set[tuple[str, str]]:
    relationships = document.relationships
    out = {(each.a, each.b) for each in relationships if each.type in _FORWARD}
    out |= {(each.id, file) for each in document.packages for file in each.files}
    return out | {(each.b, each.a) for each in relationships if each.type in _BACKWARD}


def _subjects_of(document: Document) -> tuple[Digest, ...]:
    """List the digests of what the document describes: checksums, image purls, versions of those packages."""
    described = set(document.describes)
    described |= {each.b for each in document.relationships if each.type == "DESCRIBES" and each.a == document.id}
    described |= {each.a for each in document.relationships if each.type == "DESCRIBED_BY" and each.b == document.id}
    found: set[Digest | None] = set()
    for package in document.packages:
        if package.id not in described:
            continue
        texts = [f"sha256:{each.value}" for each in package.checksums if algorithm(each.algorithm) == "sha256"]
        texts += [each.locator for each in package.refs if each.type == "purl"]
        found |= {digest_in(text) for text in (*texts, package.version, package.name)}
    return tuple(sorted(filter(None, found)))


def facts(document: Document, name: str, pointers: Sequence[str] = ()) -> SbomFacts:
    """Give the facts of a document read as ``name``; ``pointers`` are the packages' places, else those of JSON."""
    creation = document.creation or _Creation()
    packages = [
        _read_package(package, pointers[at] if pointers else f"/packages/{at}")
        for at, package in enumerate(document.packages)
    ]
    packages.sort(key=lambda each: (each.purl, each.name, each.version, each.ref, each.pointer))
    return SbomFacts(
        format=name,
        serial=document.namespace,
        created_at=instant(creation.created),
        tools=tuple(sorted({text[6:] for text in creation.creators if text.startswith("Tool: ")})),
        subjects=_subjects_of(document),
        packages=tuple(packages),
        depends=tuple(sorted(_edges(document))),
    )


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of an SPDX 2 document in JSON.

    Raises: evidence.unreadable, cas.too_large
    """
    return facts(typed(data, _DOCUMENT, NAME), f"{NAME}/{version}")


def created_faults(document: Any) -> Iterator[Fault]:
    """Hold the time of creation to what the standard says and its schema does not."""
    creation = document.get("creationInfo")
    text = creation.get("created") if isinstance(creation, dict) else None
    if isinstance(text, str) and not instant(text):
        said = f"{text[:80]!r} is no time of the form YYYY-MM-DDThh:mm:ssZ"
        yield Fault("/creationInfo/created", "evidence.schema.format", said)


def _faults(content: Content) -> Iterator[Fault]:
    return created_faults(content.object)


def _detects(content: Content) -> bool:
    return str(content.object.get("spdxVersion", "")).startswith("SPDX-")


def _version(content: Content) -> str:
    return str(content.object.get("spdxVersion", "")).removeprefix("SPDX-")


def kind(_content: Content) -> EvidenceKind:
    """Every SPDX 2 document is an SBOM."""
    return "sbom"


def subjects(facts: Any) -> tuple[Digest, ...]:
    """List what the facts name as described."""
    return tuple(facts.subjects)


ABOUT: Final = """
SPDX 2 in JSON. 2.3 is judged by its published schema; 2.2 by the same, but for the checksums of files, which tools of
its time left out. `creationInfo.created` must be a time (`YYYY-MM-DDThh:mm:ssZ`; fractions and offsets are taken), which
the schema does not say.

## What is read
| in the document | becomes |
|---|---|
| `packages` | packages: `SPDXID`, `name`, `versionInfo`, `primaryPackagePurpose` as type, place |
| `externalRefs` of type `purl`, the first | canonical purl |
| `checksums` | hashes, algorithms spelled in one way |
| `licenseDeclared`, `licenseConcluded` | licences, each once; `NOASSERTION` and `NONE` say nothing |
| `relationships` `CONTAINS`, `DEPENDS_ON` and their inverses, `hasFiles` | edges from id to id |
| `DESCRIBES`, `DESCRIBED_BY`, `documentDescribes` | what the document is about: image digests in its checksums, purl, version, name |
| `sourceInfo` as Trivy writes it (`built package from: …`) | the source package that advisories name |
| `creationInfo`: `created`, creators `Tool: …`; `documentNamespace` | when, by what, under which name it was made |

Files, snippets, annotations, extracted licences and reviews are judged by the schema, kept, and not read. From 4 MiB on,
packages, files and relationships are judged some items at a time.
"""  # noqa: E501 - rows of tables

SPDX2: Final = Format(
    name=NAME,
    media_types=("application/spdx+json",),
    schemas=SCHEMAS,
    detects=_detects,
    version=_version,
    kind=kind,
    read=read,
    subjects=subjects,
    faults=_faults,
    pieces=("packages", "files", "relationships"),
    about=ABOUT,
)
