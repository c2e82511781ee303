"""Opening a submitted document: bounds, detection, wrappings, schema; all faults at once. Pure.

(1) size, depth, count, then the document's syntax; (2) an envelope, or a Sigstore
bundle around one, is opened to its payload; (3) a statement around a
document that we know is opened to that document; (4) the innermost document is judged by its schema and its format's
own rules, and so is each wrapping; (5) every reading of it is listed: the VEX in an SBOM counts beside the SBOM.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.problems import CanonInvalid, Fault, TooLarge
from cas.records.evidence import EvidenceKind
from pipeline.attest import envelope as envelopes
from pipeline.attest.problems import EnvelopeInvalid
from pipeline.formats import dsse, in_toto, piecewise, schema, sigstore, xsd
from pipeline.formats.content import content
from pipeline.formats.dsse import DSSE
from pipeline.formats.format import Content, Format
from pipeline.formats.generic import GENERIC
from pipeline.formats.in_toto import IN_TOTO
from pipeline.formats.pieces import Large
from pipeline.formats.problems import DocumentUnreadable
from pipeline.formats.sigstore import COSIGN, SIGSTORE_BUNDLE
from pipeline.formats.xml import XmlInvalidError

_MAX_NAMED: Final = 80
_MAX_BLANK: Final = 256
WRAPPINGS: Final = (DSSE, SIGSTORE_BUNDLE, COSIGN)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way in which a document is read: as what, and as evidence of what."""

    format: Format
    version: str
    kind: EvidenceKind

    @property
    def name(self) -> str:
        """``name/version``, as normalise/1 takes it."""
        return f"{self.format.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A good document. ``raw`` is what becomes facts, byte for byte as it stood in its wrappings."""

    raw: bytes
    readings: tuple[Reading, ...]  # never empty
    envelope: bytes | None = None  # the wrapping that carries signatures, or the signature itself
    statement: bytes | None = None
    covered: tuple[Digest, ...] = ()  # subjects of the statement that wraps, or is, the document
    bundle: bool = False  # the envelope is a Sigstore bundle or a cosign signature

    @property
    def name(self) -> str:
        """The first reading's ``name/version``."""
        return self.readings[0].name

    @property
    def kind(self) -> EvidenceKind:
        """What the first reading is evidence of."""
        return self.readings[0].kind

    @property
    def version(self) -> str:
        """The first reading's version."""
        return self.readings[0].version


