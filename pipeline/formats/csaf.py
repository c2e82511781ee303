"""CSAF 2.0 as VEX facts: what a document says of each product of its tree, through relationships and groups.

The product tree gives every product its identities (purl, CPE, hashes, SBOM links, generic URIs). A product made by a
relationship is its component inside, or on, the other: the claim speaks of the component there. Statuses become those
of VEX; flags and impact threats say why, remediations what to do. Must not weigh claims; the tests that make a document
valid stand in csaf_products, csaf_scores, csaf_history and csaf_profiles.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.problems import Fault
from cas.records.evidence import EvidenceKind, VexFacts, VexProduct, VexStatement, VexStatus
from pipeline.formats import csaf_history, csaf_products, csaf_profiles, csaf_scores
from pipeline.formats.csaf_parts import Test
from pipeline.formats.decode import algorithm, digest_in, fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.formats.schema import CSAF as SCHEMA
from pipeline.versions import purl

NAME: Final = "csaf"
URN: Final = "urn:csaf:product:"
_TEXT: Final = 65536
_MAX_COMPONENTS: Final = 64
_STATUS: Final[tuple[tuple[str, VexStatus], ...]] = (
    ("known_affected", "affected"),
    ("first_affected", "affected"),
    ("last_affected", "affected"),
    ("known_not_affected", "not_affected"),
    ("fixed", "fixed"),
    ("first_fixed", "fixed"),
    ("under_investigation", "under_investigation"),
)


class _FileHash(msgspec.Struct, gc=False):
    algorithm: str = ""
    value: str = ""


class _Hashes(msgspec.Struct, gc=False, rename={"hashes": "file_hashes"}):
    hashes: tuple[_FileHash, ...] = ()


class _Uri(msgspec.Struct, gc=False):
    namespace: str = ""
    uri: str = ""


class _Helper(msgspec.Struct, gc=False):
    purl: str = ""
    cpe: str = ""
    hashes: tuple[_Hashes, ...] = ()
    sbom_urls: tuple[str, ...] = ()
    x_generic_uris: tuple[_Uri, ...] = ()
    model_numbers: tuple[str, ...] = ()
    serial_numbers: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()


class _Product(msgspec.Struct, gc=False, rename={"id": "product_id", "helper": "product_identification_helper"}):
    id: str
    name: str = ""
    helper: _Helper | None = None


class _Branch(msgspec.Struct, gc=False):
    name: str = ""
    category: str = ""
    branches: tuple["_Branch", ...] = ()
    product: _Product | None = None


class _Relation(
    msgspec.Struct,
    gc=False,
    rename={"product": "full_product_name", "part": "product_reference", "whole": "relates_to_product_reference"},
):
    product: _Product
    part: str
    whole: str
    category: str = ""


class _Group(msgspec.Struct, gc=False, rename={"id": "group_id", "products": "product_ids"}):
    id: str
    products: tuple[str, ...] = ()


class _Tree(msgspec.Struct, frozen=True, gc=False, rename={"listed": "full_product_names", "groups": "product_groups"}):
    branches: tuple[_Branch, ...] = ()
    listed: tuple[_Product, ...] = ()
    relationships: tuple[_Relation, ...] = ()
    groups: tuple[_Group, ...] = ()


class _About(msgspec.Struct, gc=False, rename={"products": "product_ids", "groups": "group_ids"}):
    """A flag, threat or remediation."""

    label: str = ""
    category: str = ""
    details: str = ""
    url: str = ""
    products: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class _Id(msgspec.Struct, gc=False):
    text: str = ""


class _Vulnerability(msgspec.Struct, gc=False, rename={"status": "product_status"}):
    cve: str = ""
    ids: tuple[_Id, ...] = ()
    title: str = ""
    status: dict[str, tuple[str, ...]] = {}
    flags: tuple[_About, ...] = ()
    threats: tuple[_About, ...] = ()
    remediations: tuple[_About, ...] = ()


class _Publisher(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    category: str = ""


class _Tracking(msgspec.Struct, frozen=True, gc=False, rename={"released": "current_release_date"}):
    id: str = ""
    version: str = ""
    released: str = ""


class _Head(msgspec.Struct, frozen=True, gc=False):
    category: str = ""
    publisher: _Publisher = _Publisher()
    tracking: _Tracking = _Tracking()


class _Csaf(msgspec.Struct, gc=False, rename={"head": "document", "tree": "product_tree"}):
    head: _Head = _Head()
    tree: _Tree = _Tree()
    vulnerabilities: tuple[_Vulnerability, ...] = ()


_CSAF: Final = msgspec.json.Decoder(_Csaf)


def _in_branches(branches: Iterable[_Branch]) -> Iterator[_Product]:
    for branch in branches:
        if branch.product is not None:
            yield branch.product
        yield from _in_branches(branch.branches)


def _identity(product: _Product) -> VexProduct:
    """Give a product's identities: its purl as id where it has one, else a URN that no image can have."""
    helper = product.helper or _Helper()
    url = (purl.canonical(helper.purl) or helper.purl) if helper.purl else ""
    named: dict[str, str] = {"purl": url, "name": product.name}
    named["cpe23" if helper.cpe.startswith("cpe:2.3:") else "cpe22"] = helper.cpe
    for kind, texts in (
        ("sbom", helper.sbom_urls),
        ("uri", tuple(each.uri for each in helper.x_generic_uris)),
        ("model", helper.model_numbers),
        ("serial", helper.serial_numbers),
        ("sku", helper.skus),
    ):
        named[kind] = " ".join(texts)
    hashes = {(algorithm(one.algorithm), one.value.lower()) for each in helper.hashes for one in each.hashes}
    return VexProduct(
        id=url or URN + product.id,
        identifiers=tuple(sorted((key, value) for key, value in named.items() if value)),
        hashes=tuple(sorted(hashes)),
        components=(),
    )


