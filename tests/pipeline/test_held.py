"""What is held per store differs in time only; staging keeps nothing of what fails."""

import pytest

from cas import digest
from cas.adapters.memory import MemoryStore
from cas.problems import ObjectCorrupt, ObjectMissing
from pipeline.held import Held, held_of
from pipeline.operations.staging import Staging
from pipeline.stage import ReadUnnamed, StageIO

LEAF = b"leaf"
BRANCH = digest.of_bytes(LEAF).encode()
ROOT = digest.of_bytes(BRANCH).encode()


def length(data):
    return len(data)


def store_with_all():
    store = MemoryStore()
    for data in (LEAF, BRANCH, ROOT):
        store.put(data)
    return store


def io_over(store):
    return StageIO(store, store.put, digest.of_bytes(ROOT).encode())


def walk(io):
    root, branch, leaf = (digest.of_bytes(data) for data in (ROOT, BRANCH, LEAF))
    io.read(root)
    return [io.derive(branch, length, via=root), io.derive(leaf, length, via=branch)], io.reads


def test_a_hit_counts_as_a_read_like_a_miss():
    store = store_with_all()
    assert walk(io_over(store)) == walk(io_over(store))
    assert held_of(store).get(digest.of_bytes(LEAF), length) == (4,)


def test_what_nothing_read_names_is_refused_even_when_it_is_held():
    store = store_with_all()
    walk(io_over(store))
    with pytest.raises(ReadUnnamed):
        io_over(store).derive(digest.of_bytes(LEAF), length, via=digest.of_bytes(ROOT))
    with pytest.raises(ReadUnnamed):
        io_over(store).derive(digest.of_bytes(LEAF), length, via=digest.of_bytes(BRANCH))


def test_what_one_object_names_cannot_be_derived_through_another():
    io = io_over(store_with_all())
    root, branch, leaf = (digest.of_bytes(data) for data in (ROOT, BRANCH, LEAF))
    io.read(root)
    io.derive(branch, length, via=root)
    for via in (root, leaf):
        with pytest.raises(ReadUnnamed):
            io.derive(leaf, length, via=via)
    assert io.derive(leaf, length, via=branch) == len(LEAF)
    with pytest.raises(ReadUnnamed):
        io_over(store_with_all()).derive(leaf, length, via=branch)
    assert io.reads == {root, branch, leaf}


def test_another_store_sees_nothing_of_it():
    walk(io_over(store_with_all()))
    sealed = MemoryStore()
    sealed.put(ROOT)
    with pytest.raises(ObjectMissing):
        walk(io_over(sealed))


def test_what_is_held_is_bounded_oldest_out_first():
    held = Held(max_bytes=10)
    for at in range(5):
        held.put(str(at), length, (at,), b"four")
    assert [held.get(str(at), length) for at in range(5)] == [None, None, None, (3,), (4,)]
    held.put("huge", length, (0,), bytes(11))
    assert held.get("huge", length) is None


def test_staging_hands_down_only_what_is_released():
    below = MemoryStore()
    kept = below.put(b"below")
    staging = Staging(below)
    name = staging.put(b"above")
    assert (staging.get(name), staging.get(kept), staging.size(name), staging.size(kept)) == (b"above", b"below", 5, 5)
    assert (staging.has(name), staging.has(kept), staging.missing([name, kept, "x"])) == (True, True, ("x",))
    assert b"".join(staging.read(name, 1, 3)) == b"bo"
    assert b"".join(staging.read(kept)) == b"below"
    assert list(staging.digests()) == sorted([name, kept])
    assert staging.write([b"ab", b"ove"], name) == name
    with pytest.raises(ObjectCorrupt):
        staging.write([b"other"], name)
    assert not below.has(name)
    staging.release()
    assert below.get(name) == b"above"


def test_many_at_once_answer_and_count_as_one_by_one():
    store = store_with_all()
    branch, leaf = (digest.of_bytes(data) for data in (BRANCH, LEAF))
    io = io_over(store)
    io.read(digest.of_bytes(ROOT))
    assert io.derive_each([(branch, digest.of_bytes(ROOT))], length) == [len(BRANCH)]
    assert io.derive_each([(leaf, branch)], length) == [len(LEAF)]
    assert (sorted(io.reads), io.reads) == (sorted(walk(io_over(store))[1]), walk(io_over(store_with_all()))[1])


def test_many_at_once_are_refused_when_what_names_them_was_not_read():
    store = store_with_all()
    walk(io_over(store))
    root, branch, leaf = (digest.of_bytes(data) for data in (ROOT, BRANCH, LEAF))
    for unnamed in ((leaf, branch), (leaf, root)):
        with pytest.raises(ReadUnnamed):
            io_over(store).derive_each([(branch, root), unnamed], length)


def test_what_is_remembered_counts_as_read_when_something_read_names_it():
    root, branch, leaf = (digest.of_bytes(data) for data in (ROOT, BRANCH, LEAF))
    io = io_over(store_with_all())
    io.read(root)
    io.again({branch}, via=root)
    assert io.reads == {root, branch}
    io.again({leaf}, via=branch)
    assert io.reads == {root, branch, leaf}
    io.again(set(), via=digest.of_bytes(b"never read"))


def test_what_is_remembered_is_refused_when_nothing_read_names_it():
    root, branch, leaf = (digest.of_bytes(data) for data in (ROOT, BRANCH, LEAF))
    io = io_over(store_with_all())
    io.read(root)
    for wanted, via in (({leaf}, branch), ({branch, leaf}, root), ({root}, root)):
        with pytest.raises(ReadUnnamed):
            io.again(wanted, via=via)
    assert io.reads == {root}
