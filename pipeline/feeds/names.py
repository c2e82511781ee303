"""Where a name hangs in a tree: the first hex digits of its SHA-256, as many as the branch has. Pure."""

import functools
from typing import Final

from cas import digest

PER_BUCKET: Final = 8
MAX_DIGITS: Final = 4
LEAF_DIGITS: Final = 3


@functools.lru_cache(maxsize=1 << 17)
def hashed(name: str) -> str:
    """Give the first digits of a name's SHA-256, as many as any branch uses."""
    return digest.of_bytes(name.encode())[7 : 7 + MAX_DIGITS]


def digits_for(count: int) -> int:
    """Give how many digits a branch of so many names uses: about eight names in a bucket, at most 65,536 buckets."""
    digits = 1
    while digits < MAX_DIGITS and count > PER_BUCKET << (4 * digits):
        digits += 1
    return digits


def leaf(name: str) -> str:
    """Name the leaf of a tree of documents, of names or of scores that holds an entry."""
    return hashed(name)[:LEAF_DIGITS]
