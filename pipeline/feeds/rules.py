"""Whether advisories hold a version: the ranges of a package as spans, made once at import. Must not know components.

OSV's evaluation over events in order of versions is a walk: ``introduced`` opens an interval, ``fixed`` and ``limit``
close it before, ``last_affected`` behind its version. A bound that has no place in the order leaves the advisory
undecided, unless another range or a listed version answers.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from cas.records.evidence import Advisory, VersionEvent, VersionRange
from cas.records.feed import Advisory2, FeedRules, Span
from pipeline.versions.scheme import Scheme, VersionInvalidError

GIT: Final = "GIT"
_ANY_LIMIT: Final = "*"
_ABOVE: Final = "~"
"""Above every key, which is hex; behind a key it stands for what follows at once."""

AnyAdvisory = Advisory | Advisory2


class Interval(NamedTuple):
    """Versions from ``low`` (empty: from the first) to ``high`` (empty: without end), which ``closed`` includes."""

    low: str
    high: str
    closed: bool
    fix: str


class Made(NamedTuple):
    """What one advisory says of versions: where it holds, versions only listed, and a code when that is not all."""

    spans: tuple[Span, ...]
    listed: tuple[str, ...]
    undecided: str


def rules_of(name: str, package: str, advisories: Sequence[AnyAdvisory], order: Scheme | None) -> FeedRules:
    """Make the advisories of a package ready to be asked; withdrawn ones say nothing any more."""
    spans: list[Span] = []
    listed: list[tuple[str, int]] = []
    undecided: list[tuple[int, str]] = []
    for at, advisory in enumerate(advisories):
        if advisory.withdrawn:
            continue
        made = rule(advisory.ranges, advisory.versions, at, order)
        spans += made.spans
        listed += [(version, at) for version in made.listed]
        if made.undecided:
            undecided.append((at, made.undecided))
    return FeedRules(
        name=name,
        package=package,
        spans=tuple(spans),
        listed=tuple(sorted(listed)),
        undecided=tuple(undecided),
    )


def rule(ranges: Sequence[VersionRange], versions: Sequence[str], at: int, order: Scheme | None) -> Made:
    """Make one advisory ready. Listed versions that have a key become spans of their own, once.

    Of ranges of commits alone we say that we cannot answer, unless the advisory lists versions too.
    """
    commits = "commits_only" if ranges and not versions and all(each.type == GIT for each in ranges) else ""
    if order is None:
        return Made((), tuple(sorted(set(versions))), commits)
    intervals, code = walked(ranges, order)
    code = commits or code
    if not order.exact:
        spans = tuple((each.low, _pair_high(each), at, each.fix) for each in intervals)
        return Made(spans, tuple(sorted(set(versions))), code)
    spans = tuple((each.low, _high(each), at, each.fix) for each in intervals)
    listed: list[str] = []
    points: set[str] = set()
    for version in versions:
        key = order.key(version)
        if not key:
            listed.append(version)
        elif not any(low <= key < high for low, high, _, _ in spans):
            points.add(key)
    spans += tuple((key, key + _ABOVE, at, "") for key in sorted(points))
    return Made(spans, tuple(sorted(set(listed))), code)


def _high(interval: Interval) -> str:
    return interval.high + _ABOVE if interval.closed else interval.high or _ABOVE


def _pair_high(interval: Interval) -> str:
    return ("=" if interval.closed else "<") + interval.high if interval.high else ""


def walked(ranges: Iterable[VersionRange], order: Scheme) -> tuple[list[Interval], str]:
    """Give the intervals of those ranges whose bounds all have a place, and a code when that is not all there is."""
    out: list[Interval] = []
    code = ""
    for each in ranges:
        try:
            out += _intervals(each.events, order) if each.type != GIT else ()
        except VersionInvalidError:
            code = "bound_not_ordered"
    return out, code


def _bound(event: VersionEvent, order: Scheme) -> str:
    """Give a bound as spans write it: its key, or its text where pairs are compared.

    Raises: VersionInvalidError
    """
    if order.exact:
        return event.key or str(order.sort(event.version))
    order.sort(event.version)
    return event.version


def _intervals(events: Iterable[VersionEvent], order: Scheme) -> Iterator[Interval]:
    """Walk the events of a range.

    Raises: VersionInvalidError
    """
    inside, low = False, ""
    for event in events:
        if event.event == "introduced":
            if not inside:
                inside, low = True, "" if event.version == "0" else _bound(event, order)
        elif inside and not (event.event == "limit" and event.version == _ANY_LIMIT):
            fix = event.version if event.event == "fixed" else ""
            yield Interval(low, _bound(event, order), event.event == "last_affected", fix)
            inside = False
    if inside:
        yield Interval(low, "", closed=False, fix="")


def bounds_of(said: FeedRules) -> tuple[str, ...] | None:
    """Give where spans of exact keys, taken together, begin and end; None where advisories say more than spans do.

    A place that has an even number of these at or below it is in no span.
    """
    if said.listed or said.undecided:
        return None
    out: list[str] = []
    for low, high, _, _ in sorted(said.spans):
        if low >= high:
            continue
        if not out or low > out[-1]:
            out += (low, high)
        elif high > out[-1]:
            out[-1] = high
    return tuple(out)


_NOTHING: Final[dict[int, tuple[str, ...]]] = {}


def holding(said: FeedRules, order: Scheme, version: str, place: Any) -> dict[int, tuple[str, ...]]:
    """Give, by place, the advisories that hold a version, with the fixes that end the spans it is in.

    ``place`` is what ``order.sort`` gives of the version.
    """
    if order.exact:
        hits = [(at, fix) for low, high, at, fix in said.spans if low <= place < high]
    else:
        hits = [(at, fix) for low, high, at, fix in said.spans if _within(order, place, low, high)]
    if not hits and not said.listed:
        return _NOTHING
    found: dict[int, tuple[str, ...]] = {}
    for at, fix in hits:
        held = found.get(at, ())
        found[at] = (*held, fix) if fix and fix not in held else held
    for at in as_listed(said, version):
        found.setdefault(at, ())
    return found


def as_listed(said: FeedRules, version: str) -> list[int]:
    """Give the places of advisories that list a version as written."""
    return [at for text, at in said.listed if text == version]


def _within(order: Scheme, place: Any, low: str, high: str) -> bool:
    """Compare with bounds as written, which had a place when the feed was imported."""
    if low and place < order.sort(low):
        return False
    if not high:
        return True
    end = order.sort(high[1:])
    return bool(place < end or (high[0] == "=" and place == end))
