"""What is attached to an image, found and made ready to be submitted: cosign, referrers, BuildKit. Verifies nothing.

(1) the image's index and manifests are read and hashed; (2) for each of them, what refers to it is listed: the
referrers of a registry or layout, the tags ``sha256-<hex>.sig``, ``.att``, ``.sbom``, the attestation manifests that
BuildKit puts into an index; (3) each layer is read, hashed and, where cosign keeps signature, certificate and log entry
apart from it, put together with them; (4) what is no evidence, or a signature over another digest, is told, not sent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cas import digest, jcs
from cas.digest import Digest
from cas.problems import CanonInvalid, Category, Problem
from pipeline import images
from pipeline.attest.sigstore_bundle import SIMPLE_SIGNING, bundle_of_attestation, cosign_document
from pipeline.effects import Fetched, ImageSource
from pipeline.formats.many import parts
from pipeline.formats.opened import Opened, Refused, open_document
from pipeline.formats.sigstore import COSIGN_NAME
from pipeline.operations.images import BlobTooLarge, BytesMismatch, split_layout
from pipeline.operations.ingest import Submission
from targets import references

DSSE: Final = "application/vnd.dsse.envelope.v1+json"
MAX_LAYER: Final = 64 << 20
MAX_TOTAL: Final = 256 << 20
MAX_ATTACHED: Final = 256
_SIGNATURE: Final = "dev.cosignproject.cosign/signature"
_CERTIFICATE: Final = "dev.sigstore.cosign/certificate"
_CHAIN: Final = "dev.sigstore.cosign/chain"
_REKOR: Final = "dev.sigstore.cosign/bundle"
_BUILDKIT: Final = "vnd.docker.reference.digest"
_EMPTY: Final = "application/vnd.oci.empty.v1+json"
_JSON: Final = ("json", "in-toto", "xml", "spdx", "cyclonedx")


class TooMuchAttached(Problem):
    """More is attached to an image than one call takes in."""

    code = "collect.too_much"
    category = Category.TOO_LARGE
    title = "Too much is attached to this image"
    remedy = "Remove old signatures and attestations from the registry, or submit those that matter by hand."


class LayoutHere(Problem):
    """A layout is a folder of whoever asks; a server reads none of its own for a caller."""

    code = "collect.layout_here"
    category = Category.INVALID
    title = "A layout is collected where it lies"
    remedy = (
        "Use stella evidence collect oci:PATH on the machine that holds the layout, or name an image in a registry."
    )


@dataclass(frozen=True, slots=True)
class Attached:
    """A document that is attached to ``subject`` by a manifest."""

    subject: Digest
    manifest: Digest
    media_type: str
    data: bytes

    @property
    def submission(self) -> Submission:
        """What to submit."""
        return Submission(self.data, self.subject)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A layer that is not submitted, and why."""

    subject: Digest
    manifest: Digest
    media_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What lies beside an image."""

    image: Digest
    documents: tuple[Attached, ...]
    skipped: tuple[Skipped, ...]


@dataclass(slots=True)
class _Place:
    """Where an image lies; counts what was read."""

    source: ImageSource
    repository: str
    read: int = 0

    def manifest(self, reference: str) -> Fetched:
        """Read and hash a manifest."""
        found = self.source.manifest(self.repository, reference)
        wanted = reference if digest.is_digest(reference) else found.digest
        if digest.of_bytes(found.data) != wanted:
            raise BytesMismatch(digest=wanted, found=digest.of_bytes(found.data))
        return found

    def blob(self, name: Digest, limit: int = MAX_LAYER) -> bytes:
        """Read and hash a blob of bounded size."""
        data = bytearray()
        for chunk in self.source.blob(self.repository, name):
            data += chunk
            if len(data) > limit:
                raise BlobTooLarge(digest=name, limit=limit)
        if digest.of_bytes(bytes(data)) != name:
            raise BytesMismatch(digest=name, found=digest.of_bytes(bytes(data)))
        self.read += len(data)
        if self.read > MAX_TOTAL:
            raise TooMuchAttached(bytes=self.read, limit=MAX_TOTAL)
        return bytes(data)


def find(sources: Callable[[str], ImageSource], reference: str) -> Found:
    """Find everything attached to an image: ``host/repository:tag``, ``oci:PATH``, ``oci:PATH:NAME``.

    Raises: collect.too_much, image.*, registry.* problems, settings.offline
    """
    place, asked = _place(sources, reference)
    root = place.manifest(asked)
    documents: list[Attached] = []
    skipped: list[Skipped] = []
    seen: set[tuple[Digest, Digest]] = set()
    for subject, manifest in _attachments(place, root):  # (1), (2)
        if (subject, manifest) in seen:
            continue
        seen.add((subject, manifest))
        if len(seen) > MAX_ATTACHED:
            raise TooMuchAttached(manifests=len(seen), limit=MAX_ATTACHED)
        for one in _layers(place, subject, manifest):  # (3)
            (documents if isinstance(one, Attached) else skipped).append(one)  # type: ignore[arg-type]
    return Found(root.digest, tuple(documents), tuple(skipped))


def _place(sources: Callable[[str], ImageSource], reference: str) -> tuple[_Place, str]:
    """Find the source, the repository in it, and what to ask it for; the only image of a layout needs no name."""
    path, _, pinned = reference.removeprefix("oci:").partition("@")
    if reference.startswith("oci:") and ":" not in path.rpartition("/")[2]:
        return _Place(sources(f"oci:{path}"), ""), digest.parse(pinned) if pinned else ""
    location, named = split_layout(reference)
    ref = named if named is not None else references.parse_reference(reference)
    return _Place(sources(location or ref.host), ref.path if not location else ref.repository), ref.asked


def _attachments(place: _Place, root: Fetched) -> Iterator[tuple[Digest, Digest]]:
    """Give (subject, manifest) pairs: what is attached to the index or manifest, and to each manifest below."""
    document = _object(root.data, root.digest)
    yield from ((root.digest, name) for name in place.source.attached(place.repository, root.digest))
    if "manifests" not in document:
        return
    entries = [
        one for one in document["manifests"] if isinstance(one, dict) and digest.is_digest(str(one.get("digest")))
    ]
    if len(entries) > images.NODE_LIMIT:
        raise TooMuchAttached(manifests=len(entries), limit=images.NODE_LIMIT)
    for entry in entries:
        notes = entry.get("annotations")
        about = str(notes.get(_BUILDKIT, "")) if isinstance(notes, dict) else ""
        if digest.is_digest(about):
            yield about, entry["digest"]
        else:
            yield from ((entry["digest"], name) for name in place.source.attached(place.repository, entry["digest"]))


def _layers(place: _Place, subject: Digest, name: Digest) -> Iterator[Attached | Skipped]:
    document = _object(place.manifest(name).data, name)
    layers = document.get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if not isinstance(layer, dict) or not digest.is_digest(str(layer.get("digest"))):
            raise images.ManifestInvalid(digest=name, reason="a layer without SHA-256 digest")
        kind = str(layer.get("mediaType", ""))
        if kind == _EMPTY:
            continue
        if not any(word in kind for word in _JSON):
            yield Skipped(subject, name, kind, "no media type of a document")
            continue
        notes = layer.get("annotations")
        yield _document(place.blob(str(layer["digest"])), kind, notes if isinstance(notes, dict) else {}, subject, name)


def _document(data: bytes, kind: str, notes: dict[str, Any], subject: Digest, manifest: Digest) -> Attached | Skipped:
    """Put a document together, and look whether it is evidence about the subject (4)."""
    try:
        made = _assembled(data, kind, {key: text for key, text in notes.items() if isinstance(text, str)})
        read = [open_document(part) for _, part in parts(made)]
    except Refused as refused:
        fault = refused.faults[0]
        return Skipped(subject, manifest, kind, f"{fault.code}: {fault.message}"[:300])
    except Problem as problem:
        return Skipped(subject, manifest, kind, problem.detail()[:300])
    foreign = next((one for one in read if _foreign(one, subject)), None)
    if foreign is not None:
        return Skipped(subject, manifest, kind, f"it speaks of another digest: {', '.join(_named(foreign))}"[:300])
    return Attached(subject, manifest, kind, made)


def _foreign(one: Opened, subject: Digest) -> bool:
    """Tell whether a signature or statement names digests, and this one is not among them."""
    named = _named(one)
    return bool(named) and subject not in named


def _named(one: Opened) -> Sequence[Digest]:
    if one.readings[0].format.name == COSIGN_NAME:
        facts: Any = one.readings[0].format.read(one.raw, one.version) if one.readings[0].format.read else None
        subjects: tuple[Digest, ...] = facts.subjects
        return subjects
    return one.covered


def _assembled(data: bytes, kind: str, notes: dict[str, str]) -> bytes:
    """Join what cosign keeps in annotations to what it signs."""
    if kind == SIMPLE_SIGNING:
        return cosign_document(
            data, notes.get(_SIGNATURE, ""), notes.get(_CERTIFICATE, ""), notes.get(_CHAIN, ""), notes.get(_REKOR, "")
        )
    if kind == DSSE and notes.get(_CERTIFICATE):
        return bundle_of_attestation(data, notes[_CERTIFICATE].encode(), notes.get(_REKOR, "").encode())
    return data


def _object(data: bytes, name: Digest) -> dict[str, Any]:
    try:
        found = jcs.parse(data, max_bytes=images.MANIFEST_LIMIT, max_depth=32, max_nodes=100_000)
    except CanonInvalid as problem:
        raise images.ManifestInvalid(digest=name, reason=problem.detail()[:200]) from problem
    if not isinstance(found, dict) or not isinstance(found.get("manifests", []), list):
        raise images.ManifestInvalid(digest=name, reason="not a manifest")
    return found
