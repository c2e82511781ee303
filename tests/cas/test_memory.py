import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import canon, digest, merkle
from cas.adapters.memory import MemoryLog
from cas.log import Log, RefIs
from cas.problems import CanonInvalid, EntryMissing, ExpectationFailed
from cas.records.proof import Entry, RefMove
from tests.support.records import blank

A, B, C = (digest.of_bytes(letter) for letter in (b"a", b"b", b"c"))


def entry(*moves, event="made", **fields):
    return blank(
        Entry, event=event, moves=tuple(RefMove(name=name, old=old, new=new) for name, old, new in moves), **fields
    )


def test_the_memory_log_keeps_the_contract():
    log: Log = MemoryLog()
    assert {name for name in vars(Log) if not name.startswith("_")} <= set(dir(log))


def test_appending_moves_refs_and_the_root_and_proofs_hold():
    log = MemoryLog()
    leaves = []
    for at in range(20):
        made = log.append([entry(("r", log.ref("r"), (A, B)[at % 2]))]).result()
        leaves.append(merkle.leaf_hash(log.leaf(at)))
        assert made.first == at
        assert made.head == log.head()
        root = digest.to_raw(log.head().root)
        for position in range(at + 1):
            proof = log.inclusion(position, at + 1)
            merkle.verify_inclusion(leaves[position], position, at + 1, proof, root)
        old = merkle.Tree()
        old.extend(leaves[: at // 2])
        merkle.verify_consistency(at // 2, at + 1, log.consistency(at // 2, at + 1), old.root(), root)
    assert log.ref("r") == B
    assert [position for position, _ in log.read(3, 6)] == [3, 4, 5]
    assert canon.to_record(log.leaf(7), Entry) == next(log.read(7, 8))[1]


@pytest.mark.parametrize(
    ("entries", "expect"),
    [
        ([entry(("r", B, C))], []),
        ([entry(("r", None, C))], []),
        ([entry(("new", None, C)), entry(("new", None, A))], []),
        ([entry()], [RefIs("r", None)]),
        ([entry()], [RefIs("none", A)]),
    ],
)
def test_a_moved_ref_refuses_the_append_whole(entries, expect):
    log = MemoryLog()
    log.append([entry(("r", None, A))]).result()
    before = (log.head(), log.refs())
    with pytest.raises(ExpectationFailed):
        log.append([entry(("other", None, A)), *entries], expect).result()
    assert (log.head(), log.refs()) == before


def test_an_entry_that_cannot_be_written_changes_nothing():
    log = MemoryLog()
    with pytest.raises(CanonInvalid):
        log.append([entry(("r", None, A)), entry(event="\ud800")]).result()
    assert log.head() == MemoryLog().head()
    assert log.refs() == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from([A, B, C, None])), max_size=20))
def test_refs_are_those_of_a_dictionary(moves):
    log, wanted = MemoryLog(), {}
    for name, new in moves:
        log.append([entry((name, log.ref(name), new))]).result()
        wanted[name] = new
    assert log.refs() == tuple(sorted((name, new) for name, new in wanted.items() if new))


def test_of_many_threads_that_move_a_ref_from_the_same_value_one_wins():
    log = MemoryLog()
    won, lost = [], []
    start = threading.Barrier(8)

    def race():
        start.wait()
        for _ in range(50):
            old = log.ref("r")
            try:
                log.append([entry(("r", old, A if old != A else B))]).result()
                won.append(1)
            except ExpectationFailed:
                lost.append(1)
            log.refs()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) + len(lost) == 400
    assert log.head().size == len(won)
    seen = None
    for _, one in log.read():
        assert one.moves[0].old == seen
        seen = one.moves[0].new


@pytest.mark.parametrize("position", [-1, 0, 5])
def test_an_entry_that_is_not_there_is_named(position):
    with pytest.raises(EntryMissing):
        MemoryLog().leaf(position)
