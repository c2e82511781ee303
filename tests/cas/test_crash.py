"""Crashes: everything acknowledged is there, nothing half-written is visible, rot is never silently truncated.

SIGKILL leaves the page cache alone; so what a power failure leaves is made by hand: the journal cut anywhere, pages of
the last commit missing, bytes flipped, a sync that failed.
"""

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from cas import digest, journal
from cas.adapters.fsck import fsck
from cas.adapters.home import RECOVERED, Home
from cas.adapters.home_files import HomeFull, MarkFile
from cas.journal import FILE_HEADER_SIZE, HEADER_SIZE
from cas.problems import HomeReadOnly, SyncFailed
from cas.records.proof import Recovery
from cas.store import load
from tests.support.homes import advance, entry, filled, flip, move, newest_journal

ACK = re.compile(r"ack (\d+) (sha256:[0-9a-f]{64})\n")


class Nursery:
    """Starts writers, reads their acknowledgements, kills them."""

    def __init__(self, path):
        command = [sys.executable, "-m", "tests.support.crash_writer", str(path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)

    def round(self, number, acknowledgements):
        """Let a writer run until it has acknowledged so many, kill it, and give all that it had acknowledged."""
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline().split()[1])
        seen, killed = [], False
        for line in self.process.stdout:
            if line == "dead\n":
                return seen
            told = ACK.fullmatch(line)
            if told:
                seen.append((int(told[1]), told[2]))
            if len(seen) == acknowledgements and not killed:
                os.kill(pid, signal.SIGKILL)
                killed = True
        raise AssertionError("the nursery ended")


def test_a_hundred_kills_lose_nothing_that_was_acknowledged(tmp_path):
    path = tmp_path / "home"
    expected = {}
    sealed = 0
    with Nursery(path) as nursery:
        for number in range(100):
            acknowledged = nursery.round(number, 1 + number * 7 % 23)
            assert acknowledged
            for position, record in acknowledged:
                assert expected.setdefault(position, record) == record
            sealed = max(sealed, survived(path, acknowledged))
            if number % 10 == 9:
                report = fsck(path)
                assert report.sound, report.bad
    assert sealed > 3, "sealing took part"
    with Home.open(path, writable=False) as home:
        found = dict(home.log.read())
        assert all(found[position].record == record for position, record in expected.items())


def survived(path, acknowledged):
    """Hold a home against what was acknowledged; give how many packs it has."""
    with Home.open(path) as home:
        assert home.damage == ()
        found = dict(home.log.read())
        assert all(found[position].record == record for position, record in acknowledged)
        assert home.log.head().size == len(found)
        assert home.store.missing([one.record for one in found.values()]) == ()
        for _, record in acknowledged:
            assert home.store.get(record)
        return len(home.state().packs)


def bounds(data):
    """Give (start, end) of every commit of a journal, and its header."""
    header, _ = journal.parse_file_header(data[:FILE_HEADER_SIZE])
    found = journal.scan(data[FILE_HEADER_SIZE:], FILE_HEADER_SIZE, header.magic, header.chain)
    assert found.fault is None
    return [(commit.start, commit.end, commit) for commit in found.commits], header


def marked(path, commit, position):
    """Put the durable mark where it stood after a commit (None: before the first)."""
    mark_file = MarkFile(path / "mark", writable=True)
    mark = mark_file.read()
    chain = commit.chain
    mark_file.write(
        replace(mark, position=position, commit=chain.number, log_size=chain.log_size, log_root=chain.log_root)
    )
    mark_file.close()


def recoveries(home):
    return [load(home.store, one.record, Recovery) for _, one in home.log.read() if one.event == RECOVERED]


@pytest.mark.parametrize("sealed", [0, 3])
def test_the_journal_cut_at_every_byte_of_its_last_three_commits(tmp_path, sealed):
    path = tmp_path / "home"
    names = filled(path, 6, seal_after=sealed)
    file = newest_journal(path)
    data = file.read_bytes()
    commits, _ = bounds(data)
    if sealed:
        assert len(commits) == 3
    first = 6 - len(commits)
    cuts = range(commits[-3][0] + 1, len(data) + 1, 1 if not sealed else 5)
    for cut in cuts:
        file.write_bytes(data[:cut])
        whole = [one for one in commits if one[1] <= cut]
        position = whole[-1][1] if whole else FILE_HEADER_SIZE
        if whole:
            marked(path, whole[-1][2], position)
        else:
            (path / "mark").write_bytes(b"")
        with Home.open(path) as home:
            assert home.damage == ()
            entries = [one for _, one in home.log.read()]
            kept = names[: first + len(whole)]
            torn = cut - position
            assert [one.record for one in entries[: len(kept)]] == kept
            assert len(entries) == len(kept) + bool(torn)  # the note
            assert home.log.ref("head") == kept[-1]
            assert not any(home.store.has(name) for name in names[len(kept) :])
            if torn:
                (note,) = recoveries(home)
                assert (note.position, note.size) == (position, torn)
                assert (path / "lost" / note.lost).read_bytes() == data[position:cut]
                (path / "lost" / note.lost).unlink()
        if cut % 6 == 0:
            report = fsck(path)
            assert report.sound, (cut, report.bad)


