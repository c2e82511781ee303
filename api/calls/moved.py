"""Calls whose body or answer is moved as bytes: what the OpenAPI document says of them, and where they are.

The handlers stand in api/streams.py.
"""

from dataclasses import dataclass
from typing import Final

from api.calls.bundles import BundleImported
from api.calls.call import Method
from api.calls.evidence import Submitted

OCTETS: Final = "application/octet-stream"
NDJSON: Final = "application/x-ndjson"
FRAMES: Final = "application/vnd.stella.documents"
"""Length-prefixed documents: for each, a 4-byte big-endian length and a JSON header {"subject", "format"}, then an
8-byte big-endian length and the bytes."""
TAR: Final = "application/x-tar"


@dataclass(frozen=True)
class Moved:
    """A line of this catalog. ``answer`` None: bytes of ``gives``."""

    name: str
    method: Method
    path: str
    scope: str
    summary: str
    query: tuple[tuple[str, str], ...] = ()  # (name, what it is)
    takes: tuple[str, ...] = ()
    gives: str = OCTETS
    answer: type | None = None
    status: int = 200
    ranges: bool = False
    person: bool = False
    shown_once: bool = False


UPLOAD: Final = Moved(
    "evidence.upload",
    "POST",
    "/evidence",
    "evidence:write",
    "Admit one document, or an archive of documents, sent as it is; Content-Digest is checked when given.",
    query=(("subject", "Digest of the image it speaks of."), ("format", "Declared format; found out when empty.")),
    takes=(
        OCTETS,
        "application/json",
        "application/xml",
        "text/plain",
        "application/zip",
        "application/gzip",
        "application/x-tar",
    ),
    answer=Submitted,
    status=201,
)
OBJECT: Final = Moved(
    "object.read", "GET", "/objects/{digest}", "object:read", "Give an object's bytes, or a range of them.", ranges=True
)
ARTIFACT: Final = Moved(
    "deployment.artifact",
    "GET",
    "/deployment-jobs/{id}/artifacts/{name}",
    "deployment:read",
    "Give a deployment's file; the name `manifest` is the manifest.",
    ranges=True,
)
EXPORT: Final = Moved(
    "bundle.export",
    "GET",
    "/bundles/export",
    "bundle:read",
    "Write a signed bundle of a release, a promotion, a record or a period, with all that it rests on.",
    query=(
        ("release", "A release's name."),
        ("promotion", "A promotion's id."),
        ("record", "A record's digest."),
        ("start", "Everything admitted from this instant on."),
        ("end", "And before this one."),
    ),
    gives=TAR,
)
IMPORT: Final = Moved(
    "bundle.import",
    "POST",
    "/bundles",
    "bundle:write",
    "Bring a bundle in: what it says is a claim until it is rerun here.",
    query=(("root", "Fingerprint of the root that must have signed it."),),
    takes=(TAR,),
    answer=BundleImported,
    status=201,
)

MOVED: Final = (UPLOAD, OBJECT, ARTIFACT, EXPORT, IMPORT)
