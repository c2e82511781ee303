"""RFC 6962 tree hashing, an appendable tree, inclusion and consistency proofs. Knows bytes only.

A tree is one byte array per level: level ``k`` holds, 32 bytes each, the hashes of all complete subtrees of ``2^k``
leaves. Nothing in it ever changes but by growing, so proofs about an earlier size may be made while one thread appends.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from cas.problems import EntryMissing, ProofInvalid

WIDTH: Final = 32
EMPTY: Final = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf (RFC 6962, 2.1)."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node (RFC 6962, 2.1)."""
    return _sha256(b"\x01" + left + right).digest()


class Tree:
    """An appendable Merkle tree.

    One thread appends; any number may ask about sizes that were reached before they asked.
    """

    def __init__(self, older: Callable[[int, int], bytes] | None = None) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self._first: list[int] = [0]  # index of the first node that each level holds here
        self._size = 0
        self._older = older

    @classmethod
    def of_levels(cls, levels: Sequence[bytes]) -> "Tree":
        """Restore a tree from what ``levels`` gave; every proof remains possible.

        Raises: cas.proof_invalid when the lengths do not fit together
        """
        size = len(levels[0]) // WIDTH if levels else 0
        wanted = [(size >> level) * WIDTH for level in range(max(size.bit_length(), 1))]
        if [len(level) for level in levels or (b"",)] != wanted:
            raise ProofInvalid(reason="levels of unfitting lengths", size=size)
        tree = cls()
        tree._levels = [bytearray(level) for level in levels or (b"",)]
        tree._first = [0] * len(tree._levels)
        tree._size = size
        return tree

    @classmethod
    def of_edge(cls, size: int, edge: Sequence[bytes], older: Callable[[int, int], bytes] | None = None) -> "Tree":
        """Restore a tree from its right edge alone: it appends and gives roots from here on.

        What proofs need of earlier nodes is asked of ``older(level, index)`` (a reader of tiles, for example).

        Raises: cas.proof_invalid when the edge does not fit the size
        """
        if len(edge) != size.bit_count() or any(len(node) != WIDTH for node in edge):
            raise ProofInvalid(reason="edge does not fit the size", size=size)
        tree = cls(older)
        known = iter(edge)
        tree._levels = [
            bytearray(next(known)) if size >> level & 1 else bytearray()
            for level in range(size.bit_length() - 1, -1, -1)
        ][::-1] or [bytearray()]
        tree._first = [(size >> level) & ~1 for level in range(len(tree._levels))]
        tree._size = size
        return tree

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    def append(self, leaf: bytes) -> int:
        """Add a leaf's hash (``leaf_hash``), and give its position."""
        at = position = self._size
        level = 0
        here = self._levels[0]
        here += leaf
        while at & 1:
            node = _sha256(b"\x01" + here[-64:]).digest()
            at >>= 1
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())
                self._first.append(0)
            here = self._levels[level]
            here += node
        self._size = position + 1
        return position

    def extend(self, leaves: Iterable[bytes]) -> int:
        """Add many leaves' hashes, level by level, and give the new size."""
        new = b"".join(leaves)
        if len(new) % WIDTH:
            raise ProofInvalid(reason="a leaf hash is not 32 bytes")
        size = self._size + len(new) // WIDTH
        level = 0
        while new:
            if level == len(self._levels):
                self._levels.append(bytearray())
                self._first.append(0)
            here = self._levels[level]
            # the left sibling of the first new node, when there is one, was there before
            odd = (self._size >> level) & 1
            pairs = here[-WIDTH:] + new if odd else new
            here += new
            whole = len(pairs) & ~63
            new = b"".join([_sha256(b"\x01" + pairs[at : at + 64]).digest() for at in range(0, whole, 64)])
            level += 1
        self._size = size
        return size

    def node(self, level: int, index: int) -> bytes:
        """Give the hash of a complete subtree of ``2^level`` leaves.

        Raises: cas.entry_missing when it is not complete, or not held here
        """
        if level < len(self._levels):
            at = index - self._first[level]
            if at >= 0:
                node = bytes(self._levels[level][at * WIDTH : at * WIDTH + WIDTH])
                if node:
                    return node
            elif index >= 0 and self._older is not None:
                return self._older(level, index)
        raise EntryMissing(level=level, index=index)

    def nodes(self, level: int, start: int, stop: int) -> bytes:
        """Give the hashes of complete subtrees from ``start`` up to ``stop``, joined: the bytes of a tile.

        Raises: cas.entry_missing
        """
        held = level < len(self._levels) and self._first[level] <= start
        if not held:
            return b"".join([self.node(level, index) for index in range(start, stop)])
        first = self._first[level]
        found = bytes(self._levels[level][(start - first) * WIDTH : (stop - first) * WIDTH])
        if len(found) != (stop - start) * WIDTH:
            raise EntryMissing(level=level, index=stop - 1)
        return found

    def levels(self) -> tuple[bytes, ...]:
        """Give every level's bytes, for ``of_levels``.

        Raises: cas.entry_missing when the tree was restored from an edge alone
        """
        count = max(self._size.bit_length(), 1)
        return tuple(self.nodes(level, 0, self._size >> level) for level in range(count))

    def edge(self) -> tuple[bytes, ...]:
        """Give the hashes of the complete subtrees that make up the tree, largest first: all that appending needs."""
        size = self._size
        return tuple(
            self.node(level, (size >> level) - 1) for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1
        )

    def root(self) -> bytes:
        """Give the root of the whole tree (RFC 6962, 2.1); of no leaves, the hash of nothing."""
        return self.root_at(self._size)

    def root_with(self, leaves: Sequence[bytes]) -> bytes:
        """Give the root as it will be with some leaves' hashes added; nothing is added."""
        if len(leaves) != 1:
            ahead = Tree.of_edge(self._size, self.edge())
            ahead.extend(leaves)
            return ahead.root()
        (folded,) = leaves
        size = self._size
        for level in range(size.bit_length()):  # whether a subtree becomes complete or not, it stands on the left
            if size >> level & 1:
                folded = node_hash(self.node(level, (size >> level) - 1), folded)
        return folded

    def root_at(self, size: int) -> bytes:
        """Give the root as it was at an earlier size.

        Raises: cas.entry_missing
        """
        self._within(0, size)
        return self._fold(size, size.bit_length()) if size else EMPTY

    def inclusion(self, position: int, size: int) -> tuple[bytes, ...]:
        """Prove that a leaf is in the tree of ``size`` (RFC 6962, 2.1.1).

        Raises: cas.entry_missing
        """
        self._within(position + 1, size)
        if position < 0:
            raise EntryMissing(position=position)
        return tuple(self._path(0, position, size))

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Prove that the tree of ``old`` is a prefix of the tree of ``new`` (RFC 6962, 2.1.2).

        Empty when either is trivially so: nothing, or all.

        Raises: cas.entry_missing
        """
        self._within(old, new)
        if old < 0:
            raise EntryMissing(size=old)
        if old in {0, new}:
            return ()
        level = (old & -old).bit_length() - 1
        index = (old >> level) - 1
        start = () if index == 0 else (self.node(level, index),)  # a perfect old tree is known to who asks
        return (*start, *self._path(level, index, new))

    def _within(self, low: int, size: int) -> None:
        if not low <= size <= self._size:
            raise EntryMissing(asked=low, size=size, held=self._size)

    def _path(self, level: int, index: int, size: int) -> Iterator[bytes]:
        """Give the siblings on the way up from a complete subtree."""
        while 1 << level < size:
            sibling = index ^ 1
            if (sibling + 1) << level <= size:
                yield self.node(level, sibling)
            elif sibling << level < size:  # the ragged right edge
                yield self._fold(size, level)
            level += 1
            index >>= 1

    def _fold(self, size: int, below: int) -> bytes:
        """Hash the last leaves of the tree of ``size`` that do not fill a subtree of ``2^below``."""
        folded = b""
        for level in range(below):
            if size >> level & 1:
                node = self.node(level, (size >> level) - 1)
                folded = node_hash(node, folded) if folded else node
        return folded


def verify_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an inclusion proof (RFC 9162, 2.1.3.2), ``leaf`` being the leaf's hash.

    Raises: cas.proof_invalid
    """
    _check_widths((leaf, root, *proof))
    if not 0 <= position < size:
        raise ProofInvalid(reason="position outside the tree", position=position, size=size)
    at, last = position, size - 1
    node = leaf
    for step in proof:
        if last == 0:
            raise ProofInvalid(reason="proof too long", position=position, size=size)
        if at & 1 or at == last:
            node = node_hash(step, node)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = node_hash(node, step)
        at >>= 1
        last >>= 1
    if last:
        raise ProofInvalid(reason="proof too short", position=position, size=size)
    if node != root:
        raise ProofInvalid(reason="another root", position=position, size=size)


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of ``new`` begins with the tree of ``old`` (RFC 9162, 2.1.4.2).

    Raises: cas.proof_invalid
    """
    _check_widths((old_root, new_root, *proof))
    if not 0 <= old <= new:
        raise ProofInvalid(reason="the old tree is larger", old=old, new=new)
    if old in {0, new}:
        same = old_root == (new_root if old == new else EMPTY)
        if proof or not same:
            raise ProofInvalid(reason="another root" if not proof else "proof too long", old=old, new=new)
        return
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        raise ProofInvalid(reason="proof too short", old=old, new=new)
    found_old, found_new = _climb(old, new, steps)
    if found_old != old_root or found_new != new_root:
        raise ProofInvalid(reason="another root", old=old, new=new)


def _climb(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Recompute both roots from a consistency proof's steps (RFC 9162, 2.1.4.2, steps 3 to 7)."""
    at, last = old - 1, new - 1
    while at & 1:
        at >>= 1
        last >>= 1
    found_old = found_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofInvalid(reason="proof too long", old=old, new=new)
        if at & 1 or at == last:
            found_old = node_hash(step, found_old)
            found_new = node_hash(step, found_new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found_new = node_hash(found_new, step)
        at >>= 1
        last >>= 1
    if last:
        raise ProofInvalid(reason="proof too short", old=old, new=new)
    return found_old, found_new


def _check_widths(hashes: Iterable[bytes]) -> None:
    if any(len(node) != WIDTH for node in hashes):
        raise ProofInvalid(reason="a hash is not 32 bytes")