class Refused(Exception):  # noqa: N818 - carries faults to the one place that collects them
    """A document is bad."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(len(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class _Layer:
    """A wrapping or the document itself, recognised."""

    content: Content
    format: Format
    version: str


def _formats() -> tuple[Format, ...]:
    from pipeline.formats.catalog import FORMATS  # noqa: PLC0415 - some hundred modules: only who opens a document waits

    return FORMATS


def detect(document: Content) -> Format | None:
    """Give the first format that recognises a document by its content."""
    return next((each for each in _formats() if not each.within and each.detects(document)), None)


def _content(data: bytes, at: str) -> Content:
    try:
        return content(data)
    except TooLarge as problem:
        raise Refused(Fault(at, "evidence.too_large", problem.detail())) from problem
    except CanonInvalid as problem:
        raise Refused(Fault(at, "evidence.not_json", problem.detail())) from problem
    except XmlInvalidError as error:
        raise Refused(Fault(at, "evidence.not_xml", str(error))) from error


def blanks(document: Content) -> tuple[Format, ...]:
    """List the formats of which the document is a report of nothing, which no content tells apart."""
    if document.syntax not in ("json", "text") or len(document.data) > _MAX_BLANK:
        return ()
    value = document.value.strip() if document.syntax == "text" else document.value
    return tuple(
        each for each in _formats() if any(type(known) is type(value) and known == value for known in each.blanks)
    )


def blank(document: Content, declared: str) -> Format | None:
    """Give the declared format when the document is one of its reports of nothing."""
    name = declared.partition("/")[0]
    return next((each for each in blanks(document) if each.name == name), None)


def _unknown(document: Content, at: str) -> Fault:
    """Say that nobody knows a document, and what to do about one that any tool may have written."""
    empty = not document.data.strip()
    said = (
        "the document is empty" if empty
        else "neither JSON nor XML, nor a text format that is known" if document.syntax == "text"
        else "no known format recognises this document"
    )  # fmt: skip
    names = ", ".join(sorted(each.name for each in blanks(document)))
    if names:
        how = "evidence submit --format, gate evaluate --declared"
        said += f"; if it is a report of nothing, declare its format ({how}), which may be: {names}"
    return Fault(at, "evidence.not_json" if document.syntax == "text" else "evidence.format_unknown", said)


def _known(document: Content, at: str, declared: str = "") -> _Layer:
    """Detect format and version, and hold the document to the schema and the rules of that version."""
    found = detect(document.sketch) or (blank(document.sketch, declared) if declared else None)
    if found is None:
        raise Refused(_unknown(document.sketch, at))
    version = found.version(document.sketch)
    name = found.schema(version)
    if name is None:
        readable = ", ".join(known for known, _ in found.schemas)
        said = f"{found.name} {version[:_MAX_NAMED]!r} is not readable; readable: {readable}"
        raise Refused(Fault(at, "evidence.version_unsupported", said))
    sketch = document.sketch
    faults, document = _judged(found, name, document, at)
    faults = faults or list(found.faults(document))
    if faults:
        raise Refused(*(Fault(at + each.pointer, each.code, each.message) for each in faults))
    return _Layer(_shown(document, sketch, found.pieces), found, version)


def _shown(document: Content, sketch: Content, pieces: tuple[str, ...]) -> Content:
    """Give what tells the kind: a large document's lists that were judged apart show their first items, never none."""
    if document.syntax != "json" or sketch.held is document.held or not isinstance(document.held, dict):
        return document
    cut = {name: sketch.object[name] for name in pieces if name in document.held}
    return Content(document.data, document.syntax, {**document.held, **cut})


def _judged(found: Format, name: str, document: Content, at: str) -> tuple[list[Fault], Content]:
    """Judge a document by its schema; give what is left to see of it (a large one without its pieces)."""
    try:
        if found.pieces and isinstance(document.held, Large):
            faults, head = piecewise.judged(document.held, found.pieces, name)
            return faults, Content(document.data, document.syntax, head)
        if name.endswith(".xsd"):
            return list(xsd.faults(name, document.data)), document
        return list(schema.faults(name, document.value)) if name else [], document
    except CanonInvalid as problem:
        raise Refused(Fault(at, "evidence.not_json", problem.detail())) from problem


def _inner(layer: _Layer) -> bytes | None:
    """Give a wrapping's payload; None for a signature that stands for itself, or when nobody knows what it carries."""
    data = layer.content.data
    if layer.format is not DSSE:
        return sigstore.wrapped(data)
    try:
        found = envelopes.parse(data)
    except TooLarge as problem:
        raise Refused(Fault("", "evidence.too_large", problem.detail())) from problem
    except EnvelopeInvalid as problem:
        raise Refused(Fault("/payload", "evidence.payload_invalid", problem.detail())) from problem
    return None if dsse.carried(found) else found.payload


def _check_declared(declared: str, layers: list[_Layer]) -> None:
    names = {
        name
        for each in layers
        for name in (each.format.name, f"{each.format.name}/{each.version}", *each.format.media_types)
    }
    if declared and declared not in names:
        said = f"declared {declared[:_MAX_NAMED]!r}, found {layers[-1].format.name}/{layers[-1].version}"
        raise Refused(Fault("", "evidence.format_mismatch", said))


