"""Advisory feeds: import a snapshot, show the current one, compare two, judge again what one turns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from api.calls.evidence import Document
from cas.digest import Digest
from cas.records.base import Count, Instant, Slug
from cas.records.feed import FeedFile


class ImportFeed(Ask, frozen=True, kw_only=True):
    """Documents over the current snapshot, or instead of it. Each one's ``format`` is osv, kev or epss."""

    name: Slug
    documents: Annotated[tuple[Document, ...], msgspec.Meta(min_length=1, max_length=1_000_000)]
    replace_all: bool = False
    complete: bool = False
    captured_at: Instant | None = None


@dataclass(frozen=True)
class Feed:
    """An import at a door that reads advisories one at a time, each an OSV document or NDJSON of many."""

    name: str
    advisories: Iterable[bytes]
    kev: bytes | None = None
    epss: bytes | None = None
    replace_all: bool = False
    complete: bool = False  # the source is all here: what it no longer has is taken out
    files: tuple[FeedFile, ...] = ()  # where the advisories came from; a remote door does not tell
    told: Callable[[str, int], None] | None = None
    captured_at: Instant | None = None  # by another instance, whose snapshot this is; else now


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


class FileLine(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a source was read from."""

    name: str
    digest: Digest
    size: Count


class SourceLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where advisories came from."""

    name: str
    documents: Count
    newest: str
    form: str = "osv"
    captured_at: Instant | None = None
    files: tuple[FileLine, ...] = ()


class EcosystemLine(msgspec.Struct, frozen=True, kw_only=True):
    """An ecosystem of the snapshot."""

    name: str
    digest: Digest
    packages: Count | None = None


class FeedView(Answer, frozen=True, kw_only=True):
    """The current snapshot; ``snapshot`` is null when none was imported."""

    snapshot: Digest | None
    name: str = ""
    captured_at: Instant | None = None
    sources: tuple[SourceLine, ...] = ()
    ecosystems: tuple[EcosystemLine, ...] = ()
    kev: Digest | None = None
    epss: Digest | None = None
    envelope: Digest | None = None


class DiffFeeds(Ask, frozen=True, kw_only=True):
    """Two snapshots by digest; ``new`` empty is the current one, ``old`` empty the one before it."""

    old: str = ""
    new: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A package whose advisories differ; null where a snapshot does not know it."""

    ecosystem: str
    name: str
    purl: str
    old: Digest | None
    new: Digest | None


class FeedDiffView(Answer, frozen=True, kw_only=True):
    """What changed between two snapshots; ``changed`` counts, ``changes`` may be cut."""

    old: Digest | None
    new: Digest | None
    changed: Count
    lists_changed: bool
    changes: tuple[ChangeLine, ...]


class Rejudge(Ask, frozen=True, kw_only=True):
    """Judge again what the current snapshot may turn: of deployed releases, or of all that were ever judged."""

    everything: bool = False


class TurnedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A gate that answers otherwise."""

    gate: str
    before: str
    now: str


class PackageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A package of an SBOM that changed; without a name where a whole ecosystem came or went."""

    ecosystem: str
    name: str


class RejudgedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict judged again. ``running`` are the targets that run the release there."""

    release: str
    environment: str
    before: str
    now: str
    flipped: bool
    old_verdict: Digest
    verdict: Digest
    packages: tuple[PackageLine, ...]
    lists: bool
    turned: tuple[TurnedLine, ...]
    running: tuple[str, ...]


class RejudgedView(Answer, frozen=True, kw_only=True):
    """What a snapshot made of the verdicts that stood; those that flipped first."""

    feed: Digest
    seen: Count
    touched: Count
    flipped: Count
    verdicts: tuple[RejudgedLine, ...]


IMPORT = Call(
    "feed.import",
    "POST",
    "/feeds",
    ImportFeed,
    FeedImported,
    "feed:write",
    "Import advisories, KEV and EPSS as the next snapshot.",
    status=201,
)
SHOW = Call("feed.show", "GET", "/feeds/current", ShowFeed, FeedView, "feed:read", "Show the current snapshot.")
DIFF = Call("feed.diff", "GET", "/feeds/diff", DiffFeeds, FeedDiffView, "feed:read", "Name the packages that changed.")
REJUDGE = Call(
    "feed.rejudge",
    "POST",
    "/feeds/rejudge",
    Rejudge,
    RejudgedView,
    "gate:run",
    "Judge again what the current snapshot may turn.",
)

CALLS = (IMPORT, SHOW, DIFF, REJUDGE)
