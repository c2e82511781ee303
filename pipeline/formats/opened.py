"""Opening a submitted document: bounds, detection, wrappings, schema; all faults at once. Pure.

(1) size, depth, count, then strict JSON; (2) an envelope is opened to its payload; (3) a statement around a document
that we know is opened to that document; (4) the innermost document is judged by its schema, and so is each wrapping.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cas.digest import Digest
from cas.problems import CanonInvalid, Fault, TooLarge
from cas.records.evidence import EvidenceKind
from pipeline.attest import envelope as envelopes
from pipeline.attest.problems import EnvelopeInvalid
from pipeline.formats import in_toto, schema
from pipeline.formats.catalog import FORMATS
from pipeline.formats.decode import parse
from pipeline.formats.dsse import DSSE
from pipeline.formats.format import Document, Format
from pipeline.formats.in_toto import IN_TOTO
from pipeline.formats.problems import DocumentUnreadable

_MAX_NAMED: Final = 80


@dataclass(frozen=True, slots=True)
class Opened:
    """A good document. ``raw`` is what becomes facts, byte for byte as it stood in its wrappings."""

    raw: bytes
    format: Format
    version: str
    kind: EvidenceKind
    envelope: bytes | None = None
    statement: bytes | None = None
    covered: tuple[Digest, ...] = ()  # subjects of the statement that wraps, or is, the document

    @property
    def name(self) -> str:
        """``name/version``, as normalise/1 takes it."""
        return f"{self.format.name}/{self.version}"


class Refused(Exception):  # noqa: N818 - carries faults to the one place that collects them
    """A document is bad."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(len(faults))
        self.faults = faults


def detect(document: Any) -> Format | None:
    """Give the first format that recognises a parsed document by its content."""
    if not isinstance(document, dict):
        return None
    return next((each for each in FORMATS if each.detects(document)), None)


def _parsed(data: bytes, at: str) -> Any:
    try:
        return parse(data)
    except TooLarge as problem:
        raise Refused(Fault(at, "evidence.too_large", problem.detail())) from problem
    except CanonInvalid as problem:
        raise Refused(Fault(at, "evidence.not_json", problem.detail())) from problem


def _known(document: Any, at: str) -> tuple[Format, str]:
    """Detect format and version, and hold the document to the schema of that version."""
    found = detect(document)
    if found is None:
        raise Refused(Fault(at, "evidence.format_unknown", "no known format recognises this document"))
    version = found.version(document)
    name = found.schema(version)
    if name is None:
        readable = ", ".join(known for known, _ in found.schemas)
        said = f"{found.name} {version[:_MAX_NAMED]!r} is not readable; readable: {readable}"
        raise Refused(Fault(at, "evidence.version_unsupported", said))
    faults = [Fault(at + each.pointer, each.code, each.message) for each in _judge(found, name, document)]
    if faults:
        raise Refused(*faults)
    return found, version


def _judge(found: Format, name: str, document: Document) -> list[Fault]:
    faults = list(schema.faults(name, document))
    if found is IN_TOTO and not faults:
        faults = list(schema.faults(in_toto.schema_of(document), document))
    return faults


def _payload(data: bytes, at: str) -> bytes:
    try:
        return envelopes.parse(data).payload
    except TooLarge as problem:
        raise Refused(Fault(at, "evidence.too_large", problem.detail())) from problem
    except EnvelopeInvalid as problem:
        raise Refused(Fault(f"{at}/payload", "evidence.payload_invalid", problem.detail())) from problem


def _check_declared(declared: str, formats: tuple[tuple[Format, str], ...]) -> None:
    names = {name for each, version in formats for name in (each.name, f"{each.name}/{version}", *each.media_types)}
    if declared and declared not in names:
        said = f"declared {declared[:_MAX_NAMED]!r}, found {formats[-1][0].name}/{formats[-1][1]}"
        raise Refused(Fault("", "evidence.format_mismatch", said))


def open_document(data: bytes, declared: str = "") -> Opened:
    """Open a document as it was submitted.

    Raises: Refused, with every fault of the innermost layer that could be reached
    """
    document = _parsed(data, "")  # (1)
    found, version = _known(document, "")
    layers = [(found, version)]
    envelope, statement, raw, at = None, None, data, ""
    covered: tuple[Digest, ...] = ()
    if found is DSSE:  # (2)
        envelope, raw, at = data, _payload(data, ""), "/payload"
        document = _parsed(raw, at)
        found, version = _known(document, at)
        layers.append((found, version))
        if found is DSSE:
            raise Refused(Fault(at, "evidence.payload_invalid", "an envelope inside an envelope"))
    if found is IN_TOTO:  # (3)
        covered = _covered(raw, version, at)
        inner = in_toto.inner(raw)
        if inner is not None:
            statement, at = raw, f"{at}/predicate"
            raw, document = inner, document["predicate"]
            found, version = _known(document, at)  # (4)
            layers.append((found, version))
    if found.read is None:
        raise Refused(Fault(at, "evidence.is_advisory", "import advisories into a feed"))
    _check_declared(declared, tuple(layers))
    return Opened(raw, found, version, found.kind(document), envelope, statement, covered)


def _covered(raw: bytes, version: str, at: str) -> tuple[Digest, ...]:
    try:
        return in_toto.subjects(in_toto.read(raw, version))
    except (DocumentUnreadable, msgspec.ValidationError) as problem:
        raise Refused(Fault(at, "evidence.unreadable", str(problem)[:300])) from problem