def open_document(data: bytes, declared: str = "") -> Opened:
    """Open a document as it was submitted.

    Raises: Refused, with every fault of the innermost layer that could be reached
    """
    first = _content(data, "") if data.strip() else Content(data, "text", "")
    layers = [_known(first, "", declared)]  # (1)
    envelope, statement, raw, at = None, None, data, ""
    covered: tuple[Digest, ...] = ()
    bundle = layers[-1].format in (SIGSTORE_BUNDLE, COSIGN)
    if bundle or layers[-1].format is DSSE:  # (2)
        envelope = data
        inner = _inner(layers[-1])
        if inner is not None:
            raw, at = inner, "/dsseEnvelope/payload" if bundle else "/payload"
            layers.append(_known(_content(raw, at), at))
        if len(layers) > 1 and layers[-1].format in WRAPPINGS:
            raise Refused(Fault(at, "evidence.payload_invalid", "an envelope inside an envelope"))
    if layers[-1].format is IN_TOTO:  # (3)
        covered = _covered(raw, layers[-1].version, at)
        within = _predicate(raw, f"{at}/predicate")
        if within is not None:
            statement, at, raw = raw, f"{at}/predicate", within.content.data
            layers.append(within)  # (4)
    if layers[-1].format.read is None:
        raise Refused(Fault(at, "evidence.is_advisory", "import advisories into a feed"))
    _check_declared(declared, layers)
    return Opened(raw, _readings(layers[-1], at), envelope, statement, covered, bundle)


def open_own(data: bytes, version: str, judge: Callable[[Any], Iterable[Fault]]) -> Opened:
    """Open a document of the user's own kind: alone, or as the predicate of a statement, in an envelope or not.

    Raises: Refused
    """
    envelope, statement, raw, at = None, None, data, ""
    covered: tuple[Digest, ...] = ()
    document = _content(raw, at)
    if DSSE.detects(document):
        inner = _inner(_known(document, at))
        if inner is None:
            raise Refused(Fault("/payload", "evidence.payload_invalid", "the payload is no document of this kind"))
        envelope, raw, at = data, inner, "/payload"
        document = _content(raw, at)
    if IN_TOTO.detects(document):
        covered = _covered(raw, _known(document, at).version, at)
        statement, raw, at = raw, in_toto.inner(raw)[0], f"{at}/predicate"
        document = _content(raw, at)
    if document.syntax != "json" or not isinstance(document.value, dict):
        raise Refused(Fault(at, "evidence.not_object", "a document of this kind is a JSON object"))
    faults = tuple(judge(document.value))
    if faults:
        raise Refused(*(Fault(at + each.pointer, each.code, each.message) for each in faults))
    return Opened(raw, (Reading(GENERIC, version, "generic"),), envelope, statement, covered)


def _predicate(raw: bytes, at: str) -> _Layer | None:
    """Recognise a predicate that is a document of its own; what its type promises must be so, anything else may be."""
    data, promised = in_toto.inner(raw)
    if not data.startswith(b"{"):
        return None
    try:
        found = _known(_content(data, at), at)
    except Refused:
        if promised:
            raise
        return None
    if promised or (found.format.read is not None and found.format not in (*WRAPPINGS, IN_TOTO)):
        return found
    return None


def _readings(layer: _Layer, at: str) -> tuple[Reading, ...]:
    """List what the document is read as (5); a further reading has versions of its own."""
    further = (each for each in _formats() if each.within == layer.format.name)
    every = [layer.format, *(each for each in further if each.schema(layer.version) is not None)]
    found = []
    for each in every:
        kind = each.kind(layer.content) if each is layer.format or each.detects(layer.content) else None
        if kind is not None and each.read is not None:
            found.append(Reading(each, layer.version, kind))
    if not found:
        raise Refused(Fault(at, "evidence.holds_nothing", "the document holds nothing that is evidence"))
    return tuple(found)


def _covered(raw: bytes, version: str, at: str) -> tuple[Digest, ...]:
    try:
        return in_toto.subjects(in_toto.read(raw, version))
    except (DocumentUnreadable, msgspec.ValidationError) as problem:
        raise Refused(Fault(at, "evidence.unreadable", str(problem)[:300])) from problem
