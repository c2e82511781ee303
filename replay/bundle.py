"""Exporting: the closure of some records as an OCI image layout in one deterministic archive. Holds no key.

The same log state and roots give the same bytes: nothing of the moment enters, signing is deterministic, and every
header is the one that ``verify.py`` renders. Nothing is appended to the log.
"""

import base64
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cas import canon, digest, pack, refs
from cas.closure import FEEDS, Closure, admissions, closure
from cas.digest import Digest
from cas.layers import Through
from cas.log import Log, LogHead
from cas.problems import ObjectMissing
from cas.records.proof import BundleLog, BundleManifest, ProvenEntry, TrustRoot
from cas.store import InFiles, Reader, Store, load
from pipeline.attest import statements
from pipeline.effects import Signer
from pipeline.operations.attestations import kind_of, sign_statement
from pipeline.operations.trust import NotFounded
from replay import verify
from replay.draft import Draft, Packing, Piece, Scratch
from replay.problems import BundleExists

PACK_BYTES: Final = 256 << 20
_FLUSH: Final = 1 << 20
_REMEMBERED: Final = 128 << 20
_PEEKED: Final = 16
_ZERO: Final = bytes(verify.BLOCK)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the archive's size, and its manifest, which names what travels and what does not."""

    path: Path
    size: int
    manifest_digest: Digest
    manifest: BundleManifest


@dataclass(frozen=True, slots=True)
class _Blob:
    """A blob to be written: its bytes, or where they are."""

    digest: Digest
    size: int
    data: bytes | tuple[Piece, ...]


def export(
    store: Store,
    log: Log,
    signer: Signer,
    roots: Iterable[Digest],
    path: Path,
    *,
    leave_out: Callable[[Digest], bool] = lambda _: False,
    pack_bytes: int = PACK_BYTES,
) -> Exported:
    """Write a bundle of some records and all that they rest on.

    (1) the closure, with trust root and directory; (2) packs of its objects, sorted, each object verified; (3) the
    log's entries with their proofs; (4) the manifest, its envelope, the checkpoint; (5) one archive, durable under its
    name or not there at all.

    Raises: trust.not_founded, bundle.exists, cas.object_missing, cas.object_corrupt
    """
    trust_root, directory = log.ref(refs.TRUST_ROOT), log.ref(refs.DIRECTORY)
    if trust_root is None or directory is None:
        raise NotFounded
    if path.exists():
        raise BundleExists(path=str(path))
    head = log.head()
    wanted = tuple(sorted(set(roots)))
    with (
        tempfile.TemporaryDirectory(prefix=".bundle-", dir=path.parent) as folder,
        Scratch(Path(folder) / "scratch") as scratch,
    ):
        store = _Once(store, scratch)
        reached = closure(  # (1)
            {*wanted, trust_root, directory}, store, admissions(log), leave_out=leave_out, opaque=_opaque(wanted, store)
        )
        packs = [_pack(part, store, scratch) for part in _parts(reached, store, pack_bytes)]
        entries = tuple(position for position in reached.entries if position < head.size)
        proven = _blob(canon.of_record(_proven(log, head, entries)))  # (3)
        verifier = _blob(Path(verify.__file__).read_bytes())
        manifest = BundleManifest(
            origin=load(store, trust_root, TrustRoot).origin,
            log_size=head.size,
            log_root=head.root,
            roots=wanted,
            packs=tuple(each.digest for each in packs),
            objects=len(reached.present),
            trust_root=trust_root,
            log=proven.digest,
            verifier=verifier.digest,
            entries=entries,
            absent=tuple(sorted({*reached.absent, *reached.left_out})),
        )
        blobs = _signed(manifest, signer, packs, proven, verifier)  # (4)
        return _write(path, Path(folder) / "bundle.tar", manifest, blobs)  # (5)


def _opaque(roots: Sequence[Digest], store: Reader) -> frozenset[str]:
    """Name the kinds that are not looked into: of a snapshot that is asked for itself, only how it was made."""
    whole = any(store.has(name) and kind_of(store.get(name)) == "feed_snapshot/2" for name in roots)
    return frozenset({"run/1", "feed_capture/2"}) if whole else FEEDS


def _parts(reached: Closure, store: Store, limit: int) -> Iterator[list[tuple[bytes, int]]]:
    """Cut the sorted objects into runs of at most ``limit`` bytes, so that no pack outgrows a header or a disk."""
    part: list[tuple[bytes, int]] = []
    total = 0
    for name in reached.present:
        size = store.size(name)
        if part and total + size > limit:
            yield part
            part, total = [], 0
        part.append((digest.to_raw(name), size))
        total += size
    yield part


def _pack(part: Sequence[tuple[bytes, int]], store: "_Once", scratch: Scratch) -> _Blob:
    """Make one pack: small objects are gathered, so that hashing and writing see megabytes; large ones are streamed.

    The store verified what leaves it; a file of the store's is verified here.
    """
    packing = Packing(scratch)
    waiting, length = [pack.layout(part)], 0
    for raw, size in part:
        name = digest.from_raw(raw)
        if size < _FLUSH:
            waiting.append(store.get(name))
            length += size
        if size >= _FLUSH or length >= _FLUSH:
            packing.add(b"".join(waiting))
            waiting, length = [], 0
        if size >= _FLUSH:
            path = store.file_of(name)
            if path is not None:
                packing.add_file(name, path, size)
            else:
                for chunk in store.read(name):
                    packing.add(chunk)
    packing.add(b"".join(waiting))
    return _Blob(*packing.done())


