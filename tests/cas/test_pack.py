"""Packs: sorted, indexed, named by their own digest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas import digest, pack
from cas.pack import Pack, PackInvalid
from cas.problems import ObjectCorrupt, ObjectMissing

OBJECTS = [b"", b"one", b"two", b"x" * 5000, *(b"%d" % at for at in range(700))]


@given(st.lists(st.binary(max_size=60), max_size=40))
def test_a_pack_is_a_dict_of_its_objects(objects):
    opened = Pack(pack.encode(objects))
    held = {digest.of_bytes(one): one for one in objects}
    assert opened.count == len(held)
    assert [digest.from_raw(raw) for raw, _, _ in opened.rows()] == sorted(held)
    for _ in asked_seldom_and_often(opened):
        assert all(opened.get(name) == data for name, data in held.items())
        assert opened.find(digest.raw_of_bytes(b"something else")) is None


def asked_seldom_and_often(opened):
    """Give a pack twice: new, and asked so often that it has worked out how the digests it holds divide."""
    yield opened
    for first in {raw[0] for raw, _, _ in opened.rows()}:
        for _ in range(200):
            opened.find(bytes((first,)) + bytes(31))
    yield opened


def test_the_same_objects_give_the_same_bytes_whatever_their_order():
    assert pack.encode(OBJECTS) == pack.encode([*reversed(OBJECTS), b"one"])


def test_streamed_and_encoded_packs_are_equal():
    held = {digest.raw_of_bytes(one): one for one in OBJECTS}
    sizes = [(raw, len(held[raw])) for raw in sorted(held)]
    assert b"".join(pack.stream(sizes, held.__getitem__)) == pack.encode(OBJECTS)


def test_streaming_refuses_bytes_that_are_not_those_named():
    raw = digest.raw_of_bytes(b"one")
    with pytest.raises(ObjectCorrupt):
        list(pack.stream([(raw, 3)], lambda _: b"two"))


def test_an_unsorted_layout_is_refused():
    one, two = sorted((digest.raw_of_bytes(b"1"), digest.raw_of_bytes(b"2")))
    for rows in ([(two, 1), (one, 1)], [(one, 1), (one, 1)]):
        with pytest.raises(PackInvalid):
            pack.layout(rows)


def test_every_flipped_byte_is_noticed():
    data = pack.encode([b"one", b"two", b"three"])
    names = [digest.of_bytes(one) for one in (b"one", b"two", b"three")]
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1
        with pytest.raises((PackInvalid, ObjectCorrupt)):
            read_all(bytes(bad), names)


def read_all(data, names):
    opened = Pack(data)
    for name in names:
        opened.get(name)


def test_a_shortened_pack_is_refused():
    data = pack.encode([b"one", b"two"])
    for cut in (0, 10, 70, len(data) - 1):
        with pytest.raises(PackInvalid):
            Pack(data[:cut])


def test_a_hostile_fan_out_is_refused_without_a_traceback():
    data = bytearray(pack.encode([b"one"]))
    start = 64
    data[start : start + 8] = (9).to_bytes(8, "little")
    index = bytes(data[start : pack.index_size(1)])
    data[32:64] = digest.raw_of_bytes(index)
    with pytest.raises(PackInvalid):
        Pack(bytes(data))


def test_digests_with_one_prefix_are_told_apart():
    name = digest.of_bytes(b"one")
    twin = digest.to_raw(name)[:8] + bytes(24)
    for opened in asked_seldom_and_often(Pack(pack.encode([b"one"]))):
        assert opened.find(twin) is None
        with pytest.raises(ObjectMissing):
            opened.get(digest.from_raw(twin))


def test_rests_that_overlap_or_repeat_hide_no_row():
    """Rests are searched as one text, so rows are made up whose rests occur across two others, and twice."""
    wanted = bytes(range(100, 124))
    head = b"\x07\x08"
    rows = [
        head + b"\0\0\0\0\0\1" + bytes(12) + wanted[:12],
        head + b"\0\0\0\0\0\2" + wanted[12:] + bytes(12),
        head + b"\0\0\0\0\0\3" + wanted,
        head + b"\0\0\0\0\0\4" + wanted,
    ]
    start = pack.index_size(len(rows))
    for opened in asked_seldom_and_often(Pack(pack.layout([(raw, 0) for raw in rows]))):
        assert [opened.find(raw) for raw in rows] == [(start, 0)] * len(rows)
        assert opened.find(head + b"\0\0\0\0\0\5" + wanted) is None
        assert opened.find(head + b"\0\0\0\0\0\2" + wanted) is None
    for first_two in asked_seldom_and_often(Pack(pack.layout([(raw, 0) for raw in rows[:2]]))):
        assert first_two.find(rows[2]) is None


def test_a_pack_within_other_bytes_is_read_as_well():
    data = pack.encode(OBJECTS)
    for opened in asked_seldom_and_often(Pack(memoryview(b"before" + data + b"after")[6:-5])):
        assert all(opened.get(digest.of_bytes(one)) == one for one in OBJECTS)
