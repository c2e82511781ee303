"""SPDX 2.2 and 2.3 in RDF/XML as SBOM facts. Must not know feeds.

The graph becomes the JSON of the same document, as far as it is read or judged: one schema judges and one reader reads
every spelling. RDF knows no order, so packages come in the order of the document and members of licence sets sorted.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from cas.problems import Fault
from cas.records.evidence import SbomFacts
from pipeline.formats import schema, spdx2, xml
from pipeline.formats.format import Content, Format
from pipeline.formats.problems import DocumentUnreadable
from pipeline.formats.rdf import RDF, Node, RdfInvalidError, graph

NAME: Final = "spdx-rdf"
TERMS: Final = "http://spdx.org/rdf/terms#"
_LICENSES: Final = re.compile(r"https?://spdx\.org/licenses/")
_REFERENCES: Final = "http://spdx.org/rdf/references/"
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BLAKE: Final = re.compile(r"BLAKE2B-?(\d+)")
_SPECIAL: Final = {f"{TERMS}noassertion": "NOASSERTION", f"{TERMS}none": "NONE"}
_PLAIN: Final = (
    "name",
    "versionInfo",
    "packageFileName",
    "supplier",
    "originator",
    "downloadLocation",
    "sourceInfo",
    "copyrightText",
    "builtDate",
    "releaseDate",
    "validUntilDate",
)
_CREATION: Final = (("created", "created"), ("licenseListVersion", "licenseListVersion"))
_MAX_SETS: Final = 64  # one in another
_MAX_LICENSE: Final = 1 << 16
"""Characters of an expression; sets may hold the same set many times over."""


class _Spdx:
    """Reads SPDX out of a graph."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        described = [each for each in nodes.values() if f"{{{TERMS}}}SpdxDocument" in each.types]
        if len(described) != 1:
            raise RdfInvalidError("/RDF", f"{len(described)} documents described, not one")
        self.described = described[0]
        self.namespace, _, self.id = self.described.name.rpartition("#")
        self.places: list[str] = []
        self.licenses: dict[str, str | None] = {}  # None: being written
        self.depth = 0

    def document(self) -> dict[str, Any]:
        """Give the document as its JSON would say it."""
        packages = [each for each in self.nodes.values() if f"{{{TERMS}}}Package" in each.types]
        files = [each for each in self.nodes.values() if f"{{{TERMS}}}File" in each.types]
        self.places = [each.place for each in packages]
        said: dict[str, Any] = {
            "SPDXID": self.id,
            "documentNamespace": self.namespace,
            "creationInfo": self._creation(),
            "documentDescribes": [self.ref(each) for each in self.targets(self.described, "describesPackage")],
            "packages": [self._package(each) for each in packages],
            "files": [self._file(each) for each in files],
            "relationships": [row for each in self.nodes.values() for row in self._relationships(each)],
        }
        self._take(said, self.described, (("specVersion", "spdxVersion"), ("name", "name")))
        license_ = self.value(self.described, "dataLicense")
        return said | ({"dataLicense": _LICENSES.sub("", license_)} if license_ else {})

    def targets(self, node: Node, name: str) -> list[str]:
        """List the names of the nodes that a property leads to."""
        return node.nodes.get(f"{{{TERMS}}}{name}", [])

    def value(self, node: Node, name: str) -> str:
        """Give the first value of a property, text or name."""
        key = f"{{{TERMS}}}{name}"
        found = (node.texts.get(key) or node.nodes.get(key) or [""])[0]
        return _SPECIAL.get(found, found)

    def ref(self, name: str) -> str:
        """Give the SPDX id of a node's name: short inside this document."""
        space, mark, short = name.rpartition("#")
        return short if mark and space in ("", self.namespace) else _SPECIAL.get(name, name)

    def _take(self, said: dict[str, Any], node: Node, names: Iterable[tuple[str, str]]) -> None:
        for theirs, ours in names:
            value = self.value(node, theirs)
            if value:
                said[ours] = value

    def _creation(self) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for name in self.targets(self.described, "creationInfo")[:1]:
            node = self.nodes.get(name, Node(name, ""))
            said["creators"] = node.texts.get(f"{{{TERMS}}}creator", [])
            self._take(said, node, _CREATION)
        return said

    def _package(self, node: Node) -> dict[str, Any]:
        said: dict[str, Any] = {
            "SPDXID": self.ref(node.name),
            "checksums": self._checksums(node),
            "externalRefs": [self._external(name) for name in self.targets(node, "externalRef")],
            "hasFiles": [self.ref(name) for name in self.targets(node, "hasFile")],
        }
        self._take(said, node, ((name, name) for name in _PLAIN))
        for name in ("licenseConcluded", "licenseDeclared"):
            if self.value(node, name):
                said[name] = self.license(self.value(node, name))
        purpose = self.value(node, "primaryPackagePurpose")
        if purpose:
            said["primaryPackagePurpose"] = _shouted(purpose, "purpose_")
        return said

    def _file(self, node: Node) -> dict[str, Any]:
        name = self.value(node, "fileName")
        said = {"SPDXID": self.ref(node.name), "checksums": self._checksums(node)}
        return said | ({"fileName": name} if name else {})

    def _checksums(self, node: Node) -> list[dict[str, str]]:
        found = [self.nodes.get(name, Node(name, "")) for name in self.targets(node, "checksum")]
        return [
            {
                "algorithm": _algorithm(self.value(each, "algorithm")),
                "checksumValue": self.value(each, "checksumValue"),
            }
            for each in found
        ]

    def _external(self, name: str) -> dict[str, str]:
        node = self.nodes.get(name, Node(name, ""))
        return {
            "referenceCategory": _shouted(self.value(node, "referenceCategory"), "referenceCategory_").replace(
                "_", "-"
            ),
            "referenceType": self.value(node, "referenceType").removeprefix(_REFERENCES),
            "referenceLocator": self.value(node, "referenceLocator"),
        }

    def _relationships(self, node: Node) -> Iterable[dict[str, str]]:
        for name in self.targets(node, "relationship"):
            said = self.nodes.get(name, Node(name, ""))
            yield {
                "spdxElementId": self.ref(node.name),
                "relationshipType": _shouted(self.value(said, "relationshipType"), "relationshipType_"),
                "relatedSpdxElement": self.ref(self.value(said, "relatedSpdxElement")),
            }

    def license(self, name: str) -> str:
        """Write the licence expression that a node's name, or a text, stands for."""
        node = self.nodes.get(name)
        if node is None:
            return _SPECIAL.get(name, _LICENSES.sub("", self.ref(name)))
        if name not in self.licenses and self.depth < _MAX_SETS:
            self.licenses[name] = None
            self.depth += 1
            self.licenses[name] = self._expression(node)
            self.depth -= 1
        written = self.licenses.get(name)
        if written is None or len(written) > _MAX_LICENSE:
            raise RdfInvalidError(node.place, "licence sets hold each other, or too many of them")
        return written

    def _expression(self, node: Node) -> str:
        kinds = {each.rpartition("}")[2] for each in node.types}
        if kinds & {"ConjunctiveLicenseSet", "DisjunctiveLicenseSet"}:
            word = " AND " if "ConjunctiveLicenseSet" in kinds else " OR "
            parts = sorted(map(self.license, self.targets(node, "member")))
            return word.join(f"({part})" if " AND " in part or " OR " in part else part for part in parts)
        if "WithExceptionOperator" in kinds:
            named = (self.license(self.value(node, key)) for key in ("member", "licenseException"))
            return " WITH ".join(each.rpartition("/")[2] for each in named)
        if "OrLaterOperator" in kinds:
            return self.license(self.value(node, "member")) + "+"
        inner = self.value(node, "licenseExceptionId") or self.value(node, "licenseId")
        return inner or _LICENSES.sub("", self.ref(node.name))


