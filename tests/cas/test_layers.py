import pytest

from cas import digest
from cas.adapters.memory import MemoryStore
from cas.layers import OutsideSeal, ReadThrough, Sealed, SealedWrite, Tracing, Verified
from cas.problems import ObjectCorrupt, ObjectMissing


class Lying(MemoryStore):
    """Gives other bytes under some names, and says it kept something else."""

    def __init__(self, lies=()):
        super().__init__()
        self.lies = set(lies)

    def get(self, name):
        return b"a lie" if name in self.lies else super().get(name)

    def read(self, name, start=0, stop=None):
        yield self.get(name)[start:stop]

    def put(self, data):
        name = super().put(data)
        return digest.of_bytes(b"a lie") if name in self.lies else name


def store_of(*objects):
    store = MemoryStore()
    for data in objects:
        store.put(data)
    return store


ONE, TWO, BIG = (digest.of_bytes(data) for data in (b"one", b"two", b"0123456789" * 300_000))


def test_verified_hashes_whatever_leaves_the_store_below():
    store = Verified(Lying({ONE}))
    store._store.put(b"one")
    store.put(b"two")
    assert store.get(TWO) == b"two"
    with pytest.raises(ObjectCorrupt):
        store.get(ONE)
    with pytest.raises(ObjectCorrupt):
        list(store.read(ONE))
    with pytest.raises(ObjectCorrupt):
        list(store.read(ONE, 1, 2))
    with pytest.raises(ObjectCorrupt):
        store.put(b"one")


@pytest.mark.parametrize(
    ("start", "stop"), [(0, None), (0, 5), (3, 7), (1_048_570, 1_048_590), (2_999_999, None), (9, 9)]
)
def test_verified_cuts_ranges_out_of_what_it_hashed(start, stop):
    data = b"0123456789" * 300_000
    store = Verified(store_of(data))
    assert b"".join(store.read(BIG, start, stop)) == data[start:stop]


def test_read_through_brings_near_what_was_far():
    near, far = MemoryStore(), store_of(b"one", b"two")
    store = ReadThrough(near, far)
    assert store.has(ONE)
    assert store.size(ONE) == 3
    assert not near.has(ONE)
    assert store.get(ONE) == b"one"
    assert b"".join(store.read(TWO, 1)) == b"wo"
    assert near.has(ONE)
    assert near.has(TWO)
    assert store.put(b"three") in set(near.digests()) - set(far.digests())
    assert list(store.digests()) == sorted({ONE, TWO, digest.of_bytes(b"three")})
    assert store.missing([ONE, BIG]) == (BIG,)
    with pytest.raises(ObjectMissing):
        store.get(BIG)


def test_read_through_can_leave_the_far_store_a_layer_below():
    near, far = MemoryStore(), store_of(b"one")
    store = ReadThrough(near, far, keep=False)
    assert store.get(ONE) == b"one"
    assert b"".join(store.read(ONE)) == b"one"
    assert not near.has(ONE)


def test_read_through_keeps_nothing_that_does_not_hash_to_its_name():
    near, far = MemoryStore(), Lying({ONE})
    far.put(b"one")
    store = ReadThrough(near, far)
    for call in (lambda: store.get(ONE), lambda: list(store.read(ONE))):
        with pytest.raises(ObjectCorrupt):
            call()
    assert list(near.digests()) == []


def test_sealed_gives_only_what_it_may():
    store = Sealed(store_of(b"one", b"two"), {ONE, BIG})
    assert store.get(ONE) == b"one"
    assert store.size(ONE) == 3
    assert b"".join(store.read(ONE)) == b"one"
    assert not store.has(TWO)
    for call in (store.get, store.size, store.read):
        with pytest.raises(OutsideSeal) as caught:
            call(TWO)
        assert caught.value.fields["digest"] == TWO
    with pytest.raises(ObjectMissing):
        store.get(BIG)
    assert store.missing([ONE, TWO, BIG]) == tuple(sorted((TWO, BIG)))
    assert list(store.digests()) == [ONE]


def test_sealed_writes_go_to_scratch_and_never_below():
    below, scratch = store_of(b"one"), MemoryStore()
    store = Sealed(below, {ONE}, scratch)
    name = store.put(b"made")
    assert store.write([b"more"]) == digest.of_bytes(b"more")
    assert store.get(name) == b"made"
    assert store.has(name)
    assert not below.has(name)
    assert set(store.digests()) == {ONE, name, digest.of_bytes(b"more")}
    store.flush()


def test_sealed_without_scratch_takes_nothing():
    store = Sealed(store_of(b"one"), {ONE})
    with pytest.raises(SealedWrite):
        store.put(b"x")
    with pytest.raises(SealedWrite):
        store.write([b"x"])


def test_what_may_be_read_is_settled_when_the_store_is_sealed():
    allowed = {ONE}
    store = Sealed(store_of(b"one", b"two"), allowed)
    allowed.add(TWO)
    with pytest.raises(OutsideSeal):
        store.get(TWO)


def test_tracing_notes_what_was_read_and_written_and_no_failure():
    store = Tracing(store_of(b"one", b"two"))
    store.get(ONE)
    list(store.read(TWO))
    made = store.put(b"three")
    more = store.write([b"four"])
    assert store.has(ONE)
    with pytest.raises(ObjectMissing):
        store.get(BIG)
    assert store.reads == {ONE, TWO}
    assert store.writes == {made, more}
