"""Advisory feeds: import, show."""

from collections.abc import Callable, Iterable

from api.calls import feeds as calls
from api.calls.evidence import Document
from api.calls.feeds import Feed
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import refs
from cas.problems import Fault
from cas.records.feed import FeedSnapshot
from cas.store import load
from pipeline.operations.feeds import import_feed


def import_all(visit: Visit, ask: calls.ImportFeed) -> calls.FeedImported:
    """Import a snapshot."""
    return imported(visit, sorted_out(ask.name, lambda: ask.documents, replace_all=ask.replace_all))


def sorted_out(name: str, documents: Callable[[], Iterable[Document]], *, replace_all: bool) -> Feed:
    """Tell KEV and EPSS from advisories by their declared format; ``documents`` gives them anew whenever it is asked.

    Only KEV and EPSS are held; advisories are read again when they are imported.

    Raises: api.request_invalid, and what reading raises
    """
    lists: dict[str, bytes] = {}
    for at, item in enumerate(documents()):
        if item.format in ("kev", "epss") and item.format not in lists:
            lists[item.format] = item.data
        elif item.format not in ("", "osv"):
            fault = Fault(f"/documents/{at}/format", "feed.format", "osv, or once each kev and epss")
            raise RequestInvalid(faults=(fault,))
    advisories = (item.data for item in documents() if item.format not in lists)
    return Feed(name, advisories, lists.get("kev"), lists.get("epss"), replace_all)


def imported(visit: Visit, feed: Feed) -> calls.FeedImported:
    """Import advisories one at a time, as they are read."""
    made = import_feed(
        visit.effects,
        visit.caller,
        feed.name,
        feed.advisories,
        feed.kev,
        feed.epss,
        replace_all=feed.replace_all,
    )
    faulty = tuple(calls.FaultLine(pointer=one.pointer, code=one.code, message=one.message) for one in made.faulty)
    return calls.FeedImported(
        snapshot=made.snapshot,
        capture=made.capture,
        documents=made.documents,
        faulty=faulty,
        unchanged=made.unchanged,
        log_size=visit.effects.log.head().size,
    )


def show(visit: Visit, _ask: calls.ShowFeed) -> calls.FeedView:
    """Show the current snapshot."""
    head = visit.effects.log.ref(refs.FEED)
    if head is None:
        return calls.FeedView(snapshot=None)
    snapshot = load(visit.effects.store, head, FeedSnapshot)
    return calls.FeedView(
        snapshot=head,
        name=snapshot.name,
        captured_at=snapshot.captured_at,
        sources=tuple(
            calls.SourceLine(name=one.name, documents=one.documents, newest=one.newest) for one in snapshot.sources
        ),
        ecosystems=tuple(calls.EcosystemLine(name=one.name, digest=one.digest) for one in snapshot.ecosystems),
        kev=snapshot.kev,
        epss=snapshot.epss,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.IMPORT, import_all),
    Handler(calls.SHOW, show),
)
