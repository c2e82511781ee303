"""fsck names each bad digest and who refers to it; repair puts back only what hashes to what it was; backup copies."""

import shutil

import pytest

from cas import canon, digest
from cas.adapters.backup import BackupFailed, backup, restore_check
from cas.adapters.fsck import check, fsck
from cas.adapters.home import Home
from cas.adapters.home_files import HomeMissing
from cas.adapters.memory import MemoryStore
from cas.adapters.repair import repair
from cas.problems import HomeLocked, HomeReadOnly, ObjectCorrupt
from cas.records.proof import HeadSet, Run, RunNote
from cas.store import save
from tests.support.homes import advance, entry, filled, flip, move, newest_journal

LARGE = b"large " * 300_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home"


def told(report):
    return [(one.part, one.digest, one.entry) for one in report.bad]


def known_home(path, *, sealed):
    """A home with a record that refers to two objects, one of them large, and its entry."""
    with Home.open(path) as home:
        small, large = home.store.put(b"small"), home.store.put(LARGE)
        record = save(home.store, HeadSet(members=tuple(sorted((small, large)))))
        home.log.append([entry(record, move("heads", None, record))]).result(10)
        advance(home, "another")
        if sealed:
            home.seal()
    return small, large, record


def pack_of(path):
    return next((path / "packs").iterdir())


@pytest.mark.parametrize("sealed", [False, True])
def test_a_sound_home_is_sound_and_counted(path, sealed):
    known_home(path, sealed=sealed)
    report = fsck(path)
    assert report.sound
    assert (report.objects, report.large, report.entries, report.packs) == (4, 1, 2, int(sealed))
    assert report.references == 4
    with Home.open(path) as home:
        assert check(home) == report
        assert (report.log_size, report.log_root) == (home.log.head().size, home.log.head().root)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_bad_object_is_named_with_who_refers_to_it(path, sealed):
    small, large, record = known_home(path, sealed=sealed)
    file = pack_of(path) if sealed else newest_journal(path)
    flip(file, file.read_bytes().index(b"small"))
    flip(path / "large" / large[7:9] / large[9:], 70_000)
    report = fsck(path)
    bad = {one.digest: one for one in report.bad if one.digest}
    assert set(bad) == {small, large}
    assert all(bad[name].referrers == (record,) for name in (small, large))
    with Home.open(path, writable=False) as home, pytest.raises(ObjectCorrupt):
        home.store.get(small)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_missing_object_is_named_with_who_refers_to_it(path, sealed):
    absent, other = digest.of_bytes(b"absent"), digest.of_bytes(b"other")
    with Home.open(path) as home:
        record = save(home.store, HeadSet(members=(absent,)))
        note = RunNote(run=other, stage="judge", version=1, input=record, output=record)
        home.log.append([entry(record, runs=[note])]).result(10)
        home.store.put(canon.of_record(HeadSet(members=("sha256:" + "9" * 64,))))  # never admitted: no standing
        if sealed:
            home.seal()
    report = fsck(path)
    assert sorted(told(report)) == sorted((("reference", absent, None), ("reference", other, None)))
    assert {one.digest: one.referrers for one in report.bad} == {absent: (record,), other: ("entry/0",)}


def test_references_are_followed_from_record_to_record(path):
    absent = digest.of_bytes(b"absent")
    with Home.open(path) as home:
        inner = save(home.store, HeadSet(members=(absent,)))
        run = Run(stage="judge", version=1, engines=(), input=inner, output=inner, reads=(), keeps=())
        home.log.append([entry(save(home.store, run))]).result(10)
    (bad,) = fsck(path).bad
    assert (bad.digest, bad.referrers) == (absent, (inner,))


def test_every_flipped_byte_of_a_journal_is_named_and_the_home_opens_read_only(path):
    names = filled(path, 4)
    file = newest_journal(path)
    whole = file.read_bytes()
    for at in range(0, len(whole), 3):
        flip(file, at)
        report = fsck(path)
        assert not report.sound, at
        with Home.open(path) as home:
            assert not home.writable
            assert home.damage
            with pytest.raises(HomeReadOnly) as caught:
                home.store.put(b"x")
            assert caught.value.fields["damage"]
        assert file.read_bytes()[at] != whole[at], "rot is never silently cut off or overwritten"
        assert len(file.read_bytes()) == len(whole)
        file.write_bytes(whole)
    assert fsck(path).sound
    assert len(names) == 4


def test_every_flipped_byte_of_a_journal_can_be_repaired(path, tmp_path):
    filled(path, 4)
    shutil.copytree(path, tmp_path / "copy")
    file = newest_journal(path)
    whole = file.read_bytes()
    with Home.open(tmp_path / "copy", writable=False) as good:
        for at in range(0, len(whole), 7):
            flip(file, at)
            report = repair(path, good.store, good.log)
            assert report.sound, (at, told(report))
            assert report.repaired
            assert file.read_bytes() == whole
            assert any((path / "lost").iterdir())


