"""Advisory feeds: import, show, compare, judge again."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from api.calls import feeds as calls
from api.calls.evidence import Document
from api.calls.feeds import Feed
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import refs
from cas.digest import Digest, is_digest
from cas.problems import Fault
from cas.records.feed import AnySnapshot, FeedSnapshot
from pipeline.feeds.diff import feed_diff, lists_changed
from pipeline.feeds.reading import snapshot
from pipeline.operations.feeds import Source, before, envelope_of, import_feed, packages_in
from pipeline.operations.rejudging import FeedMissing, Rejudged, rejudge
from pipeline.versions.places import purl_of


def import_all(visit: Visit, ask: calls.ImportFeed) -> calls.FeedImported:
    """Import a snapshot."""
    feed = sorted_out(ask.name, lambda: ask.documents, replace_all=ask.replace_all, complete=ask.complete)
    return imported(visit, replace(feed, captured_at=ask.captured_at))


def sorted_out(
    name: str, documents: Callable[[], Iterable[Document]], *, replace_all: bool, complete: bool = False
) -> Feed:
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
    return Feed(name, advisories, lists.get("kev"), lists.get("epss"), replace_all, complete)


def imported(visit: Visit, feed: Feed) -> calls.FeedImported:
    """Import advisories one at a time, as they are read."""
    made = import_feed(
        visit.effects,
        visit.caller,
        Source(feed.name, feed.files, feed.complete, feed.captured_at),
        feed.advisories,
        feed.kev,
        feed.epss,
        replace_all=feed.replace_all,
        **({"told": feed.told} if feed.told else {}),
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
    found = snapshot(visit.effects.store.get(head))
    return calls.FeedView(
        snapshot=head,
        name=found.name,
        captured_at=found.captured_at,
        sources=_sources(found),
        ecosystems=tuple(
            calls.EcosystemLine(
                name=one.name, digest=one.digest, packages=packages_in(visit.effects.store.get(one.digest))
            )
            for one in found.ecosystems
        ),
        kev=found.kev,
        epss=found.epss,
        envelope=envelope_of(visit.effects, head),
    )


def _sources(found: AnySnapshot) -> tuple[calls.SourceLine, ...]:
    if isinstance(found, FeedSnapshot):
        return tuple(
            calls.SourceLine(name=one.name, documents=one.documents, newest=one.newest) for one in found.sources
        )
    return tuple(
        calls.SourceLine(
            name=one.name,
            documents=one.documents,
            newest=one.newest,
            form=one.form,
            captured_at=one.captured_at,
            files=tuple(calls.FileLine(name=each.name, digest=each.digest, size=each.size) for each in one.files),
        )
        for one in found.sources
    )


def diff(visit: Visit, ask: calls.DiffFeeds) -> calls.FeedDiffView:
    """Name the packages that changed between two snapshots that were imported here.

    Raises: feed.missing
    """
    new = _admitted(visit, ask.new) if ask.new else visit.effects.log.ref(refs.FEED)
    if new is None:
        raise FeedMissing
    old = _admitted(visit, ask.old) if ask.old else before(visit.effects, new)
    store = visit.effects.store
    right = snapshot(store.get(new))
    left = snapshot(store.get(old)) if old else _nothing(right)
    found = feed_diff(store, left, right)
    return calls.FeedDiffView(
        old=old,
        new=new,
        changed=len(found),
        lists_changed=lists_changed(left, right),
        changes=tuple(
            calls.ChangeLine(
                ecosystem=one.ecosystem, name=one.name, purl=purl_of(one.ecosystem, one.name), old=one.old, new=one.new
            )
            for one in found[: ask.limit]
        ),
    )


def _admitted(visit: Visit, name: str) -> Digest:
    if not is_digest(name) or visit.effects.log.admitted(name) is None:
        raise FeedMissing(snapshot=name[:80])
    return name


def _nothing(like: AnySnapshot) -> FeedSnapshot:
    """Give the snapshot before the first."""
    return FeedSnapshot(
        name=like.name, captured_at=like.captured_at, sources=(), ecosystems=(), kev=None, epss=None, notes=()
    )


def judge_again(visit: Visit, ask: calls.Rejudge) -> calls.RejudgedView:
    """Judge again what the current snapshot may turn."""
    token = visit.asker.token
    allowed = frozenset(token.environments) if token is not None and token.environments else None
    made = rejudge(
        visit.effects,
        visit.caller,
        deployed_only=not ask.everything,
        within=lambda name: allowed is None or name in allowed,
    )
    return calls.RejudgedView(
        feed=made.feed,
        seen=made.seen,
        touched=made.touched,
        flipped=sum(one.flipped for one in made.rejudged),
        verdicts=tuple(map(_rejudged, made.rejudged)),
    )


def _rejudged(one: Rejudged) -> calls.RejudgedLine:
    return calls.RejudgedLine(
        release=one.touched.release.name,
        environment=one.touched.environment,
        before=one.touched.value.outcome,
        now=one.outcome,
        flipped=one.flipped,
        old_verdict=one.touched.verdict,
        verdict=one.verdict,
        packages=tuple(calls.PackageLine(ecosystem=system, name=name) for system, name in one.touched.packages),
        lists=one.touched.lists,
        turned=tuple(calls.TurnedLine(gate=gate, before=was, now=now) for gate, was, now in one.turned),
        running=one.running,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.IMPORT, import_all),
    Handler(calls.SHOW, show),
    Handler(calls.DIFF, diff),
    Handler(calls.REJUDGE, judge_again),
)
