"""/v2/: the home as a read-only OCI registry, by digest (OCI distribution 1.1, "pull"). Serves kept images only.

What may be pulled are the manifests, configs and layers of releases whose images are in the home; any other object of
the home does not exist here. Anonymous, because a container engine is; tags are refused: a digest is the name.
"""

import re
import threading
from functools import partial
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from api import exchange, streams
from api.auth import NOBODY
from api.exchange import AnyRequest
from api.visit import Visit, enter
from cas import digest, refs
from cas.digest import Digest
from cas.problems import Problem
from cas.records.release import Release, Resolution
from cas.store import Reader, load
from pipeline.effects import Effects

_NAME: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
_PATH: Final = re.compile(r"(?:/v2/)?(?P<name>(?:[^/]+/)+)(?P<kind>manifests|blobs)/(?P<reference>[^/]+)/?")
_TAGS: Final = re.compile(rf"{_NAME}/tags/list")
_RELEASES: Final = refs.release("")
_MEDIA: Final = {
    "index": "application/vnd.oci.image.index.v1+json",
    "manifest": "application/vnd.oci.image.manifest.v1+json",
}
_STATUS: Final = {"NAME_UNKNOWN": 404, "MANIFEST_UNKNOWN": 404, "BLOB_UNKNOWN": 404, "UNSUPPORTED": 405}


class _Layer(msgspec.Struct, frozen=True):
    digest: str = ""


class _Manifest(msgspec.Struct, frozen=True):
    config: _Layer = _Layer()
    layers: tuple[_Layer, ...] = ()


class Shelf:
    """What may be pulled: digests of kept images with their media types; grows with the releases."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[Digest] = set()
        self._manifests: dict[Digest, str] = {}
        self._blobs: set[Digest] = set()

    def manifest(self, effects: Effects, name: Digest) -> str | None:
        """Give a manifest's media type, or None when it is not on the shelf."""
        self._fill(effects)
        return self._manifests.get(name)

    def blob(self, effects: Effects, name: Digest) -> bool:
        """Tell whether a blob is on the shelf; manifests are blobs too."""
        self._fill(effects)
        return name in self._blobs or name in self._manifests

    def _fill(self, effects: Effects) -> None:
        for _, at in effects.log.refs(_RELEASES):
            if at not in self._seen:
                with self._lock:
                    self._add(effects.store, load(effects.store, at, Release))
                    self._seen.add(at)

    def _add(self, store: Reader, release: Release) -> None:
        for component in release.components:
            if not component.images_kept:
                continue
            for node in load(store, component.resolution, Resolution).nodes:
                if node.role in ("index", "manifest", "attestation"):
                    self._manifests[node.digest] = node.media_type or _MEDIA.get(node.role, _MEDIA["manifest"])
                else:
                    self._blobs.add(node.digest)
                if node.role in ("manifest", "attestation") and store.has(node.digest):
                    self._layers(store.get(node.digest))

    def _layers(self, data: bytes) -> None:
        try:
            manifest = msgspec.json.decode(data, type=_Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        self._blobs |= {item.digest for item in (manifest.config, *manifest.layers) if digest.is_digest(item.digest)}


def handlers() -> list[HTTPRouteHandler]:
    """Give the Litestar handlers of this module."""
    return [
        HTTPRouteHandler(path, http_method=method, name=f"registry.{method}.{len(path)}")(_pull)
        for path in ("/v2", "/v2/{path:path}")
        for method in ("GET", "HEAD")
    ]


async def _pull(request: AnyRequest) -> Response[bytes] | Stream:
    return await streams.lanes_of(request).run(partial(_answer, request))


def _answer(request: AnyRequest) -> Response[bytes] | Stream:
    path = str(request.path_params.get("path", "")).lstrip("/")
    if not path:
        return exchange.reply(b"{}", 200, Docker_Distribution_API_Version="registry/2.0")
    if _TAGS.fullmatch(path):
        return _refuse("UNSUPPORTED", "pull by digest: this registry has no tags")
    found = _PATH.fullmatch(path)
    if found is None or not re.fullmatch(_NAME, found["name"].rstrip("/")):
        return _refuse("NAME_UNKNOWN", "no such repository")
    instance = exchange.instance_of(request)
    visit = enter(instance, NOBODY, local=False)
    missing = "MANIFEST_UNKNOWN" if found["kind"] == "manifests" else "BLOB_UNKNOWN"
    reference = found["reference"]
    if not digest.is_digest(reference):
        return _refuse(missing, "pull by digest: this registry has no tags")
    return _give(request, visit, found["kind"], reference, missing)


def _give(request: AnyRequest, visit: Visit, kind: str, name: Digest, missing: str) -> Response[bytes] | Stream:
    shelf: Shelf = request.app.state.shelf
    media = shelf.manifest(visit.effects, name) if kind == "manifests" else "application/octet-stream"
    if media is None or (kind == "blobs" and not shelf.blob(visit.effects, name)):
        return _refuse(missing, "not among the images kept here")
    headers = {"Docker_Content_Digest": name, "Docker_Distribution_API_Version": "registry/2.0"}
    try:
        if request.method == "HEAD":
            size = str(visit.effects.store.size(name))
            return exchange.reply(b"", 200, media, Content_Length=size, Accept_Ranges="bytes", **headers)
        return streams.given(request, visit, name, media, **headers)
    except Problem as problem:
        if problem.code == "cas.object_missing":
            return _refuse(missing, "not here")
        raise


def _refuse(code: str, message: str) -> Response[bytes]:
    body: dict[str, Any] = {"errors": [{"code": code, "message": message, "detail": None}]}
    return exchange.reply(msgspec.json.encode(body), _STATUS[code])
