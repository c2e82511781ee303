"""Mending a journal's bytes: damaged headers, frames and commit frames rebuilt from what is known. Writes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cas import digest, journal
from cas.adapters.home_state import State
from cas.digest import Digest
from cas.journal import COMMIT, COMMIT_SIZE, ENTRY, FILE_HEADER_SIZE, HEADER_SIZE, OBJECT, Chain, FileHeader
from cas.problems import HomeCorrupt, Problem
from cas.salvage import Piece, pieces

Fetch = Callable[[Digest], bytes | None]
Leaf = Callable[[int], bytes | None]

_ROUNDS = 1 << 16


def mended(data: bytes, number: int, state: State, fetch: Fetch, leaf: Leaf) -> bytes:
    """Give a journal's bytes with everything put right that can be; what cannot stays as it is.

    One fault after another, from the first: a fault counts as mended only when the commit that holds it is whole again.
    """
    header = _header(data, number, state)
    if header is None:
        return data
    whole = bytearray(data)
    whole[:FILE_HEADER_SIZE] = journal.file_header(header)
    mender = _Mender(whole, header.magic, state, fetch, leaf)
    base, chain = FILE_HEADER_SIZE, header.chain
    for _ in range(_ROUNDS):
        found = journal.scan(memoryview(whole)[base:], base, header.magic, chain)
        base, chain = found.end, found.chain
        if found.fault is None or not mender.mend(base, chain):
            break
    return bytes(whole)


def _header(data: bytes, number: int, state: State) -> FileHeader | None:
    """Read the file header, or make it again: the magic stands in the first frame, the chain is the one before."""
    try:
        return journal.parse_file_header(data[:FILE_HEADER_SIZE])[0]
    except HomeCorrupt:
        magic = data[FILE_HEADER_SIZE : FILE_HEADER_SIZE + 8]
        if number == state.live and journal.parse_frame(data, FILE_HEADER_SIZE, magic, FILE_HEADER_SIZE) is not None:
            return FileHeader(magic, number, state.chain)
        return None


@dataclass(frozen=True, slots=True)
class _Mender:
    """A journal's bytes being mended, and where good bytes may be had."""

    whole: bytearray
    magic: bytes
    state: State
    fetch: Fetch
    leaf: Leaf

    def mend(self, base: int, chain: Chain) -> bool:
        """Mend the first commit after ``base``; tell whether it is whole now."""
        group = _group(pieces(memoryview(self.whole)[base:], base, self.magic))
        if not group:
            return False
        *members, end = group
        if end.sound:
            size = journal.parse_commit(memoryview(self.whole)[end.start + HEADER_SIZE : end.end]).log_size
            return self._try(members, end, size - chain.log_size, chain)
        seen = sum(1 for one in members if one.frame is not None and one.frame.kind == ENTRY)
        unknown = sum(1 for one in members if one.frame is None)
        return any(self._try(members, end, seen + more, chain) for more in range(unknown + 1))

    def _try(self, members: Sequence[Piece], end: Piece, entries: int, chain: Chain) -> bool:
        """Rebuild one commit, taking so many of its frames as entries; keep it if it is whole then."""
        base = members[0].start if members else end.start
        attempt: list[bytes] = []
        shas = []
        for at, piece in enumerate(members, entries - len(members)):
            kind = ENTRY if at >= 0 else OBJECT
            body = self._body(piece, chain.log_size + at if at >= 0 else None)
            if body is None:
                return False
            sha = digest.raw_of_bytes(body)
            shas.append(sha)
            attempt += (journal.frame_header(self.magic, kind, len(body), sha, piece.start), body)
        tail = self._end(end, chain, shas, chain.log_size + entries)
        if tail is None:
            return False
        joined = b"".join((*attempt, tail))
        found = journal.scan(joined, base, self.magic, chain)
        if found.fault is not None or len(found.commits) != 1 or found.end != end.end:
            return False
        self.whole[base : end.end] = joined
        return True

    def _end(self, end: Piece, chain: Chain, shas: Sequence[bytes], size: int) -> bytes | None:
        """Give the commit frame: its own when it is sound, else as the tree of the log says it was."""
        if end.sound:
            return bytes(self.whole[end.start : end.end])
        try:
            body = journal.commit_body(chain, shas, size, self.state.tree.root_at(size))
        except Problem:
            return None
        return journal.frame_header(self.magic, COMMIT, COMMIT_SIZE, digest.raw_of_bytes(body), end.start) + body

    def _body(self, piece: Piece, entry: int | None) -> bytes | None:
        """Give the bytes that a frame had: its own where they are good, else from the other store or log."""
        own = bytes(self.whole[piece.start + HEADER_SIZE : piece.end])
        if piece.sound or piece.frame is None:
            return own
        name = digest.from_raw(piece.frame.sha)
        for found in (self.fetch(name), self.leaf(entry) if entry is not None else None):
            if found is not None and digest.of_bytes(found) == name and len(found) == len(own):
                return found
        return None


def _group(found: Sequence[Piece]) -> list[Piece]:
    group = []
    for piece in found:
        group.append(piece)
        if piece.commit:
            return group
    return []
