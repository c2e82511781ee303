"""What changed between two snapshots: the packages whose advisories differ. Reads only branches that differ."""

from dataclasses import dataclass

from cas.digest import Digest
from cas.records.feed import AnySnapshot
from cas.store import Reader
from pipeline.feeds.branches import changed, named
from pipeline.feeds.reading import branch_of, bucket_of, old_bucket


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package whose advisories differ; None where a snapshot does not know it."""

    ecosystem: str
    name: str
    old: Digest | None
    new: Digest | None


def _all(reader: Reader, digest: Digest | None) -> dict[str, Digest]:
    """Give every package of an ecosystem."""
    if digest is None:
        return {}
    found = branch_of(reader.get(digest))
    return {
        name: package
        for held in found.buckets.values()
        for name, package in _packages(reader, held, old=not found.digits).items()
    }


def _packages(reader: Reader, digest: Digest | None, *, old: bool) -> dict[str, Digest]:
    if digest is None:
        return {}
    data = reader.get(digest)
    return old_bucket(data) if old else dict(bucket_of(data).packages())


def feed_diff(reader: Reader, old: AnySnapshot, new: AnySnapshot) -> tuple[PackageChange, ...]:
    """List the packages that changed, sorted by (ecosystem, name).

    Only branches that differ are read; those that were hung anew (of the other kind, or in more buckets) whole. Against
    a snapshot of the first kind every package differs, for it says less.

    Raises: cas.object_missing, cas.record_invalid
    """
    out: list[PackageChange] = []
    left, right = named(old.ecosystems), named(new.ecosystems)
    for ecosystem in changed(left, right):
        before, after = _pair(reader, left.get(ecosystem), right.get(ecosystem))
        out += [PackageChange(ecosystem, name, before.get(name), after.get(name)) for name in changed(before, after)]
    return tuple(sorted(out, key=lambda each: (each.ecosystem, each.name)))


def _pair(reader: Reader, old: Digest | None, new: Digest | None) -> tuple[dict[str, Digest], dict[str, Digest]]:
    """Give what may differ between two branches: packages in buckets that differ, or all."""
    if old is None or new is None:
        return _all(reader, old), _all(reader, new)
    left, right = branch_of(reader.get(old)), branch_of(reader.get(new))
    if left.digits != right.digits:
        return _all(reader, old), _all(reader, new)
    before: dict[str, Digest] = {}
    after: dict[str, Digest] = {}
    for prefix in changed(left.buckets, right.buckets):
        before |= _packages(reader, left.buckets.get(prefix), old=not left.digits)
        after |= _packages(reader, right.buckets.get(prefix), old=not right.digits)
    return before, after


def lists_changed(old: AnySnapshot, new: AnySnapshot) -> bool:
    """Tell whether KEV or EPSS differ: then any match may count differently."""
    return (old.kev, old.epss) != (new.kev, new.epss)
