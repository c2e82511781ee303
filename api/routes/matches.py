"""Matching one package: list, explain."""

from typing import Final

from api.calls import matches as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import refs
from cas.digest import Digest
from pipeline.feeds.explaining import Affecting, Step, explain, matching
from pipeline.feeds.reading import snapshot
from pipeline.operations.rejudging import FeedMissing

_SENTENCES: Final = {
    "matched": "{version} is in the range: introduced {introduced}, {end} {bound}",
    "matched_listed": "{version} is listed as affected",
    "matched_open": "{version} is in the range: introduced {introduced}, and nothing ends it",
    "before_introduced": "{version} comes before {introduced}, where it was introduced",
    "fixed": "{version} is not before {bound}, where the range ends: {end}",
    "after_last_affected": "{version} comes after {bound}, the last affected version",
    "not_listed": "{version} is not among the versions listed, and there are no ranges",
    "withdrawn": "the advisory was withdrawn at {detail}",
    "commits_only": "the advisory names commits only, which have no order",
    "bound_not_ordered": "a bound of the range ({introduced} … {bound}) has no place in the ecosystem's order",
    "version_not_ordered": "{version} has no place in the ecosystem's order",
    "ecosystem_not_ordered": "{ecosystem} has no order of versions, and {version} is not listed",
    "package_without_version": "the package has no version",
    "package_not_in_feed": "no advisory speaks of {name} in {ecosystem}",
    "ecosystem_not_in_feed": "the snapshot has nothing of {detail}",
    "type_without_feed": "no feed speaks of packages of this type",
    "distro_missing": "neither a distro qualifier nor the version says which release of the distribution this is",
    "purl_invalid": "not a package URL: {detail}",
    "speaks_of_others": "{advisory} speaks of other packages: {detail}",
    "advisory_not_in_feed": "no advisory in the snapshot is called {advisory}",
}


def _sentence(step: Step) -> str:
    code = step.code
    if code == "matched":
        code = "matched_listed" if step.detail == "listed" else "matched" if step.end else "matched_open"
    return _SENTENCES[code].format(**step._asdict())


def _line(step: Step) -> calls.StepLine:
    return calls.StepLine(said=_sentence(step), **step._asdict())


def _match(one: Affecting) -> calls.MatchLine:
    advisory = one.advisory
    return calls.MatchLine(
        advisory=advisory.id,
        aliases=advisory.aliases,
        related=advisory.related,
        ecosystem=one.ecosystem,
        severity=advisory.severity,
        severity_source=advisory.severity_source,
        score_tenths=advisory.score_tenths,
        fixed_in=one.fixed_in,
        published=advisory.published,
        ratings=tuple(
            calls.RatingLine(
                source=each.source, by=each.by, word=each.word, vector=each.vector, score_tenths=each.score_tenths
            )
            for each in advisory.ratings
        ),
        package=one.package,
        pointer=one.pointer,
        because=tuple(_line(step) for step in one.steps if step.code == "matched"),
    )


def _feed(visit: Visit) -> tuple[Digest, str]:
    """Give the current snapshot and when it was captured.

    Raises: feed.missing
    """
    feed = visit.effects.log.ref(refs.FEED)
    if feed is None:
        raise FeedMissing
    return feed, snapshot(visit.effects.store.get(feed)).captured_at


def match_purl(visit: Visit, ask: calls.MatchPurl) -> calls.MatchesView:
    """List what matches a package."""
    feed, captured_at = _feed(visit)
    found, unanswered = matching(visit.effects.store, feed, ask.purl)
    return calls.MatchesView(
        purl=ask.purl,
        feed=feed,
        captured_at=captured_at,
        matches=tuple(map(_match, found)),
        unanswered=tuple(map(_line, unanswered)),
    )


def explain_match(visit: Visit, ask: calls.ExplainMatch) -> calls.ExplainedView:
    """Say why an advisory matches a package, or why not."""
    feed, captured_at = _feed(visit)
    found = explain(visit.effects.store, feed, ask.purl, ask.vulnerability)
    return calls.ExplainedView(
        purl=ask.purl,
        vulnerability=ask.vulnerability,
        feed=feed,
        captured_at=captured_at,
        matched=found.matched,
        steps=tuple(map(_line, found.steps)),
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.PURL, match_purl),
    Handler(calls.EXPLAIN, explain_match),
)
