"""fsck: every object, frame, entry and reference of a home. Knows where bytes lie; changes nothing.

1. Every journal is read again from disk: frames, hashes, the chain of commits.
2. Every pack: its own name, the order of its index, every object. Every large file.
3. Every log file and every entry; the fold and the root they give, against the snapshot and the head.
4. Every digest that an entry, or a record reached from one, needs: is it here? Who refers to it?
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from cas import digest, journal, log_file, merkle, pack, references
from cas.adapters import home_reader, sealing
from cas.adapters.home import Home
from cas.adapters.home_files import snapshot_name
from cas.adapters.home_state import ENTRY_DECODER, Segment, State
from cas.closure import FEEDS
from cas.digest import Digest
from cas.journal import FILE_HEADER_SIZE, Damage
from cas.log import Fold
from cas.problems import HomeCorrupt, ObjectCorrupt, Problem
from cas.records.proof import Entry
from cas.salvage import salvage


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: which part, where, what it names, and who refers to that (``entry/<position>``, or a record)."""

    part: str
    where: str
    reason: str
    digest: str
    entry: int | None
    referrers: tuple[str, ...]


class FsckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked, and every fault. ``repaired`` lists what repair put right before this check."""

    journals: int
    frames: int
    packs: int
    large: int
    objects: int
    bytes: int
    entries: int
    references: int
    log_size: int
    log_root: Digest
    bad: tuple[Bad, ...]
    repaired: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.bad


def fsck(path: Path) -> FsckReport:
    """Check a home, also while another process writes to it.

    Raises: cas.home_missing, cas.home_unsafe, cas.home_foreign
    """
    with Home.open(path, writable=False) as home:
        return check(home)


def check(home: Home) -> FsckReport:
    """Check an open home up to what is durable now."""
    if home.writable:
        home.store.flush()
    return _Check(home.path, home.state()).run()


class _Check:
    """One check: what was counted, what was found."""

    def __init__(self, root: Path, state: State) -> None:
        self._root = root
        self._state = state
        self._damage: list[Damage] = list(state.damage)
        self._needs: dict[Digest, references.References] = {}
        self._held: set[Digest] = set()
        self._rotten: set[Digest] = set()
        self._counts = dict.fromkeys(("journals", "frames", "packs", "large", "bytes", "entries"), 0)
        self._listed: dict[Digest, str] = {}
        self._admitted: set[Digest] = set()

    def run(self) -> FsckReport:
        """Check everything, and report."""
        for segment in list(self._state.segments):
            self._journal(segment)
        for mapped in self._state.packs:
            self._part("pack", mapped.path.name, lambda path=mapped.path: self._pack(path))  # type: ignore[misc]
        self._large()
        self._log()
        missing, referrers, count = self._references()
        head = self._state.head
        return FsckReport(
            objects=len(self._held),
            references=count,
            log_size=head.size,
            log_root=head.root,
            bad=tuple(self._bad(missing, referrers)),
            journals=self._counts["journals"],
            frames=self._counts["frames"],
            packs=self._counts["packs"],
            large=self._counts["large"],
            bytes=self._counts["bytes"],
            entries=self._counts["entries"],
        )

    def _part(self, part: str, where: str, look: Callable[[], None]) -> None:
        try:
            look()
        except (Problem, OSError) as error:
            fields = error.fields if isinstance(error, Problem) else {}
            reason = str(fields.get("reason", error))
            self._damage.append(Damage(part, where, 0, reason))

    def _object(self, name: Digest, data: bytes | memoryview, where: str) -> None:
        self._counts["bytes"] += len(data)
        if digest.of_bytes(data) != name:
            self._rotten.add(name)
            self._damage.append(Damage("object", where, 0, "bytes do not match their digest", digest=name))
            return
        self._held.add(name)
        if bytes(data[:1]) == b"{":
            self._refer(name, bytes(data))

    def _refer(self, name: Digest, data: bytes) -> None:
        found = references.of_bytes(data)
        if found is not None:
            self._needs[name] = found

    def _journal(self, segment: Segment) -> None:
        newest = segment is self._state.segments[-1]
        size = os.fstat(segment.handle).st_size
        stop = self._state.position if newest and not self._state.damage else size
        data = os.pread(segment.handle, stop, 0)
        try:
            header, both = journal.parse_file_header(data[:FILE_HEADER_SIZE])
        except HomeCorrupt:
            self._damage.append(Damage("header", segment.path.name, 0, "both copies are damaged"))
            return
        if not both:
            self._damage.append(Damage("header", segment.path.name, 0, "one copy of the file header is damaged"))
        view = memoryview(data)[FILE_HEADER_SIZE:]
        found = journal.scan(view, FILE_HEADER_SIZE, header.magic, header.chain)
        frames = [frame for commit in found.commits for frame in commit.frames]
        if found.end < stop:
            left = salvage(data[found.end :], found.end, header.magic, found.chain, segment.path.name)
            frames += [piece.frame for piece in left.pieces if piece.frame is not None and piece.sound]
            self._damage += left.damage
        self._counts["journals"] += 1
        self._counts["frames"] += len(frames) + len(found.commits)
        for frame in frames:
            if frame.kind == journal.OBJECT:
                where = f"{segment.path.name}@{frame.position}"
                self._object(
                    digest.from_raw(frame.sha),
                    view[frame.start - FILE_HEADER_SIZE : frame.end - FILE_HEADER_SIZE],
                    where,
                )

    def _pack(self, path: Path) -> None:
        data = path.read_bytes()
        self._counts["packs"] += 1
        opened = pack.Pack(data)
        view = memoryview(data)
        last = b""
        for raw, start, length in opened.rows():
            if raw <= last:
                raise HomeCorrupt(part="pack", reason="index is not sorted")
            self._object(digest.from_raw(raw), view[start : start + length], f"{path.name}@{start}")
            last = raw
        if digest.of_bytes(data) != sealing.digest_of_pack(path):
            raise HomeCorrupt(part="pack", reason="the file does not match its name")

    def _large(self) -> None:
        files = Home.large_files(self._root)
        for name in files.digests():
            self._counts["large"] += 1
            try:
                begun = b""
                for chunk in files.read(name, 0, None):
                    self._counts["bytes"] += len(chunk)
                    begun = begun or chunk[:9]
            except ObjectCorrupt:
                self._rotten.add(name)
                where = str(files.path(name).relative_to(self._root))
                self._damage.append(Damage("object", where, 0, "bytes do not match their digest", digest=name))
                continue
            self._held.add(name)
            if begun.startswith(b"{"):
                self._refer(name, b"".join(files.read(name, 0, None)))

    def _log(self) -> None:
        """Read every entry again, fold it, and compare with what the snapshot and the head say."""
        fold, tree = Fold(), merkle.Tree()
        snapshot = None
        try:
            snapshot = home_reader.newest_snapshot(self._root)
        except HomeCorrupt as error:
            where = str(error.fields.get("where", ""))
            self._damage.append(Damage(str(error.fields["part"]), where, 0, str(error.fields.get("reason", ""))))
        for position, leaf in self._leaves():
            entry = ENTRY_DECODER.decode(leaf)
            fold.apply(entry)
            tree.append(merkle.leaf_hash(leaf))
            self._list(position, entry)
            if snapshot is not None and position + 1 == snapshot.log_size:
                same = (fold.refs, fold.admitted) == (snapshot.refs, snapshot.admitted)
                if not same or tree.root() != snapshot.log_root:
                    where = snapshot_name(snapshot.generation)
                    self._damage.append(Damage("snapshot", where, 0, "the entries fold to another state"))
        self._counts["entries"] = fold.size
        if digest.from_raw(tree.root()) != self._state.head.root:
            self._damage.append(Damage("log", "head", fold.size, "the entries give another root"))

    def _leaves(self) -> Iterator[tuple[int, bytes]]:
        entries, position = self._state.entries, 0
        try:
            for log, mapped in entries.logs:
                file = log_file.LogFile(mapped.path.read_bytes(), log.name)
                for position in range(log.first, log.first + log.count):
                    yield position, file.leaf(position)
            for position, (segment, start, length) in enumerate(entries.tail, entries.first):
                if position >= self._state.head.size:
                    return
                leaf = os.pread(segment.handle, length, start)
                if merkle.leaf_hash(leaf) != self._state.tree.node(0, position):
                    where = f"{segment.path.name}@{start}"
                    self._damage.append(Damage("entry", where, start, "bytes do not match their hash", entry=position))
                    return
                yield position, leaf
        except (HomeCorrupt, OSError) as error:
            fields: dict[str, Any] = error.fields if isinstance(error, HomeCorrupt) else {"reason": str(error)}
            where, reason = str(fields.get("where", "")), str(fields.get("reason", "damaged"))
            self._damage.append(Damage(str(fields.get("part", "log")), where, 0, reason, entry=fields.get("entry")))

    def _list(self, position: int, entry: Entry) -> None:
        notes = (name for note in entry.runs for name in (note.run, note.input, note.output))
        moved = (move.new for move in entry.moves)
        for name in (entry.record, *notes, *entry.envelopes, *entry.verifications, *entry.beside, *moved):
            if name is not None:
                self._listed.setdefault(name, f"entry/{position}")
        if entry.record is not None:
            self._admitted.add(entry.record)

    def _references(self) -> tuple[set[Digest], dict[Digest, list[str]], int]:
        """Follow every needed reference from the entries; give what is missing, who refers to what, how many there are.

        A feed's tree is followed from a snapshot admitted here; one that came in a bundle carries only what was read.
        """
        referrers: dict[Digest, list[str]] = {name: [entry] for name, entry in self._listed.items()}
        todo = deque(self._listed)
        followed = set(self._admitted)
        count = len(self._listed)
        while todo:
            name = todo.popleft()
            found = self._needs.get(name)
            if found is None or (found.kind in FEEDS and name not in followed):
                continue
            for other in sorted(found.needed):
                count += 1
                if other not in referrers:
                    referrers[other] = []
                    todo.append(other)
                if len(referrers[other]) < _NAMED:
                    referrers[other].append(name)
                if found.kind in FEEDS:
                    followed.add(other)
        missing = {name for name in referrers if name not in self._held and name not in self._rotten}
        return missing, referrers, count

    def _bad(self, missing: Iterable[Digest], referrers: dict[Digest, list[str]]) -> Iterator[Bad]:
        """Give each fault once, sorted, with who refers to what it names."""
        named = {one.digest for one in self._damage if one.digest}
        found = [*self._damage]
        found += [
            Damage("reference", "", 0, "named, but not here", digest=name) for name in missing if name not in named
        ]
        unique = {(one.part, one.where, one.digest, one.entry): one for one in found}
        for key in sorted(unique, key=lambda key: (key[0], key[1], key[2], -1 if key[3] is None else key[3])):
            one = unique[key]
            yield Bad(
                part=one.part,
                where=one.where,
                reason=one.reason,
                digest=one.digest,
                entry=one.entry,
                referrers=tuple(referrers.get(one.digest, ())),
            )


_NAMED = 16
"""So many referrers of one digest are listed."""