def _shouted(name: str, prefix: str) -> str:
    """Spell ``…#relationshipType_dependsOn`` as ``DEPENDS_ON``."""
    return _HUMP.sub("_", name.rpartition("#")[2].removeprefix(prefix)).replace("-", "_").upper()


def _algorithm(name: str) -> str:
    """Spell ``…#checksumAlgorithm_sha3_256`` as ``SHA3-256``, and ``…_blake2b384`` as ``BLAKE2b-384``."""
    short = name.rpartition("#")[2].removeprefix("checksumAlgorithm_")
    return _BLAKE.sub(r"BLAKE2b-\1", short.upper().replace("_", "-"))


def read(data: bytes, version: str) -> SbomFacts:
    """Give the facts of an SPDX 2 document in RDF/XML.

    Raises: evidence.unreadable, cas.too_large
    """
    try:
        spdx = _Spdx(graph(xml.parse(data)))
        document = msgspec.convert(spdx.document(), spdx2.Document)
    except (xml.XmlInvalidError, RdfInvalidError, msgspec.ValidationError) as error:
        raise DocumentUnreadable(format=NAME, reason=str(error)[:200]) from error
    return spdx2.facts(document, f"{NAME}/{version}", spdx.places)


def _detects(content: Content) -> bool:
    return content.root == "RDF" and f"{{{content.namespace}}}" == f"{{{RDF}}}" and _version(content) != ""


