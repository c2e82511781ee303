"""Whether advisories hold a version: OSV ranges as intervals, made once per package. Must not know components or trees.

OSV's evaluation over events in order of versions is a walk: ``introduced`` opens an interval, ``fixed`` and ``limit``
close it before, ``last_affected`` behind its version. A bound that has no place in the order leaves the advisory
undecided, unless another range or a listed version answers.
"""

from typing import Any, Final, NamedTuple

import msgspec

from cas.problems import RecordInvalid
from pipeline.versions.catalog import scheme_of
from pipeline.versions.scheme import Scheme, VersionInvalidError

_ANY_LIMIT: Final = "*"
_ABOVE: Final = "~"
"""Above every key, which is hex."""

_NOTHING: Final[dict[int, tuple[str, ...]]] = {}


class _Event(msgspec.Struct, gc=False):
    event: str
    version: str
    key: str


class _Range(msgspec.Struct, gc=False):
    events: tuple[_Event, ...]


class _Advisory(msgspec.Struct, gc=False):
    withdrawn: str
    ranges: tuple[_Range, ...]
    versions: tuple[str, ...]


class _Package(msgspec.Struct, gc=False, tag_field="kind", tag="feed_package/1"):
    """What matching needs of a FeedPackage; the rest is read when something matches."""

    ecosystem: str
    advisories: tuple[_Advisory, ...]


_PACKAGE: Final = msgspec.json.Decoder(_Package)


class Interval(NamedTuple):
    """Versions from ``low`` (None: from the first) up to ``high`` (None: without end), which ``closed`` includes."""

    low: Any
    high: Any
    closed: bool
    fix: str


Span = tuple[Any, Any, int, str]
"""Low, high, place of the advisory, fix. Of keys: versions from low on and before high. Of pairs: see ``_Pairs``."""


_NO_RANGES: Final[list[Interval]] = []


class _Pairs(NamedTuple):
    """The intervals of an order that compares pairs only."""

    spans: tuple[tuple[Interval, int], ...]

    def holding(self, place: Any) -> list[tuple[int, str]]:
        return [
            (at, each.fix)
            for each, at in self.spans
            if (each.low is None or each.low <= place)
            and (each.high is None or place < each.high or (each.closed and place == each.high))
        ]


class Rules(NamedTuple):
    """What a feed says of one package, made ready to be asked.

    ``spans`` are the intervals of all advisories by key, ``pairs`` those of an order without keys; ``listed`` says
    which advisories list a version as written, ``spelled`` by key, for advisories that list versions only;
    ``undecided`` are those with a bound that has no place. ``scheme`` is None where we know no order.
    """

    scheme: Scheme | None
    spans: tuple[Span, ...]
    pairs: _Pairs | None
    listed: dict[str, tuple[int, ...]]
    spelled: dict[str, tuple[int, ...]]
    undecided: tuple[int, ...]

    def holding(self, version: str, place: Any) -> dict[int, tuple[str, ...]]:
        """Give, by place, the advisories that hold a version, with the fixes that end the ranges it is in."""
        if self.pairs is None:
            hits = [(at, fix) for low, high, at, fix in self.spans if low <= place < high]
        else:
            hits = self.pairs.holding(place)
        if not hits and not self.listed:
            return _NOTHING
        found: dict[int, tuple[str, ...]] = {}
        for at, fix in hits:
            held = found.get(at, ())
            found[at] = (*held, fix) if fix and fix not in held else held
        for at in (*self.listed.get(version, ()), *(self.spelled.get(place, ()) if self.spelled else ())):
            found.setdefault(at, ())
        return found


def _span(interval: Interval, at: int) -> Span:
    """Turn an interval of keys around: what follows an included bound at once is that bound and the least sign."""
    high = _ABOVE if interval.high is None else interval.high + "\0" if interval.closed else interval.high
    return (interval.low or "", high, at, interval.fix)


