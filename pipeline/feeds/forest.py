"""The trees of a snapshot: documents by id, names by name, packages by ecosystem; the next built out of those before.

What did not change keeps its digest, so it is shared. How many buckets a branch has follows from how many packages it
holds, so a tree does not tell in which steps it grew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cas.digest import Digest
from cas.records.feed import (
    Advisory2,
    FeedDocument2,
    FeedDocuments2,
    FeedDocumentTree,
    FeedNames,
    FeedNameTree,
    FeedPackage2,
    FeedRules,
    FeedSnapshot2,
)
from pipeline.feeds.branches import branch, named
from pipeline.feeds.hung import Hung
from pipeline.feeds.names import leaf
from pipeline.feeds.rules import rules_of
from pipeline.feeds.vulnerabilities import Joined, Vulnerabilities, advisory, own_names
from pipeline.formats import osv_documents
from pipeline.formats.osv_documents import Spoken
from pipeline.stage import StageIO
from pipeline.versions.orders import order_of

_CACHED: Final = 4096

Place = tuple[str, str]
"""(ecosystem, package name)."""

Touched = dict[Place, set[str]]
"""Per package, the ids of documents that may say something else of it now."""


@dataclass(slots=True)
class Library:
    """Every document of a snapshot by id, and who speaks of a name; leaves are read when they are asked for."""

    io: StageIO
    documents: dict[str, Digest] = field(default_factory=dict)
    names: dict[str, Digest] = field(default_factory=dict)
    _held: dict[str, dict[str, FeedDocument2]] = field(default_factory=dict)
    _speakers: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)
    _renamed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, io: StageIO, base: FeedSnapshot2 | None) -> "Library":
        """Open the library of a snapshot."""
        if base is None:
            return cls(io)
        return cls(
            io, named(io.load(base.documents, FeedDocumentTree).leaves), named(io.load(base.names, FeedNameTree).leaves)
        )

    def _leaf(self, name: str) -> dict[str, FeedDocument2]:
        found = self._held.get(name)
        if found is None:
            held = self.documents.get(name)
            read = self.io.load(held, FeedDocuments2).documents if held else ()
            found = self._held[name] = {document.id: document for document in read}
        return found

    def _name_leaf(self, name: str) -> dict[str, tuple[str, ...]]:
        found = self._speakers.get(name)
        if found is None:
            held = self.names.get(name)
            read = self.io.load(held, FeedNames).names if held else ()
            found = self._speakers[name] = dict(read)
        return found

    def get(self, document: str) -> FeedDocument2 | None:
        """Give a document by id."""
        return self._leaf(leaf(document)).get(document)

    def all(self) -> Iterator[FeedDocument2]:
        """Give every document."""
        for name in sorted({*self.documents, *self._held}):
            yield from self._leaf(name).values()

    def others(self, name: str, but: str) -> list[FeedDocument2]:
        """Give the documents that speak of a name, but one."""
        ids = self._name_leaf(leaf(name)).get(name, ())
        if ids == (but,):
            return []
        found = (self.get(each) for each in ids if each != but)
        return [each for each in found if each is not None]

    def put(self, document: FeedDocument2) -> None:
        """Put a document in the place of the one of its id."""
        at = leaf(document.id)
        held = self._leaf(at)
        if document.id in held:
            self.drop(document.id)
        held[document.id] = document
        self._changed.add(at)
        for name in spoken_names(document):
            under = leaf(name)
            speakers = self._name_leaf(under)
            speakers[name] = (*speakers.get(name, ()), document.id)
            self._renamed.add(under)

    def drop(self, name: str) -> FeedDocument2 | None:
        """Take a document out."""
        at = leaf(name)
        held = self._leaf(at).pop(name, None)
        if held is not None:
            self._changed.add(at)
            for each in spoken_names(held):
                speakers = self._name_leaf(leaf(each))
                speakers[each] = tuple(speaker for speaker in speakers[each] if speaker != name)
                if not speakers[each]:
                    del speakers[each]
                self._renamed.add(leaf(each))
        return held

    def keep(self) -> tuple[Digest, Digest]:
        """Keep what changed, and give the trees of documents and of names."""
        for at in sorted(self._changed):
            held = self._leaf(at)
            self._note(self.documents, at, FeedDocuments2(documents=tuple(held[key] for key in sorted(held))), held)
        for at in sorted(self._renamed):
            names = self._name_leaf(at)
            rows = tuple((key, tuple(sorted(names[key]))) for key in sorted(names))
            self._note(self.names, at, FeedNames(names=rows), names)
        tree = FeedDocumentTree(leaves=branch(self.documents))
        return self.io.keep(tree), self.io.keep(FeedNameTree(leaves=branch(self.names)))

    def _note(self, into: dict[str, Digest], at: str, record: FeedDocuments2 | FeedNames, held: object) -> None:
        if held:
            into[at] = self.io.keep(record)
        else:
            into.pop(at, None)


def spoken_names(document: FeedDocument2) -> set[str]:
    """Give every name under which a document may sway what is said of others, or they of it."""
    return own_names(document) | set(document.upstream)


class Packages:
    """Builds the branches of ecosystems out of documents that are all in the library."""

    def __init__(self, io: StageIO, library: Library, ecosystems: dict[str, Digest]) -> None:
        self._io = io
        self._library = library
        self._vulnerabilities = Vulnerabilities(library.others)
        self._ecosystems = ecosystems
        self._read: dict[Digest, list[Spoken]] = {}
        self._joined: dict[str, Joined] = {}

    def build(self, touched: Touched) -> dict[str, Digest]:
        """Rebuild what is touched: packages, buckets, ecosystems.

        Raises: evidence.unreadable
        """
        by_ecosystem: dict[str, list[str]] = {}
        for ecosystem, name in sorted(touched):
            by_ecosystem.setdefault(ecosystem, []).append(name)
        for ecosystem, names in by_ecosystem.items():
            self._ecosystem(ecosystem, {name: touched[ecosystem, name] for name in names})
        return self._ecosystems

    def _ecosystem(self, ecosystem: str, touched: dict[str, set[str]]) -> None:
        hung = Hung(self._io, ecosystem, self._ecosystems.get(ecosystem))
        for name, ids in touched.items():
            hung.put(name, self._package(ecosystem, name, hung.get(name), ids))
        kept = hung.keep()
        if kept is not None:
            self._ecosystems[ecosystem] = kept
        else:
            self._ecosystems.pop(ecosystem, None)

    def _package(self, ecosystem: str, name: str, old: FeedRules | None, ids: set[str]) -> FeedRules | None:
        """Say anew what the documents of some ids say of a package; None when nobody speaks of it any more."""
        held = self._io.load(old.package, FeedPackage2).advisories if old else ()
        kept = [each for each in held if each.id not in ids]
        for each in sorted(ids):
            document = self._library.get(each)
            if document is not None and (ecosystem, name) in document.places:
                kept += self._advisories(document, ecosystem, name)
        kept.sort(key=lambda one: (one.id, one.pointer))
        if not kept:
            return None
        package = self._io.keep(FeedPackage2(ecosystem=ecosystem, name=name, advisories=tuple(kept)))
        return rules_of(name, package, kept, order_of(ecosystem))

    def _advisories(self, document: FeedDocument2, ecosystem: str, name: str) -> Iterable[Advisory2]:
        """Read a document's advisories; the last read are held, so memory does not grow with the feed."""
        said = self._read.pop(document.raw, None)
        if said is None:
            said = list(osv_documents.spoken(self._io.read(document.raw)))
            if len(self._read) >= _CACHED:
                del self._read[next(iter(self._read))]
        self._read[document.raw] = said
        joined = self._joined.pop(document.id, None)
        if joined is None:
            joined = self._vulnerabilities.joined(document)
            if len(self._joined) >= _CACHED:
                del self._joined[next(iter(self._joined))]
        self._joined[document.id] = joined
        return (advisory(document, one, joined) for one in said if (one.ecosystem, one.name) == (ecosystem, name))
