"""Resolve references to digests once, and keep images in the home. Never trusts what a source claims."""

from collections.abc import Iterator
from typing import Any

from cas import digest, jcs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.release import Resolution
from cas.store import load, save
from pipeline import images
from pipeline.effects import Effects, Fetched, ImageSource
from targets import references
from targets.platforms import platform_manifest
from targets.references import Reference

LAYER_LIMIT = 64 << 30


class BytesMismatch(Problem):
    """A source served bytes that are not what their digest names."""

    code = "image.digest_mismatch"
    category = Category.CORRUPT
    title = "The registry served other bytes than it was asked for"
    remedy = "Do not use this image. Compare the registry with another copy; its storage may have been changed."


class BlobTooLarge(Problem):
    """A blob is longer than its descriptor or the limit says."""

    code = "image.blob_too_large"
    category = Category.TOO_LARGE
    title = "The image's blob is larger than allowed"
    remedy = "Check the image; configs may have 4 MiB, layers what their manifest says."


def resolve(effects: Effects, reference: str, *, source: ImageSource | None = None) -> tuple[Resolution, Digest]:
    """Ask once what a reference names; keep manifests, configs and the Resolution as objects.

    The record is not admitted here: it stands beside the release that uses it.

    Raises: image.reference_invalid, image.manifest_invalid, image.digest_mismatch, registry.* problems
    """
    location, named = split_layout(reference)
    ref = named if named is not None else references.parse_reference(reference)
    source = source or effects.images(location or ref.host)
    repository = ref.path if not location else ref.repository
    root = _checked(source.manifest(repository, ref.asked), ref.digest)
    effects.store.put(root.data)

    def fetch(name: Digest) -> Fetched:
        found = _checked(source.manifest(repository, name), name)
        effects.store.put(found.data)
        return found

    def blob(name: Digest) -> bytes:
        data = b"".join(_bounded(source.blob(repository, name), images.CONFIG_LIMIT, name))
        if digest.of_bytes(data) != name:
            raise BytesMismatch(digest=name, found=digest.of_bytes(data))
        effects.store.put(data)
        return data

    shown, tag = _in_layout(ref) if location else (ref.repository, ref.tag)
    resolution = Resolution(
        reference=reference,
        repository=shown,
        tag=tag or ("" if ref.digest else "latest"),
        root=root.digest,
        nodes=images.graph(root, fetch, blob),
    )
    return resolution, save(effects.store, resolution)


def split_layout(reference: str) -> tuple[str, Reference | None]:
    """Split ``oci:PATH:NAME`` (as skopeo writes it), where NAME is a tag or a reference in the layout's index.

    Gives the location for ``Effects.images`` and the reference in it; an empty location for everything else.

    Raises: image.reference_invalid
    """
    if not reference.startswith("oci:"):
        return "", None
    path, slash, last = reference[4:].rpartition("/")
    head, colon, name = last.partition(":")
    path = path + slash + head
    if not path or not colon or not name:
        raise references.ReferenceInvalid(reference=reference[:200])
    name, _, pinned = name.partition("@")
    if pinned and not digest.is_digest(pinned):
        raise references.ReferenceInvalid(reference=reference[:200])
    stem = head.lower().strip("._-") or "image"
    return f"oci:{path}", Reference("", stem, name, pinned)


def _in_layout(ref: Reference) -> tuple[str, str]:
    """Give repository and tag of a name in a layout: ``repository:tag``, or a tag of the layout's own folder."""
    repository, colon, tag = ref.tag.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (ref.path, ref.tag)


def keep_images(effects: Effects, resolution: Resolution, platforms: tuple[str, ...]) -> tuple[Digest, ...]:
    """Copy the layers of these platforms into the home, streamed and verified; those that are here are not asked for.

    Raises: image.platform_missing, image.digest_mismatch, image.blob_too_large, registry.* problems
    """
    location, named = split_layout(resolution.reference)
    ref = named if named is not None else references.parse_reference(resolution.reference)
    source = effects.images(location or ref.host)
    repository = ref.path if not location else ref.repository
    kept: list[Digest] = []
    for platform in platforms:
        manifest = platform_manifest(resolution, platform)
        if manifest is None:
            raise images.PlatformMissing(reference=resolution.reference, platform=platform)
        for name, size in layers(effects.store.get(manifest), manifest):
            kept.append(name)
            if not effects.store.has(name):
                effects.store.write(_bounded(source.blob(repository, name), size, name), name)
    return tuple(sorted(set(kept)))


def layers(data: bytes, manifest: Digest) -> tuple[tuple[Digest, int], ...]:
    """List a manifest's layers as (digest, size).

    Raises: image.manifest_invalid
    """
    document: Any = jcs.parse(data, max_bytes=images.MANIFEST_LIMIT, max_depth=32, max_nodes=100_000)
    found = []
    for layer in document.get("layers", ()):
        name, size = (layer.get("digest"), layer.get("size")) if isinstance(layer, dict) else (None, None)
        if not isinstance(name, str) or not digest.is_digest(name) or type(size) is not int:
            raise images.ManifestInvalid(digest=manifest, reason="a layer without SHA-256 digest and size")
        if not 0 <= size <= LAYER_LIMIT:
            raise BlobTooLarge(digest=name, size=size)
        found.append((name, size))
    return tuple(found)


def of_component(effects: Effects, resolution: Digest) -> Resolution:
    """Read a component's Resolution."""
    return load(effects.store, resolution, Resolution)


def _checked(found: Fetched, wanted: str) -> Fetched:
    """Hash what was served ourselves; the header's digest counts for nothing."""
    own = digest.of_bytes(found.data)
    if own != found.digest or (wanted and own != wanted):
        raise BytesMismatch(digest=wanted or found.digest, found=own)
    return found


def _bounded(chunks: Iterator[bytes], limit: int, name: Digest) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise BlobTooLarge(digest=name, limit=limit)
        yield chunk
