"""The journal's bytes: file header, frames, commits; how they are written, read back, and judged after a crash.

Knows bytes and positions only; must not touch files, nor know what an object or entry says.

A frame is ``magic, kind, length, sha256(bytes), crc32(header + position), bytes``. The magic is eight random bytes from
the file's own header, never served, so no uploaded byte can imitate a frame; the position in the checksum keeps a frame
from counting anywhere else. A commit is objects, entries, then one commit frame; nothing before its commit frame
exists. The next commit is written only after the sync of the one before: of all commits only the last can be torn.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from cas import digest
from cas.problems import HomeCorrupt

OBJECT: Final = 1
ENTRY: Final = 2
COMMIT: Final = 3
KINDS: Final = {OBJECT: "object", ENTRY: "entry", COMMIT: "commit"}

_IDENT: Final = b"stella-journal/1"
_FILE: Final = struct.Struct("<16s8sQQQ32s32s")
_COPY: Final = _FILE.size + 16  # a copy of the file header: fields, half their SHA-256
FILE_HEADER_SIZE: Final = 2 * _COPY
_HEAD: Final = struct.Struct("<8sBxxxI32s")
_CRC: Final = struct.Struct("<I")
_PLACED: Final = struct.Struct("<8sBxxxI32sQ")  # a header as its checksum covers it: with the position
_CHECKED: Final = _HEAD.size
HEADER_SIZE: Final = _HEAD.size + _CRC.size
_COMMIT: Final = struct.Struct("<QQQ32s32s32s")
COMMIT_SIZE: Final = _COMMIT.size
MAX_FRAME: Final = 1 << 26

NO_COMMIT: Final = bytes(32)

_crc32 = zlib.crc32
_pack_placed = _PLACED.pack
_pack_crc = _CRC.pack


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the chain of commits stands: number and hash of the last one, log size and root after it."""

    number: int
    commit: bytes
    log_size: int
    log_root: bytes


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What a journal file begins with."""

    magic: bytes
    journal: int  # number of the file
    chain: Chain  # before its first commit


class Frame(NamedTuple):
    """A frame found: where it begins, what it is, how many bytes of which SHA-256 follow its header."""

    position: int
    kind: int
    length: int
    sha: bytes

    @property
    def start(self) -> int:
        """Where its bytes begin."""
        return self.position + HEADER_SIZE

    @property
    def end(self) -> int:
        """Where the next frame begins."""
        return self.position + HEADER_SIZE + self.length


@dataclass(frozen=True, slots=True)
class Commit:
    """A complete commit: its extent, its frames without the commit frame, the chain after it."""

    start: int
    end: int
    frames: tuple[Frame, ...]
    chain: Chain


@dataclass(frozen=True, slots=True)
class Damage:
    """A fault in bytes that were durable: which part, where, and what it names when that can be told."""

    part: str  # "object", "entry", "commit", "frame", "header", "pack", "log", "snapshot", "mark", "large"
    where: str  # file, and position in it
    position: int
    reason: str
    digest: str = ""  # of the object
    entry: int | None = None  # position in the log

    def told(self) -> str:
        """Say it in a line: part, what it names, where, why."""
        named = self.digest if self.entry is None else f"{self.entry} {self.digest}".strip()
        return f"{self.part} {named} at {self.where}: {self.reason}".replace("  ", " ")


def file_header(header: FileHeader) -> bytes:
    """Encode a file header, twice: one flipped byte leaves a good copy."""
    chain = header.chain
    fields = _FILE.pack(
        _IDENT, header.magic, header.journal, chain.number, chain.log_size, chain.commit, chain.log_root
    )
    return (fields + digest.raw_of_bytes(fields)[:16]) * 2


def parse_file_header(data: bytes) -> tuple[FileHeader, bool]:
    """Decode a file header; the flag tells whether both copies were good.

    Raises: cas.home_corrupt when neither is
    """
    good = []
    for copy in (data[:_COPY], data[_COPY:FILE_HEADER_SIZE]):
        fields, check = copy[: _FILE.size], copy[_FILE.size :]
        if len(copy) == _COPY and digest.raw_of_bytes(fields)[:16] == check and fields.startswith(_IDENT):
            good.append(fields)
    if not good:
        raise HomeCorrupt(part="journal header")
    _, magic, journal, number, size, commit, root = _FILE.unpack(good[0])
    return FileHeader(magic, journal, Chain(number, commit, size, root)), len(good) == 2


def frame_header(magic: bytes, kind: int, length: int, sha: bytes, position: int) -> bytes:
    """Encode a frame's header for the place where it will stand."""
    head = _pack_placed(magic, kind, length, sha, position)
    return head[:_CHECKED] + _pack_crc(_crc32(head))


def parse_frame(data: bytes | memoryview, at: int, magic: bytes, position: int) -> Frame | None:
    """Decode the frame header at ``data[at:]``, which stands at ``position`` in its file; None when it is not one."""
    head = bytes(data[at : at + HEADER_SIZE])
    if len(head) < HEADER_SIZE:
        return None
    found, kind, length, sha = _HEAD.unpack_from(head)
    if found != magic or kind not in KINDS or length > MAX_FRAME:
        return None
    if head != frame_header(magic, kind, length, sha, position):
        return None
    return Frame(position, kind, length, sha)


