"""A snapshot of another instance, out of its signed bundle: what it was made of is imported here by our own rules.

A snapshot counts only as the output of a Run of this instance. So the bundle is checked against the root that must
have signed it, and its documents are read anew; how old they are stays as their own instance captured them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cas.canon import to_record
from cas.digest import Digest
from cas.records.base import Instant
from cas.records.feed import FeedDocuments2, FeedDocumentTree, FeedFile, FeedSnapshot2
from cas.store import load
from pipeline.operations.attestations import kind_of
from replay.opened import OpenedBundle
from replay.problems import BundleInvalid

_KIND = "feed_snapshot/2"


@dataclass(frozen=True, slots=True)
class Carried:
    """What a bundle carries of a snapshot; ``documents`` are read as they are asked for."""

    snapshot: Digest
    name: str
    captured_at: Instant
    files: tuple[FeedFile, ...]
    documents: Iterator[bytes]
    kev: bytes | None
    epss: bytes | None


def carried(path: Path, root: Digest) -> Carried:
    """Open a bundle that this root signed, and give what it carries of its snapshot.

    Raises: bundle.invalid
    """
    bundle = OpenedBundle(path, root)
    if not bundle.established:
        raise BundleInvalid(path=str(path), reason="another root signed it")
    names = [name for name in bundle.manifest.roots if bundle.has(name) and kind_of(bundle.get(name)) == _KIND]
    if len(names) != 1:
        raise BundleInvalid(path=str(path), reason="it was not written for one snapshot")
    found = to_record(bundle.get(names[0]), FeedSnapshot2)
    lists = {one.form: one.files[0].digest for one in found.sources if one.form in ("kev", "epss") and one.files}
    held = {form: bundle.get(name) for form, name in lists.items() if bundle.has(name)}
    size = path.stat().st_size
    return Carried(
        snapshot=names[0],
        name=found.name,
        captured_at=min(one.captured_at for one in found.sources) if found.sources else found.captured_at,
        files=(FeedFile(name=path.name[:255], digest=bundle.manifest_digest, size=size),),
        documents=_documents(bundle, found),
        kev=held.get("kev"),
        epss=held.get("epss"),
    )


def _documents(bundle: OpenedBundle, found: FeedSnapshot2) -> Iterator[bytes]:
    for leaf in load(bundle, found.documents, FeedDocumentTree).leaves:
        for row in load(bundle, leaf.digest, FeedDocuments2).documents:
            yield bundle.get(row.raw)
