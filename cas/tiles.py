"""A log as static files: paths and bytes of C2SP tlog-tiles. Knows trees and bytes; must not know where they lie."""

import struct
from collections.abc import Sequence
from typing import Final

from cas.merkle import Tree
from cas.problems import EntryMissing, ProofInvalid

TILE: Final = 256
"""Hashes in a full tile: 8 levels of the tree."""


def tile_path(level: int, index: int, width: int = TILE) -> str:
    """Spell where a tile is served, ``tile/0/x001/234.p/17`` (tlog-tiles); width below 256 is a partial tile."""
    return f"tile/{level}/{_spell(index)}" + _partial(width)


def entries_path(index: int, width: int = TILE) -> str:
    """Spell where a bundle of 256 leaves' data is served (tlog-tiles)."""
    return f"tile/entries/{_spell(index)}" + _partial(width)


def _partial(width: int) -> str:
    if not 1 <= width <= TILE:
        raise EntryMissing(width=width)
    return "" if width == TILE else f".p/{width}"


def _spell(index: int) -> str:
    """Write an index in groups of three digits, all but the last marked with an x."""
    if index < 0:
        raise EntryMissing(index=index)
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))


def tiles(old: int, new: int) -> tuple[tuple[int, int, int], ...]:
    """List (level, index, width) of each tile that is new or grew as a log went from ``old`` to ``new`` leaves."""
    found: list[tuple[int, int, int]] = []
    level = 0
    while new >> 8 * level:
        before, after = old >> 8 * level, new >> 8 * level
        for index in range(before // TILE, -(-after // TILE)):
            width = min(TILE, after - index * TILE)
            if index * TILE + width > before:
                found.append((level, index, width))
        level += 1
    return tuple(found)


def tile(tree: Tree, level: int, index: int, width: int = TILE) -> bytes:
    """Give a tile's bytes: ``width`` hashes of complete subtrees of ``256^level`` leaves.

    Raises: cas.entry_missing
    """
    _partial(width)
    return tree.nodes(8 * level, index * TILE, index * TILE + width)


def entries_tile(leaves: Sequence[bytes]) -> bytes:
    """Give an entry bundle's bytes: each leaf's data after its length in two bytes (tlog-tiles).

    Raises: cas.entry_missing when there are not 1 to 256 of them, or one is longer than 65,535 bytes
    """
    if not 1 <= len(leaves) <= TILE or any(len(leaf) > 0xFFFF for leaf in leaves):
        raise EntryMissing(leaves=len(leaves), longest=max(map(len, leaves), default=0))
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


def split_entries(data: bytes) -> tuple[bytes, ...]:
    """Take an entry bundle apart.

    Raises: cas.proof_invalid
    """
    found: list[bytes] = []
    at = 0
    while at < len(data):
        stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if stop > len(data) or len(found) == TILE or at + 2 > len(data):
            raise ProofInvalid(reason="broken entry bundle", position=at)
        found.append(data[at + 2 : stop])
        at = stop
    return tuple(found)