def compose(
    magic: bytes,
    position: int,
    chain: Chain,
    objects: Sequence[tuple[bytes, bytes, str]],
    entries: Sequence[bytes],
    *,
    log_root: bytes,
) -> tuple[list[bytes], list[int], Chain]:
    """Encode one commit for ``position``: buffers to write, positions of every object's and entry's bytes, new chain.

    ``objects`` are (SHA-256, bytes, name); ``log_root`` is the root after the entries.
    """
    buffers: list[bytes] = []
    starts: list[int] = []
    hashed = [(digest.raw_of_bytes(entry), entry, "") for entry in entries]
    at = position
    add, place, crc32, placed, checked = buffers.append, starts.append, _crc32, _pack_placed, _pack_crc
    header, covered = HEADER_SIZE, _CHECKED
    for kind, group in ((OBJECT, objects), (ENTRY, hashed)):
        for sha, data, _ in group:
            length = len(data)
            head = placed(magic, kind, length, sha, at)
            at += header
            add(head[:covered] + checked(crc32(head)))
            add(data)
            place(at)
            at += length
    shas = [sha for sha, _, _ in (*objects, *hashed)]
    size = chain.log_size + len(entries)
    body = commit_body(chain, shas, size, log_root)
    sha = digest.raw_of_bytes(body)
    buffers += (frame_header(magic, COMMIT, len(body), sha, at), body)
    return buffers, starts, Chain(chain.number + 1, sha, size, log_root)


def commit_body(chain: Chain, shas: Sequence[bytes], log_size: int, log_root: bytes) -> bytes:
    """Encode what a commit frame says of the frames before it."""
    return _COMMIT.pack(
        chain.number + 1, len(shas), log_size, chain.commit, log_root, digest.raw_of_bytes(b"".join(shas))
    )


class Stated(NamedTuple):
    """What a commit frame says."""

    number: int
    frames: int
    log_size: int
    previous: bytes
    log_root: bytes
    hashes: bytes


def parse_commit(body: bytes | memoryview) -> Stated:
    """Decode a commit frame's bytes, whose hash has been checked.

    Raises: cas.home_corrupt
    """
    if len(body) != COMMIT_SIZE:
        raise HomeCorrupt(part="commit", reason="commit of another size")
    return Stated(*_COMMIT.unpack(body))


class Fault(NamedTuple):
    """Why a scan stopped, and at which position."""

    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Every complete commit from where the scan began, where the last one ends, why it stopped (None: at the end)."""

    commits: tuple[Commit, ...]
    end: int
    chain: Chain
    fault: Fault | None


def scan(data: bytes | memoryview, base: int, magic: bytes, chain: Chain) -> Scan:
    """Read complete commits from ``data``, which stands at ``base`` in its file and follows ``chain``.

    Every byte is checked: header checksums, the SHA-256 of all bytes, the chain, and the hash of frame hashes.
    """
    view = memoryview(data)
    commits: list[Commit] = []
    frames: list[Frame] = []
    at = start = 0
    fault = None
    while at < len(view):
        frame = parse_frame(view, at, magic, base + at)
        if frame is None:
            fault = Fault(base + at, "no frame here")
            break
        body = view[at + HEADER_SIZE : at + HEADER_SIZE + frame.length]
        if len(body) < frame.length:
            fault = Fault(base + at, "frame is cut short")
            break
        if digest.raw_of_bytes(body) != frame.sha:
            fault = Fault(base + at, "bytes do not match their hash")
            break
        at += HEADER_SIZE + frame.length
        if frame.kind != COMMIT:
            frames.append(frame)
            continue
        following = follow(chain, frames, frame, bytes(body))
        if isinstance(following, str):
            fault = Fault(frame.position, following)
            break
        chain = following
        commits.append(Commit(base + start, base + at, tuple(frames), chain))
        frames, start = [], at
    if fault is None and frames:
        fault = Fault(base + at, "commit is cut short")
    return Scan(tuple(commits), base + start, chain, fault)


def follow(chain: Chain, frames: Sequence[Frame], frame: Frame, body: bytes) -> Chain | str:
    """Give the chain after a commit frame, or say why it does not follow."""
    if len(body) != COMMIT_SIZE:
        return "commit of another size"
    stated = parse_commit(body)
    if stated.number != chain.number + 1 or stated.previous != chain.commit:
        return "commit does not follow the one before"
    if stated.frames != len(frames) or stated.hashes != digest.raw_of_bytes(b"".join([one.sha for one in frames])):
        return "frames are not those of the commit"
    if stated.log_size != chain.log_size + sum(1 for one in frames if one.kind == ENTRY):
        return "log size does not fit the entries"
    return Chain(stated.number, frame.sha, stated.log_size, stated.log_root)


Tail = Literal["clean", "cut", "damaged"]


def judge_tail(data: bytes | memoryview, base: int, magic: bytes, found: Scan, mark: int) -> Tail:
    """Say what the bytes after the last complete commit are, ``mark`` being the durable mark in this file.

    1. Nothing complete up to the mark: what was acknowledged is not all there. Damaged.
    2. Nothing after, or zeros only: clean.
    3. A commit frame later than the next one: the next one had been synced, so the fault came after. Damaged.
    4. Else the last commit never became complete, and nobody was told of it. To be cut.
    """
    if found.end < mark:  # (1)
        return "damaged"
    rest = bytes(data[found.end - base :])
    if found.fault is None or rest.count(0) == len(rest):  # (2)
        return "clean"
    for frame in frames_anywhere(rest, found.end, magic):  # (3)
        if frame.kind == COMMIT and frame.length == COMMIT_SIZE:
            body = rest[frame.start - found.end : frame.end - found.end]
            if digest.raw_of_bytes(body) == frame.sha and parse_commit(body).number > found.chain.number + 1:
                return "damaged"
    return "cut"  # (4)


def frames_anywhere(data: bytes | memoryview, base: int, magic: bytes) -> Iterator[Frame]:
    """Give every frame with a good header, found by the magic, whatever lies between."""
    whole = bytes(data)
    at = whole.find(magic)
    while at >= 0:
        frame = parse_frame(whole, at, magic, base + at)
        if frame is not None:
            yield frame
        at = whole.find(magic, at + 1)
