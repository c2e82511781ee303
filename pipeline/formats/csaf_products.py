"""CSAF 2.0, mandatory tests about products: 6.1.1 to 6.1.6, 6.1.13, 6.1.25, 6.1.29, 6.1.31 to 6.1.33."""

import re
from collections.abc import Mapping
from typing import Final

from pipeline.formats.csaf_parts import (
    Document,
    Found,
    Test,
    branches,
    group_references,
    groups,
    items,
    product_references,
    products,
    quoted,
    spoken_of,
    tree,
    vulnerabilities,
)
from pipeline.versions import purl

_GROUPS: Final = (
    ("affected", ("first_affected", "known_affected", "last_affected")),
    ("not affected", ("known_not_affected",)),
    ("fixed", ("first_fixed", "fixed")),
    ("under investigation", ("under_investigation",)),
)
_RANGE: Final = re.compile(r"[<>]|(?<!\S)(?:after|all|before|earlier|later|prior|versions)(?!\S)", re.IGNORECASE)
JUSTIFICATIONS: Final = frozenset(
    {
        "component_not_present",
        "inline_mitigations_already_exist",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_not_present",
    }
)


def missing_product(document: Document) -> Found:
    """6.1.1: every product that is spoken of is defined."""
    known = {product["product_id"] for _, product in products(document)}
    for here, name in product_references(document):
        if name not in known:
            yield here, f"product {quoted(name)} is not defined in the product tree"


def defined_twice(document: Document) -> Found:
    """6.1.2: no product id is defined twice."""
    seen: set[str] = set()
    for here, product in products(document):
        if product["product_id"] in seen:
            yield f"{here}/product_id", f"product {quoted(product['product_id'])} was defined before"
        seen.add(product["product_id"])


def circular(document: Document) -> Found:
    """6.1.3: no relationship leads back to its own product.

    What rests on no relationship, or on settled ones only, is settled; what is left goes in a circle.
    """
    made: dict[str, set[str]] = {}
    places: dict[str, str] = {}
    for here, relation in items(tree(document), "relationships", "/product_tree"):
        name = relation["full_product_name"]["product_id"]
        places.setdefault(name, here)
        made.setdefault(name, set()).update((relation["product_reference"], relation["relates_to_product_reference"]))
    resting: dict[str, list[str]] = {}
    open_: dict[str, int] = {}
    for name, parts in made.items():
        inside = [part for part in parts if part in made]
        open_[name] = len(inside)
        for part in inside:
            resting.setdefault(part, []).append(name)
    settled = [name for name, count in open_.items() if not count]
    while settled:
        for name in resting.get(settled.pop(), ()):
            open_[name] -= 1
            if not open_[name]:
                settled.append(name)
    for name in sorted(name for name, count in open_.items() if count):
        yield places[name], f"product {quoted(name)} is defined through itself"


def missing_group(document: Document) -> Found:
    """6.1.4: every product group that is spoken of is defined."""
    known = groups(document)
    for here, name in group_references(document):
        if name not in known:
            yield here, f"product group {quoted(name)} is not defined in the product tree"


def group_twice(document: Document) -> Found:
    """6.1.5: no product group is defined twice."""
    seen: set[str] = set()
    for here, group in items(tree(document), "product_groups", "/product_tree"):
        if group["group_id"] in seen:
            yield f"{here}/group_id", f"product group {quoted(group['group_id'])} was defined before"
        seen.add(group["group_id"])


def contradicting(document: Document) -> Found:
    """6.1.6: no product has statuses that contradict each other."""
    for at, vulnerability in vulnerabilities(document):
        status = vulnerability.get("product_status") or {}
        said: dict[str, str] = {}
        for label, names in _GROUPS:
            for name in names:
                for here, product in items(status, name, f"{at}/product_status"):
                    before = said.setdefault(product, label)
                    if before != label:
                        yield here, f"product {quoted(product)} is {before} and {label} at once"


def invalid_purl(document: Document) -> Found:
    """6.1.13: every package URL can be read."""
    for here, product in products(document):
        text = (product.get("product_identification_helper") or {}).get("purl")
        if text is None:
            continue
        if wrong := _purl_fault(text):
            yield f"{here}/product_identification_helper/purl", f"{quoted(text)} is no package URL: {wrong}"


def _purl_fault(text: str) -> str:
    try:
        found = purl.parse(text)
    except purl.PurlInvalidError as error:
        return str(error) or "not readable"
    return "no name" if found.name.startswith("@") else ""


def hash_twice(document: Document) -> Found:
    """6.1.25: no file has two hashes of one algorithm."""
    for at, product in products(document):
        helper: Mapping[str, object] = product.get("product_identification_helper") or {}
        for here, listed in items(helper, "hashes", f"{at}/product_identification_helper"):
            seen: set[str] = set()
            for place, each in items(listed, "file_hashes", here):
                if each["algorithm"] in seen:
                    yield f"{place}/algorithm", f"{quoted(each['algorithm'])} is given twice for one file"
                seen.add(each["algorithm"])


def remediation_of_nothing(document: Document) -> Found:
    """6.1.29: every remediation says for which products it is."""
    yield from _of_nothing(document, "remediations", "remediation")


def flag_of_nothing(document: Document) -> Found:
    """6.1.32: every flag says for which products it is."""
    yield from _of_nothing(document, "flags", "flag")


def _of_nothing(document: Document, name: str, what: str) -> Found:
    for at, vulnerability in vulnerabilities(document):
        for here, each in items(vulnerability, name, at):
            if "group_ids" not in each and "product_ids" not in each:
                yield here, f"the {what} names neither product_ids nor group_ids"


def range_as_version(document: Document) -> Found:
    """6.1.31: a product version is one version."""
    for here, branch in branches(tree(document), "/product_tree"):
        if branch["category"] == "product_version" and _RANGE.search(branch["name"]):
            yield f"{here}/name", f"{quoted(branch['name'])} is a range; its category is product_version_range"


def two_justifications(document: Document) -> Found:
    """6.1.33: a product has one justification per vulnerability, groups counted."""
    members = groups(document)
    for at, vulnerability in vulnerabilities(document):
        seen: set[str] = set()
        for here, flag in items(vulnerability, "flags", at):
            if flag["label"] not in JUSTIFICATIONS:
                continue
            spoken = spoken_of(flag, members)
            for product in sorted(spoken & seen):
                yield here, f"product {quoted(product)} has another justification already"
            seen |= spoken


TESTS: Final[tuple[tuple[str, Test], ...]] = (
    ("6.1.1", missing_product),
    ("6.1.2", defined_twice),
    ("6.1.3", circular),
    ("6.1.4", missing_group),
    ("6.1.5", group_twice),
    ("6.1.6", contradicting),
    ("6.1.13", invalid_purl),
    ("6.1.25", hash_twice),
    ("6.1.29", remediation_of_nothing),
    ("6.1.31", range_as_version),
    ("6.1.32", flag_of_nothing),
    ("6.1.33", two_justifications),
)
