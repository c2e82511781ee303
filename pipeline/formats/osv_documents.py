"""OSV documents as import_feed/2 reads them: what is said of a vulnerability, and of each package. Knows no components.

Lenient where real records break the schema without losing their meaning (``versions: null``, odd git hashes). Ranges of
commits are kept by type, without their events: they say that there is something we cannot answer.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

import msgspec

from cas.digest import Digest
from cas.records.evidence import VersionEvent, VersionRange
from cas.records.feed import FeedDocument2, Rating
from pipeline.feeds import severity
from pipeline.feeds.ratings import LABELS, of_score, of_word
from pipeline.formats.decode import fit, typed
from pipeline.formats.instant import instant
from pipeline.formats.problems import DocumentUnreadable
from pipeline.versions.orders import order_of
from pipeline.versions.places import feed_name
from pipeline.versions.scheme import LOWEST, Scheme, VersionInvalidError

NAME: Final = "osv"
EventName = Literal["introduced", "fixed", "last_affected", "limit"]
_NAMES: Final[tuple[EventName, ...]] = ("introduced", "last_affected", "fixed", "limit")
_MAX_NAME: Final = 255
_SAID_BY: Final = {"NVD": "nvd", "CNA": "other"}
_MALICIOUS: Final = "MAL-"
_NEWEST: Final = ("CVSS_V4", "CVSS_V3", "CVSS_V2")


class _Package(msgspec.Struct, gc=False):
    ecosystem: str = ""
    name: str = ""


class _Severity(msgspec.Struct, gc=False):
    type: str = ""
    score: str = ""
    source: str = ""


class _Range(msgspec.Struct, gc=False):
    type: str = ""
    events: tuple[dict[str, str], ...] | None = ()


class _Words(msgspec.Struct, gc=False):
    severity: Any = None
    urgency: Any = None


class _Affected(msgspec.Struct, gc=False, rename={"database": "database_specific", "own": "ecosystem_specific"}):
    package: _Package | None = None
    ranges: tuple[_Range, ...] | None = ()
    versions: tuple[str, ...] | None = ()
    severity: tuple[_Severity, ...] | None = ()
    database: _Words | None = None
    own: _Words | None = None


class _Osv(msgspec.Struct, gc=False, rename={"database": "database_specific"}):
    id: str
    modified: str = ""
    published: str | None = ""
    withdrawn: str | None = ""
    summary: str | None = ""
    aliases: tuple[str, ...] | None = ()
    upstream: tuple[str, ...] | None = ()
    related: tuple[str, ...] | None = ()
    severity: tuple[_Severity, ...] | None = ()
    affected: tuple[_Affected, ...] | None = ()
    database: _Words | None = None


_OSV: Final = msgspec.json.Decoder(_Osv)


class Spoken(NamedTuple):
    """What one document says of one package, before it is joined with what others say."""

    ecosystem: str
    name: str
    pointer: str
    summary: str
    ratings: tuple[Rating, ...]
    ranges: tuple[VersionRange, ...]
    versions: tuple[str, ...]


def document(data: bytes, raw: Digest, source: str) -> FeedDocument2:
    """Read what a document says of its vulnerability, and the packages it speaks of.

    Raises: evidence.unreadable, cas.too_large
    """
    osv = _read(data)
    same, joined, upstream = _joined(osv)
    affected = osv.affected or ()
    places = {pair for pair in map(_place, affected) if pair is not None}
    return FeedDocument2(
        id=osv.id,
        source=source,
        raw=raw,
        modified=_dated(osv.modified),
        published=_dated(osv.published),
        withdrawn=instant(osv.withdrawn or "") or (osv.withdrawn or ""),
        same=same,
        joined=joined,
        upstream=upstream,
        ratings=tuple(sorted(set(_ratings(osv, affected[0] if affected else None)), key=_order)),
        places=tuple(sorted(places)),
    )


def spoken(data: bytes) -> Iterator[Spoken]:
    """Give what a document, which ``document`` could read, says of each package."""
    osv = _OSV.decode(data)  # held to its bounds when it was read the first time
    for at, affected in enumerate(osv.affected or ()):
        pair = _place(affected)
        if pair is None:
            continue
        order = order_of(pair[0])
        yield Spoken(
            ecosystem=pair[0],
            name=pair[1],
            pointer=f"/affected/{at}",
            summary=fit(osv.summary or "", 1024),
            ratings=tuple(_ratings(osv, affected)),
            ranges=tuple(_range(each, order) for each in affected.ranges or ()),
            versions=_names(affected.versions),
        )


def _read(data: bytes) -> _Osv:
    osv = typed(data, _OSV, NAME)
    if not 0 < len(osv.id) <= _MAX_NAME:
        raise DocumentUnreadable(format=NAME, reason="id must have 1 to 255 characters")
    return osv


def _dated(text: str | None) -> str:
    """Give an instant; the year 1 is how some say that they do not know."""
    found = instant(text or "")
    return "" if found.startswith("0001-") else found


def _place(affected: _Affected) -> tuple[str, str] | None:
    package = affected.package
    if package is None or not package.ecosystem or not package.name:
        return None
    if len(package.ecosystem) > _MAX_NAME or len(package.name) > _MAX_NAME:
        raise DocumentUnreadable(format=NAME, reason="ecosystem or package name is longer than 255")
    return sys.intern(package.ecosystem), feed_name(package.ecosystem, package.name)


def _names(names: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(sorted({fit(name, 1024) for name in names or () if name}))


def _joined(osv: _Osv) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Give the other names of this vulnerability, those joined to it, and those of them that it covers.

    A document over one upstream vulnerability speaks of that one; over several, it is none of them alone.
    """
    upstream = set(_names(osv.upstream)) - {osv.id}
    same = {*_names(osv.aliases)} - {osv.id}
    if len({name for name in upstream if name.startswith("CVE-")}) == 1 or len(upstream) == 1:
        same |= upstream
    joined = {*upstream, *_names(osv.related)} - same - {osv.id}
    return tuple(sorted(same)), tuple(sorted(joined)), tuple(sorted(upstream - same))


