"""Why an advisory matches a package or does not: the range that decided, or what was missing. Codes; prose is a door's.

Goes by the same places, orders and ranges as match/2, over a snapshot of either kind.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from cas import digest
from cas.digest import Digest
from cas.records.evidence import VersionRange
from cas.records.feed import Advisory2, FeedDocuments2, FeedDocumentTree, FeedNames, FeedNameTree, FeedSnapshot2
from cas.store import Reader, load
from pipeline.feeds.branches import named
from pipeline.feeds.names import leaf
from pipeline.feeds.reading import Feed, Found
from pipeline.feeds.rules import GIT
from pipeline.stage import StageIO
from pipeline.versions.nameless import nameless
from pipeline.versions.orders import order_of
from pipeline.versions.places import place_of, purl_of
from pipeline.versions.purl import PurlInvalidError, canonical
from pipeline.versions.scheme import Scheme, VersionInvalidError

MATCHED: Final = "matched"
_SHOWN: Final = 20


class Step(NamedTuple):
    """One thing that was looked at, and what came of it. ``code`` says which; empty fields have no meaning there."""

    code: str
    ecosystem: str = ""
    name: str = ""
    version: str = ""
    advisory: str = ""
    introduced: str = ""
    end: str = ""  # fixed, last_affected, limit
    bound: str = ""
    detail: str = ""
    package: Digest | None = None
    pointer: str = ""


class Explained(NamedTuple):
    """Whether the advisory matches, and the steps that led there, in order of looking."""

    matched: bool
    steps: tuple[Step, ...]


class Affecting(NamedTuple):
    """An advisory that matches a purl, where it lies, and the fixes."""

    advisory: Advisory2
    ecosystem: str
    name: str
    version: str
    steps: tuple[Step, ...]
    package: Digest
    pointer: str

    @property
    def fixed_in(self) -> tuple[str, ...]:
        """Versions that end the ranges the package is in."""
        return tuple(dict.fromkeys(one.bound for one in self.steps if one.code == MATCHED and one.end == "fixed"))


def explain(reader: Reader, feed: Digest, purl: str, vulnerability: str) -> Explained:
    """Say why a vulnerability, by any of its names, matches a package, or why not.

    Raises: cas.object_missing, cas.record_invalid
    """
    steps: list[Step] = []
    told = False
    for seen in _looked(reader, feed, purl):
        if isinstance(seen, Step):
            steps.append(seen)
            continue
        _, advisory, found = seen
        if vulnerability in (advisory.id, *advisory.aliases):
            told = True
            steps += found
    if not told:
        steps += _elsewhere(reader, feed, vulnerability)
    return Explained(any(one.code == MATCHED for one in steps), tuple(steps))


def matching(reader: Reader, feed: Digest, purl: str) -> tuple[tuple[Affecting, ...], tuple[Step, ...]]:
    """Give every advisory that matches a purl, and what could not be answered.

    Raises: cas.object_missing, cas.record_invalid
    """
    found: list[Affecting] = []
    open_: list[Step] = []
    for seen in _looked(reader, feed, purl):
        if isinstance(seen, Step):
            open_.append(seen)
            continue
        (ecosystem, name, version, package, pointer), advisory, steps = seen
        if any(step.code == MATCHED for step in steps):
            found.append(Affecting(advisory, ecosystem, name, version, steps, package, pointer))
        else:
            open_ += [step for step in steps if step.code.endswith("_ordered") or step.code == "commits_only"]
    found.sort(key=lambda one: (one.advisory.id, one.ecosystem, one.pointer))
    return tuple(found), tuple(open_)


_Where = tuple[str, str, str, Digest, str]


def _looked(reader: Reader, feed: Digest, purl: str) -> Iterator[Step | tuple[_Where, Advisory2, tuple[Step, ...]]]:
    """Look wherever the snapshot may speak of a purl; give what was missing, and each advisory with its steps."""
    io = StageIO(reader, digest.of_bytes, feed.encode("ascii"))
    branches = Feed(io, feed)
    try:
        asked = place_of(purl)
    except PurlInvalidError:
        asked = None
    if asked is None or nameless(canonical(purl)):
        yield Step("purl_invalid", detail=purl)
        return
    if asked.reason:
        yield Step(asked.reason, name=asked.names[0][0], version=asked.given)
        return
    known = branches.known(asked.ecosystems)
    if not known:
        yield Step("ecosystem_not_in_feed", detail=", ".join(asked.ecosystems))
    for ecosystem in known:
        rules = branches.rules(ecosystem, {name for name, _ in asked.names})
        for name, version in asked.names:
            if name not in rules:
                yield Step("package_not_in_feed", ecosystem, name, version)
                continue
            yield from _package(branches, rules[name], ecosystem, name, version)


def _package(
    branches: Feed, found: Found, ecosystem: str, name: str, version: str
) -> Iterator[tuple[_Where, Advisory2, tuple[Step, ...]]]:
    order = order_of(ecosystem)
    for at, advisory in enumerate(branches.advisories(found)):
        pointer = f"/advisories/{at}"
        steps = tuple(
            step._replace(
                ecosystem=ecosystem,
                name=name,
                version=version,
                advisory=advisory.id,
                package=found.rules.package,
                pointer=pointer,
            )
            for step in _steps(advisory, order, version)
        )
        yield (ecosystem, name, version, found.rules.package, pointer), advisory, steps


def _steps(advisory: Advisory2, order: Scheme | None, version: str) -> Iterator[Step]:
    """Hold a version against one advisory."""
    if advisory.withdrawn:
        yield Step("withdrawn", detail=advisory.withdrawn)
        return
    if not version:
        yield Step("package_without_version")
        return
    place = _placed(order, version)
    listed = _listed(advisory, order, version, place)
    if listed:
        yield Step(MATCHED, detail="listed")
    if order is None or place is None:
        if not listed:
            yield Step("ecosystem_not_ordered" if order is None else "version_not_ordered")
        return
    if advisory.ranges and not advisory.versions and all(one.type == GIT for one in advisory.ranges):
        yield Step("commits_only")
    for each in advisory.ranges:
        if each.type != GIT:
            yield from _ranged(each, order, place)
    if not advisory.ranges and not listed:
        yield Step("not_listed")


def _listed(advisory: Advisory2, order: Scheme | None, version: str, place: Any) -> bool:
    """Tell whether an advisory lists a version, as written or in another spelling."""
    if version in advisory.versions:
        return True
    return order is not None and order.exact and any(order.key(one) == place for one in advisory.versions)


def _placed(order: Scheme | None, version: str) -> Any:
    try:
        return order.sort(version) if order is not None else None
    except VersionInvalidError:
        return None


def _ranged(given: VersionRange, order: Scheme, place: Any) -> Iterator[Step]:
    """Hold a place in the order against a range: one step for each interval between its events."""
    for introduced, end, bound in intervals(given):
        step = Step("", introduced=introduced, end=end, bound=bound)
        try:
            yield step._replace(code=_decided(order, place, introduced, end, bound))
        except VersionInvalidError:
            yield step._replace(code="bound_not_ordered")


def _decided(order: Scheme, place: Any, introduced: str, end: str, bound: str) -> str:
    """Say what an interval makes of a place.

    Raises: VersionInvalidError
    """
    if introduced != "0" and place < order.sort(introduced):
        return "before_introduced"
    if not end or place < order.sort(bound):
        return MATCHED
    if end == "last_affected":
        return MATCHED if place == order.sort(bound) else "after_last_affected"
    return "fixed"


def intervals(given: VersionRange) -> Iterator[tuple[str, str, str]]:
    """Give (introduced, kind of end, end) of a range's events, as written."""
    introduced = ""
    for event in given.events:
        if event.event == "introduced":
            introduced = introduced or event.version
        elif introduced and not (event.event == "limit" and event.version == "*"):
            yield introduced, event.event, event.version
            introduced = ""
    if introduced:
        yield introduced, "", ""