def _version(content: Content) -> str:
    found = next(iter(content.value.iter(f"{{{TERMS}}}specVersion")), None)
    return xml.text(found).removeprefix("SPDX-") or "unknown" if found is not None else ""


def _faults(content: Content) -> Iterable[Fault]:
    """Judge the graph, then the document that it makes by the schema of its JSON."""
    try:
        spdx = _Spdx(graph(content.value))
        document = spdx.document()
    except RdfInvalidError as error:
        return [Fault(error.place, "evidence.schema.syntax", error.reason)]
    found = (*schema.faults(dict(spdx2.SCHEMAS)[_version(content)], document), *spdx2.created_faults(document))
    return [Fault(_placed(each.pointer, spdx.places), each.code, f"{each.pointer}: {each.message}") for each in found]


def _placed(pointer: str, places: list[str]) -> str:
    """Give the place of the package that a pointer into the JSON leads into, else of the document."""
    found = re.match(r"/packages/(\d+)", pointer)
    return places[int(found.group(1))] if found else "/RDF"


ABOUT: Final = """
SPDX 2 in RDF/XML, as the SPDX tools write it. The graph becomes the JSON of the same document, as far as it is read or
judged: then the schema of [spdx-json](spdx-json.md) judges it, and the same facts are read. Places are those of the
elements (`/RDF/SpdxDocument[1]/relationship[3]/Relationship/relatedSpdxElement[1]/Package`).

## What RDF/XML is read
Nodes by `rdf:about`, `rdf:ID`, `rdf:nodeID` or none; properties that hold a text, name a node (`rdf:resource`,
`rdf:nodeID`) or hold one; property attributes; `rdf:Description` with `rdf:type`; several descriptions of one node.
`rdf:parseType`, containers, reified statements and `xml:base` are refused (`evidence.schema.syntax`), and so are other
syntaxes of RDF (Turtle, N-Triples). Document types and entities are refused; elements may nest 96 deep.

RDF knows no order: members of licence sets are written sorted, without parentheses around the whole. Sets that hold
themselves, or expressions above 65,536 characters, are refused.
"""

SPDX2_RDF: Final = Format(
    name=NAME,
    media_types=("application/spdx+rdf+xml", "application/rdf+xml"),
    schemas=tuple((version, "") for version, _ in spdx2.SCHEMAS),
    detects=_detects,
    version=_version,
    kind=spdx2.kind,
    read=read,
    subjects=spdx2.subjects,
    faults=_faults,
    about=ABOUT,
)