def _word(osv: _Osv, affected: _Affected | None) -> str:
    """Give the word nearest to the package: the ecosystem's own, the database's about it, about the vulnerability."""
    given = [affected.own, affected.database] if affected else []
    for each in (*given, osv.database):
        for word in (each.severity, each.urgency) if each else ():
            if isinstance(word, str) and of_word(word) != "unknown":
                return word.strip().lower()
    return "critical" if osv.id.startswith(_MALICIOUS) else ""


def _ratings(osv: _Osv, affected: _Affected | None) -> Iterator[Rating]:
    """Give what the document says of how bad it is, by who it says that of: itself, NVD, whoever assigned the CVE.

    A package's own severity counts instead of the document's; of several scores of one voice the newest CVSS version.
    """
    given = (affected.severity if affected else ()) or osv.severity or ()
    word = _word(osv, affected)
    if not given and not word:
        return
    for voice in dict.fromkeys(("advisory", *(_SAID_BY.get(each.source, "advisory") for each in given))):
        said = [each for each in given if _SAID_BY.get(each.source, "advisory") == voice]
        vector, tenths = _score(said)
        spoken_word = max((each.score for each in said if each.type not in _NEWEST), key=_badness, default="")
        said_word = fit(spoken_word.strip().lower() or (word if voice == "advisory" else ""), 255)
        if said_word or vector:
            yield Rating(source=voice, by=osv.id, word=said_word, vector=vector, score_tenths=tenths)


def _badness(word: str) -> int:
    return LABELS.index(of_word(word))


def _score(said: list[_Severity]) -> tuple[str, int | None]:
    for system in _NEWEST:
        scores = [(severity.score(system, each.score), fit(each.score, 1024)) for each in said if each.type == system]
        read = [(tenths, vector) for tenths, vector in scores if tenths is not None]
        if read:
            tenths, vector = max(read)
            return vector, tenths
    return "", None


def _order(rating: Rating) -> tuple[str, str, str, str]:
    return (rating.source, rating.word, rating.vector, of_score(rating.score_tenths))


def _event(name: EventName, version: str, order: Scheme | None) -> VersionEvent:
    lowest = name == "introduced" and version == "0"
    key = (LOWEST if lowest else order.key(version)) if order is not None and order.exact else ""
    return VersionEvent(event=name, version=version, key=key)


def _range(given: _Range, order: Scheme | None) -> VersionRange:
    if given.type == "GIT":
        return VersionRange(type="GIT", events=())
    events = [
        _event(name, fit(pair[name], 1024), order)
        for pair in given.events or ()
        for name in _NAMES
        if isinstance(pair.get(name), str)
    ]
    return VersionRange(type=fit(given.type, 255), events=tuple(_ordered(events, order) if order else events))


def _ordered(events: list[VersionEvent], order: Scheme) -> list[VersionEvent]:
    """Sort events by version (OSV, evaluation); as written when one of them has no place in the order."""
    try:
        placed = [
            (not (each.event == "introduced" and each.version == "0"), _sorted_by(each, order), each) for each in events
        ]
    except VersionInvalidError:
        return events
    ordered: list[tuple[bool, Any, VersionEvent]] = []
    for item in placed:  # insertion sort: a handful of events, and some orders compare in pairs only
        at = len(ordered)
        while at and _before(item, ordered[at - 1]):
            at -= 1
        ordered.insert(at, item)
    return [each for _, _, each in ordered]


def _sorted_by(event: VersionEvent, order: Scheme) -> Any:
    if event.event == "introduced" and event.version == "0":
        return LOWEST
    if event.event == "limit" and event.version == "*":
        return _Last() if not order.exact else "~"
    return order.sort(event.version)


class _Last:
    """Above whatever pairs compare with it."""

    def __lt__(self, other: Any) -> bool:
        return False

    def __gt__(self, other: Any) -> bool:
        return True


def _before(left: tuple[bool, Any, VersionEvent], right: tuple[bool, Any, VersionEvent]) -> bool:
    if left[0] != right[0]:
        return left[0] < right[0]
    return bool(left[0] and left[1] < right[1])
