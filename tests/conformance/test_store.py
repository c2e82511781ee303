"""One suite for every Store."""

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas.problems import ObjectCorrupt, ObjectMissing
from tests.conformance.catalog import STORES

ABSENT = "sha256:" + "0" * 64
LARGE = bytes(range(256)) * 4096 * 3 + b"end"  # 3 MiB and a bit


def name_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.fixture(params=STORES, ids=[name for name, _ in STORES])
def store(request, tmp_path):
    with request.param[1](tmp_path) as (opened, _):
        yield opened


@pytest.mark.parametrize("data", [b"", b"a", b"x" * 2100, b"y" * ((1 << 20) - 1), b"z" * (1 << 20), LARGE], ids=len)
def test_what_is_put_is_given_back_by_its_digest(store, data):
    name = store.put(data)
    assert name == name_of(data)
    assert store.has(name)
    assert store.get(name) == data
    assert store.size(name) == len(data)
    assert b"".join(store.read(name)) == data
    store.flush()
    assert store.get(name) == data


def test_putting_twice_is_putting_once(store):
    assert store.put(b"same") == store.put(b"same")
    assert store.put(LARGE) == store.put(LARGE) == store.write([LARGE])
    assert sorted((name_of(b"same"), name_of(LARGE))) == list(store.digests())


def test_what_is_not_here_is_told(store):
    assert not store.has(ABSENT)
    for ask in (store.get, store.size, lambda name: list(store.read(name))):
        with pytest.raises(ObjectMissing) as caught:
            ask(ABSENT)
        assert caught.value.fields["digest"] == ABSENT


def test_missing_are_listed_once_and_in_order(store):
    held = store.put(b"held")
    other = "sha256:" + "1" * 64
    assert store.missing([other, held, ABSENT, other]) == (ABSENT, other)
    assert store.missing([]) == ()


def test_digests_are_sorted(store):
    names = {store.put(b"%d" % at) for at in range(50)}
    names.add(store.put(LARGE))
    assert list(store.digests()) == sorted(names)


@pytest.mark.parametrize("data", [b"0123456789" * 20, LARGE], ids=len)
@pytest.mark.parametrize(
    ("start", "stop"), [(0, 5), (3, 100), (10, None), (0, None), (7, 7), (0, 10**9), (10**9, None)]
)
def test_a_range_is_a_slice(store, data, start, stop):
    name = store.put(data)
    assert b"".join(store.read(name, start, stop)) == data[start:stop]


def test_chunks_are_bounded(store):
    name = store.put(LARGE)
    assert max(map(len, store.read(name))) <= 1 << 20


@pytest.mark.parametrize("size", [0, 10, 1 << 20, 3_500_000])
def test_a_stream_is_kept(store, size):
    data = b"q" * size
    chunks = (data[at : at + 70_000] for at in range(0, size, 70_000))
    name = store.write(chunks, expected=name_of(data))
    assert store.get(name) == data


@pytest.mark.parametrize("size", [10, 3_500_000])
def test_a_stream_of_another_digest_keeps_nothing(store, size):
    data = b"w" * size
    with pytest.raises(ObjectCorrupt) as caught:
        store.write([data], expected=ABSENT)
    assert caught.value.fields["found"] == name_of(data)
    assert not store.has(name_of(data))
    assert not store.has(ABSENT)
    assert list(store.digests()) == []


@pytest.mark.parametrize("size", [10, 3_500_000])
def test_a_stream_that_breaks_off_keeps_nothing(store, size):
    def chunks():
        yield b"v" * size
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        store.write(chunks())
    assert list(store.digests()) == []


def test_other_kinds_of_buffers_are_copied(store):
    buffer = bytearray(b"before")
    name = store.put(memoryview(buffer))
    buffer[:] = b"after!"
    assert store.get(name) == b"before"


@pytest.mark.parametrize("opener", STORES, ids=[name for name, _ in STORES])
def test_a_store_is_a_dict_by_digest(opener, tmp_path_factory):
    steps = st.lists(
        st.tuples(st.sampled_from(["put", "write", "flush", "get"]), st.binary(max_size=5)), min_size=1, max_size=25
    )

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps)
    def check(taken):
        model = {}
        with opener[1](tmp_path_factory.mktemp("store")) as (store, _):
            for verb, data in taken:
                if verb == "flush":
                    store.flush()
                elif verb == "get":
                    assert store.has(name_of(data)) == (name_of(data) in model)
                else:
                    name = store.put(data) if verb == "put" else store.write([data[:2], data[2:]])
                    model[name] = data
            assert list(store.digests()) == sorted(model)
            assert all(store.get(name) == data for name, data in model.items())

    check()
