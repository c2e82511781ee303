"""import_feed/1: captured advisory documents, KEV and EPSS files become the next feed snapshot. Must not know SBOMs."""

from importlib import metadata

from cas.records.feed import FeedCapture, FeedSnapshot, FeedSource
from pipeline.feeds import lists
from pipeline.feeds.branches import branch
from pipeline.feeds.tree import Builder, Built
from pipeline.stage import Stage, StageIO


def import_feed(capture: FeedCapture, io: StageIO) -> FeedSnapshot:
    """Give the snapshot that the capture makes of its base.

    Documents add to and replace those of the base by id, the newest ``modified`` counting; withdrawn ones are kept and
    marked. Without a base the capture is all there is. KEV and EPSS of the base stay when the capture brings none.

    Raises: evidence.unreadable, cas.too_large
    """
    base = io.load(capture.base, FeedSnapshot) if capture.base is not None else None
    built = Builder(io, base).build(capture.documents)
    kev = base.kev if base is not None else None
    epss = base.epss if base is not None else None
    if capture.kev is not None:
        kev = io.keep(lists.kev(io.read(capture.kev)))
    if capture.epss is not None:
        epss = io.keep(lists.epss(io.read(capture.epss), io.keep))
    return FeedSnapshot(
        name=capture.name,
        captured_at=capture.captured_at,
        sources=_sources(base, capture.name, built),
        ecosystems=branch(built.ecosystems),
        kev=kev,
        epss=epss,
        notes=base.notes if base is not None else (),
        documents=built.documents,
    )


def _sources(base: FeedSnapshot | None, name: str, built: Built) -> tuple[FeedSource, ...]:
    """List sources by name; a document counts for the source that brought it first."""
    held = {source.name: source for source in base.sources} if base is not None else {}
    before = held.get(name, FeedSource(name=name, documents=0, newest=""))
    held[name] = FeedSource(
        name=name, documents=before.documents + built.fresh, newest=max(before.newest, built.newest)
    )
    return tuple(held[each] for each in sorted(held))


IMPORT_FEED = Stage(
    "import_feed", 1, FeedCapture, FeedSnapshot, import_feed, engines=(("cvss", metadata.version("cvss")),)
)
