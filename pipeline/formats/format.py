"""What a format is, and a document as formats see it. Must not know any format, nor where documents go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from cas.digest import Digest
from cas.problems import Fault
from cas.records.attest import ProvenanceFacts, SignatureFacts, VsaFacts
from cas.records.evidence import AttestationFacts, EvidenceKind, SbomFacts, VexFacts
from cas.records.report import CoverageFacts, GenericFacts, ReachFacts, ReportFacts, TestFacts

Syntax: TypeAlias = Literal["json", "json-lines", "xml", "text"]
Facts: TypeAlias = (
    SbomFacts
    | VexFacts
    | AttestationFacts
    | ReportFacts
    | TestFacts
    | CoverageFacts
    | ReachFacts
    | GenericFacts
    | SignatureFacts
    | VsaFacts
    | ProvenanceFacts
)


class Late(Protocol):
    """A value that is parsed when it is first asked for: a large document that may be judged in pieces instead."""

    @property
    def sketch(self) -> Any:
        """The value with large lists cut short, enough to tell what the document is."""
        ...

    def whole(self) -> Any:
        """Parse all of it.

        Raises: cas.canon_invalid, cas.too_large
        """
        ...


@dataclass(frozen=True, slots=True)
class Content:
    """A document inside its bounds, parsed once by its syntax.

    ``value`` of json is the value; of json-lines a list of values, one JSON value after another; of xml the root
    element (pipeline/formats/xml); of text the text. ``late`` says that ``held`` is a ``Late``.
    """

    data: bytes
    syntax: Syntax
    held: Any
    late: bool = False

    @property
    def value(self) -> Any:
        """What the document holds."""
        return self.held.whole() if self.late else self.held

    @property
    def sketch(self) -> "Content":
        """The document with large lists cut short, enough to tell its format and version."""
        return Content(self.data, self.syntax, self.held.sketch) if self.late else self

    @property
    def object(self) -> Mapping[str, Any]:
        """The JSON object that the document is; empty when it is anything else."""
        return self.value if self.syntax == "json" and isinstance(self.value, dict) else {}

    @property
    def root(self) -> str:
        """The local name of the root element of an XML document; empty when it is anything else."""
        return str(self.value.tag).rpartition("}")[2] if self.syntax == "xml" else ""

    @property
    def namespace(self) -> str:
        """The namespace of the root element of an XML document, or the empty text."""
        return str(self.value.tag).rpartition("}")[0].lstrip("{") if self.syntax == "xml" else ""


def no_faults(_content: Content) -> Iterable[Fault]:
    """Find nothing wrong: the format has no rules beside its schema."""
    return ()


def no_subjects(_facts: Any) -> tuple[Digest, ...]:
    """Name no image: the submitter must."""
    return ()


@dataclass(frozen=True, slots=True)
class Format:
    """A foreign format: one file, one line in the catalog.

    ``detects`` looks at content only, never at names. ``schemas`` pairs each readable version with the JSON schema that
    judges it (empty: none); ``faults`` are the rules that no schema can say, asked when the schema holds. ``kind`` says
    what a document of it is evidence of; None when this one holds nothing of the kind. ``read`` gives facts from raw
    bytes and a version; it is pure, and raises evidence.unreadable. A format that is no evidence about an image
    (advisories) reads nothing. ``subjects`` lists digests that the facts name as what the document speaks of.

    ``within`` names another format: then this one is a further reading of the same documents (the VEX inside an SBOM),
    asked by ``detects`` once the other has been recognised, and admitted beside it.

    ``blanks`` are reports of nothing that tell no tool from another (an empty array; the empty text stands for an empty
    document): no content says whose they are, so they are taken only when the submitter declares the format.

    ``pieces`` names top-level lists that the schema judges item by item: in a large document they never stand in memory
    as a whole, and ``kind`` and ``faults`` see them empty.

    ``about`` is the format's page in the reference (Markdown): what is read, what is not, and what is refused.
    """

    name: str
    media_types: tuple[str, ...]
    schemas: tuple[tuple[str, str], ...]
    detects: Callable[[Content], bool]
    version: Callable[[Content], str]
    kind: Callable[[Content], EvidenceKind | None]
    read: Callable[[bytes, str], Facts] | None
    subjects: Callable[[Any], tuple[Digest, ...]] = field(default=no_subjects)
    faults: Callable[[Content], Iterable[Fault]] = field(default=no_faults)
    within: str = ""
    blanks: tuple[Any, ...] = ()
    about: str = ""
    pieces: tuple[str, ...] = ()

    def schema(self, version: str) -> str | None:
        """Give the schema's file name for a version; empty when the format has none, None when it is not readable.

        A version ``*`` stands for any.
        """
        known = dict(self.schemas)
        return known.get(version, known.get("*"))
