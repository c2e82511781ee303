"""A document as the predicate of an in-toto statement, ready to be signed by whoever made it. Must not hold keys.

Predicate types as their communities publish them: CycloneDX, SPDX and OpenVEX documents are recognised from their
content; any other predicate (SLSA provenance) is named by the caller.
"""

from collections.abc import Sequence
from typing import Any, Final

from cas import jcs
from cas.digest import Digest
from cas.problems import Category, Problem
from pipeline.attest.statements import MAX_STATEMENT, STATEMENT_V1

CYCLONEDX: Final = "https://cyclonedx.org/bom"
SPDX: Final = "https://spdx.dev/Document"
OPENVEX: Final = "https://openvex.dev/ns/v0.2.0"
SLSA_PROVENANCE: Final = "https://slsa.dev/provenance/v1"


class PredicateUnknown(Problem):
    """A document's predicate type cannot be told from its content."""

    code = "attest.predicate_unknown"
    category = Category.INVALID
    title = "The predicate type is not known"
    remedy = "Name it with --predicate-type, for example https://slsa.dev/provenance/v1."


def wrap(document: bytes, subjects: Sequence[tuple[str, Digest]], predicate_type: str = "") -> bytes:
    """Build the canonical bytes of a Statement v1 about ``subjects`` (name, digest) whose predicate is the document.

    Raises: attest.predicate_unknown, cas.canon_invalid, cas.too_large
    """
    value = jcs.parse(document, max_bytes=MAX_STATEMENT, max_depth=64, max_nodes=4_000_000)
    if not isinstance(value, dict):
        raise PredicateUnknown(reason="the document is not a JSON object")
    return jcs.of_value(
        {
            "_type": STATEMENT_V1,
            "subject": [{"name": name, "digest": {"sha256": digest[7:]}} for name, digest in sorted(set(subjects))],
            "predicateType": predicate_type or _type_of(value),
            "predicate": value,
        }
    )


def enclose(document: bytes, subjects: Sequence[tuple[str, Digest]], predicate_type: str = "") -> bytes:
    """Build a Statement v1 whose predicate is the document byte for byte, but for blanks around it.

    Whoever reads the statement finds the same bytes, and so the same digest, as a reader of the document.

    Raises: attest.predicate_unknown, cas.canon_invalid, cas.too_large
    """
    value = jcs.parse(document, max_bytes=MAX_STATEMENT, max_depth=64, max_nodes=4_000_000)
    if not isinstance(value, dict):
        raise PredicateUnknown(reason="the document is not a JSON object")
    head = jcs.of_value(
        {
            "_type": STATEMENT_V1,
            "predicateType": predicate_type or _type_of(value),
            "subject": [{"name": name, "digest": {"sha256": digest[7:]}} for name, digest in sorted(set(subjects))],
        }
    )
    return b'%b,"predicate":%b}' % (head[:-1], document.strip(b" \t\r\n"))


def _type_of(value: dict[str, Any]) -> str:
    if value.get("bomFormat") == "CycloneDX":
        return CYCLONEDX
    context = str(value.get("@context", ""))
    if isinstance(value.get("spdxVersion"), str) or context.startswith("https://spdx.org/rdf/"):
        return SPDX
    if context.startswith("https://openvex.dev/ns"):
        return OPENVEX
    raise PredicateUnknown(keys=", ".join(sorted(value)[:8]))
