"""Reading a snapshot's branches through a stage's ``io``: rules of packages, advisories, KEV and EPSS.

What many questions share is decoded once per store. Snapshots of both kinds are read. Must not know components.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

import msgspec

from cas.canon import to_record
from cas.digest import Digest
from cas.problems import RecordInvalid
from cas.records.feed import (
    Advisory2,
    AnySnapshot,
    EpssList,
    EpssTree,
    FeedBucket,
    FeedEcosystem,
    FeedEcosystem2,
    FeedPackage,
    FeedPackage2,
    FeedRules,
    FeedSnapshot,
    FeedSnapshot2,
    KevList,
    Span,
)
from pipeline.feeds import joined
from pipeline.feeds.branches import bucket, named
from pipeline.feeds.names import hashed, leaf
from pipeline.feeds.rules import bounds_of, rules_of
from pipeline.stage import StageIO
from pipeline.versions.ecosystem import feed_name as old_name
from pipeline.versions.orders import order_of
from pipeline.versions.places import feed_name, fits


class _Unread(msgspec.Struct, gc=False):
    """A package of a bucket, its spans not decoded; the rest is seldom anything."""

    name: str
    package: str
    spans: msgspec.Raw
    listed: tuple[tuple[str, int], ...]
    undecided: tuple[tuple[int, str], ...]


class _Packages(msgspec.Struct, gc=False, tag_field="kind", tag="feed_bucket/2"):
    packages: list[_Unread]


_REMEMBERED: Final = 1 << 15
_BUCKET: Final = msgspec.json.Decoder(_Packages)
_SPANS: Final = msgspec.json.Decoder(tuple[Span, ...])


class Found(NamedTuple):
    """What a snapshot says of a package, and the object that names the package's own.

    ``bounds`` are those of all its spans; None where places in an order of keys do not tell whether it says anything.
    """

    rules: FeedRules
    via: Digest
    bounds: tuple[str, ...] | None


class Bucket:
    """The packages of a bucket: each one's rules are decoded when it is first asked for."""

    __slots__ = ("_made", "_raw")

    def __init__(self, raw: dict[str, _Unread]) -> None:
        self._raw = raw
        self._made: dict[str, FeedRules] = {}

    def packages(self) -> Iterator[tuple[str, Digest]]:
        """Give every package by name, and its object."""
        return ((name, raw.package) for name, raw in self._raw.items())

    def get(self, name: str) -> FeedRules | None:
        """Give a package's rules."""
        found = self._made.get(name)
        if found is None:
            raw = self._raw.get(name)
            if raw is None:
                return None
            found = self._made[name] = FeedRules(
                name=name,
                package=raw.package,
                spans=_SPANS.decode(raw.spans),
                listed=raw.listed,
                undecided=raw.undecided,
            )
        return found


def snapshot(data: bytes) -> AnySnapshot:
    """Read a snapshot of either kind.

    Raises: cas.record_invalid
    """
    kind: type[AnySnapshot] = FeedSnapshot if b'"kind":"feed_snapshot/1"' in data else FeedSnapshot2
    return to_record(data, kind)


class Branch:
    """An ecosystem: buckets by name, how many digits these have (none: of the first kind), where names hang."""

    __slots__ = ("_found", "buckets", "digits")

    def __init__(self, buckets: dict[str, Digest], digits: int) -> None:
        self.buckets = buckets
        self.digits = digits
        self._found: dict[str, dict[str, Found]] = {}

    def found(self, ecosystem: str) -> dict[str, Found]:
        """Give what is remembered of what was read: by the name as asked, which means what the ecosystem says."""
        found = self._found.setdefault(ecosystem, {})
        if len(found) >= _REMEMBERED:
            found = self._found[ecosystem] = {}
        return found


def branch_of(data: bytes) -> Branch:
    """Read an ecosystem of either kind."""
    if b'"kind":"feed_ecosystem/1"' in data:
        return Branch(named(to_record(data, FeedEcosystem).buckets), 0)
    found = to_record(data, FeedEcosystem2)
    return Branch(named(found.buckets), found.digits)


def bucket_of(data: bytes) -> Bucket:
    """Read a bucket. Its bytes were named by a digest; that they are canonical is import's business."""
    try:
        return Bucket({each.name: each for each in _BUCKET.decode(data).packages})
    except msgspec.DecodeError as error:
        raise RecordInvalid(kind="FeedBucket2", reason=str(error)[:200]) from error


def old_bucket(data: bytes) -> dict[str, Digest]:
    """Read a bucket of the first kind."""
    return named(to_record(data, FeedBucket).packages)


def _old_rules(data: bytes) -> FeedRules:
    found = to_record(data, FeedPackage)
    return rules_of(found.name, "sha256:" + "0" * 64, joined.package(found), order_of(found.ecosystem))


