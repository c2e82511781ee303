"""The home: what is acknowledged stays; who may open it; sealing; large files; refusals."""

import os
import subprocess
import sys
import threading
from concurrent.futures import Future

import pytest

from cas import digest
from cas.adapters import home_files, large_files
from cas.adapters.fsck import fsck
from cas.adapters.home import Home
from cas.adapters.home_files import HomeForeign, HomeMissing, HomeUnsafe
from cas.problems import HomeCorrupt, HomeLocked, HomeReadOnly, ObjectCorrupt, ObjectMissing, SyncFailed, TooLarge
from tests.support.homes import advance, entry, filled, flip, move, newest_journal

LARGE = b"large " * 300_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home"


def test_a_home_opened_again_holds_what_it_held(path):
    names = filled(path, 20)
    with Home.open(path) as home:
        assert home.damage == ()
        assert [one.record for _, one in home.log.read()] == names
        assert home.log.ref("head") == names[-1]
        assert home.store.missing(names) == ()
        advance(home, "one more")
        assert home.log.head().size == 21
    assert fsck(path).sound


def test_flush_makes_objects_durable_without_an_entry(path):
    with Home.open(path) as home:
        name = home.store.put(b"alone")
        home.store.flush()
        with Home.open(path, writable=False) as reader:
            assert reader.store.get(name) == b"alone"
            assert reader.log.head().size == 0


def test_settled_is_one_future_for_all_who_ask_meanwhile(path):
    synced = threading.Semaphore(0)

    def slow(handle):
        assert synced.acquire(timeout=10)
        os.fdatasync(handle)

    synced.release()
    with Home.open(path, sync=slow) as home:
        home.store.put(b"first")
        first = home.store.settled()
        futures = set()
        for at in range(50):
            home.store.put(b"%d" % at)
            futures.add(home.store.settled())
        assert len(futures) <= 2
        synced.release(100)
        for future in (first, *futures):
            assert isinstance(future, Future)
            future.result(10)


@pytest.mark.parametrize("seal_after", [1, 5, 9])
def test_sealing_changes_nothing_that_can_be_seen(path, seal_after):
    names = filled(path, 10, seal_after=seal_after)
    with Home.open(path) as home:
        before = (list(home.log.read()), home.log.refs(), home.log.head(), list(home.store.digests()))
        home.seal()
        after = (list(home.log.read()), home.log.refs(), home.log.head(), list(home.store.digests()))
        assert before == after
        assert all(home.store.get(name) for name in names)
        assert home.store.put(b"object 0 ") == names[0]
        advance(home, "after sealing")
    assert len(list((path / "journal").iterdir())) == 1
    with Home.open(path) as home:
        assert home.log.head().size == 11
        assert home.log.admitted(names[3]) == 3
    assert fsck(path).sound


def test_a_full_journal_is_sealed_by_itself(path):
    with Home.open(path, seal_at=20_000) as home:
        names = [home.store.put(bytes([at]) * 1000) for at in range(200)]
        for at in range(20):
            advance(home, f"entry {at}")
    with Home.open(path, seal_at=20_000) as home:
        assert len(list((path / "packs").iterdir())) >= 1
        assert newest_journal(path).stat().st_size < 250_000
        assert home.store.missing(names) == ()
        assert home.log.head().size == 20
    assert fsck(path).sound


def test_a_journal_is_full_when_it_is_as_long_as_the_snapshot_that_sealing_would_write(path):
    """Else a long log would be written anew for every few entries."""
    with Home.open(path, seal_at=40_000) as home:
        for at in range(300):
            advance(home, f"entry {at}", f"ref/{at}")
        home.seal()
        size = max(file.stat().st_size for file in (path / "snapshots").iterdir())
        assert size > 40_000
        assert home._sealer._limit == size
    with Home.open(path, seal_at=40_000) as home:
        assert home._sealer._limit == size
    with Home.open(path, seal_at=4_000_000) as home:
        assert home._sealer._limit == 4_000_000


def test_closing_seals_what_whoever_opens_next_would_have_to_read(path):
    with Home.open(path, seal_at=80_000) as home:
        kept = home.store.put(bytes(9_000))
        advance(home, "a little")
    assert list((path / "packs").iterdir()) == []
    with Home.open(path, seal_at=40_000) as home:
        advance(home, "more than an eighth")
    assert len(list((path / "packs").iterdir())) == 1
    assert newest_journal(path).stat().st_size < 1_000
    with Home.open(path, writable=False) as home:
        assert home.store.get(kept) == bytes(9_000)
        assert home.log.head().size == 2
    assert fsck(path).sound


def test_sealing_that_was_interrupted_is_finished_when_opening(path):
    filled(path, 5)
    with Home.open(path) as home:
        home._sealer._rotate(home._committer)
        advance(home, "in the next journal")
        expected = list(home.store.digests())
    assert len(list((path / "journal").iterdir())) == 2
    with Home.open(path) as home:
        assert list(home.store.digests()) == expected
        assert home.log.head().size == 6
    assert len(list((path / "journal").iterdir())) == 1
    assert len(list((path / "packs").iterdir())) == 1
    assert fsck(path).sound


