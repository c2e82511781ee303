"""The parts of a CSAF document that its mandatory tests speak of, each with its place. Must not judge them.

The document has passed its schema: types are as the schema says, so the parts are read without asking again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

Found: TypeAlias = Iterator[tuple[str, str]]
"""What a test finds wrong: (JSON pointer, sentence)."""

Document: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Document], Found]

STATUSES: Final = (
    "first_affected",
    "first_fixed",
    "fixed",
    "known_affected",
    "known_not_affected",
    "last_affected",
    "recommended",
    "under_investigation",
)


def quoted(text: object) -> str:
    """Show a foreign value inside a sentence."""
    return repr(str(text)[:80])


def category(document: Document) -> str:
    """Give the document's category, which names its profile."""
    return str(document["document"]["category"])


def tree(document: Document) -> Mapping[str, Any]:
    """Give the product tree; empty when there is none."""
    found: Mapping[str, Any] = document.get("product_tree") or {}
    return found


def vulnerabilities(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the vulnerability items with their places."""
    return items(document, "vulnerabilities", "")


def items(holder: Mapping[str, Any], name: str, at: str) -> Iterator[tuple[str, Any]]:
    """Give the items of a list with their places."""
    for number, item in enumerate(holder.get(name) or ()):
        yield f"{at}/{name}/{number}", item


def branches(holder: Mapping[str, Any], at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give every branch below, depth first."""
    for here, branch in items(holder, "branches", at):
        yield here, branch
        yield from branches(branch, here)


def products(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give every full product name with its place: in branches, listed, made by relationships."""
    found = tree(document)
    for here, branch in branches(found, "/product_tree"):
        if "product" in branch:
            yield f"{here}/product", branch["product"]
    yield from items(found, "full_product_names", "/product_tree")
    for here, relation in items(found, "relationships", "/product_tree"):
        yield f"{here}/full_product_name", relation["full_product_name"]


def groups(document: Document) -> dict[str, frozenset[str]]:
    """Give the members of each product group."""
    members: dict[str, frozenset[str]] = {}
    for _, group in items(tree(document), "product_groups", "/product_tree"):
        members[group["group_id"]] = frozenset(group["product_ids"])
    return members


def product_references(document: Document) -> Iterator[tuple[str, str]]:
    """Give every place that refers to a product id."""
    for here, group in items(tree(document), "product_groups", "/product_tree"):
        yield from items(group, "product_ids", here)
    for here, relation in items(tree(document), "relationships", "/product_tree"):
        yield f"{here}/product_reference", relation["product_reference"]
        yield f"{here}/relates_to_product_reference", relation["relates_to_product_reference"]
    for at, vulnerability in vulnerabilities(document):
        status = vulnerability.get("product_status") or {}
        for name in STATUSES:
            yield from items(status, name, f"{at}/product_status")
        for here, score in items(vulnerability, "scores", at):
            yield from items(score, "products", here)
        for here, holder in _speaking(vulnerability, at):
            yield from items(holder, "product_ids", here)


def group_references(document: Document) -> Iterator[tuple[str, str]]:
    """Give every place that refers to a product group."""
    for at, vulnerability in vulnerabilities(document):
        for here, holder in _speaking(vulnerability, at):
            yield from items(holder, "group_ids", here)


def _speaking(vulnerability: Mapping[str, Any], at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in ("flags", "remediations", "threats"):
        yield from items(vulnerability, name, at)


def spoken_of(holder: Mapping[str, Any], members: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Give the products that a flag, threat or remediation speaks of, directly or through groups."""
    found = frozenset(holder.get("product_ids") or ())
    return found.union(*(members.get(group, frozenset()) for group in holder.get("group_ids") or ()))
