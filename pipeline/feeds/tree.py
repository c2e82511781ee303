"""Feed trees: reading branches, and building the next snapshot out of the one before and new documents.

snapshot → ecosystem → 256 buckets by package name → one object per package. What did not change keeps its digest, so it
is shared. Beside it stands a tree of documents by id, so that the next import knows what is new, changed or gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cas.digest import Digest
from cas.records.evidence import Advisory
from cas.records.feed import (
    FeedBucket,
    FeedDocument,
    FeedDocuments,
    FeedDocumentTree,
    FeedEcosystem,
    FeedPackage,
    FeedSnapshot,
)
from pipeline.feeds.branches import branch, bucket, named
from pipeline.feeds.lists import leaf
from pipeline.formats import osv
from pipeline.stage import StageIO

_CACHED: Final = 2048

Place = tuple[str, str]
"""(ecosystem, package name)."""


@dataclass(slots=True)
class _Incoming:
    """What the new documents change: per package, which document now speaks under which id (None: none any more)."""

    documents: dict[str, FeedDocument] = field(default_factory=dict)
    touched: dict[Place, dict[str, Digest | None]] = field(default_factory=dict)
    fresh: int = 0


@dataclass(frozen=True, slots=True)
class Built:
    """New trees: ecosystems by name, the document tree, newest ``modified`` among the new, how many ids are new."""

    ecosystems: dict[str, Digest]
    documents: Digest
    newest: str
    fresh: int


class Builder:
    """Builds the next snapshot's trees through ``io``."""

    def __init__(self, io: StageIO, base: FeedSnapshot | None) -> None:
        self._io = io
        self._base = base
        self._read: dict[Digest, dict[Place, list[Advisory]]] = {}

    def build(self, raws: Iterable[Digest]) -> Built:
        """Build over the base.

        (1) read what each document speaks of, the newest of each id counting; (2) compare with the documents known;
        (3) rebuild only packages, buckets and ecosystems that are touched.

        Raises: evidence.unreadable
        """
        newest, incoming = self._incoming(raws)  # (1)
        documents = self._documents(incoming)  # (2)
        return Built(self._ecosystems(incoming.touched), documents, newest, incoming.fresh)  # (3)

    def _incoming(self, raws: Iterable[Digest]) -> tuple[str, _Incoming]:
        found = _Incoming()
        newest = ""
        for raw in raws:
            name, modified, places = osv.places(self._io.read(raw))
            newest = max(newest, modified)
            held = found.documents.get(name)
            if held is None or (held.modified, held.raw) < (modified, raw):
                found.documents[name] = FeedDocument(id=name, raw=raw, modified=modified, places=places)
        return newest, found

    def _documents(self, incoming: _Incoming) -> Digest:
        root: dict[str, Digest] = {}
        if self._base is not None and self._base.documents is not None:
            root = named(self._io.load(self._base.documents, FeedDocumentTree).leaves)
        by_leaf: dict[str, list[FeedDocument]] = {}
        for document in incoming.documents.values():
            by_leaf.setdefault(leaf(document.id), []).append(document)
        for name, fresh in by_leaf.items():
            held = self._io.load(root[name], FeedDocuments).documents if name in root else ()
            known = {document.id: document for document in held}
            for document in fresh:
                self._take(document, known, incoming)
            ordered = tuple(known[key] for key in sorted(known))
            root[name] = self._io.keep(FeedDocuments(documents=ordered))
        return self._io.keep(FeedDocumentTree(leaves=branch(root)))

    @staticmethod
    def _take(document: FeedDocument, known: dict[str, FeedDocument], incoming: _Incoming) -> None:
        """Let a document replace the one known under its id, unless that is the same or newer."""
        held = known.get(document.id)
        if held is not None and (held.raw == document.raw or held.modified > document.modified):
            return
        incoming.fresh += held is None
        for place in held.places if held is not None else ():
            incoming.touched.setdefault(place, {})[document.id] = None
        for place in document.places:
            incoming.touched.setdefault(place, {})[document.id] = document.raw
        known[document.id] = document

    def _ecosystems(self, touched: dict[Place, dict[str, Digest | None]]) -> dict[str, Digest]:
        ecosystems = named(self._base.ecosystems) if self._base is not None else {}
        by_ecosystem: dict[str, dict[str, list[str]]] = {}
        for ecosystem, name in sorted(touched):
            by_ecosystem.setdefault(ecosystem, {}).setdefault(bucket(name), []).append(name)
        for ecosystem, by_bucket in by_ecosystem.items():
            held = ecosystems.get(ecosystem)
            buckets = named(self._io.load(held, FeedEcosystem).buckets) if held else {}
            for prefix, names in by_bucket.items():
                packages = named(self._io.load(buckets[prefix], FeedBucket).packages) if prefix in buckets else {}
                for name in names:
                    self._package(packages, ecosystem, name, touched[ecosystem, name])
                buckets[prefix] = self._io.keep(FeedBucket(packages=branch(packages)))
            ecosystems[ecosystem] = self._io.keep(FeedEcosystem(ecosystem=ecosystem, buckets=branch(buckets)))
        return ecosystems

    def _package(
        self, packages: dict[str, Digest], ecosystem: str, name: str, changes: dict[str, Digest | None]
    ) -> None:
        held = self._io.load(packages[name], FeedPackage).advisories if name in packages else ()
        kept = [advisory for advisory in held if advisory.id not in changes]
        for raw in changes.values():
            if raw is not None:
                kept += self._advisories(raw).get((ecosystem, name), [])
        kept.sort(key=lambda each: (each.id, each.pointer))
        if kept:
            packages[name] = self._io.keep(FeedPackage(ecosystem=ecosystem, name=name, advisories=tuple(kept)))
        else:
            packages.pop(name, None)

    def _advisories(self, raw: Digest) -> dict[Place, list[Advisory]]:
        """Read a document's advisories; the last 2,048 read are held, so memory does not grow with the feed."""
        found = self._read.pop(raw, None)
        if found is None:
            found = {}
            for ecosystem, name, advisory in osv.advisories(self._io.read(raw), raw):
                found.setdefault((ecosystem, name), []).append(advisory)
            if len(self._read) >= _CACHED:
                del self._read[next(iter(self._read))]
        self._read[raw] = found
        return found
