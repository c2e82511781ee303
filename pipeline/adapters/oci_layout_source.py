"""Images from an OCI image layout on disk. Knows the layout (OCI image-spec 1.1); must not know what images are for.

Tags are the ``org.opencontainers.image.ref.name`` annotations of index.json, whole references or bare tags, and
containerd's ``io.containerd.image.name``.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cas import digest, jcs
from cas.digest import Digest
from cas.problems import Category, Problem
from pipeline.effects import Fetched
from pipeline.images import ATTACHED_SUFFIXES, MANIFEST_LIMIT

_CHUNK: Final = 1 << 20
_NAMES: Final = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
_KIND: Final = "kind"  # as cosign save notes what an entry is
_COSIGN_IMAGES: Final = ("dev.cosignproject.cosign/image", "dev.cosignproject.cosign/imageIndex")
_COSIGN_BESIDE: Final = (
    "dev.cosignproject.cosign/sigs",
    "dev.cosignproject.cosign/atts",
    "dev.cosignproject.cosign/sboms",
)


class LayoutInvalid(Problem):
    """A directory is not an OCI image layout."""

    code = "registry.layout_invalid"
    category = Category.INVALID
    title = "Not an OCI image layout"
    remedy = "Point to a directory with oci-layout, index.json and blobs/sha256."


class LayoutNameMissing(Problem):
    """A layout has no image of this name, or several."""

    code = "registry.layout_name_missing"
    category = Category.MISSING
    title = "The image layout names no single image so"
    remedy = "Use a name from the ref.name annotations of its index.json, or a digest."


class LayoutBlobMissing(Problem):
    """A layout lacks a blob that its manifests name."""

    code = "registry.layout_blob_missing"
    category = Category.MISSING
    title = "The image layout lacks a blob"
    remedy = "Copy the image into the layout again, whole."


class OciLayoutSource:
    """An ImageSource over a layout directory; files are opened without following links out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def manifest(self, repository: str, reference: str) -> Fetched:  # noqa: ARG002 - see ImageSource
        """See ImageSource. ``repository`` is not used: a layout is one repository."""
        name = reference if digest.is_digest(reference) else self._named(reference)
        data = b"".join(self._open(self._blob_path(name), MANIFEST_LIMIT, name))
        return Fetched(data, "", digest.of_bytes(data))

    def blob(self, repository: str, name: Digest) -> Iterator[bytes]:  # noqa: ARG002 - see ImageSource
        """See ImageSource."""
        return self._open(self._blob_path(name), None, name)

    def attached(self, repository: str, subject: Digest) -> tuple[Digest, ...]:  # noqa: ARG002 - see ImageSource
        """See ImageSource: entries of the index whose subject, tag or kind (as cosign saves them) says so."""
        entries = self._entries()
        stem = subject.replace(":", "-")
        images = [name for notes, name in entries if notes.get(_KIND) in _COSIGN_IMAGES]
        found: list[Digest] = []
        for notes, name in entries:
            tags = {str(notes[key]).rpartition(":")[2].rpartition("/")[2] for key in _NAMES if key in notes}
            if stem in tags:
                found += self._below(name)
            elif (
                tags & {stem + suffix for suffix in ATTACHED_SUFFIXES}
                or (notes.get(_KIND) in _COSIGN_BESIDE and images == [subject])
                or self._subject(name) == subject
            ):
                found.append(name)
        return tuple(dict.fromkeys(found))

    def _below(self, name: Digest) -> list[Digest]:
        """List what the index of a fallback tag names."""
        listed = self._document(name).get("manifests")
        given = [str(one.get("digest")) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return [one for one in given if digest.is_digest(one)]

    def _subject(self, name: Digest) -> str:
        subject = self._document(name).get("subject")
        return str(subject.get("digest")) if isinstance(subject, dict) else ""

    def _document(self, name: Digest) -> dict[str, Any]:
        data = self.manifest("", name).data
        found = jcs.parse(data, max_bytes=MANIFEST_LIMIT, max_depth=32, max_nodes=100_000)
        return found if isinstance(found, dict) else {}

    def names(self) -> tuple[str, ...]:
        """List the names that the layout gives its images, sorted."""
        return tuple(sorted({name for name, _ in self._index()}))

    def _named(self, wanted: str) -> Digest:
        entries = self._index()
        if not wanted:  # the only image there is
            entries = [("", at) for _, at in self._index(named=False)]
        found = {at for name, at in entries if name == wanted}
        found = found or {at for name, at in entries if name.rpartition("/")[2].partition(":")[2] == wanted}
        if len(found) != 1:
            raise LayoutNameMissing(layout=str(self._root), name=wanted, found=len(found))
        return found.pop()

    def _index(self, *, named: bool = True) -> list[tuple[str, Digest]]:
        """List names with what they name; unnamed, every image, without what cosign has put beside one."""
        if named:
            return [(str(notes[key]), name) for notes, name in self._entries() for key in _NAMES if key in notes]
        return [("", name) for notes, name in self._entries() if notes.get(_KIND) not in _COSIGN_BESIDE]

    def _entries(self) -> list[tuple[dict[str, Any], Digest]]:
        """List the index's entries that name a SHA-256 digest, with their annotations."""
        data = b"".join(self._open(self._root / "index.json", MANIFEST_LIMIT, ""))
        document: Any = jcs.parse(data, max_bytes=MANIFEST_LIMIT, max_depth=32, max_nodes=100_000)
        manifests = document.get("manifests") if isinstance(document, dict) else None
        if not isinstance(manifests, list):
            raise LayoutInvalid(layout=str(self._root), reason="index.json has no manifests")
        found = []
        for entry in manifests:
            notes = entry.get("annotations") if isinstance(entry, dict) else None
            name = str(entry.get("digest", "")) if isinstance(entry, dict) else ""
            if digest.is_digest(name):
                found.append((notes if isinstance(notes, dict) else {}, name))
        return found

    def _blob_path(self, name: Digest) -> Path:
        return self._root / "blobs" / "sha256" / digest.parse(name)[7:]

    def _open(self, path: Path, limit: int | None, name: str) -> Iterator[bytes]:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if name:
                raise LayoutBlobMissing(layout=str(self._root), digest=name, reason=error.strerror) from error
            raise LayoutInvalid(layout=str(self._root), reason=error.strerror) from error
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or (limit is not None and found.st_size > limit):
                raise LayoutInvalid(layout=str(self._root), reason=f"{path.name} is no file of an allowed size")
            while chunk := file.read(_CHUNK):
                yield chunk
