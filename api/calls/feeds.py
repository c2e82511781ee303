"""Advisory feeds: import a snapshot, show the current one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from api.calls.evidence import Document
from cas.digest import Digest
from cas.records.base import Count, Instant, Slug


class ImportFeed(Ask, frozen=True, kw_only=True):
    """Documents over the current snapshot, or instead of it. Each one's ``format`` is osv, kev or epss."""

    name: Slug
    documents: Annotated[tuple[Document, ...], msgspec.Meta(min_length=1, max_length=1_000_000)]
    replace_all: bool = False


@dataclass(frozen=True)
class Feed:
    """An import at a door that reads advisories one at a time, each an OSV document or NDJSON of many."""

    name: str
    advisories: Iterable[bytes]
    kev: bytes | None = None
    epss: bytes | None = None
    replace_all: bool = False


class FaultLine(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was taken although it breaks its schema."""

    pointer: str
    code: str
    message: str


class FeedImported(Answer, frozen=True, kw_only=True):
    """What an import made."""

    snapshot: Digest
    capture: Digest
    documents: int
    faulty: tuple[FaultLine, ...]
    unchanged: bool
    log_size: int


class ShowFeed(Ask, frozen=True, kw_only=True):
    """The current snapshot."""


class SourceLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where advisories came from."""

    name: str
    documents: Count
    newest: str


class EcosystemLine(msgspec.Struct, frozen=True, kw_only=True):
    """An ecosystem of the snapshot."""

    name: str
    digest: Digest


class FeedView(Answer, frozen=True, kw_only=True):
    """The current snapshot; ``snapshot`` is null when none was imported."""

    snapshot: Digest | None
    name: str = ""
    captured_at: Instant | None = None
    sources: tuple[SourceLine, ...] = ()
    ecosystems: tuple[EcosystemLine, ...] = ()
    kev: Digest | None = None
    epss: Digest | None = None


IMPORT = Call(
    "feed.import",
    "POST",
    "/feeds",
    ImportFeed,
    FeedImported,
    "feed:write",
    "Import advisories (OSV), KEV and EPSS as the next snapshot.",
    status=201,
)
SHOW = Call("feed.show", "GET", "/feeds/current", ShowFeed, FeedView, "feed:read", "Show the current snapshot.")

CALLS = (IMPORT, SHOW)