def _advisories(data: bytes) -> tuple[Advisory2, ...]:
    if b'"kind":"feed_package/1"' in data:
        return joined.package(to_record(data, FeedPackage))
    return to_record(data, FeedPackage2).advisories


class Feed:
    """A snapshot, read branch by branch as it is asked."""

    def __init__(self, io: StageIO, digest: Digest) -> None:
        self._io = io
        self._digest = digest
        self.snapshot = io.derive(digest, snapshot, via=digest)
        self._ecosystems = named(self.snapshot.ecosystems)
        self.lists = Lists(io, digest, self.snapshot)

    def known(self, ecosystems: tuple[str, ...]) -> tuple[str, ...]:
        """Give those of the candidates that the snapshot knows, each once, in order of asking."""
        found = (
            name
            for wanted in ecosystems
            for name in ((wanted,) if "*" not in wanted else self._ecosystems)
            if name in self._ecosystems and fits(wanted, name)
        )
        return tuple(dict.fromkeys(found))

    def rules(self, ecosystem: str, names: AbstractSet[str]) -> dict[str, Found]:
        """Give what the snapshot says of those packages that it knows, by the name that was asked.

        Raises: cas.object_missing, cas.record_invalid
        """
        above = self._ecosystems[ecosystem]
        branch = self._io.derive(above, branch_of, via=self._digest)
        if not branch.digits:
            return self._old(above, branch.buckets, {name: old_name(ecosystem, name) for name in names})
        order = order_of(ecosystem)
        exact = order is not None and order.exact
        remembered = branch.found(ecosystem)
        find = remembered.get
        out = {name: found for name in names if (found := find(name)) is not None}
        self._io.again({found.via for found in out.values()}, via=above)
        wanted: dict[Digest, list[tuple[str, str]]] = {}
        for name in names - out.keys():
            key = feed_name(ecosystem, name)
            via = branch.buckets.get(hashed(key)[: branch.digits])
            if via is not None:
                wanted.setdefault(via, []).append((name, key))
        read = self._io.derive_each([(via, above) for via in wanted], bucket_of)
        for (via, given), packages in zip(wanted.items(), read, strict=True):
            for name, key in given:
                rules = packages.get(key)
                if rules is not None:
                    out[name] = remembered[name] = Found(rules, via, bounds_of(rules) if exact else None)
        return out

    def _old(self, above: Digest, buckets: dict[str, Digest], names: dict[str, str]) -> dict[str, Found]:
        """Read branches of the first kind: 256 buckets, an object per package."""
        out: dict[str, Found] = {}
        for name, key in sorted(names.items()):
            via = buckets.get(bucket(key))
            found = self._io.derive(via, old_bucket, via=above).get(key) if via else None
            if found is not None and via is not None:
                rules = self._io.derive(found, _old_rules, via=via)
                out[name] = Found(msgspec.structs.replace(rules, package=found), via, None)
        return out

    def advisory(self, found: Found, at: int) -> Advisory2:
        """Give one advisory of a package in full.

        Raises: cas.object_missing, cas.record_invalid
        """
        return self.advisories(found)[at]

    def advisories(self, found: Found) -> tuple[Advisory2, ...]:
        """Give every advisory of a package.

        Raises: cas.object_missing, cas.record_invalid
        """
        return self._io.derive(found.rules.package, _advisories, via=found.via)


def _due(data: bytes) -> dict[str, str]:
    return {entry.cve: entry.due for entry in to_record(data, KevList).entries}


def _leaves(data: bytes) -> dict[str, Digest]:
    return named(to_record(data, EpssTree).leaves)


def _scores(data: bytes) -> dict[str, int]:
    return dict(to_record(data, EpssList).scores)


class Lists:
    """KEV and EPSS by the names of a vulnerability; read when the first match asks."""

    def __init__(self, io: StageIO, digest: Digest, snapshot: AnySnapshot) -> None:
        self._io = io
        self._digest = digest
        self._snapshot = snapshot

    def kev(self, names: tuple[str, ...]) -> tuple[str, str]:
        """Give the earliest due date under any of the names, and the name listed; empty when none is."""
        if self._snapshot.kev is None:
            return "", ""
        due = self._io.derive(self._snapshot.kev, _due, via=self._digest)
        return min(((due[name], name) for name in names if name in due), default=("", ""))

    def epss(self, names: tuple[str, ...]) -> int | None:
        """Give the highest score under any of the names."""
        tree = self._snapshot.epss
        if tree is None:
            return None
        leaves = self._io.derive(tree, _leaves, via=self._digest)
        found = (self._score(tree, leaves.get(leaf(name)), name) for name in names if name.startswith("CVE-"))
        return max((score for score in found if score is not None), default=None)

    def _score(self, tree: Digest, held: Digest | None, name: str) -> int | None:
        return self._io.derive(held, _scores, via=tree).get(name) if held is not None else None
