"""What a damaged journal still holds: every frame that can be found, and what the missing ones were.

Knows bytes and positions only. Called when a scan stopped below the durable mark, or before a valid later commit; it
never lets an entry count that follows one which is lost, and it names what is damaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cas import digest, journal
from cas.journal import COMMIT, ENTRY, HEADER_SIZE, OBJECT, Chain, Damage, Frame


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a damaged journal: a frame with a good header, or a gap (``frame`` None) that was one or more."""

    start: int
    end: int
    frame: Frame | None
    sound: bool  # header and bytes good
    sha: bytes  # of the bytes that stand where a frame's bytes would
    commit: bool  # a commit frame, or a gap that was one


@dataclass(frozen=True, slots=True)
class Salvage:
    """Frames that can be used, in order, and the faults. ``entries`` stop before the first that is lost."""

    objects: tuple[Frame, ...]
    entries: tuple[Frame, ...]
    damage: tuple[Damage, ...]
    pieces: tuple[Piece, ...]


def pieces(data: bytes | memoryview, base: int, magic: bytes) -> list[Piece]:
    """Cut ``data``, which stands at ``base``, into frames with good headers and the gaps between them.

    A gap is cut again wherever the magic appears in it: a header damaged elsewhere still shows where it began.
    """
    whole = bytes(data)
    found: list[Piece] = []
    at = 0
    for frame in journal.frames_anywhere(whole, base, magic):
        start = frame.position - base
        if start < at:
            continue  # inside the bytes of a frame: cannot happen by accident
        if start > at:
            found += _gaps(whole, base, magic, at, start)
        body = whole[frame.start - base : frame.end - base]
        sound = len(body) == frame.length and digest.raw_of_bytes(body) == frame.sha
        at = min(frame.end - base, len(whole)) if sound else _next(whole, magic, frame.start - base, frame.end - base)
        sha = digest.raw_of_bytes(whole[frame.start - base : at])
        found.append(Piece(base + start, base + at, frame, sound, sha, frame.kind == COMMIT))
    if at < len(whole):
        found += _gaps(whole, base, magic, at, len(whole))
    return found


def _next(whole: bytes, magic: bytes, start: int, end: int) -> int:
    """Where a frame with bad bytes ends: at its length, unless the magic (a cut or a shift) says earlier."""
    at = whole.find(magic, start, min(end, len(whole)))
    return at if at >= 0 else min(end, len(whole))


def _gaps(whole: bytes, base: int, magic: bytes, start: int, end: int) -> list[Piece]:
    cuts = [start]
    at = whole.find(magic, start + 1, end)
    while at >= 0:
        cuts.append(at)
        at = whole.find(magic, at + 1, end)
    cuts.append(end)
    found = []
    for one, other in pairwise(cuts):
        body = whole[one + HEADER_SIZE : other]
        sha = digest.raw_of_bytes(body)
        found.append(Piece(base + one, base + other, None, sound=False, sha=sha, commit=_like_commit(body)))
    return found


def _like_commit(body: bytes) -> bool:
    """Tell whether bytes whose header is lost were a commit frame's: of its size, with numbers that can be."""
    if len(body) != journal.COMMIT_SIZE:
        return False
    stated = journal.parse_commit(body)
    return max(stated.number, stated.frames, stated.log_size) < 1 << 48


def salvage(data: bytes | memoryview, base: int, magic: bytes, chain: Chain, where: str) -> Salvage:
    """Use what can be used of ``data``, which follows the last complete commit ``chain``, and name what cannot."""
    whole = bytes(data)
    found = pieces(whole, base, magic)
    damage: list[Damage] = []
    entries: list[Frame] = []
    unbroken = True  # no entry lost so far
    size = chain.log_size
    for group, end in _commits(found):
        stated = _stated(end, whole, base)
        after, first = _entries_of(group, stated, size)
        if after is None or stated is None:
            unbroken = unbroken and after is not None
            after = size + sum(1 for piece in group if _is(piece, ENTRY)) if after is None else after
        for at, piece in enumerate(group):
            entry = size + at - first if at >= first else None
            if not piece.sound:
                damage.append(_damage(piece, entry, where))
                unbroken = unbroken and entry is None
            elif unbroken and piece.frame is not None and piece.frame.kind == ENTRY:
                entries.append(piece.frame)
        if end is not None and not end.sound:
            damage.append(_damage(end, None, where))
        size = after if stated is None else stated.log_size
    objects = tuple(piece.frame for piece in found if piece.frame is not None and piece.frame.kind == OBJECT)
    return Salvage(objects, tuple(entries), tuple(damage), tuple(found))


def _is(piece: Piece, kind: int) -> bool:
    return piece.frame is not None and piece.frame.kind == kind


def _stated(end: Piece | None, whole: bytes, base: int) -> journal.Stated | None:
    """Read what a group's commit frame says, if it is sound."""
    if end is None or not end.sound or end.frame is None:
        return None
    return journal.parse_commit(whole[end.frame.start - base : end.frame.end - base])


def _entries_of(group: Sequence[Piece], stated: journal.Stated | None, size: int) -> tuple[int | None, int]:
    """Give the log size after a group, and which of its pieces is the first entry. None: entries have vanished.

    A commit is objects, then entries; so what its commit frame says of the log's size tells what a gap was.
    """
    seen = sum(1 for piece in group if _is(piece, ENTRY))
    if stated is None:
        firsts = [at for at, piece in enumerate(group) if _is(piece, ENTRY)]
        first = firsts[0] if firsts else len(group)
        return size + len(group) - first, first
    count = stated.log_size - size
    if stated.frames == len(group) and 0 <= count <= len(group):
        return stated.log_size, len(group) - count
    return (stated.log_size if seen == count else None), len(group) - seen


def _commits(found: Sequence[Piece]) -> list[tuple[list[Piece], Piece | None]]:
    """Group pieces by the commit frame, sound or not, that ends them."""
    groups: list[tuple[list[Piece], Piece | None]] = []
    group: list[Piece] = []
    for piece in found:
        if piece.commit:
            groups.append((group, piece))
            group = []
        else:
            group.append(piece)
    if group:
        groups.append((group, None))
    return groups


def _damage(piece: Piece, entry: int | None, where: str) -> Damage:
    reason = "header is damaged" if piece.frame is None else "bytes do not match their hash"
    place = f"{where}@{piece.start}"
    if piece.commit:
        return Damage("commit", place, piece.start, reason)
    sha = piece.sha if piece.frame is None else piece.frame.sha
    if entry is not None or _is(piece, ENTRY):
        return Damage("entry", place, piece.start, reason, digest=digest.from_raw(sha), entry=entry)
    return Damage("object", place, piece.start, reason, digest=digest.from_raw(sha))
