"""Images: the graph index → manifest → config, and which platforms it offers. Must not fetch anything itself.

Identity comes from bytes we hashed. A graph has at most two levels of manifests (OCI image index 1.1); what an index
says of a platform counts only where the config does not contradict it; attestation manifests are never deployable.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from cas import digest, jcs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.release import ImageNode
from pipeline.effects import Fetched

MANIFEST_LIMIT: Final = 4 << 20
CONFIG_LIMIT: Final = 4 << 20
NODE_LIMIT: Final = 256

INDEX_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
CONFIG_TYPES: Final = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)

ATTACHED_SUFFIXES: Final = (".sig", ".att", ".sbom")
"""How cosign's tags end, after ``sha256-<hex>`` of what they are about."""

_PLATFORM: Final = re.compile(r"\A[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9._]+)?\Z")


class ManifestInvalid(Problem):
    """A manifest, index or config is not what its media type says."""

    code = "image.manifest_invalid"
    category = Category.INVALID
    title = "The image's manifest cannot be used"
    remedy = "Push the image again with a current builder, then resolve it again."


class PlatformMissing(Problem):
    """An image has no manifest for a platform that was asked for."""

    code = "image.platform_missing"
    category = Category.INVALID
    title = "The image does not have this platform"
    remedy = "Build the image for this platform, or leave the platform out of the component."


def graph(root: Fetched, fetch: Callable[[Digest], Fetched], blob: Callable[[Digest], bytes]) -> tuple[ImageNode, ...]:
    """Walk an image from its root and list its nodes, sorted by digest.

    ``fetch`` gives manifests, ``blob`` small blobs; both must give bytes that hash to the digest asked for.

    Raises: image.manifest_invalid
    """
    nodes: dict[Digest, ImageNode] = {}
    document = _document(root.data, root.digest)
    kind = media_type(document, root.media_type)
    if kind not in INDEX_TYPES:
        _add_manifest(nodes, root, document, "", attestation=False, blob=blob)
        return tuple(nodes[name] for name in sorted(nodes))
    below = []
    for at, entry in enumerate(_list(document, "manifests", root.digest)):
        child, declared, attestation = _descriptor(entry, root.digest, at)
        below.append(child)
        fetched = fetch(child)
        inner = _document(fetched.data, child)
        if media_type(inner, fetched.media_type) in INDEX_TYPES:
            raise ManifestInvalid(digest=child, reason="an index inside an index")
        _add_manifest(nodes, fetched, inner, declared, attestation=attestation, blob=blob)
    nodes[root.digest] = _node(root.digest, kind, len(root.data), role="index", below=below)
    return tuple(nodes[name] for name in sorted(nodes))


def _add_manifest(
    nodes: dict[Digest, ImageNode],
    fetched: Fetched,
    document: dict[str, Any],
    declared: str,
    *,
    attestation: bool,
    blob: Callable[[Digest], bytes],
) -> None:
    kind = media_type(document, fetched.media_type)
    if kind not in MANIFEST_TYPES:
        raise ManifestInvalid(digest=fetched.digest, reason=f"unknown media type {kind[:100]}")
    config = document.get("config")
    if not isinstance(config, dict) or not digest.is_digest(str(config.get("digest"))):
        raise ManifestInvalid(digest=fetched.digest, reason="no config descriptor")
    name, config_type = str(config["digest"]), str(config.get("mediaType", ""))
    if attestation or config_type not in CONFIG_TYPES:
        # an artifact (signature, SBOM, attestation): listed, never deployable
        nodes.setdefault(fetched.digest, _node(fetched.digest, kind, len(fetched.data), role="attestation"))
        return
    data = blob(name)
    platform = platform_of_config(_document(data, name))
    nodes.setdefault(
        fetched.digest,
        _node(
            fetched.digest,
            kind,
            len(fetched.data),
            role="manifest",
            platform=_agreed(declared, platform),
            below=(name,),
        ),
    )
    nodes.setdefault(name, _node(name, config_type, len(data), role="config", platform=platform))


def _agreed(declared: str, found: str) -> str:
    """The platform an index and a config agree on; unknown (empty) where they contradict each other."""
    if not declared or not found:
        return declared or found
    if declared.split("/")[:2] != found.split("/")[:2]:
        return ""
    return max(declared, found, key=len)  # one of them may leave out the variant


def _node(
    name: Digest, kind: str, size: int, *, role: Any, platform: str = "", below: Iterable[Digest] = ()
) -> ImageNode:
    return ImageNode(
        digest=name, media_type=kind, size=size, role=role, platform=platform, below=tuple(sorted(set(below)))
    )


def _document(data: bytes, name: Digest) -> dict[str, Any]:
    value = jcs.parse(data, max_bytes=MANIFEST_LIMIT, max_depth=32, max_nodes=100_000)
    if not isinstance(value, dict):
        raise ManifestInvalid(digest=name, reason="not a JSON object")
    return value


def media_type(document: dict[str, Any], served: str) -> str:
    """Tell a manifest's type: what its own bytes say, else its shape; the header only when it agrees with the shape."""
    own = document.get("mediaType")
    kind = own if isinstance(own, str) and own else served.partition(";")[0].strip()
    shape = INDEX_TYPES if "manifests" in document else MANIFEST_TYPES
    if ("manifests" in document) == ("config" in document or "layers" in document):
        return "ambiguous"  # OCI image-spec: an index is never also a manifest (CVE-2021-41190)
    return kind if kind in shape else (shape[0] if not own else kind)


def _list(document: dict[str, Any], key: str, name: Digest) -> list[Any]:
    found = document.get(key)
    if not isinstance(found, list) or len(found) > NODE_LIMIT:
        raise ManifestInvalid(digest=name, reason=f"{key} is missing, or has more than {NODE_LIMIT} members")
    return found


def _descriptor(entry: Any, name: Digest, at: int) -> tuple[Digest, str, bool]:
    """Give a child's digest, its declared platform (empty when unknown), and whether it is an attestation."""
    if not isinstance(entry, dict) or not digest.is_digest(str(entry.get("digest"))):
        raise ManifestInvalid(digest=name, reason=f"manifests/{at} has no SHA-256 digest")
    notes = entry.get("annotations")
    attestation = isinstance(notes, dict) and "vnd.docker.reference.type" in notes
    platform = entry.get("platform")
    return str(entry["digest"]), platform_of_config(platform) if isinstance(platform, dict) else "", attestation


def platform_of_config(config: dict[str, Any]) -> str:
    """Write ``os/architecture[/variant]``; empty when it is unknown or not written as platforms are."""
    parts = [config.get("os"), config.get("architecture"), config.get("variant")]
    text = "/".join(part for part in parts if isinstance(part, str) and part)
    known = all(isinstance(part, str) and part not in {"", "unknown"} for part in parts[:2])
    return text if known and _PLATFORM.match(text) else ""
