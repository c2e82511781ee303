"""One suite for every Log."""

import threading

import pytest

from cas import canon, digest, merkle
from cas.log import Fold, RefIs
from cas.problems import EntryMissing, ExpectationFailed
from cas.records.proof import RunNote
from tests.conformance.catalog import OPENERS
from tests.support.homes import entry, move

ONE, TWO, THREE = ("sha256:" + digit * 64 for digit in "123")


@pytest.fixture(params=OPENERS, ids=[name for name, _ in OPENERS])
def log(request, tmp_path):
    with request.param[1](tmp_path) as (_, opened):
        yield opened


def append(log, *entries, expect=()):
    return log.append(entries, expect).result(10)


def test_an_empty_log_has_the_root_of_nothing(log):
    assert log.head().size == 0
    assert log.head().root == digest.from_raw(merkle.EMPTY)
    assert list(log.read()) == []
    assert log.refs() == ()


def test_entries_are_given_back_by_position(log):
    entries = [entry(ONE, event=f"thing.n{at}") for at in range(5)]
    first = append(log, *entries[:2])
    second = append(log, *entries[2:])
    assert (first.first, first.head.size, second.first, second.head.size) == (0, 2, 2, 5)
    assert list(log.read()) == list(enumerate(entries))
    assert list(log.read(1, 3)) == [(1, entries[1]), (2, entries[2])]
    assert list(log.read(4, 99)) == [(4, entries[4])]
    assert log.leaf(3) == canon.of_record(entries[3])
    for position in (5, -1):
        with pytest.raises(EntryMissing):
            log.leaf(position)


def test_the_root_is_that_of_rfc_6962(log):
    tree = merkle.Tree()
    for at in range(9):
        one = entry(ONE, event=f"thing.n{at}")
        appended = append(log, one)
        tree.append(merkle.leaf_hash(canon.of_record(one)))
        assert appended.head.root == digest.from_raw(tree.root())
        assert log.head() == appended.head


def test_refs_follow_moves(log):
    append(log, entry(ONE, move("a", None, ONE), move("b/1", None, TWO)))
    append(log, entry(TWO, move("a", ONE, TWO), move("b/2", None, ONE)))
    append(log, entry(THREE, move("b/1", TWO, None)))
    assert log.ref("a") == TWO
    assert log.ref("b/1") is None
    assert log.refs() == (("a", TWO), ("b/2", ONE))
    assert log.refs("b/") == (("b/2", ONE),)


def test_a_move_from_another_value_is_refused_and_nothing_is_appended(log):
    append(log, entry(ONE, move("a", None, ONE)))
    before = log.head()
    for bad in (move("a", None, TWO), move("a", TWO, THREE), move("b", ONE, TWO)):
        with pytest.raises(ExpectationFailed) as caught:
            append(log, entry(THREE, move("c", None, THREE)), entry(TWO, bad))
        assert caught.value.fields["ref"] == bad.name
    assert log.head() == before
    assert log.refs() == (("a", ONE),)
    assert log.admitted(THREE) is None


def test_an_expectation_that_does_not_hold_is_refused(log):
    append(log, entry(ONE, move("a", None, ONE)))
    append(log, entry(TWO), expect=[RefIs("a", ONE), RefIs("b", None)])
    for bad in (RefIs("a", TWO), RefIs("a", None), RefIs("b", ONE)):
        with pytest.raises(ExpectationFailed):
            append(log, entry(THREE), expect=[bad])
    assert log.head().size == 2


def test_entries_of_one_append_see_each_other(log):
    append(log, entry(ONE, move("a", None, ONE)), entry(TWO, move("a", ONE, TWO)), entry(ONE, move("a", TWO, None)))
    assert log.ref("a") is None


def test_the_first_entry_admits_a_record(log):
    append(log, entry(ONE), entry(TWO), entry(ONE))
    assert (log.admitted(ONE), log.admitted(TWO), log.admitted(THREE)) == (0, 1, None)


def test_runs_are_remembered_by_question_and_output(log):
    note = RunNote(run=ONE, stage="judge", version=1, input=TWO, output=THREE)
    later = RunNote(run=TWO, stage="judge", version=1, input=TWO, output=THREE)
    append(log, entry(ONE, runs=[note]), entry(TWO, runs=[later]))
    assert log.ran("judge", 1, TWO) == note
    assert log.run_of(THREE) == note
    assert log.ran("judge", 2, TWO) is None
    assert log.run_of(ONE) is None


def test_proofs_hold(log):
    heads = [append(log, entry(ONE, event=f"thing.n{at}")).head for at in range(12)]
    for size in range(1, 13):
        root = digest.to_raw(heads[size - 1].root)
        for position in range(size):
            proof = log.inclusion(position, size)
            merkle.verify_inclusion(merkle.leaf_hash(log.leaf(position)), position, size, proof, root)
        for old in range(1, size):
            proof = log.consistency(old, size)
            merkle.verify_consistency(old, size, proof, digest.to_raw(heads[old - 1].root), root)
    for ask in (lambda: log.inclusion(0, 13), lambda: log.consistency(3, 13)):
        with pytest.raises(EntryMissing):
            ask()


def test_of_competing_appends_one_wins_each_round(log):
    won = []

    def compete(name):
        for at in range(10):
            while True:
                old = log.ref("lease")
                new = digest.of_bytes(f"{name} {at}".encode())
                try:
                    append(log, entry(new, move("lease", old, new)))
                except ExpectationFailed:
                    continue
                won.append(new)
                break

    threads = [threading.Thread(target=compete, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    entries = [one for _, one in log.read()]
    assert len(entries) == 40
    assert {one.record for one in entries} == set(won)
    assert [one.moves[0].old for one in entries] == [None, *(one.record for one in entries[:-1])]


def test_the_state_is_the_fold_of_what_is_read(log):
    previous = None
    for at in range(20):
        new = digest.of_bytes(b"%d" % at)
        append(log, entry(new, move("a", previous, new), move(f"n/{at % 7}", log.ref(f"n/{at % 7}"), new)))
        previous = new
    fold = Fold()
    for _, one in log.read():
        fold.apply(one)
    assert tuple(sorted(fold.refs.items())) == log.refs()
    assert all(log.admitted(record) == position for record, position in fold.admitted.items())