def test_large_objects_are_files_of_their_own(path):
    with Home.open(path) as home:
        name = home.store.put(LARGE)
        small = home.store.put(b"small")
        home.store.flush()
    file = path / "large" / name[7:9] / name[9:]
    assert file.read_bytes() == LARGE
    assert file.stat().st_mode & 0o777 == 0o600
    assert newest_journal(path).stat().st_size < 2000
    with Home.open(path) as home:
        assert home.store.get(name) == LARGE
        assert list(home.store.digests()) == sorted((name, small))


def test_rot_in_a_large_file_is_told_at_the_end_of_a_whole_read_and_before_a_part(path):
    with Home.open(path) as home:
        name = home.store.put(LARGE)
    flip(path / "large" / name[7:9] / name[9:], 1_500_000)
    with Home.open(path) as home:
        assert home.store.has(name)
        with pytest.raises(ObjectCorrupt):
            home.store.get(name)
        stream = home.store.read(name)
        assert next(stream) == LARGE[: 1 << 20]
        with pytest.raises(ObjectCorrupt):
            list(stream)
        with pytest.raises(ObjectCorrupt):
            next(home.store.read(name, 0, 10))


def test_rot_while_the_home_is_open_is_told_on_every_read(path):
    with Home.open(path) as home:
        name = advance(home, "rotting")
        data = newest_journal(path).read_bytes()
        with newest_journal(path).open("r+b") as file:
            file.seek(data.index(b"rotting"))
            file.write(b"Rotting")
        with pytest.raises(ObjectCorrupt):
            home.store.get(name)
        with pytest.raises(ObjectCorrupt):
            list(home.store.read(name, 1, 2))
        with newest_journal(path).open("r+b") as file:
            file.seek(data.index(b'"event"'))
            file.write(b'"Event"')
        with pytest.raises(HomeCorrupt) as caught:
            home.log.leaf(0)
        assert caught.value.fields["entry"] == 0
        with pytest.raises(HomeCorrupt):
            list(home.log.read())