class _Products:
    """Every product of the tree by its id, relationships resolved."""

    def __init__(self, tree: _Tree) -> None:
        self.plain = {each.id: each for each in (*_in_branches(tree.branches), *tree.listed)}
        self.made = {each.product.id: each for each in tree.relationships}
        self.groups = {each.id: each.products for each in tree.groups}
        self._known: dict[str, VexProduct] = {}

    def of(self, name: str) -> VexProduct:
        """Give a product; one that nothing defines has only its name."""
        if name not in self._known:
            self._known[name] = self._resolved(name)
        return self._known[name]

    def _resolved(self, name: str) -> VexProduct:
        """Give a product made by relationships as its outermost whole with the innermost component.

        A product that has its own purl or hash is what that says. The walk visits each relationship once.
        """
        parts: list[str] = []
        seen: set[str] = set()
        whole = name
        while whole in self.made and whole not in seen:
            seen.add(whole)
            relation = self.made[whole]
            own = relation.product.helper
            if own is not None and (own.purl or own.hashes):
                found = _identity(relation.product)
                return msgspec.structs.replace(found, components=tuple(sorted(set(parts))[:_MAX_COMPONENTS]))
            if not parts:
                parts = [self._component(relation.part, seen)]
            whole = relation.whole
        found = _identity(self.plain.get(whole, _Product(id=whole)))
        if not parts:
            return found
        return msgspec.structs.replace(found, components=tuple(sorted(set(parts))[:_MAX_COMPONENTS]))

    def _component(self, name: str, seen: set[str]) -> str:
        while name in self.made and name not in seen:
            seen.add(name)
            own = self.made[name].product.helper
            if own is not None and own.purl:
                return _identity(self.made[name].product).id
            name = self.made[name].part
        return _identity(self.plain.get(name, _Product(id=name))).id

    def meant(self, about: _About) -> frozenset[str]:
        """Give the products that a flag, threat or remediation speaks of; one that names none speaks of all."""
        return frozenset(about.products).union(*(self.groups.get(group, ()) for group in about.groups))


class _Words:
    """What is said beside the status of a product, by product; what names none speaks of every one."""

    def __init__(self, vulnerability: _Vulnerability, products: _Products) -> None:
        self.said: dict[tuple[str, str], list[str]] = {}
        for flag in vulnerability.flags:
            self._note("justification", flag, flag.label, products)
        for threat in vulnerability.threats:
            if threat.category == "impact":
                self._note("impact", threat, threat.details, products)
        for remedy in vulnerability.remediations:
            text = f"{remedy.category}: {remedy.details}" if remedy.category else remedy.details
            self._note("action", remedy, f"{text} {remedy.url}".strip(), products)

    def _note(self, kind: str, about: _About, text: str, products: _Products) -> None:
        meant = products.meant(about) if about.products or about.groups else ("",)
        for product in meant:
            self.said.setdefault((kind, product), []).append(text)

    def of(self, kind: str, product: str) -> str:
        """Give what is said of a product, in the document's order, each once."""
        own = self.said.get((kind, product), [])
        return "\n".join(dict.fromkeys([*own, *self.said.get((kind, ""), [])]))


