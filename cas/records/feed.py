"""Advisory feeds as trees: snapshot → ecosystem → bucket → package. The next snapshot shares what did not change."""

from cas.digest import Digest
from cas.records.base import Count, Instant, Name, Nonce, Pairs, Part, Record
from cas.records.evidence import Advisory


class FeedPackage(Record, frozen=True, kw_only=True, tag="feed_package/1"):
    """All advisories about one package of one ecosystem, sorted by id."""

    ecosystem: Name
    name: Name
    advisories: tuple[Advisory, ...]


class NamedDigest(Part, frozen=True, kw_only=True):
    """A leaf or branch of a tree by its name."""

    name: str
    digest: Digest


class FeedBucket(Record, frozen=True, kw_only=True, tag="feed_bucket/1"):
    """Packages whose name's SHA-256 begins with the bucket's byte, sorted by name."""

    packages: tuple[NamedDigest, ...]


class FeedEcosystem(Record, frozen=True, kw_only=True, tag="feed_ecosystem/1"):
    """256 buckets by the first byte of the SHA-256 of the package name (hex "00" to "ff"); empty ones are left out."""

    ecosystem: Name
    buckets: tuple[NamedDigest, ...]


class FeedSource(Part, frozen=True, kw_only=True):
    """Where advisories came from, and how old they are by their own word."""

    name: Name
    documents: Count
    newest: str  # newest ``modified`` among them, or empty


class FeedCapture(Record, frozen=True, kw_only=True, tag="feed_capture/1"):
    """The input of import/1: raw advisory documents, KEV and EPSS files captured at ``captured_at``."""

    name: Name
    documents: tuple[Digest, ...]  # OSV documents, sorted
    kev: Digest | None
    epss: Digest | None
    base: Digest | None  # snapshot that this one extends
    captured_at: Instant
    nonce: Nonce


class KnownExploited(Part, frozen=True, kw_only=True):
    """A row of the CISA KEV catalogue; dates as YYYY-MM-DD."""

    cve: Name
    added: str
    due: str


class KevList(Record, frozen=True, kw_only=True, tag="kev_list/1"):
    """The KEV catalogue, sorted by CVE."""

    version: str
    entries: tuple[KnownExploited, ...]


class EpssList(Record, frozen=True, kw_only=True, tag="epss_list/1"):
    """EPSS scores in millionths, sorted by CVE."""

    model: str
    scored_on: str
    scores: tuple[tuple[str, Count], ...]


class FeedSnapshot(Record, frozen=True, kw_only=True, tag="feed_snapshot/1"):
    """All advisories known at one capture."""

    name: Name
    captured_at: Instant
    sources: tuple[FeedSource, ...]
    ecosystems: tuple[NamedDigest, ...]  # sorted by ecosystem
    kev: Digest | None
    epss: Digest | None
    notes: Pairs
