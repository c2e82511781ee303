"""What a format is. Must not know any format, nor where documents go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cas.digest import Digest
from cas.records.evidence import AttestationFacts, EvidenceKind, SbomFacts, VexFacts

Document: TypeAlias = Mapping[str, Any]
"""A parsed JSON object."""

Facts: TypeAlias = SbomFacts | VexFacts | AttestationFacts


@dataclass(frozen=True, slots=True)
class Format:
    """A foreign format: one file, one line in the catalog.

    ``detects`` looks at content only, never at names. ``schemas`` pairs each readable version with the schema that
    judges it. ``read`` gives facts from raw bytes and a version; it is pure, and raises evidence.unreadable. A format
    that is no evidence about an image (advisories) reads nothing. ``subjects`` lists digests that the facts name as
    what the document speaks of.
    """

    name: str
    media_types: tuple[str, ...]
    schemas: tuple[tuple[str, str], ...]
    detects: Callable[[Document], bool]
    version: Callable[[Document], str]
    kind: Callable[[Document], EvidenceKind]
    read: Callable[[bytes, str], Facts] | None
    subjects: Callable[[Any], tuple[Digest, ...]]

    def schema(self, version: str) -> str | None:
        """Give the schema's file name for a version; empty when the format has none, None when it is not readable."""
        return dict(self.schemas).get(version)