def test_a_journal_shorter_than_the_mark_is_damage_and_stays_as_it_is(tmp_path):
    path = tmp_path / "home"
    names = filled(path, 6)
    file = newest_journal(path)
    data = file.read_bytes()
    commits, _ = bounds(data)
    for cut in range(FILE_HEADER_SIZE, len(data), 41):
        file.write_bytes(data[:cut])
        for writable in (True, False):
            with Home.open(path, writable=writable) as home:
                assert home.damage
                assert not home.writable
                whole = sum(1 for one in commits if one[1] <= cut)
                found = [one.record for _, one in home.log.read()]
                assert found[:whole] == names[:whole]
                with pytest.raises(HomeReadOnly):
                    home.store.put(b"x")
        assert not fsck(path).sound
        assert file.read_bytes() == data[:cut]


def torn_home(path):
    """A home whose last commit spans many pages; gives its journal's bytes and the last commit's start."""
    filled(path, 3)
    with Home.open(path) as home:
        parts = [home.store.put(bytes([65 + at]) * 3500) for at in range(6)]
        home.log.append([entry(parts[0], move("torn", None, parts[0]))]).result(10)
    data = newest_journal(path).read_bytes()
    commits, _ = bounds(data)
    return data, commits, parts


def test_pages_of_the_last_commit_dropped_in_every_combination(tmp_path):
    path = tmp_path / "home"
    data, commits, parts = torn_home(path)
    file = newest_journal(path)
    start = commits[-1][0]
    pages = list(range(start // 4096, (len(data) + 4095) // 4096))
    assert len(pages) >= 6
    for kept in itertools.product([False, True], repeat=len(pages)):
        image = bytearray(data[:start] + bytes(len(data) - start))
        for page, keep in zip(pages, kept, strict=True):
            if keep:
                low, high = max(page * 4096, start), min((page + 1) * 4096, len(data))
                image[low:high] = data[low:high]
        for length in {len(data), *(min((pages[at] + 1) * 4096, len(data)) for at, keep in enumerate(kept) if keep)}:
            file.write_bytes(bytes(image[:length]))
            marked(path, commits[-2][2], start)
            whole = bytes(image[:length]) == data
            with Home.open(path) as home:
                assert home.damage == ()
                assert home.log.ref("torn") == (parts[0] if whole else None)
                assert [home.store.has(name) for name in parts] == [whole] * 6
            if sum(kept) % 3 == 0:
                assert fsck(path).sound


def test_pages_of_the_last_commit_in_another_order(tmp_path):
    path = tmp_path / "home"
    data, commits, parts = torn_home(path)
    file = newest_journal(path)
    start = commits[-1][0]
    first = start // 4096 + 1
    pages = [data[at * 4096 : (at + 1) * 4096] for at in range(first, first + 4)]
    for order in itertools.permutations(range(4)):
        if order == (0, 1, 2, 3):
            continue
        image = data[: first * 4096] + b"".join(pages[at] for at in order) + data[(first + 4) * 4096 :]
        file.write_bytes(image)
        marked(path, commits[-2][2], start)
        with Home.open(path) as home:
            assert home.damage == ()
            assert home.log.ref("torn") is None
            assert home.store.missing(parts) == tuple(sorted(parts))
            assert len(recoveries(home)) == 1
        assert fsck(path).sound


def test_each_byte_of_every_header_flipped(tmp_path):
    path = tmp_path / "home"
    filled(path, 3)
    file = newest_journal(path)
    data = file.read_bytes()
    commits, header = bounds(data)
    frames = [frame for _, _, commit in commits for frame in commit.frames]
    entries = itertools.count()
    wanted = [("header", "", None, range(FILE_HEADER_SIZE))]
    for frame in frames:
        span = range(frame.position, frame.start)
        number = next(entries) if frame.kind == journal.ENTRY else None
        wanted.append(("object" if number is None else "entry", digest.from_raw(frame.sha), number, span))
    for _, end, _ in commits:
        position = end - HEADER_SIZE - journal.COMMIT_SIZE
        wanted.append(("commit", "", None, range(position, position + HEADER_SIZE)))
    for part, name, number, span in wanted:
        for at in span:
            flip(file, at, 1 << at % 8)
            with Home.open(path) as home:
                assert not home.writable
                told = [(one.part, one.digest, one.entry) for one in home.damage]
                assert (part, name, number) in told, (at, told)
            if at % 4 == 0:
                assert (part, name, number) in [(one.part, one.digest, one.entry) for one in fsck(path).bad]
            assert len(file.read_bytes()) == len(data)
            file.write_bytes(data)
    assert header.journal == 1


@pytest.mark.parametrize("disk", ["has it all", "has none of it", "has half of it"])
def test_a_failed_sync_then_a_restart(tmp_path, disk):
    path = tmp_path / "home"
    names = filled(path, 3)
    size = newest_journal(path).stat().st_size

    def fail(handle):
        raise OSError(5, "Input/output error")

    home = Home.open(path, sync=fail)
    lost = home.store.put(b"never acknowledged" * 500)
    with pytest.raises(SyncFailed):
        home.log.append([entry(lost, move("head", names[-1], lost))]).result()
    home.close()
    data = newest_journal(path).read_bytes()
    assert len(data) > size
    if disk != "has it all":
        kept = size if disk == "has none of it" else (size + len(data)) // 2
        newest_journal(path).write_bytes(data[:kept] + bytes(len(data) - kept))
    with Home.open(path) as home:
        assert home.damage == ()
        assert home.log.ref("head") == (lost if disk == "has it all" else names[-1])
        assert home.store.has(lost) == (disk == "has it all")
        advance(home, "life goes on")
    assert fsck(path).sound


@contextlib.contextmanager
def small_disk(folder):
    """A disk of 3 MiB: a tmpfs where it may be mounted, else a limit on the size of files."""
    folder.mkdir()
    mounted = False
    if os.geteuid() == 0:
        command = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if mounted:
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, before[1]))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_leaves_nothing_half_visible(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "home"
        acknowledged = []
        with contextlib.suppress(HomeFull), Home.open(path) as home:
            for at in range(10_000):
                record = home.store.put(f"{at} ".encode() + os.urandom(20_000))
                try:
                    home.log.append([entry(record, move("head", home.log.ref("head"), record))]).result()
                except HomeFull:
                    break
                acknowledged.append(record)
            else:
                raise AssertionError("the disk never was full")
            with pytest.raises(HomeFull):
                home.store.write([b"x" * (1 << 20)] * 4)
            with pytest.raises(HomeFull):
                home.seal()
            assert home.log.head().size == len(acknowledged)
        assert len(acknowledged) > 20
        with Home.open(path) as home:  # still full
            assert home.damage == ()
            assert [one.record for _, one in home.log.read()] == acknowledged
            assert home.store.missing(acknowledged) == ()
            assert list(home.store.digests()) == sorted(acknowledged)
        assert fsck(path).sound
        if os.path.ismount(disk):
            subprocess.run(["mount", "-o", "remount,size=12m", str(disk)], check=True)
            with Home.open(path) as home:
                home.seal()
                advance(home, "room again")
                assert home.log.head().size == len(acknowledged) + 1
            assert fsck(path).sound


def test_rot_below_the_mark_is_never_cut_off_even_when_it_looks_like_a_torn_commit(tmp_path):
    path = tmp_path / "home"
    names = filled(path, 5)
    file = newest_journal(path)
    data = file.read_bytes()
    commits, _ = bounds(data)
    zeroed = data[: commits[-1][0] + 100] + bytes(len(data) - commits[-1][0] - 100)
    file.write_bytes(zeroed)
    with Home.open(path) as home:
        assert home.damage
        assert not home.writable
        assert [one.record for _, one in home.log.read()] == names[:4]
    assert file.read_bytes() == zeroed
    assert not fsck(path).sound
    assert list((path / "lost").iterdir()) == []


def test_a_fault_before_a_later_commit_is_damage_even_without_a_mark(tmp_path):
    path = tmp_path / "home"
    names = filled(path, 5)
    file = newest_journal(path)
    commits, _ = bounds(file.read_bytes())
    flip(file, commits[2][2].frames[0].start)
    (path / "mark").unlink()
    before = file.read_bytes()
    with Home.open(path) as home:
        assert not home.writable
        assert [(one.part, one.digest) for one in home.damage] == [("object", names[2])]
        assert [one.record for _, one in home.log.read()] == names
        assert home.store.has(names[4])
    assert file.read_bytes() == before


def test_what_a_crash_leaves_in_the_scratch_folder_is_swept(tmp_path):
    path = tmp_path / "home"
    filled(path, 1)
    (path / "tmp" / "1234-0").write_bytes(b"half of a large object")
    with Home.open(path):
        assert list((path / "tmp").iterdir()) == []


def test_a_copy_made_with_cp_is_a_home(tmp_path):
    names = filled(tmp_path / "home", 4, seal_after=2)
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    with Home.open(tmp_path / "copy") as home:
        assert home.store.missing(names) == ()
    assert fsck(tmp_path / "copy").sound
