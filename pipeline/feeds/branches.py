"""Branches of feed trees: names to digests, buckets, differences. Must not know what hangs on them."""

import functools
from collections.abc import Iterable, Iterator

from cas import digest
from cas.digest import Digest
from cas.records.feed import NamedDigest


@functools.lru_cache(maxsize=1 << 16)
def bucket(name: str) -> str:
    """Name the bucket of a package: the first byte of the SHA-256 of its name, in hex."""
    return digest.of_bytes(name.encode())[7:9]


def named(entries: Iterable[NamedDigest]) -> dict[str, Digest]:
    """Turn a branch into a mapping."""
    return {entry.name: entry.digest for entry in entries}


def branch(mapping: dict[str, Digest]) -> tuple[NamedDigest, ...]:
    """Turn a mapping into a branch, sorted by name."""
    return tuple(NamedDigest(name=name, digest=mapping[name]) for name in sorted(mapping))


def changed(old: dict[str, Digest], new: dict[str, Digest]) -> Iterator[str]:
    """Give, sorted, the names whose digest differs between two branches, or that only one has."""
    return (name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name))
