"""One vulnerability out of many documents: which names mean the same, and who says how bad it is. Must not know trees.

Documents are joined by the names they share. A document that calls itself by several CVEs is a bundle: it has all those
names, but joins nothing, or vulnerabilities that have nothing to do with each other would become one.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from cas.records.feed import Advisory2, FeedDocument2, Rating
from pipeline.feeds import ratings
from pipeline.formats.osv_documents import Spoken

MAX_NAMES: Final = 64
"""Names that one vulnerability is followed under; a chain longer than that is an error in somebody's data."""


class Joined(NamedTuple):
    """A document with all it is joined to: every other name, the related ones, what others say of it, when it began."""

    aliases: tuple[str, ...]
    related: tuple[str, ...]
    ratings: tuple[Rating, ...]
    published: str


def own_names(document: FeedDocument2) -> set[str]:
    """Give the names by which a document calls its vulnerability."""
    return {document.id, *document.same}


def is_bundle(document: FeedDocument2) -> bool:
    """Tell whether a document speaks of several vulnerabilities under one id."""
    return sum(name.startswith("CVE-") for name in own_names(document)) > 1


class Vulnerabilities:
    """Joins documents. ``others`` gives the documents that speak of a name, but one, in any order."""

    def __init__(self, others: Callable[[str, str], Iterable[FeedDocument2]]) -> None:
        self._others = others

    def group(self, document: FeedDocument2) -> dict[str, FeedDocument2]:
        """Give every document about the same vulnerability, by id, that one included."""
        found = {document.id: document}
        if is_bundle(document):
            return found
        names = own_names(document)
        todo = sorted(names)
        while todo and len(names) <= MAX_NAMES:
            name = todo.pop()
            for other in sorted(self._others(name, document.id), key=_by_id):
                if other.id in found or other.withdrawn or is_bundle(other) or name not in own_names(other):
                    continue
                found[other.id] = other
                fresh = sorted(own_names(other) - names)
                names.update(fresh)
                todo += fresh
        return found

    def touched(self, document: FeedDocument2) -> set[str]:
        """Give the ids of all documents whose joining may change when this one comes, changes or goes."""
        out = {document.id}
        for member in self.group(document).values():
            for name in own_names(member):
                out.update(other.id for other in self._others(name, document.id))
        return out

    def joined(self, document: FeedDocument2) -> Joined:
        """Join a document with what others say of the same vulnerability, or of those that it covers."""
        group = self.group(document)
        names = set[str]().union(*map(own_names, group.values()))
        related = set(document.joined) - names
        said = {rating for member in group.values() if member.id != document.id for rating in _foreign(member)}
        for name in document.upstream:
            said |= {
                rating for other in self._of(name, document) if other.id not in group for rating in _foreign(other)
            }
        published = document.published or min((one.published for one in group.values() if one.published), default="")
        return Joined(
            tuple(sorted(names - {document.id})),
            tuple(sorted(related)),
            tuple(sorted(said, key=lambda one: (one.source, one.by, one.word, one.vector))),
            published,
        )

    def _of(self, name: str, document: FeedDocument2) -> Iterable[FeedDocument2]:
        """Give the documents that are about the vulnerability of a name and no other."""
        return (
            other
            for other in self._others(name, document.id)
            if name in own_names(other) and not other.withdrawn and not is_bundle(other)
        )


def _by_id(document: FeedDocument2) -> str:
    return document.id


def _foreign(document: FeedDocument2) -> tuple[Rating, ...]:
    """Give a document's ratings as another document's reader hears them."""
    called = ratings.database(document.id)
    return tuple(
        msgspec.structs.replace(one, source=(called or "other") if one.source == "advisory" else one.source)
        for one in document.ratings
    )


def advisory(document: FeedDocument2, said: Spoken, joined: Joined) -> Advisory2:
    """Give a document's advisory about one package, with the rating that counts there."""
    vendor = ratings.is_distro(said.ecosystem) and not ratings.database(document.id)
    own = (
        msgspec.structs.replace(one, source="vendor") if vendor and one.source == "advisory" else one
        for one in said.ratings
    )
    ordered = ratings.by_precedence((*own, *joined.ratings), said.ecosystem)
    label, source, tenths = ratings.chosen(ordered)
    return Advisory2(
        id=document.id,
        aliases=joined.aliases,
        related=joined.related,
        modified=document.modified,
        published=joined.published,
        withdrawn=document.withdrawn,
        summary=said.summary,
        ratings=ordered[:16],
        severity=label,
        severity_source=source,
        score_tenths=tenths,
        ranges=said.ranges,
        versions=said.versions,
        raw=document.raw,
        pointer=said.pointer,
    )