def test_every_flipped_byte_of_sealed_files_is_named_and_repaired(path, tmp_path):
    filled(path, 4, seal_after=4)
    shutil.copytree(path, tmp_path / "copy")
    files = [one for folder in ("packs", "log", "snapshots") for one in (path / folder).iterdir()]
    assert len(files) == 3
    with Home.open(tmp_path / "copy", writable=False) as good:
        names, head = list(good.store.digests()), good.log.head()
        for file in files:
            whole = file.read_bytes()
            for at in range(0, len(whole), max(1, len(whole) // 60)):
                flip(file, at)
                assert not fsck(path).sound, (file, at)
                report = repair(path, good.store, good.log)
                assert report.sound, (file, at, told(report))
                with Home.open(path) as home:
                    assert home.writable
                    assert list(home.store.digests()) == names
                    assert home.log.head() == head
                shutil.rmtree(path)
                shutil.copytree(tmp_path / "copy", path)


def test_a_missing_pack_is_named_and_repaired_from_another_store(path, tmp_path):
    small, _, record = known_home(path, sealed=True)
    shutil.copytree(path, tmp_path / "copy")
    pack_of(path).unlink()
    report = fsck(path)
    assert "pack" in {one.part for one in report.bad}
    assert record in {one.digest for one in report.bad}  # what it names can only be told once it is back
    with Home.open(path) as home:
        assert not home.writable
    with Home.open(tmp_path / "copy", writable=False) as good:
        assert repair(path, good.store, good.log).sound
    with Home.open(path) as home:
        assert home.writable
        assert home.store.get(small) == b"small"


def test_missing_and_bad_objects_are_fetched_from_any_reader(path):
    small, large, _ = known_home(path, sealed=False)
    other = MemoryStore()
    other.put(LARGE)
    flip(newest_journal(path), newest_journal(path).read_bytes().index(b"small"))
    file = path / "large" / large[7:9] / large[9:]
    flip(file, 5)
    half = repair(path, other)
    assert {one.digest for one in half.bad} == {small}
    assert half.repaired == (f"object {large}",)
    assert file.read_bytes() == LARGE
    other.put(b"small")
    assert repair(path, other).sound


def test_repair_takes_nothing_that_does_not_hash_to_what_it_was(path):
    small, _, _ = known_home(path, sealed=False)

    class Liar:
        def has(self, name):
            return True

        def get(self, name):
            return b"SMALL"

    flip(newest_journal(path), newest_journal(path).read_bytes().index(b"small"))
    before = newest_journal(path).read_bytes()
    report = repair(path, Liar())
    assert {one.digest for one in report.bad} == {small}
    assert newest_journal(path).read_bytes() == before


def test_repairing_a_sound_home_changes_nothing(path):
    known_home(path, sealed=False)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name != "lock"}
    assert repair(path, MemoryStore()).repaired == ()
    assert before == {file: file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name != "lock"}


def test_a_home_in_use_is_not_repaired(path):
    with Home.open(path), pytest.raises(HomeLocked):
        repair(path, MemoryStore())


def test_an_entry_that_was_rewritten_with_its_hash_is_noticed_by_the_root(path):
    """Somebody who recomputes frame and column hashes still cannot keep the root."""
    from cas import log_file

    filled(path, 3, seal_after=3)
    file = next((path / "log").iterdir())
    held = log_file.LogFile(file.read_bytes(), file.name)
    leaves = [held.leaf(at) for at in range(3)]
    leaves[1] = leaves[1].replace(b"thing.happened", b"thing.forgotte")
    file.write_bytes(b"".join(log_file.encode(0, leaves)))
    assert {one.part for one in fsck(path).bad} >= {"log"}


def test_fsck_of_nothing_says_so(path):
    with pytest.raises(HomeMissing):
        fsck(path)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_backup_is_a_home_of_its_own(path, tmp_path, sealed):
    known_home(path, sealed=sealed)
    with Home.open(path) as home:
        name = home.store.put(b"waiting")
        report = backup(home, tmp_path / "backup")
        assert report.sound
        advance(home, "after the backup")
        head = home.log.head()
    with Home.open(tmp_path / "backup") as copy:
        assert copy.log.head().size == head.size - 1
        assert copy.store.get(name) == b"waiting"
        advance(copy, "goes on")
    assert fsck(tmp_path / "backup").sound


def test_a_backup_repeated_follows_sealing_and_writing(path, tmp_path):
    with Home.open(path) as home:
        for at in range(6):
            advance(home, f"object {at}")
            if at % 2:
                home.seal()
            report = backup(home, tmp_path / "backup")
            assert report.log_size == at + 1
        with Home.open(tmp_path / "backup", writable=False) as copy:
            assert list(copy.store.digests()) == list(home.store.digests())
            assert copy.log.head() == home.log.head()


def test_a_backup_by_a_reader_while_the_home_is_written_to(path, tmp_path):
    with Home.open(path) as home:
        advance(home, "one")
        with Home.open(path, writable=False) as reader:
            assert backup(reader, tmp_path / "backup").log_size == 1


def test_a_damaged_backup_is_told(path, tmp_path):
    small, _, _ = known_home(path, sealed=True)
    with Home.open(path) as home:
        backup(home, tmp_path / "backup")
        head = home.log.head()
    file = pack_of(tmp_path / "backup")
    flip(file, file.read_bytes().index(b"small"))
    with pytest.raises(BackupFailed) as caught:
        restore_check(tmp_path / "backup", head)
    assert small in caught.value.fields["first"]