def _elsewhere(reader: Reader, feed: Digest, vulnerability: str) -> Iterator[Step]:
    """Say whom a vulnerability speaks of, when not of the package."""
    places = tuple(_places(reader, feed, vulnerability))
    if not places:
        yield Step("advisory_not_in_feed", advisory=vulnerability)
        return
    names = [purl_of(*place) or f"{place[0]} {place[1]}" for _, place in places[:_SHOWN]]
    yield Step("speaks_of_others", advisory=places[0][0], detail=", ".join(dict.fromkeys(names)))


def _places(reader: Reader, feed: Digest, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Give (document, place) for whoever speaks of a name; snapshots of the first kind do not tell."""
    found = Feed(StageIO(reader, digest.of_bytes, feed.encode("ascii")), feed).snapshot
    if not isinstance(found, FeedSnapshot2):
        return
    names = named(load(reader, found.names, FeedNameTree).leaves)
    leaves = named(load(reader, found.documents, FeedDocumentTree).leaves)
    speakers: Sequence[str] = ()
    if leaf(name) in names:
        speakers = dict(load(reader, names[leaf(name)], FeedNames).names).get(name, ())
    for speaker in speakers:
        for document in load(reader, leaves[leaf(speaker)], FeedDocuments2).documents:
            if document.id == speaker:
                yield from ((speaker, place) for place in document.places)