class _Once(Through):
    """Remembers the small objects that the closure read, so that they are neither read nor hashed again.

    Those that are files it has hashed while the closure goes on.
    """

    def __init__(self, store: Store, scratch: Scratch) -> None:
        super().__init__(store)
        self._scratch = scratch
        self._held: dict[Digest, bytes] = {}
        self._sizes: dict[Digest, int] = {}
        self._room = _REMEMBERED

    def has(self, name: Digest) -> bool:
        """See Store."""
        try:
            self._sizes[name] = self._store.size(name)
        except ObjectMissing:
            return False
        return True

    def get(self, name: Digest) -> bytes:
        """See Store."""
        data = self._held.pop(name, None)
        if data is None:
            data = self._store.get(name)
            if len(data) < min(_FLUSH, self._room):
                self._room -= len(data)
                self._held[name] = data
        return data

    def size(self, name: Digest) -> int:
        """See Store."""
        size = self._sizes.get(name)
        if size is None:
            size = self._sizes[name] = self._store.size(name)
        return size

    def read(self, name: Digest, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """See Store; a few bytes of a file are given at once: that all of it is right is held against its pack."""
        path = self.file_of(name) if stop is not None and stop - start <= _PEEKED else None
        if path is None:
            yield from self._store.read(name, start, stop)
            return
        self._scratch.verify(name, path)
        with path.open("rb", buffering=0) as file:
            yield os.pread(file.fileno(), (stop or 0) - start, start)

    def file_of(self, name: Digest) -> Path | None:
        """See InFiles."""
        return self._store.file_of(name) if isinstance(self._store, InFiles) else None


def _blob(data: bytes) -> _Blob:
    return _Blob(digest.of_bytes(data), len(data), data)


def _proven(log: Log, head: LogHead, positions: Sequence[int]) -> BundleLog:
    entries = []
    for position in positions:
        entry = next(each for _, each in log.read(position, position + 1))
        proof = tuple(base64.b64encode(node).decode("ascii") for node in log.inclusion(position, head.size))
        entries.append(ProvenEntry(position=position, entry=entry, proof=proof))
    return BundleLog(size=head.size, root=head.root, entries=tuple(entries))


def _signed(
    manifest: BundleManifest, signer: Signer, packs: Sequence[_Blob], proven: _Blob, verifier: _Blob
) -> tuple[bytes, bytes, list[_Blob]]:
    """Sign manifest and checkpoint, and render what an OCI layout wants: index.json and every blob."""
    kept = _blob(canon.of_record(manifest))
    payload = statements.build("bundle", kept.digest, "bundle_manifest/1", (("manifest.json", kept.digest),))
    envelope = _blob(sign_statement(payload, [signer]))
    checkpoint = _blob(_checkpoint(manifest, signer))
    others = [
        (verify.TYPE_LOG, "log.json", proven),
        (verify.TYPE_CHECKPOINT, "checkpoint", checkpoint),
        (verify.TYPE_ENVELOPE, "manifest.dsse.json", envelope),
        (verify.TYPE_VERIFIER, "verify.py", verifier),
    ]
    image, index = verify.oci_documents(
        canon.of_record(manifest),
        [(each.digest, each.size) for each in packs],
        [(kind, title, each.digest, each.size) for kind, title, each in others],
    )
    return verify.LAYOUT, index, [*packs, kept, _blob(image), *(each for _, _, each in others)]


def _checkpoint(manifest: BundleManifest, signer: Signer) -> bytes:
    key = verify.judge_key(_key_fields(signer), "server")
    root = digest.to_raw(manifest.log_root)
    text = verify.checkpoint_text(manifest.origin, manifest.log_size, root)
    _, hint = verify.note_key(manifest.origin, key)
    return verify.checkpoint_note(manifest.origin, manifest.log_size, root, hint, signer.sign(text))


def _key_fields(signer: Signer) -> dict[str, object]:
    key = signer.key
    return {
        "id": key.id,
        "algorithm": key.algorithm,
        "spki": key.spki,
        "purposes": list(key.purposes),
        "revoked_at": key.revoked_at,
    }


def _write(path: Path, draft: Path, manifest: BundleManifest, made: tuple[bytes, bytes, list[_Blob]]) -> Exported:
    layout, index, blobs = made
    with Draft(draft) as file:
        named = {f"blobs/sha256/{each.digest[7:]}": each for each in blobs}
        members = [("oci-layout", _blob(layout)), ("index.json", _blob(index)), *sorted(named.items())]
        for name, blob in members:
            _member(file, name, blob)
        file.write(_ZERO * 2)
        file.settle()
        size = file.size
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise BundleExists(path=str(path)) from error
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return Exported(path, size, digest.of_bytes(canon.of_record(manifest)), manifest)


def _member(file: Draft, name: str, blob: _Blob) -> None:
    file.write(verify.tar_header(name, blob.size))
    if isinstance(blob.data, bytes):
        file.write(blob.data)
    else:
        file.copy(blob.data)
    file.write(_ZERO[: -blob.size % verify.BLOCK])