HOLD = """
import sys
from pathlib import Path
from cas.adapters.home import Home
with Home.open(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_writer_is_told_who_holds_the_home(path):
    command = [sys.executable, "-c", HOLD, str(path), "serve-for-the-test"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HomeLocked) as caught:
            Home.open(path)
        assert caught.value.fields["pid"] == str(holder.pid)
        assert "serve-for-the-test" in caught.value.fields["command"]
        assert caught.value.fields["since"].endswith("Z")
        holder.communicate("\n", timeout=20)
    Home.open(path).close()


def test_a_second_writer_in_the_same_process_is_refused_too(path):
    with Home.open(path):
        with pytest.raises(HomeLocked):
            Home.open(path)


def test_a_home_that_others_may_write_to_is_refused(path):
    filled(path, 1)
    assert path.stat().st_mode & 0o777 == 0o700
    for mode in (0o720, 0o702, 0o777):
        path.chmod(mode)
        for writable in (True, False):
            with pytest.raises(HomeUnsafe):
                Home.open(path, writable=writable)
    path.chmod(0o755)
    Home.open(path).close()


def test_no_home_is_made_by_reading(path):
    with pytest.raises(HomeMissing):
        Home.open(path, writable=False)
    assert not path.exists()
    path.mkdir()
    with pytest.raises(HomeMissing):
        Home.open(path, writable=False)


def test_a_home_of_another_format_is_refused(path):
    filled(path, 1)
    (path / "format").write_bytes(b"stella-home/9\n")
    with pytest.raises(HomeForeign):
        Home.open(path)
    (path / "format").unlink()
    with pytest.raises(HomeForeign):
        Home.open(path)


def test_a_reader_may_not_write(path):
    filled(path, 1)
    with Home.open(path, writable=False) as home:
        for attempt in (lambda: home.store.put(b"x"), lambda: home.store.write([b"x"]), home.seal):
            with pytest.raises(HomeReadOnly):
                attempt()
        with pytest.raises(HomeReadOnly):
            home.log.append([entry(None)]).result()


def test_a_closed_home_takes_nothing_more(path):
    home = Home.open(path)
    home.store.put(b"kept by closing")
    home.close()
    home.close()
    with pytest.raises(HomeReadOnly):
        home.store.put(b"x")
    with Home.open(path) as again:
        assert again.store.get(digest.of_bytes(b"kept by closing"))


def test_an_entry_beyond_the_bound_is_refused(path):
    with Home.open(path) as home:
        with pytest.raises(TooLarge):
            home.log.append([entry(None, beside=["sha256:" + "1" * 64] * 240_000)]).result()
        assert home.log.head().size == 0


def test_a_sync_that_fails_is_final_and_restarting_keeps_what_was_acknowledged(path):
    failing = threading.Event()

    def sync(handle):
        if failing.is_set():
            raise OSError(5, "Input/output error")
        os.fdatasync(handle)

    home = Home.open(path, sync=sync)
    kept = advance(home, "acknowledged")
    failing.set()
    lost = home.store.put(b"never acknowledged")
    with pytest.raises(SyncFailed):
        home.log.append([entry(lost, move("head", kept, lost))]).result()
    failing.clear()
    for attempt in (home.store.flush, lambda: home.store.put(b"x"), lambda: home.log.append([entry(kept)]).result()):
        with pytest.raises(SyncFailed):  # never retried
            attempt()
    assert home.log.head().size == 1
    with Home.open(path, writable=False) as reader:
        assert reader.log.ref("head") == kept
        assert not reader.store.has(lost)
    home.close()
    synced = []
    with Home.open(path, sync=lambda handle: synced.append(os.fdatasync(handle))) as home:
        assert home.damage == ()
        assert synced  # the last complete commit was written again before it was trusted
        assert home.log.head().size in {1, 2}
        assert home.store.get(kept) == b"acknowledged"
    assert fsck(path).sound


def test_a_last_commit_that_the_mark_does_not_vouch_for_is_written_again(path):
    """Synced alone would not do: the page cache may take for clean what a failed sync left off the disk."""
    filled(path, 3)
    file = newest_journal(path)
    whole = file.read_bytes()
    for vouched in (False, True):
        if not vouched:
            (path / "mark").write_bytes(b"")
        os.utime(file, (0, 0))
        synced = []
        with Home.open(path, sync=synced.append) as home:
            assert len(synced) == (0 if vouched else 1)
            assert (file.stat().st_mtime == 0) == vouched
            assert home.log.head().size == 3
        assert file.read_bytes() == whole


def test_a_sync_that_fails_on_a_large_file_keeps_nothing(path):
    def sync(handle):
        if os.fstat(handle).st_size > large_files.LARGE:
            raise OSError(5, "Input/output error")
        os.fdatasync(handle)

    with Home.open(path, sync=sync) as home:
        with pytest.raises(SyncFailed):
            home.store.put(LARGE)
        assert list(home.store.digests()) == []
        assert list((path / "tmp").iterdir()) == []


def test_a_full_journal_write_is_undone_and_tried_again_when_there_is_room(path):
    with Home.open(path) as home:
        kept = advance(home, "kept")
        size = newest_journal(path).stat().st_size
        limited(size + 4096, lambda: refused(home, kept))
        assert newest_journal(path).stat().st_size == size
        assert home.log.head().size == 1
        advance(home, "room again")
        assert home.log.head().size == 2
        assert home.store.has(digest.of_bytes(b"f" * 100_000))
    assert fsck(path).sound


def refused(home, kept):
    name = home.store.put(b"f" * 100_000)
    with pytest.raises(home_files.HomeFull):
        home.log.append([entry(name, move("head", kept, name))]).result()
    with pytest.raises(home_files.HomeFull):
        home.store.put(LARGE)


def limited(size, act):
    """Run with a file size limit."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        act()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_waits_in_memory_is_bounded(path):
    with Home.open(path) as home:
        for at in range(40):
            home.store.put(bytes([at]) * 900_000)
            assert home._committer.queued < 1 << 24
        assert newest_journal(path).stat().st_size > 1 << 24


def test_many_threads_write_and_read_at_once(path):
    problems = []

    def work(number):
        try:
            for at in range(40):
                data = f"{number} {at % 13}".encode() * 50
                name = home.store.put(data)
                assert home.store.get(name) == data
                if at % 10 == 0:
                    home.log.append([entry(name)]).result(20)
                home.store.flush()
        except Exception as error:
            problems.append(error)

    with Home.open(path, seal_at=30_000) as home:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        home.seal()
        for thread in threads:
            thread.join(60)
        assert problems == []
        assert home.log.head().size == 48
    report = fsck(path)
    assert report.sound
    assert report.objects == 12 * 13


def test_a_missing_object_is_named(path):
    with Home.open(path) as home, pytest.raises(ObjectMissing) as caught:
        home.store.get("sha256:" + "a" * 64)
    assert caught.value.fields["digest"] == "sha256:" + "a" * 64


def test_many_sealings_leave_few_packs_and_every_object(path):
    names = []
    with Home.open(path) as home:
        names.append(advance(home, "first"))
        home.seal()
        with Home.open(path, writable=False) as reader:  # opens no pack before all of its packs are gone
            for at in range(40):
                names.append(advance(home, f"object {at} " + "x" * 300))
                home.seal()
            assert len(home.state().packs) <= 8
            assert len(list((path / "packs").iterdir())) <= 16
            assert all(reader.store.get(name) for name in names)
        assert home.store.missing(names) == ()
    with Home.open(path) as home:
        assert home.store.missing(names) == ()
        assert list(home.store.digests()) == sorted(names)
    assert fsck(path).sound
