"""SPDX 3.0.1 JSON-LD as SBOM facts. Must not know feeds.

A document is a list of elements that name each other. As the standard's serialisation asks, elements stand at the top
of ``@graph`` and are named, never nested.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import EvidenceKind, Package, SbomFacts
from pipeline.formats.decode import algorithm, digest_in, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.formats.problems import DocumentUnreadable
from pipeline.formats.spdx2 import source_of
from pipeline.versions import purl

NAME: Final = "spdx3-json"
_CONTEXT: Final = re.compile(r"https://spdx\.org/rdf/(3\.[0-9.]+)/spdx-context\.jsonld\Z")
_PACKAGES: Final = frozenset({"software_Package", "ai_AIPackage", "dataset_DatasetPackage"})
_EDGES: Final = ("contains", "dependsOn")
_LICENSED: Final = ("hasConcludedLicense", "hasDeclaredLicense")
_SETS: Final = {
    "expandedlicensing_ConjunctiveLicenseSet": " AND ",
    "expandedlicensing_DisjunctiveLicenseSet": " OR ",
}
_LISTED: Final = re.compile(r"https?://spdx\.org/licenses/(.+)\Z")
_NOTHING: Final = re.compile(r".*/(NoAssertion|None)(License)?\Z|NOASSERTION\Z|NONE\Z")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAX_SETS: Final = 64  # one in another
_MAX_LICENSE: Final = 1 << 16


class _Hash(msgspec.Struct, gc=False, rename={"value": "hashValue"}):
    algorithm: str = ""
    value: str = ""


class _Identifier(msgspec.Struct, gc=False, rename={"type": "externalIdentifierType"}):
    type: str = ""
    identifier: str = ""


class _Creation(msgspec.Struct, gc=False, rename={"using": "createdUsing"}):
    created: str = ""
    using: tuple[str, ...] = ()


class _Element(
    msgspec.Struct,
    gc=False,
    rename={
        "id": "spdxId",
        "blank": "@id",
        "hashes": "verifiedUsing",
        "version": "software_packageVersion",
        "purl": "software_packageUrl",
        "purpose": "software_primaryPurpose",
        "source": "software_sourceInfo",
        "identifiers": "externalIdentifier",
        "creation": "creationInfo",
        "roots": "rootElement",
        "relation": "relationshipType",
        "start": "from",
        "using": "createdUsing",
        "expression": "simplelicensing_licenseExpression",
        "members": "expandedlicensing_member",
        "subject": "expandedlicensing_subjectLicense",
        "extendable": "expandedlicensing_subjectExtendableLicense",
        "addition": "expandedlicensing_subjectAddition",
    },
):
    """Any element, as far as we read it."""

    type: str = ""
    id: str = ""
    blank: str = ""
    name: str = ""
    version: str = ""
    purl: str = ""
    purpose: str = ""
    source: str = ""
    hashes: tuple[_Hash, ...] = ()
    identifiers: tuple[_Identifier, ...] = ()
    creation: str | _Creation = ""
    created: str = ""
    using: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    relation: str = ""
    start: str = ""
    to: tuple[str, ...] = ()
    expression: str = ""
    members: tuple[str, ...] = ()
    subject: str = ""
    extendable: str = ""
    addition: str = ""


class _Document(msgspec.Struct, gc=False, rename={"graph": "@graph"}):
    graph: tuple[_Element, ...] | None = None


_DOCUMENT: Final = msgspec.json.Decoder(_Document)
_ALONE: Final = msgspec.json.Decoder(_Element)


class _Graph:
    """The elements of a document by name."""

    def __init__(self, elements: tuple[_Element, ...], *, alone: bool) -> None:
        self.elements = elements
        self.alone = alone
        self.named = {each.id or each.blank: each for each in elements}
        self.document = next((each for each in elements if each.type == "SpdxDocument"), _Element())
        self.relations = [each for each in elements if each.relation]
        self._licenses: dict[str, str] = {}
        self._depth = 0

    def packages(self) -> list[Package]:
        """Give the packages with the licences that relationships declare or conclude."""
        licensed: dict[str, set[str]] = {}
        for each in self.relations:
            if each.relation in _LICENSED:
                licensed.setdefault(each.start, set()).update(map(self.license, each.to))
        return [
            self._package(each, "" if self.alone else f"/@graph/{at}", licensed.get(each.id, set()))
            for at, each in enumerate(self.elements)
            if each.type in _PACKAGES
        ]

    def _package(self, element: _Element, pointer: str, licenses: set[str]) -> Package:
        given = _purl(element)
        return Package(
            ref=element.id,
            purl=purl.canonical(given) if given else "",
            name=element.name,
            version=element.version,
            type=_HUMP.sub("-", element.purpose).lower(),
            licenses=tuple(sorted(licenses - {""})),
            hashes=tuple(sorted({(algorithm(each.algorithm), each.value.lower()) for each in _hashes(element)})),
            pointer=pointer,
            source=source_of(element.source),
        )

    def license(self, name: str) -> str:
        """Write the licence that a name leads to; empty for none, no assertion, or a loop."""
        element = self.named.get(name)
        if element is None or element.type == "expandedlicensing_ListedLicense":
            listed = _LISTED.match(name)
            return listed.group(1) if listed else "" if _NOTHING.match(name) else name
        if name not in self._licenses:
            if self._depth >= _MAX_SETS:
                raise DocumentUnreadable(format=NAME, reason="too many licence sets in one another")
            self._licenses[name] = ""  # a loop says nothing
            self._depth += 1
            written = self._written(element)
            self._depth -= 1
            self._licenses[name] = "" if _NOTHING.match(written) or len(written) > _MAX_LICENSE else written
        return self._licenses[name]

    def _written(self, element: _Element) -> str:
        if element.type in _SETS:
            word = _SETS[element.type]
            parts = filter(None, map(self.license, element.members))
            return word.join(f"({part})" if " AND " in part or " OR " in part else part for part in parts)
        if element.type == "expandedlicensing_WithAdditionOperator":
            return f"{self.license(element.extendable)} WITH {self.license(element.addition)}"
        if element.type == "expandedlicensing_OrLaterOperator":
            return f"{self.license(element.subject)}+"
        return element.expression or element.name or element.id

    def edges(self) -> set[tuple[str, str]]:
        """List what contains or depends on what."""
        return {(each.start, to) for each in self.relations if each.relation in _EDGES for to in each.to}

    def subjects(self) -> tuple[Digest, ...]:
        """List the digests of what the document is about: hashes, image purls, versions and names of its roots."""
        todo = [*self.document.roots]
        todo += [to for each in self.relations if each.relation == "describes" for to in each.to]
        found: set[Digest | None] = set()
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            element = self.named.get(name)
            if name in seen or element is None:
                continue
            seen.add(name)
            todo += element.roots  # an Sbom stands between the document and what it is about
            if element.type in _PACKAGES:
                texts = [f"sha256:{each.value}" for each in _hashes(element) if algorithm(each.algorithm) == "sha256"]
                found |= {digest_in(text) for text in (*texts, _purl(element), element.version, element.name)}
        return tuple(sorted(filter(None, found)))

    def made(self) -> tuple[str, tuple[str, ...]]:
        """Give when the document was made, and the names of the tools that made it."""
        info = self.document.creation
        said = info if isinstance(info, _Creation) else self.named.get(info, _Element())
        tools = {self.named[name].name for name in said.using if name in self.named}
        return instant(said.created), tuple(sorted(tools - {""}))


def _purl(element: _Element) -> str:
    return element.purl or next((each.identifier for each in element.identifiers if each.type == "packageUrl"), "")


def _hashes(element: _Element) -> Iterable[_Hash]:
    return (each for each in element.hashes if each.algorithm)


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of an SPDX 3 document.

    Raises: evidence.unreadable, cas.too_large
    """
    elements = typed(data, _DOCUMENT, NAME).graph
    alone = elements is None
    graph = _Graph((typed(data, _ALONE, NAME),) if elements is None else elements, alone=alone)
    packages = graph.packages()
    packages.sort(key=lambda each: (each.purl, each.name, each.version, each.ref, each.pointer))
    created, tools = graph.made()
    return SbomFacts(
        format=f"{NAME}/{version}",
        serial=graph.document.id,
        created_at=created,
        tools=tools,
        subjects=graph.subjects(),
        packages=tuple(packages),
        depends=tuple(sorted(graph.edges())),
    )


