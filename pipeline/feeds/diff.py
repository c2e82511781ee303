"""What changed between two snapshots: the packages whose advisories differ. Reads only branches that differ."""

from dataclasses import dataclass

from cas.digest import Digest
from cas.records.feed import FeedBucket, FeedEcosystem, FeedSnapshot
from cas.store import Reader, load
from pipeline.feeds.branches import changed, named


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package whose advisories differ; None where a snapshot does not know it."""

    ecosystem: str
    name: str
    old: Digest | None
    new: Digest | None


def _buckets(reader: Reader, digest: Digest | None) -> dict[str, Digest]:
    return named(load(reader, digest, FeedEcosystem).buckets) if digest else {}


def _packages(reader: Reader, digest: Digest | None) -> dict[str, Digest]:
    return named(load(reader, digest, FeedBucket).packages) if digest else {}


def feed_diff(reader: Reader, old: FeedSnapshot, new: FeedSnapshot) -> tuple[PackageChange, ...]:
    """List the packages that changed, sorted by (ecosystem, name).

    Raises: cas.object_missing, cas.record_invalid
    """
    out: list[PackageChange] = []
    left, right = named(old.ecosystems), named(new.ecosystems)
    for ecosystem in changed(left, right):
        before, after = _buckets(reader, left.get(ecosystem)), _buckets(reader, right.get(ecosystem))
        for prefix in changed(before, after):
            was, now = _packages(reader, before.get(prefix)), _packages(reader, after.get(prefix))
            out += [PackageChange(ecosystem, name, was.get(name), now.get(name)) for name in changed(was, now)]
    return tuple(sorted(out, key=lambda each: (each.ecosystem, each.name)))