def _statements(vulnerability: _Vulnerability, at: int, products: _Products, issued: str) -> Iterator[VexStatement]:
    """Give one claim for each status and wording; products that share both stand together."""
    texts = [each.text for each in vulnerability.ids if each.text]
    names = [name for name in (vulnerability.cve, *texts) if name] or [vulnerability.title or "unnamed"]
    words = _Words(vulnerability, products)
    for key, status in _STATUS:
        groups: dict[tuple[str, str, str], list[int]] = {}
        listed = vulnerability.status.get(key, ())
        for number, product in enumerate(listed):
            justification = words.of("justification", product) if status == "not_affected" else ""
            impact = words.of("impact", product) if status == "not_affected" else ""
            action = words.of("action", product) if status == "affected" else ""
            groups.setdefault((justification.partition("\n")[0], impact, action), []).append(number)
        for (justification, impact, action), members in groups.items():
            yield VexStatement(
                vulnerability=fit(names[0], 255),
                aliases=tuple(sorted({fit(name, 255) for name in names[1:]} - {names[0]})),
                status=status,
                justification=justification,
                impact=fit(impact, _TEXT),
                action=fit(action, _TEXT),
                products=tuple(products.of(listed[number]) for number in members),
                issued_at=issued,
                pointer=f"/vulnerabilities/{at}/product_status/{key}/{members[0]}",
            )


def read(data: bytes, version: str) -> VexFacts:
    """Give the claims of a CSAF document, its publisher as ``name <namespace>``.

    Raises: evidence.unreadable, cas.too_large
    """
    csaf = typed(data, _CSAF, NAME)
    products = _Products(csaf.tree)
    tracking, publisher = csaf.head.tracking, csaf.head.publisher
    issued = instant(tracking.released)
    author = f"{publisher.name} <{publisher.namespace}>" if publisher.namespace else publisher.name
    return VexFacts(
        format=f"{NAME}/{version}",
        id=f"{publisher.namespace}#{tracking.id}" if tracking.id else "",
        author=author,
        role=publisher.category,
        issued_at=issued,
        version=tracking.version,
        statements=tuple(
            statement
            for at, vulnerability in enumerate(csaf.vulnerabilities)
            for statement in _statements(vulnerability, at, products, issued)
        ),
    )


def subjects(facts: Any) -> tuple[Digest, ...]:
    """List every image digest that a product names in its purl; hashes of files are no images."""
    found = {
        digest_in(product.id)
        for statement in facts.statements
        for product in statement.products
        if product.id.startswith(("pkg:oci/", "pkg:docker/"))
    }
    return tuple(sorted(filter(None, found)))


def numbered() -> tuple[tuple[str, Test], ...]:
    """Give every mandatory test in the order of the standard."""
    every = (*csaf_products.TESTS, *csaf_scores.TESTS, *csaf_history.TESTS, *csaf_profiles.TESTS)
    return tuple(sorted(every, key=lambda pair: [int(part) for part in pair[0].split(".")]))


TESTS: Final = numbered()
_MAX_FAULTS: Final = 1000


def faults(content: Content) -> Iterator[Fault]:
    """Ask every mandatory test (section 6.1); each fault's code ends in the number of its clause."""
    found = 0
    for number, test in TESTS:
        for pointer, message in test(content.object):
            found += 1
            if found > _MAX_FAULTS:
                return
            yield Fault(pointer, f"evidence.csaf.{number}", message)


def _detects(content: Content) -> bool:
    head = content.object.get("document")
    return isinstance(head, dict) and "csaf_version" in head


def _version(content: Content) -> str:
    return str(content.object["document"].get("csaf_version", ""))


def _kind(content: Content) -> EvidenceKind | None:
    """Tell a document that says nothing of any product's status: it is no VEX."""
    listed = content.object.get("vulnerabilities") or ()
    return "vex" if any(each.get("product_status") for each in listed) else None


FORMAT: Final = Format(
    name=NAME,
    media_types=("application/csaf+json",),
    schemas=(("2.0", SCHEMA),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=subjects,
    faults=faults,
    about="""Held to its schema and to every mandatory test of the standard (6.1.1 to 6.1.33); each fault is
`evidence.csaf.<clause>`. Scores are judged by their own CVSS schema and computed again, weaknesses
by CWE 4.14 (its former names too; newer weaknesses pass), languages by the IANA registry.

Statuses of products become claims: first, known and last affected are `affected`; fixed and first
fixed are `fixed`; `recommended` says nothing. A product made by a relationship is the component
inside, or on, the other. The publisher is the author, as `name <namespace>`. A document that gives
no product a status is no VEX and is refused as holding nothing.""",
)