def _detects(content: Content) -> bool:
    return str(content.object.get("@context", "")).startswith("https://spdx.org/rdf/")


def _version(content: Content) -> str:
    found = _CONTEXT.match(str(content.object.get("@context", "")))
    return found.group(1) if found else "unknown"


def _kind(_content: Content) -> EvidenceKind:
    return "sbom"


def _subjects(facts: Any) -> tuple[Digest, ...]:
    return tuple(facts.subjects)


ABOUT: Final = """
SPDX 3.0.1 in JSON-LD, with the standard's own context; judged by its published schema. Elements stand at the top of
`@graph` and name each other, as the standard's serialisation asks; an element inside another is refused. A document of one
element without `@graph` is taken. Other contexts (3.0.0) are refused.

## What is read
| in the document | becomes |
|---|---|
| `software_Package`, `ai_AIPackage`, `dataset_DatasetPackage` | packages: `spdxId`, `name`, `software_packageVersion`, `software_primaryPurpose` as type, place |
| `software_packageUrl`, else the first `externalIdentifier` of type `packageUrl` | canonical purl |
| `verifiedUsing` hashes | hashes, algorithms spelled in one way |
| relationships `hasDeclaredLicense`, `hasConcludedLicense` to expressions, listed licences, sets, additions | licences, each once; none and no assertion say nothing |
| relationships `contains`, `dependsOn`, those scoped to a part of the life too | edges from id to id |
| `rootElement` of the document and of its SBOMs, `describes` | what the document is about: image digests in its hashes, purl, version, name |
| `SpdxDocument`: `spdxId`, `creationInfo` with `created`, `createdUsing` | when, by what, under which name it was made |

Security, build, AI and dataset profiles are judged, kept, and not read. From 4 MiB on the elements are judged some at a
time.
"""  # noqa: E501 - rows of tables

SPDX3: Final = Format(
    name=NAME,
    media_types=("application/spdx+json", "application/ld+json"),
    schemas=(("3.0.1", "spdx-3.0.1.schema.json"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=_subjects,
    pieces=("@graph",),
    about=ABOUT,
)
