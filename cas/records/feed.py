"""Advisory feeds as trees: snapshot → ecosystem → bucket → package. The next snapshot shares what did not change."""

from cas.records.base import Count, Name, Nonce, Pairs, Part, Record
from cas.records.evidence import Advisory, VersionRange
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


Span = tuple[str, str, Count, str]
"""Versions from the first key on and before the second, the place of the advisory, and the fix that ends the range.

Of an order that compares pairs only (Maven, Packagist, Homebrew) the bounds are versions as written; the second begins
with ``<``, or with ``=`` when it is itself affected. An empty first bound is the beginning, an empty second the end.
"""


class FeedRules(Part, frozen=True, kw_only=True):
    """What matching needs of a package: no more of the advisories than where they hold.

    ``listed`` are versions that an advisory names as written and no span holds; ``undecided`` advisories have a bound
    without a place in the order, or commits only. Places count the advisories of ``package``.
    """

    name: Name
    package: Digest  # FeedPackage2
    spans: tuple[Span, ...]
    listed: tuple[tuple[str, Count], ...]
    undecided: tuple[tuple[Count, str], ...]  # place, and an unknown's code


class FeedBucket2(Record, frozen=True, kw_only=True, tag="feed_bucket/2"):
    """Packages whose name's SHA-256 begins with the bucket's digits, sorted by name."""

    packages: tuple[FeedRules, ...]


class FeedEcosystem2(Record, frozen=True, kw_only=True, tag="feed_ecosystem/2"):
    """Buckets by the first hex digits of the SHA-256 of the package name; how many follows from how many packages."""

    ecosystem: Name
    packages: Count
    digits: Count
    buckets: tuple[NamedDigest, ...]


class Rating(Part, frozen=True, kw_only=True):
    """How bad somebody says a vulnerability is. ``source``: vendor, advisory, nvd, ghsa, other; ``by`` is the advisory.

    ``word`` is what it is called there, ``vector`` and ``score_tenths`` the newest CVSS version given; either may be
    missing.
    """

    source: Name
    by: Name
    word: str
    vector: str
    score_tenths: Count | None


class Advisory2(Part, frozen=True, kw_only=True):
    """One advisory as it speaks of one package, joined with what others say of the same vulnerability."""

    id: Name
    aliases: tuple[str, ...]  # every other name of the vulnerability, sorted
    related: tuple[str, ...]  # names of others that the advisory joins to it
    modified: str
    published: str
    withdrawn: str
    summary: str
    ratings: tuple[Rating, ...]  # by precedence
    severity: str
    severity_source: str
    score_tenths: Count | None
    ranges: tuple[VersionRange, ...]
    versions: tuple[str, ...]
    raw: Digest
    pointer: str


class FeedPackage2(Record, frozen=True, kw_only=True, tag="feed_package/2"):
    """All advisories about one package of one ecosystem, sorted by (id, pointer)."""

    ecosystem: Name
    name: Name
    advisories: tuple[Advisory2, ...]


class FeedFile(Part, frozen=True, kw_only=True):
    """A file that a source was read from."""

    name: str
    digest: Digest
    size: Count


class FeedOrigin(Part, frozen=True, kw_only=True):
    """Where a capture took documents from. ``complete``: what this source no longer has is taken out."""

    name: Name
    form: Name  # osv, debian-tracker, alpine-secdb, kev, epss
    complete: bool
    files: tuple[FeedFile, ...]  # sorted by name


class FeedSource2(Part, frozen=True, kw_only=True):
    """Where advisories came from, and how old they are: by their own word, and by when they were captured."""

    name: Name
    form: Name
    documents: Count  # advisories, or rows of a list
    newest: str  # newest ``modified`` among them, or what a list says of itself; may be empty
    captured_at: Instant
    files: tuple[FeedFile, ...]  # of the last capture


class FeedCapture2(Record, frozen=True, kw_only=True, tag="feed_capture/2"):
    """The input of import_feed/2: what was captured at ``captured_at``, from where, and what it is put on top of."""

    name: Name
    origins: tuple[FeedOrigin, ...]  # sorted by name
    documents: tuple[tuple[Name, Digest], ...]  # (origin, FeedRaws), sorted
    kev: Digest | None
    epss: Digest | None
    base: Digest | None  # snapshot of either kind that this one extends
    captured_at: Instant
    nonce: Nonce


class FeedRaws(Record, frozen=True, kw_only=True, tag="feed_raws/1"):
    """OSV documents of a capture, sorted; a capture of many is in several of these."""

    documents: tuple[Digest, ...]


class FeedDocument2(Part, frozen=True, kw_only=True):
    """An advisory document: what it calls the vulnerability, how bad it says it is, the packages it speaks of."""

    id: Name
    source: Name
    raw: Digest
    modified: str
    published: str
    withdrawn: str
    same: tuple[str, ...]  # other names of this very vulnerability, sorted
    joined: tuple[str, ...]  # vulnerabilities that it covers or relates to, sorted
    upstream: tuple[str, ...]  # of those joined, the ones that it covers
    ratings: tuple[Rating, ...]  # its own
    places: Pairs


class FeedDocuments2(Record, frozen=True, kw_only=True, tag="feed_documents/2"):
    """Documents whose id's SHA-256 begins with the leaf's three hex digits, sorted by id."""

    documents: tuple[FeedDocument2, ...]


class FeedNames(Record, frozen=True, kw_only=True, tag="feed_names/1"):
    """Names whose SHA-256 begins with the leaf's three hex digits, sorted, each with the ids of who speaks of it.

    A document speaks of its own id, of its other names, and of what it covers.
    """

    names: tuple[tuple[str, tuple[str, ...]], ...]


class FeedNameTree(Record, frozen=True, kw_only=True, tag="feed_name_tree/1"):
    """Every name of a vulnerability in a snapshot: whoever changes what is said under one touches all under it."""

    leaves: tuple[NamedDigest, ...]


class FeedSnapshot2(Record, frozen=True, kw_only=True, tag="feed_snapshot/2"):
    """All advisories known at one capture."""

    name: Name
    captured_at: Instant
    sources: tuple[FeedSource2, ...]
    ecosystems: tuple[NamedDigest, ...]  # FeedEcosystem2, sorted by ecosystem
    kev: Digest | None
    epss: Digest | None
    documents: Digest  # FeedDocumentTree of FeedDocuments2
    names: Digest  # FeedNameTree


AnySnapshot = FeedSnapshot | FeedSnapshot2
"""What a reader takes that uses only what both have."""


class ReadFeedInput(Record, frozen=True, kw_only=True, tag="read_feed_input/1"):
    """The question of read_feed/1: what do these files of a database of its own form say, as OSV documents?"""

    form: Name
    raws: tuple[Digest, ...]  # sorted
