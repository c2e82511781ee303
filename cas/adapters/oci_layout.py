"""An OCI image layout as a Store: a bundle is just another Store.

Read are its blobs, and the objects inside those layers that are packs of ours, named as such by their media type in a
manifest that index.json names. Written are blobs; what names them (index.json) is whoever makes the bundle's affair.
"""

import contextlib
import mmap
import os
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator
from heapq import merge
from pathlib import Path
from typing import Any, Final, Self

from cas import digest, jcs
from cas.digest import Digest
from cas.pack import Pack, PackInvalid
from cas.problems import Category, HomeReadOnly, ObjectCorrupt, ObjectMissing, Problem

PACK_TYPE: Final = "application/vnd.stella-ops.pack.v1"
"""Media type of a layer that is a pack (cas.pack)."""

INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
CHUNK: Final = 1 << 20
MAX_INDEX: Final = 4 << 20
MAX_MANIFESTS: Final = 1000
_LAYOUT: Final = b'{"imageLayoutVersion":"1.0.0"}'
_EMPTY: Final = b'{"manifests":[],"mediaType":"' + INDEX_TYPE.encode() + b'","schemaVersion":2}'


class LayoutInvalid(Problem):
    """A folder is no OCI image layout, or its index cannot be read."""

    code = "cas.layout_invalid"
    category = Category.INVALID
    title = "Not an OCI image layout"
    remedy = "Name a folder with oci-layout, index.json and blobs/sha256 in it."