def rules(data: bytes) -> Rules:
    """Make the advisories of a FeedPackage's bytes ready; withdrawn ones say nothing any more.

    Raises: cas.record_invalid
    """
    try:
        package = _PACKAGE.decode(data)
    except msgspec.DecodeError as error:
        raise RecordInvalid(kind="FeedPackage", reason=str(error)[:200]) from error
    scheme = scheme_of(package.ecosystem)
    if scheme is None:
        return Rules(None, (), None, {}, {}, ())
    spans: list[Span] = []
    pairs: list[tuple[Interval, int]] = []
    listed: dict[str, tuple[int, ...]] = {}
    spelled: dict[str, tuple[int, ...]] = {}
    undecided: list[int] = []
    for at, advisory in enumerate(package.advisories):
        if advisory.withdrawn:
            continue
        span = _plain(advisory, at) if scheme.exact else None
        ranges, decided = _ranges(advisory, scheme) if span is None else (_NO_RANGES, True)
        if span is not None:
            spans.append(span)
        elif not decided:
            undecided.append(at)
        pairs += [(each, at) for each in ranges]
        for version in advisory.versions:
            listed[version] = (*listed.get(version, ()), at)
        for key in _spelled(advisory, scheme) if span is None and not ranges else ():
            spelled[key] = (*spelled.get(key, ()), at)
    if not scheme.exact:
        return Rules(scheme, (), _Pairs(tuple(pairs)), listed, spelled, tuple(undecided))
    spans += [_span(each, at) for each, at in pairs]
    return Rules(scheme, tuple(spans), None, listed, spelled, tuple(undecided))


def _plain(advisory: _Advisory, at: int) -> Span | None:
    """Give the span of what most advisories are: one range, from a version to a fix; None for all others."""
    if len(advisory.ranges) != 1 or len(advisory.ranges[0].events) != 2:
        return None
    low, high = advisory.ranges[0].events
    key = "" if low.version == "0" else low.key
    if low.event != "introduced" or high.event != "fixed" or not high.key or not (key or low.version == "0"):
        return None
    return (key, high.key, at, high.version)


def _spelled(advisory: _Advisory, scheme: Scheme) -> set[str]:
    """Give the keys of the versions that an advisory lists."""
    return {scheme.key(version) for version in advisory.versions} - {""} if scheme.exact else set()


def _ranges(advisory: _Advisory, scheme: Scheme) -> tuple[list[Interval], bool]:
    """Give an advisory's intervals, and whether every bound has a place; without, those of ranges where all do."""
    try:
        return [each for given in advisory.ranges for each in _intervals(given, scheme)], True
    except VersionInvalidError:
        return _placeable(advisory, scheme), False


def _placeable(advisory: _Advisory, scheme: Scheme) -> list[Interval]:
    """Give the intervals of those ranges whose bounds all have a place."""
    out: list[Interval] = []
    for given in advisory.ranges:
        try:
            out += _intervals(given, scheme)
        except VersionInvalidError:
            continue
    return out


def _place(event: _Event, scheme: Scheme) -> Any:
    """Give a bound's place: the stored key, or what its text says.

    Raises: VersionInvalidError
    """
    if not scheme.exact:
        return scheme.sort(event.version)
    if not event.key:
        raise VersionInvalidError(event.version)
    return event.key


def _intervals(given: _Range, scheme: Scheme) -> list[Interval]:
    """Walk the events of a range.

    Raises: VersionInvalidError
    """
    out: list[Interval] = []
    inside, low = False, None
    for event in given.events:
        if event.event == "introduced":
            if not inside:
                inside, low = True, None if event.version == "0" else _place(event, scheme)
        elif inside and not (event.event == "limit" and event.version == _ANY_LIMIT):
            fix = event.version if event.event == "fixed" else ""
            out.append(Interval(low, _place(event, scheme), event.event == "last_affected", fix))
            inside = False
    if inside:
        out.append(Interval(low, None, closed=False, fix=""))
    return out
