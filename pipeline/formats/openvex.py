"""OpenVEX 0.2.0 and the 0.0 drafts as VEX facts: claims as written, each with its place. Must not weigh them.

The drafts name vulnerabilities, products and subcomponents by plain text, and subcomponents beside the products; both
ways of writing are read in either version.
"""

from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.records.evidence import EvidenceKind, VexFacts, VexProduct, VexStatement, VexStatus
from pipeline.formats.decode import algorithm, digest_in, fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.versions import purl

NAME: Final = "openvex"
_CONTEXT: Final = "https://openvex.dev/ns"
_TEXT: Final = 65536


class _Component(msgspec.Struct, gc=False, rename={"id": "@id"}):
    id: str = ""
    identifiers: dict[str, str] = {}
    hashes: dict[str, str] = {}


class _Product(msgspec.Struct, gc=False, rename={"id": "@id"}):
    id: str = ""
    identifiers: dict[str, str] = {}
    hashes: dict[str, str] = {}
    subcomponents: tuple[_Component | str, ...] = ()


class _Vulnerability(msgspec.Struct, gc=False, rename={"id": "@id"}):
    id: str = ""
    name: str = ""
    aliases: tuple[str, ...] = ()


class _Statement(
    msgspec.Struct,
    gc=False,
    rename={
        "updated": "last_updated",
        "impact": "impact_statement",
        "action": "action_statement",
        "notes": "status_notes",
    },
):
    status: VexStatus
    vulnerability: _Vulnerability | str
    products: tuple[_Product | str, ...] = ()
    subcomponents: tuple[_Component | str, ...] = ()  # of the drafts
    timestamp: str = ""
    updated: str = ""
    justification: str = ""
    impact: str = ""
    action: str = ""
    notes: str = ""


class _Vex(msgspec.Struct, gc=False, rename={"id": "@id", "updated": "last_updated"}):
    id: str = ""
    author: str = ""
    role: str = ""
    timestamp: str = ""
    updated: str = ""
    version: int | str = ""
    statements: tuple[_Statement, ...] = ()


_VEX: Final = msgspec.json.Decoder(_Vex)


def _identity(text: str) -> str:
    """Give a purl canonically, anything else as written."""
    return (purl.canonical(text) if text.startswith("pkg:") else "") or text


def _component(given: _Component | str) -> str:
    return _identity(given if isinstance(given, str) else given.identifiers.get("purl") or given.id)


def _product(given: _Product | str, beside: tuple[_Component | str, ...]) -> VexProduct:
    product = _Product(id=given) if isinstance(given, str) else given
    identifiers = {kind: _identity(value) if kind == "purl" else value for kind, value in product.identifiers.items()}
    parts = {_component(each) for each in product.subcomponents or beside}
    return VexProduct(
        id=_identity(product.id),
        identifiers=tuple(sorted(identifiers.items())),
        hashes=tuple(sorted((algorithm(kind), value.lower()) for kind, value in product.hashes.items())),
        components=tuple(sorted(parts - {""})),
    )


def _statement(statement: _Statement, at: int, issued: str) -> VexStatement:
    given = statement.vulnerability
    vulnerability = _Vulnerability(name=given) if isinstance(given, str) else given
    name = vulnerability.name or vulnerability.id or "unnamed"
    return VexStatement(
        vulnerability=fit(name, 255),
        aliases=tuple(sorted(set(vulnerability.aliases) - {name})),
        status=statement.status,
        justification=statement.justification,
        impact=fit("\n".join(filter(None, (statement.impact, statement.notes))), _TEXT),
        action=fit(statement.action, _TEXT),
        products=tuple(_product(each, statement.subcomponents) for each in statement.products),
        issued_at=instant(statement.updated) or instant(statement.timestamp) or issued,
        pointer=f"/statements/{at}",
    )


def read(data: bytes, version: str) -> VexFacts:
    """Give the claims of an OpenVEX document; a statement without a time takes the document's.

    Raises: evidence.unreadable, cas.too_large
    """
    vex = typed(data, _VEX, NAME)
    issued = instant(vex.updated) or instant(vex.timestamp)
    return VexFacts(
        format=f"{NAME}/{version}",
        id=vex.id,
        author=vex.author,
        role=vex.role,
        issued_at=issued,
        version=str(vex.version),
        statements=tuple(_statement(each, at, issued) for at, each in enumerate(vex.statements)),
    )


def subjects(facts: Any) -> tuple[Digest, ...]:
    """List every image digest that a product names: in its id, its purl, or its SHA-256."""
    found: set[Digest | None] = set()
    for statement in facts.statements:
        for product in statement.products:
            found |= {digest_in(text) for text in (product.id, *(value for _, value in product.identifiers))}
            found |= {digest_in(f"sha256:{value}") for kind, value in product.hashes if kind == "sha256"}
    return tuple(sorted(filter(None, found)))


def _detects(content: Content) -> bool:
    return str(content.object.get("@context", "")).startswith(_CONTEXT)


def _version(content: Content) -> str:
    """Give the version of the context; without one it is the draft that had none."""
    return str(content.object.get("@context", ""))[len(_CONTEXT) :].strip("/").removeprefix("v") or "0.0.0"


def _kind(_content: Content) -> EvidenceKind:
    return "vex"


OPENVEX: Final = Format(
    name=NAME,
    media_types=("application/vnd.openvex+json",),
    schemas=(
        ("0.2.0", "openvex-0.2.0.schema.json"),
        ("0.0.2", "openvex-0.0.schema.json"),
        ("0.0.1", "openvex-0.0.schema.json"),
        ("0.0.0", "openvex-0.0.schema.json"),
    ),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=subjects,
    about="""Version 0.2.0, and the drafts before it, whose schema is ours because they had none. A statement
without a time takes the document's; status notes join the impact statement.""",
)