class OciLayout:
    """A Store in a folder that skopeo and oras read as well."""

    def __init__(self, folder: Path, *, writable: bool = False) -> None:
        """Open a layout; a writable one is made when it is not there.

        Raises: cas.layout_invalid
        """
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._writable = writable
        self._lock = threading.Lock()
        self._unsynced: set[Path] = set()
        self._maps: list[mmap.mmap] = []
        if writable:
            self._make()
        marker = self._small(folder / "oci-layout")
        if marker is None or _field(marker, "imageLayoutVersion") != "1.0.0":
            raise LayoutInvalid(folder=str(folder))
        self._packs = [self._open_pack(name) for name in self._pack_names()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the packs."""
        for pack in self._packs:
            pack.release()
        self._packs = []
        for mapped in self._maps:
            mapped.close()
        self._maps = []

    def has(self, name: Digest) -> bool:
        """See Store."""
        return self._packed(name) is not None or self._length(name) is not None

    def get(self, name: Digest) -> bytes:
        """See Store."""
        return b"".join(self.read(name))

    def put(self, data: bytes) -> Digest:
        """See Store."""
        return self.write((data,))

    def missing(self, digests: Iterable[Digest]) -> tuple[Digest, ...]:
        """See Store."""
        return tuple(sorted({name for name in digests if not self.has(name)}))

    def size(self, name: Digest) -> int:
        """See Store."""
        packed = self._packed(name)
        length = packed[2] if packed is not None else self._length(name)
        if length is None:
            raise ObjectMissing(digest=name)
        return length

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store."""
        size = self.size(name)
        stop = size if stop is None else min(stop, size)
        chunks = self._chunks(name, start, stop)
        if start or stop < size:
            yield from chunks
            return
        for chunk, found in digest.hashing(chunks):
            if found is None:
                yield chunk
            elif found != name:
                raise ObjectCorrupt(digest=name)

    def write(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """See Store.

        Raises: cas.home_read_only, cas.object_corrupt
        """
        if not self._writable:
            raise HomeReadOnly(folder=str(self._folder))
        handle, partial = tempfile.mkstemp(dir=self._folder, prefix=".partial-")
        name = ""
        try:
            with os.fdopen(handle, "wb") as out:
                for chunk, found in digest.hashing(chunks):
                    out.write(chunk)
                    name = found or name
            _expect(name, expected)
            path = self._path(name)
            Path(partial).chmod(0o644)
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        with self._lock:
            self._unsynced.add(path)
        return name

    def flush(self) -> None:
        """See Store."""
        with self._lock:
            waiting, self._unsynced = self._unsynced, set()
        for path in sorted(waiting):
            _sync(path)
        if waiting:
            _sync(self._blobs)

    def digests(self) -> Iterator[Digest]:
        """See Store."""
        packs = ((digest.from_raw(raw) for raw, _, _ in pack.rows()) for pack in self._packs)
        last = ""
        for name in merge(self._blob_names(), *packs):
            if name != last:
                yield name
            last = name

    def _make(self) -> None:
        self._blobs.mkdir(parents=True, exist_ok=True)
        for path, data in ((self._folder / "oci-layout", _LAYOUT), (self._folder / "index.json", _EMPTY)):
            if not path.exists():
                path.write_bytes(data)
                _sync(path)

    def _path(self, name: Digest) -> Path:
        return self._blobs / digest.parse(name)[7:]

    def _length(self, name: Digest) -> int | None:
        if not digest.is_digest(name):
            return None
        with contextlib.suppress(OSError):
            seen = self._path(name).lstat()
            if stat.S_ISREG(seen.st_mode):  # a link may lead out of the layout, a pipe may never end
                return seen.st_size
        return None

    def _packed(self, name: Digest) -> tuple[Pack, int, int] | None:
        if digest.is_digest(name):
            raw = digest.to_raw(name)
            for pack in self._packs:
                found = pack.find(raw)
                if found is not None:
                    return pack, *found
        return None

    def _chunks(self, name: Digest, start: int, stop: int) -> Iterator[bytes]:
        packed = self._packed(name)
        if packed is not None:
            pack, first, _ = packed
            for at in range(start, stop, CHUNK):
                yield pack.bytes_at(first + at, min(CHUNK, stop - at))
            return
        with self._open(self._path(name)) as blob:
            blob.seek(start)
            at = start
            while at < stop:
                chunk = blob.read(min(CHUNK, stop - at))
                if not chunk:
                    raise ObjectCorrupt(digest=name)
                at += len(chunk)
                yield chunk

    def _open(self, path: Path) -> Any:
        """Open a regular file inside the layout, never through a link."""
        try:
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except OSError as error:
            raise ObjectMissing(digest=f"sha256:{path.name}") from error

    def _small(self, path: Path) -> bytes | None:
        """Read a small file of JSON; None when it is not there or not small."""
        try:
            seen = path.lstat()
            if not stat.S_ISREG(seen.st_mode) or seen.st_size > MAX_INDEX:
                return None
            return path.read_bytes()
        except OSError:
            return None

    def _blob_names(self) -> list[Digest]:
        names = (f"sha256:{path.name}" for path in self._blobs.iterdir()) if self._blobs.is_dir() else ()
        return sorted(name for name in names if self._length(name) is not None)

    def _pack_names(self) -> list[Digest]:
        """List the layers of our media type of all manifests that index.json names."""
        index = self._small(self._folder / "index.json")
        if index is None:
            raise LayoutInvalid(folder=str(self._folder), reason="no index.json")
        names = []
        for manifest in _descriptors(index, "manifests")[:MAX_MANIFESTS]:
            name = manifest.get("digest")
            if isinstance(name, str) and (self._length(name) or MAX_INDEX + 1) <= MAX_INDEX:
                names += [
                    layer["digest"]
                    for layer in _descriptors(self._blob(name), "layers")
                    if layer.get("mediaType") == PACK_TYPE and digest.is_digest(str(layer.get("digest")))
                ]
        return sorted(set(names))

    def _blob(self, name: Digest) -> bytes:
        """Give a blob's bytes, hashed; never an object out of a pack.

        Raises: cas.object_missing, cas.object_corrupt
        """
        with self._open(self._path(name)) as blob:
            data: bytes = blob.read()
        if digest.of_bytes(data) != name:
            raise ObjectCorrupt(digest=name)
        return data

    def _open_pack(self, name: Digest) -> Pack:
        """Map a pack: its index is checked now, each object when it is read.

        Raises: cas.pack_invalid, cas.object_missing
        """
        with self._open(self._path(name)) as blob:
            try:
                mapped = mmap.mmap(blob.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:
                raise PackInvalid(digest=name, reason="empty") from error
        self._maps.append(mapped)
        return Pack(memoryview(mapped))


def _expect(name: Digest, expected: Digest | None) -> None:
    if expected is not None and name != expected:
        raise ObjectCorrupt(digest=expected, found=name)


def _field(data: bytes, name: str) -> Any:
    """Read one member of a small JSON object; None when there is none.

    Raises: cas.layout_invalid
    """
    try:
        value = jcs.parse(data, max_bytes=MAX_INDEX)
    except Problem as problem:
        raise LayoutInvalid(reason=problem.detail()) from problem
    return value.get(name) if isinstance(value, dict) else None


def _descriptors(data: bytes, name: str) -> list[dict[str, Any]]:
    found = _field(data, name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
