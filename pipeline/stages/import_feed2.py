"""import_feed/2: captured advisory documents, KEV and EPSS files become the next feed snapshot. Must not know SBOMs.

Beside import_feed/1 it knows the order of every ecosystem that has one, joins documents about one vulnerability, says
who rated it, and keeps for each source which files it was read from and when.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final

import msgspec

from cas.digest import Digest
from cas.records.base import Instant, Record
from cas.records.feed import (
    EpssList,
    FeedCapture2,
    FeedDocument2,
    FeedDocuments,
    FeedDocumentTree,
    FeedFile,
    FeedRaws,
    FeedSnapshot,
    FeedSnapshot2,
    FeedSource2,
)
from pipeline.feeds import lists
from pipeline.feeds.branches import branch, named
from pipeline.feeds.forest import Library, Packages, Touched
from pipeline.feeds.reading import snapshot
from pipeline.feeds.vulnerabilities import Vulnerabilities
from pipeline.formats import osv_documents
from pipeline.stage import Stage, StageIO

_KEV: Final = "kev"
_EPSS: Final = "epss"


@dataclass(frozen=True, slots=True)
class _Base:
    """What a capture is put on top of; ``old`` when that is a snapshot of the first kind, read anew from its raws."""

    new: FeedSnapshot2 | None = None
    old: FeedSnapshot | None = None

    @property
    def kev(self) -> Digest | None:
        return self.new.kev if self.new else self.old.kev if self.old else None

    @property
    def epss(self) -> Digest | None:
        return self.new.epss if self.new else self.old.epss if self.old else None


def import_feed(capture: FeedCapture2, io: StageIO) -> FeedSnapshot2:
    """Give the snapshot that the capture makes of its base.

    (1) read each document that the base does not hold, the newest of an id counting, of equals the greater digest;
    (2) put them in the place of those known, and take out what a complete source no longer has; (3) rebuild the
    packages of every document whose vulnerability is touched. Withdrawn documents are kept and marked. Without a base
    the capture is all there is. KEV and EPSS of the base stay when the capture brings none.

    Raises: evidence.unreadable, cas.too_large
    """
    base = _base(capture, io)
    library = Library.of(io, base.new)
    came, captured = _came(capture, base, library, io)  # (1)
    touched = _put(library, came, _gone(capture, library, captured), fresh=base.new is None)  # (2)
    documents, names = library.keep()
    ecosystems = named(base.new.ecosystems) if base.new is not None else {}
    packages = Packages(io, library, ecosystems).build(touched)  # (3)
    listed: dict[str, tuple[int, str]] = {}
    kev = _kev(capture.kev, listed, io) or base.kev
    epss = _epss(capture.epss, listed, io) or base.epss
    return FeedSnapshot2(
        name=capture.name,
        captured_at=capture.captured_at,
        kev=kev,
        epss=epss,
        sources=_sources(capture, base, library, listed),
        ecosystems=branch(packages),
        documents=documents,
        names=names,
    )


def _base(capture: FeedCapture2, io: StageIO) -> _Base:
    if capture.base is None:
        return _Base()
    found = snapshot(io.read(capture.base))
    return _Base(new=found) if isinstance(found, FeedSnapshot2) else _Base(old=found)


def _raws(capture: FeedCapture2, base: _Base, io: StageIO) -> Iterator[tuple[str, Digest]]:
    """Give (source, document) of everything captured, and of a base of the first kind."""
    if base.old is not None and base.old.documents is not None:
        for leaf in io.load(base.old.documents, FeedDocumentTree).leaves:
            for held in io.load(leaf.digest, FeedDocuments).documents:
                yield base.old.name, held.raw
    for source, digest in capture.documents:
        for raw in io.load(digest, FeedRaws).documents:
            yield source, raw


def _came(
    capture: FeedCapture2, base: _Base, library: Library, io: StageIO
) -> tuple[dict[str, FeedDocument2], set[str]]:
    """Give the documents that are new or changed, by id, and the ids that were captured, new or not."""
    known = {document.raw: document.id for document in library.all()}
    came: dict[str, FeedDocument2] = {}
    captured: set[str] = set()
    for source, raw in _raws(capture, base, io):
        if raw in known:
            captured.add(known[raw])
            continue
        document = osv_documents.document(io.read(raw), raw, source)
        captured.add(document.id)
        if _newer(document, came.get(document.id), library.get(document.id)):
            came[document.id] = document
    return came, captured


def _newer(document: FeedDocument2, came: FeedDocument2 | None, held: FeedDocument2 | None) -> bool:
    """Tell whether a document replaces what came before it and what the base holds.

    A source that dates nothing (Debian's tracker, Alpine's secdb) is believed when it is captured again.
    """
    if came is not None and (came.modified, came.raw) > (document.modified, document.raw):
        return False
    if held is None or (held.source == document.source and held.modified == document.modified):
        return True
    return (held.modified, held.raw) < (document.modified, document.raw)


def _gone(capture: FeedCapture2, library: Library, captured: set[str]) -> list[str]:
    """Give the ids that a complete source had and no longer has."""
    complete = {origin.name for origin in capture.origins if origin.complete}
    if not complete:
        return []
    return sorted(one.id for one in library.all() if one.source in complete and one.id not in captured)


def _put(library: Library, came: dict[str, FeedDocument2], gone: list[str], *, fresh: bool) -> Touched:
    """Change the library, and give what is touched. In a fresh one that is everything."""
    vulnerabilities = Vulnerabilities(library.others)
    ids: set[str] = set()
    touched: Touched = {}
    for name in () if fresh else (*came, *gone):
        held = library.get(name)
        if held is not None:
            ids |= vulnerabilities.touched(held)
            for place in held.places:
                touched.setdefault(place, set()).add(name)
    for name in gone:
        library.drop(name)
    for name in sorted(came):
        library.put(came[name])
    for document in () if fresh else came.values():
        ids |= vulnerabilities.touched(document)
    for name in came if fresh else ids:
        found = library.get(name)
        for place in found.places if found is not None else ():
            touched.setdefault(place, set()).add(name)
    return touched


def _kev(raw: Digest | None, listed: dict[str, tuple[int, str]], io: StageIO) -> Digest | None:
    if raw is None:
        return None
    found = lists.kev(io.read(raw))
    listed["kev"] = (len(found.entries), found.version)
    return io.keep(found)


def _epss(raw: Digest | None, listed: dict[str, tuple[int, str]], io: StageIO) -> Digest | None:
    if raw is None:
        return None
    rows = 0

    def keep(leaf: Record) -> Digest:
        nonlocal rows
        rows += len(leaf.scores) if isinstance(leaf, EpssList) else 0
        return io.keep(leaf)

    found = lists.epss(io.read(raw), keep)
    listed["epss"] = (rows, found.scored_on)
    return io.keep(found)


def _sources(
    capture: FeedCapture2, base: _Base, library: Library, listed: dict[str, tuple[int, str]]
) -> tuple[FeedSource2, ...]:
    """List sources by name: what they hold now, and when and from which files they were captured last."""
    held = {one.name: one for one in base.new.sources} if base.new is not None else {}
    if base.old is not None:
        held[base.old.name] = _source(base.old.name, "osv", base.old.captured_at)
    counts: dict[str, tuple[int, str]] = {}
    for document in library.all():
        many, newest = counts.get(document.source, (0, ""))
        counts[document.source] = (many + 1, max(newest, document.modified))
    for origin in capture.origins:
        held[origin.name] = _source(origin.name, origin.form, capture.captured_at, origin.files)
        if origin.form in listed:
            counts[origin.name] = listed[origin.form]
    return tuple(_counted(held[name], counts.get(name)) for name in sorted(held))


def _source(name: str, form: str, captured_at: Instant, files: tuple[FeedFile, ...] = ()) -> FeedSource2:
    return FeedSource2(name=name, form=form, documents=0, newest="", captured_at=captured_at, files=files)


def _counted(source: FeedSource2, counted: tuple[int, str] | None) -> FeedSource2:
    """Give a source with what it holds; a list that was not captured again keeps its word."""
    if counted is None and source.form in (_KEV, _EPSS):
        return source
    documents, newest = counted or (0, "")
    return msgspec.structs.replace(source, documents=documents, newest=newest)


IMPORT_FEED2 = Stage(
    "import_feed", 2, FeedCapture2, FeedSnapshot2, import_feed, engines=(("cvss", metadata.version("cvss")),)
)
