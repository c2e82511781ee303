"""VEX written out: one list of claims as OpenVEX, CSAF 2.0 or CycloneDX, each valid by its own rules. Pure.

What is written reads back to the same states: a claim about a package in an image names the image by digest and the
package as its component. Two sides of a conflict are both written; CSAF, where one vulnerability may not contradict
itself, gets an item of its own for the second side. Times and ids are given, so the same claims give the same bytes.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

from cas import digest, jcs
from cas.digest import Digest
from cas.records.base import Instant
from cas.records.evidence import VexStatus
from pipeline.formats.csaf_products import JUSTIFICATIONS
from pipeline.formats.cyclonedx_claims import JUSTIFICATIONS as FROM_CYCLONEDX
from pipeline.formats.cyclonedx_claims import JUSTIFIED

Form: TypeAlias = Literal["openvex", "csaf", "cyclonedx"]
FORMS: Final[tuple[Form, ...]] = ("openvex", "csaf", "cyclonedx")
NOT_SAID: Final = "No further statement."
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}\Z")
_STATES: Final = {
    "fixed": "resolved",
    "affected": "exploitable",
    "under_investigation": "in_triage",
    "not_affected": "not_affected",
}
_CYCLONEDX: Final = {value: key for key, value in reversed(FROM_CYCLONEDX.items())}
_CSAF_KEYS: Final = {
    "fixed": "fixed",
    "affected": "known_affected",
    "under_investigation": "under_investigation",
    "not_affected": "known_not_affected",
}


@dataclass(frozen=True, slots=True, order=True)
class Spoken:
    """One claim: the status of a vulnerability in a package of an image; without a package, of all that is inside."""

    vulnerability: str
    image: Digest
    repository: str
    purl: str
    status: VexStatus
    aliases: tuple[str, ...] = ()
    justification: str = ""
    impact: str = ""
    action: str = ""

    @property
    def product(self) -> str:
        """The image as a package URL."""
        name = self.repository.rpartition("/")[2].lower()
        where = f"?repository_url={quote(self.repository, safe='/:.-_')}" if "/" in self.repository else ""
        return f"pkg:oci/{quote(name, safe='.-_')}@{quote(self.image, safe='')}{where}"


@dataclass(frozen=True, slots=True)
class Document:
    """Who says it, when, under which name. ``namespace`` is a URI of whoever publishes; ``serial`` a UUID."""

    author: str
    namespace: str
    serial: str
    issued_at: Instant


def write(form: Form, claims: Iterable[Spoken], about: Document) -> tuple[tuple[str, bytes], ...]:
    """Give (name, bytes) of each document: one, but of CycloneDX one for each image, since a BOM describes one thing.

    Of several wordings of one claim, one is written: one that says why before one that does not.
    """
    told: dict[tuple[str, str, str, str], Spoken] = {}
    for one in sorted(claims, key=lambda each: (bool(each.justification), each)):
        told[one.vulnerability, one.image, one.purl, one.status] = one
    every = sorted(told.values())
    if form != "cyclonedx":
        return ((f"vex.{form}.json", _bytes(_WRITERS[form](every, about))),)
    images = sorted({(one.image, one.repository) for one in every})
    return tuple(
        (f"vex.{image[7:19]}.cdx.json", _bytes(_cyclonedx([one for one in every if one.image == image], about, image)))
        for image, _ in images
    )


def _bytes(document: Any) -> bytes:
    return jcs.of_value(document)


def _openvex(claims: list[Spoken], about: Document) -> Any:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"urn:uuid:{about.serial}",
        "author": about.author,
        "timestamp": about.issued_at,
        "version": 1,
        "statements": [_openvex_statement(one) for one in claims],
    }


def _openvex_statement(one: Spoken) -> Any:
    vulnerability: dict[str, Any] = {"name": one.vulnerability}
    if one.aliases:
        vulnerability["aliases"] = list(one.aliases)
    product: dict[str, Any] = {"@id": one.product}
    if one.purl:
        product["subcomponents"] = [{"@id": one.purl}]
    said: dict[str, Any] = {"vulnerability": vulnerability, "products": [product], "status": one.status}
    if one.status == "not_affected":
        known = one.justification in JUSTIFICATIONS
        said |= {"justification": one.justification} if known else {}
        said |= {"impact_statement": one.impact or NOT_SAID} if one.impact or not known else {}
    if one.status == "affected":
        said["action_statement"] = one.action or NOT_SAID
    return said


def _csaf(claims: list[Spoken], about: Document) -> Any:
    tree = _Tree(claims)
    return {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "title": "Exploitability of vulnerabilities in a release",
            "publisher": {"category": "other", "name": about.author, "namespace": about.namespace},
            "tracking": {
                "id": about.serial,
                "status": "final",
                "version": "1",
                "initial_release_date": about.issued_at,
                "current_release_date": about.issued_at,
                "revision_history": [{"date": about.issued_at, "number": "1", "summary": "Written from a verdict."}],
            },
        },
        "product_tree": tree.document(),
        "vulnerabilities": _csaf_items(claims, tree),
    }


class _Tree:
    """Products by their place in sorted order: images, packages, packages in images."""

    def __init__(self, claims: list[Spoken]) -> None:
        self._images = sorted({one.product for one in claims})
        self._packages = sorted({one.purl for one in claims if one.purl})
        self._inside = sorted({(one.purl, one.product) for one in claims if one.purl})

    def of(self, one: Spoken) -> str:
        """Name the product of a claim."""
        if not one.purl:
            return f"IMAGE-{self._images.index(one.product) + 1}"
        return f"PART-{self._inside.index((one.purl, one.product)) + 1}"

    def document(self) -> Any:
        """Write the tree."""
        listed = [("IMAGE", name, at) for at, name in enumerate(self._images)]
        listed += [("PACKAGE", name, at) for at, name in enumerate(self._packages)]
        tree: dict[str, Any] = {
            "full_product_names": [
                {"product_id": f"{kind}-{at + 1}", "name": name, "product_identification_helper": {"purl": name}}
                for kind, name, at in listed
            ]
        }
        if self._inside:
            tree["relationships"] = [self._relation(at, *pair) for at, pair in enumerate(self._inside)]
        return tree

    def _relation(self, at: int, purl: str, product: str) -> Any:
        return {
            "category": "default_component_of",
            "product_reference": f"PACKAGE-{self._packages.index(purl) + 1}",
            "relates_to_product_reference": f"IMAGE-{self._images.index(product) + 1}",
            "full_product_name": {"product_id": f"PART-{at + 1}", "name": f"{purl} in {product}"},
        }


def _csaf_items(claims: list[Spoken], tree: _Tree) -> list[Any]:
    """Write one item for each vulnerability, and another for what would contradict it."""
    sides: dict[tuple[str, int], list[Spoken]] = {}
    said: dict[tuple[str, str], list[str]] = {}
    for one in claims:
        before = said.setdefault((one.vulnerability, tree.of(one)), [])
        sides.setdefault((one.vulnerability, len(before)), []).append(one)
        before.append(one.status)
    used: set[str] = set()
    items = []
    for (name, _), spoken in sorted(sides.items()):
        aliases = tuple(sorted({alias for one in spoken for alias in one.aliases}))
        items.append(_csaf_item(name, aliases, spoken, tree, numbered=bool(_CVE.match(name)) and name not in used))
        used.add(name)
    return items


def _csaf_item(name: str, aliases: tuple[str, ...], spoken: list[Spoken], tree: _Tree, *, numbered: bool) -> Any:
    item: dict[str, Any] = {"notes": [{"category": "general", "text": NOT_SAID}], "product_status": {}}
    ids = [*aliases] if numbered else [name, *aliases]
    if numbered:
        item["cve"] = name
    if ids:
        item["ids"] = [{"system_name": "vulnerability", "text": text} for text in ids]
    for one in spoken:
        product = tree.of(one)
        item["product_status"].setdefault(_CSAF_KEYS[one.status], []).append(product)
        if one.status == "not_affected" and one.justification in JUSTIFICATIONS:
            item.setdefault("flags", []).append({"label": one.justification, "product_ids": [product]})
        if one.status == "not_affected" and (one.impact or one.justification not in JUSTIFICATIONS):
            threat = {"category": "impact", "details": one.impact or NOT_SAID, "product_ids": [product]}
            item.setdefault("threats", []).append(threat)
        if one.status == "affected":
            remedy = {"category": "none_available", "details": one.action or NOT_SAID, "product_ids": [product]}
            item.setdefault("remediations", []).append(remedy)
    return item


def _cyclonedx(claims: list[Spoken], about: Document, image: Digest) -> Any:
    serial = digest.uuid_of(digest.of_bytes(f"{about.serial} {image}".encode()))
    first = claims[0]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": about.issued_at,
            "authors": [{"name": about.author}],
            "component": {
                "type": "container",
                "bom-ref": "image",
                "name": first.repository,
                "version": image,
                "purl": first.product,
            },
        },
        "vulnerabilities": [_cyclonedx_item(one, serial) for one in claims],
    }


def _cyclonedx_item(one: Spoken, serial: str) -> Any:
    analysis: dict[str, Any] = {"state": _STATES[one.status]}
    item: dict[str, Any] = {"id": one.vulnerability}
    if one.aliases:
        item["references"] = [{"id": name, "source": {"name": "alias"}} for name in one.aliases]
    if one.status == "not_affected" and one.justification:
        if one.justification in _CYCLONEDX:
            analysis["justification"] = _CYCLONEDX[one.justification]
        item["properties"] = [{"name": JUSTIFIED, "value": one.justification}]
    if one.impact:
        analysis["detail"] = one.impact
    if one.action:
        item["recommendation"] = one.action
    ref = f"urn:cdx:{serial}/1#{quote(one.purl, safe='')}" if one.purl else "image"
    return item | {"analysis": analysis, "affects": [{"ref": ref}]}


_WRITERS: Final[dict[Form, Callable[[list[Spoken], Document], Any]]] = {"openvex": _openvex, "csaf": _csaf}
