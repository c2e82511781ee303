"""OSV advisories: one document becomes one Advisory for each package it speaks of. Must not know components.

Lenient where real records break the schema without losing their meaning (``versions: null``, odd git hashes).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from cas.digest import Digest
from cas.records.evidence import Advisory, EvidenceKind, Severity, VersionEvent, VersionRange
from pipeline.feeds import severity
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.instant import instant
from pipeline.formats.problems import DocumentUnreadable
from pipeline.versions.catalog import scheme_of
from pipeline.versions.ecosystem import feed_name
from pipeline.versions.scheme import LOWEST, Scheme, VersionInvalidError

NAME: Final = "osv"
EventName = Literal["introduced", "fixed", "last_affected", "limit"]
_NAMES: Final[tuple[EventName, ...]] = ("introduced", "last_affected", "fixed", "limit")
_MAX_NAME: Final = 255


class _Package(msgspec.Struct, gc=False):
    ecosystem: str = ""
    name: str = ""


class _Severity(msgspec.Struct, gc=False):
    type: str = ""
    score: str = ""


class _Range(msgspec.Struct, gc=False):
    type: str = ""
    events: tuple[dict[str, str], ...] | None = ()


class _Words(msgspec.Struct, gc=False):
    severity: Any = None


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
    published: str = ""
    withdrawn: str | None = ""
    summary: str | None = ""
    aliases: tuple[str, ...] | None = ()
    upstream: tuple[str, ...] | None = ()
    related: tuple[str, ...] | None = ()
    severity: tuple[_Severity, ...] | None = ()
    affected: tuple[_Affected, ...] | None = ()
    database: _Words | None = None


class _Spoken(msgspec.Struct, gc=False):
    package: _Package | None = None


class _Head(msgspec.Struct, gc=False):
    id: str
    modified: str = ""
    affected: tuple[_Spoken, ...] | None = ()


_OSV: Final = msgspec.json.Decoder(_Osv)
_HEAD: Final = msgspec.json.Decoder(_Head)


def _place(affected: _Affected | _Spoken) -> tuple[str, str] | None:
    package = affected.package
    if package is None or not package.ecosystem or not package.name:
        return None
    if len(package.ecosystem) > _MAX_NAME or len(package.name) > _MAX_NAME:
        raise DocumentUnreadable(format=NAME, reason="ecosystem or package name is longer than 255")
    return package.ecosystem, feed_name(package.ecosystem, package.name)


def _event(name: EventName, version: str, scheme: Scheme | None) -> VersionEvent:
    lowest = name == "introduced" and version == "0"
    key = (LOWEST if lowest else scheme.key(version)) if scheme is not None and scheme.exact else ""
    return VersionEvent(event=name, version=version, key=key)


def _range(given: _Range, scheme: Scheme | None) -> VersionRange:
    events = [
        _event(name, pair[name], scheme)
        for pair in given.events or ()
        for name in _NAMES
        if isinstance(pair.get(name), str)
    ]
    if given.type != "GIT" and scheme is not None:
        events = _ordered(events, scheme)
    return VersionRange(type=given.type, events=tuple(events))


def _ordered(events: list[VersionEvent], scheme: Scheme) -> list[VersionEvent]:
    """Sort events by version (OSV, evaluation); as written when one of them has no place in the order."""
    try:
        placed = [
            (-1, at, LOWEST, each) if each.event == "introduced" and each.version == "0"
            else (0, at, scheme.sort(each.version), each)
            for at, each in enumerate(events)
        ]  # fmt: skip
    except VersionInvalidError:
        return events
    ordered: list[tuple[int, int, Any, VersionEvent]] = []
    for item in placed:  # insertion sort: a handful of events, and Maven versions compare in pairs only
        at = len(ordered)
        while at and _before(item, ordered[at - 1]):
            at -= 1
        ordered.insert(at, item)
    return [each for _, _, _, each in ordered]


def _before(left: tuple[int, int, Any, VersionEvent], right: tuple[int, int, Any, VersionEvent]) -> bool:
    if left[0] != right[0]:
        return left[0] < right[0]
    return bool(left[0] == 0 and left[2] < right[2])


def _word(*given: _Words | None) -> str:
    return next((each.severity for each in given if each is not None and isinstance(each.severity, str)), "")


def _names(names: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(sorted({name for name in names or () if name}))


def _advisory(osv: _Osv, affected: _Affected, at: int, raw: Digest, ecosystem: str) -> Advisory:
    scheme = scheme_of(ecosystem)
    scores = tuple(
        Severity(system=each.type, vector=fit(each.score, 1024), score_tenths=severity.score(each.type, each.score))
        for each in (affected.severity or osv.severity or ())
    )
    label, tenths = severity.worst(scores, _word(affected.own, affected.database, osv.database))
    return Advisory(
        id=osv.id,
        aliases=_names(osv.aliases),
        upstream=_names(osv.upstream),
        related=_names(osv.related),
        modified=instant(osv.modified),
        published=instant(osv.published),
        withdrawn=instant(osv.withdrawn or "") or (osv.withdrawn or ""),
        summary=fit(osv.summary or "", 1024),
        severities=scores,
        severity_label=label,
        score_tenths=tenths,
        ranges=tuple(_range(each, scheme) for each in affected.ranges or () if each.type != "GIT"),
        versions=_names(affected.versions),
        raw=raw,
        pointer=f"/affected/{at}",
    )


def _named(name: str) -> str:
    if not 0 < len(name) <= _MAX_NAME:
        raise DocumentUnreadable(format=NAME, reason="id must have 1 to 255 characters")
    return name


def places(data: bytes) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Give an advisory's id, when it was modified, and the (ecosystem, package) pairs it speaks of, sorted.

    Raises: evidence.unreadable, cas.too_large
    """
    head = typed(data, _HEAD, NAME)
    found = {_place(affected) for affected in head.affected or ()}
    return _named(head.id), instant(head.modified), tuple(sorted(pair for pair in found if pair is not None))


def advisories(data: bytes, raw: Digest) -> Iterator[tuple[str, str, Advisory]]:
    """Give (ecosystem, package, advisory) for each package a document speaks of.

    Raises: evidence.unreadable, cas.too_large
    """
    osv = typed(data, _OSV, NAME)
    _named(osv.id)
    for at, affected in enumerate(osv.affected or ()):
        pair = _place(affected)
        if pair is not None:
            yield (*pair, _advisory(osv, affected, at, raw, pair[0]))


def _detects(content: Content) -> bool:
    return is_record(content.object)


def is_record(document: Mapping[str, Any]) -> bool:
    """Tell whether an object looks like an OSV record."""
    return isinstance(document.get("id"), str) and "modified" in document and (
        "affected" in document or "schema_version" in document or "withdrawn" in document
    )  # fmt: skip


def _version(_content: Content) -> str:
    return "1"


def _kind(_content: Content) -> EvidenceKind:
    return "advisory"


OSV: Final = Format(
    name=NAME,
    media_types=("application/vnd.osv+json",),
    schemas=(("1", "osv-schema.json"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=None,
)
