"""The first differing path, in canonical order, with both values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas import digest
from replay.compare import ABSENT, first_difference


def differ(one, other):
    found = first_difference(json.dumps(one).encode(), json.dumps(other).encode())
    return (found.pointer, found.recorded, found.recomputed)


def test_equal_bytes_differ_nowhere():
    assert first_difference(b"{}", b"{}") is None
    assert first_difference(b"\xff", b"\xff") is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 1}, {"a": 2}, ("/a", "1", "2")),
        ({"a": 1, "b": 1}, {"a": 1, "b": 2, "c": 3}, ("/b", "1", "2")),
        ({"b": {"c": [1, 2, 3]}}, {"b": {"c": [1, 9, 3]}}, ("/b/c/1", "2", "9")),
        ({"b": [1]}, {"b": [1, 2]}, ("/b/1", ABSENT, "2")),
        ({"b": [1, 2]}, {"b": [1]}, ("/b/1", "2", ABSENT)),
        ({"a": 1}, {}, ("/a", "1", ABSENT)),
        ({}, {"a": None}, ("/a", ABSENT, "null")),
        ({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}}, ("/a~1b/c~0d", "1", "2")),
        ({"a": True}, {"a": 1}, ("/a", "true", "1")),
        ({"a": [1]}, {"a": {"0": 1}}, ("/a", "[1]", '{"0":1}')),
        ([1], 1, ("", "[1]", "1")),
    ],
)
def test_the_first_differing_path_is_named_with_both_values(one, other, expected):
    assert differ(one, other) == expected


def test_what_is_no_json_is_told_apart_by_digest():
    found = first_difference(b"one", b"two")
    assert (found.pointer, found.recorded, found.recomputed) == ("", digest.of_bytes(b"one"), digest.of_bytes(b"two"))


def test_the_same_value_spelled_otherwise_still_differs():
    found = first_difference(b'{"a":1}', b'{"a": 1}')
    assert found.pointer == ""
    assert found.recorded != found.recomputed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab~/", max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("ab~/", max_size=2), below, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_a_difference_is_found_exactly_when_the_bytes_differ_and_points_at_what_it_says(one, other):
    left, right = (json.dumps(each, sort_keys=True, separators=(",", ":")).encode() for each in (one, other))
    found = first_difference(left, right)
    assert (found is None) == (left == right)
    if found is not None:
        assert look(one, found.pointer) == found.recorded
        assert look(other, found.pointer) == found.recomputed


def look(value, pointer):
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        key = int(key) if isinstance(value, list) else key
        try:
            value = value[key]
        except (KeyError, IndexError):
            return ABSENT
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
