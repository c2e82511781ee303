"""Advisory feeds as trees: snapshot → ecosystem → bucket → package. The next snapshot shares what did not change."""

from cas.records.base import Count, Name, Nonce, Pairs, Part, Record
from cas.records.evidence import Advisory
from cas.records.forms import Digest, Instant


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
    """A leaf of an EpssTree: scores in millionths, sorted by CVE."""

    model: str
    scored_on: str
    scores: tuple[tuple[str, Count], ...]


class EpssTree(Record, frozen=True, kw_only=True, tag="epss_tree/1"):
    """EPSS scores in EpssList leaves by the first three hex digits of the SHA-256 of the CVE; no leaf is empty."""

    model: str
    scored_on: str
    leaves: tuple[NamedDigest, ...]


class FeedDocument(Part, frozen=True, kw_only=True):
    """An advisory document, and the (ecosystem, package) pairs it speaks of."""

    id: Name
    raw: Digest
    modified: str
    places: Pairs


class FeedDocuments(Record, frozen=True, kw_only=True, tag="feed_documents/1"):
    """Documents whose id's SHA-256 begins with the leaf's three hex digits, sorted by id."""

    documents: tuple[FeedDocument, ...]


class FeedDocumentTree(Record, frozen=True, kw_only=True, tag="feed_document_tree/1"):
    """Every document behind a snapshot, so that the next import knows what is new, changed or gone."""

    leaves: tuple[NamedDigest, ...]


class FeedSnapshot(Record, frozen=True, kw_only=True, tag="feed_snapshot/1"):
    """All advisories known at one capture."""

    name: Name
    captured_at: Instant
    sources: tuple[FeedSource, ...]
    ecosystems: tuple[NamedDigest, ...]  # sorted by ecosystem
    kev: Digest | None  # KevList
    epss: Digest | None  # EpssTree
    notes: Pairs
    documents: Digest | None = None  # FeedDocumentTree
