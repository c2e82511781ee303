"""Whether advisories hold a version: OSV ranges as intervals, made once per package. Must not know components or trees.

OSV's evaluation over events in order of versions is a walk: ``introduced`` opens an interval, ``fixed`` and ``limit``
close it before, ``last_affected`` behind its version. A bound that has no place in the order leaves the advisory
undecided, unless another range or a listed version answers.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cas.problems import RecordInvalid
from pipeline.versions.catalog import scheme_of
from pipeline.versions.scheme import Scheme, VersionInvalidError

_ANY_LIMIT: Final = "*"


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


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions from ``low`` (None: from the first) up to ``high`` (None: without end), which ``closed`` includes."""

    low: Any
    high: Any
    closed: bool
    fix: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What a feed says of one package, made ready to be asked.

    ``spans`` are the intervals of all advisories as (low, high, closed, place of the advisory, fix); ``listed`` says
    which advisories list a version as written, ``spelled`` by key, for advisories that list versions only;
    ``undecided`` are those with a bound that has no place. ``scheme`` is None where we know no order.
    """

    scheme: Scheme | None
    spans: tuple[tuple[Any, Any, bool, int, str], ...]
    listed: dict[str, tuple[int, ...]]
    spelled: dict[str, tuple[int, ...]]
    undecided: tuple[int, ...]

    def holding(self, version: str, place: Any) -> dict[int, tuple[str, ...]]:
        """Give, by place, the advisories that hold a version, with the fixes that end the ranges it is in."""
        hits = [
            (at, fix)
            for low, high, closed, at, fix in self.spans
            if (low is None or low <= place) and (high is None or place < high or (closed and place == high))
        ]
        found: dict[int, tuple[str, ...]] = {}
        for at, fix in hits:
            held = found.get(at, ())
            found[at] = (*held, fix) if fix and fix not in held else held
        for at in (*self.listed.get(version, ()), *(self.spelled.get(place, ()) if self.spelled else ())):
            found.setdefault(at, ())
        return found


def rules(data: bytes) -> Rules:
    """Make the advisories of a FeedPackage's bytes ready; withdrawn ones say nothing any more.

    Raises: cas.record_invalid
    """
    try:
        package = _PACKAGE.decode(data)
    except msgspec.DecodeError as error:
        raise RecordInvalid(kind="FeedPackage", reason=str(error)[:200]) from error
    scheme = scheme_of(package.ecosystem)
    spans: list[tuple[Any, Any, bool, int, str]] = []
    listed: dict[str, tuple[int, ...]] = {}
    spelled: dict[str, tuple[int, ...]] = {}
    undecided: list[int] = []
    for at, advisory in enumerate(package.advisories):
        if advisory.withdrawn or scheme is None:
            continue
        try:
            ranges = [each for given in advisory.ranges for each in _intervals(given, scheme)]
        except VersionInvalidError:
            ranges = _placeable(advisory, scheme)
            undecided.append(at)
        spans += [(each.low, each.high, each.closed, at, each.fix) for each in ranges]
        for version in advisory.versions:
            listed[version] = (*listed.get(version, ()), at)
        if not ranges and scheme.exact:
            for key in {scheme.key(version) for version in advisory.versions} - {""}:
                spelled[key] = (*spelled.get(key, ()), at)
    return Rules(scheme, tuple(spans), listed, spelled, tuple(undecided))


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
