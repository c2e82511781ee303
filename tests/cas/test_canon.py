import json
import math
import struct
import time
from pathlib import Path

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import canon, jcs
from cas.problems import CanonInvalid, RecordInvalid, TooLarge
from cas.records.proof import HeadSet

VECTORS = Path(__file__).parent.parent / "data" / "jcs"
NAMES = sorted(path.stem for path in (VECTORS / "input").iterdir())

settings.register_profile("canon", deadline=None)
settings.load_profile("canon")

# what fuzzers of canonical JSON find things with: surrogate order, control characters, numbers at the edges
CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from('\x00\x1f"\\/\x7f\u0080\u2028\ud7ff\ue000\ufb33\uffff\U00010000\U0001f600\U0010ffff'),
)
TEXTS = st.text(CHARACTERS, max_size=8)
NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not 2**53 <= abs(x) < 1e21),
    st.sampled_from(
        [0.0, -0.0, 1.0, 1e-5, 1e-6, 1.5e-6, 1e-7, 9e15, 0.1, 5e-324, 1e21, -1e22, 1e300, 2**53 - 1, 4.35, 1e15 + 0.5]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(TEXTS, below, max_size=4)),
    max_leaves=20,
)


def refused(call, reason):
    with pytest.raises(CanonInvalid) as caught:
        call()
    assert caught.value.fields["reason"] == reason
    assert caught.value.code == "cas.canon_invalid"


@pytest.mark.parametrize("name", NAMES)
def test_published_vector_of_rfc_8785(name):
    given_bytes = (VECTORS / "input" / f"{name}.json").read_bytes()
    wanted = (VECTORS / "output" / f"{name}.json").read_bytes()
    assert wanted == bytes.fromhex((VECTORS / "outhex" / f"{name}.txt").read_text())
    assert jcs.canonical(given_bytes) == wanted
    assert jcs.of_value(jcs.parse(given_bytes)) == wanted
    assert jcs.canonical(wanted) == wanted


@pytest.mark.parametrize(
    ("bits", "text"),
    [  # RFC 8785, appendix B
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef50", "1e+21"),
        # written as plain digits, and read again as integers that the RFC forbids (3.2.2.3, I-JSON 2.2)
        ("4340000000000000", None),
        ("c340000000000000", None),
        ("4430000000000000", None),
        ("444b1ae4d6e2ef4e", None),
        ("444b1ae4d6e2ef4f", None),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_the_rfc_lists_them_and_unsafe_integers_refused(bits, text):
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    data = b"[%s]" % repr(number).encode()
    if text is None:
        refused(lambda: jcs.canonical(data), "integer_unsafe")
        refused(lambda: jcs.of_value([number]), "integer_unsafe")
    else:
        assert jcs.canonical(data) == b"[" + text.encode() + b"]" == jcs.of_value([number])


@settings(max_examples=1500)
@given(VALUES)
def test_every_path_gives_the_bytes_of_the_reference(value):
    wanted = rfc8785.dumps(value)
    data = json.dumps(value, ensure_ascii=False).encode()
    assert jcs.of_value(value) == wanted
    assert jcs.canonical(data) == wanted
    assert jcs.canonical(json.dumps(value, indent=2).encode()) == wanted
    assert jcs.of_value(jcs.parse(data)) == wanted
    assert jcs.canonical(wanted) == wanted


@settings(max_examples=300)
@given(st.dictionaries(TEXTS, st.integers(0, 3), min_size=2, max_size=6), st.data())
def test_a_duplicate_key_is_refused_wherever_and_however_it_is_written(members, data):
    key = data.draw(st.sampled_from(sorted(members)))
    pairs = [*members.items(), (key, data.draw(VALUES))]
    order = data.draw(st.permutations(pairs))
    spelled = ", ".join(
        f"{json.dumps(name, ensure_ascii=data.draw(st.booleans()))}: {json.dumps(value)}" for name, value in order
    )
    document = data.draw(st.sampled_from(["{%s}", '[1,{"deep":{%s}}]', '{"\\"":[{%s}]}'])) % spelled
    refused(lambda: jcs.canonical(document.encode()), "duplicate_key")
    refused(lambda: jcs.parse(document.encode()), "duplicate_key")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key"),
        (b'{"\\"":1,"\\u0022":2}', "duplicate_key"),
        (b'"\\ud800"', "lone_surrogate"),
        (b'{"\\udc00":1}', "lone_surrogate"),
        (b'["\\ud800\\ud800"]', "lone_surrogate"),
        (b"NaN", "number_not_finite"),
        (b"[Infinity]", "number_not_finite"),
        (b"[-Infinity]", "number_not_finite"),
        (b"[1e400]", "number_not_finite"),
        (b"9007199254740992", "integer_unsafe"),
        (b"[9007199254740993]", "integer_unsafe"),
        (b"[-9007199254740992]", "integer_unsafe"),
        (b'{"a":-9007199254740993}', "integer_unsafe"),
        (b"[1e20]", "integer_unsafe"),
        (b"[9007199254740993.0]", "integer_unsafe"),
        (b"[999999999999999900000.0]", "integer_unsafe"),
        (b"[1000000000000000000000000000000]", "integer_unsafe"),
        (b"[90071992547409930E-1]", "integer_unsafe"),
        (b"[1" + b"0" * 400 + b"]", "integer_unsafe"),
        (b"[1" + b"0" * 100_000 + b"]", "integer_unsafe"),
        (b"1" + b"0" * 5000, "integer_unsafe"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        ("\ufeff{}".encode("utf-16-le"), "byte_order_mark"),
        ('{"a":1}'.encode("utf-16-be"), "syntax"),
        ('{"a":1}'.encode("utf-32-le"), "syntax"),
        (b'"\xff"', "not_utf8"),
        (b'"\xed\xa0\x80"', "not_utf8"),
        (b'"\xc0\xaf"', "not_utf8"),
        (b"", "syntax"),
        (b" ", "syntax"),
        (b"{", "syntax"),
        (b"[1,]", "syntax"),
        (b"{'a':1}", "syntax"),
        (b"[01]", "syntax"),
        (b"[1] 2", "syntax"),
        (b'"a\nb"', "syntax"),
        (b'"\\x41"', "syntax"),
        (b"[1]//", "syntax"),
        (b"nul", "syntax"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_its_reason(data, reason):
    refused(lambda: jcs.canonical(data), reason)
    refused(lambda: jcs.parse(data), reason)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b" [ 1.0 , -0 , -0.0 , 1e2 ] ", b"[1,0,0,100]"),
        (b"9007199254740991", b"9007199254740991"),
        (b"[1e21, 1E30]", b"[1e+21,1e+30]"),
        (b"[-9007199254740991]", b"[-9007199254740991]"),
        (b"[9007199254740991.0, 90071992547409910e-1]", b"[9007199254740991,9007199254740991]"),
        (b'"x:9007199254740993,[9007199254740993]"', b'"x:9007199254740993,[9007199254740993]"'),
        (b'["a:9007199254740993,-9007199254740993", 1]', b'["a:9007199254740993,-9007199254740993",1]'),
        (b'{"\\ud83d\\ude00":1,"\\ufb33":2}', '{"\U0001f600":1,"\ufb33":2}'.encode()),
        (b'{"\\u005c\\"":"\\/"}', b'{"\\\\\\"":"/"}'),
        (b'""', b'""'),
        (b"true", b"true"),
    ],
)
def test_what_only_looks_wrong_is_written_canonically(data, wanted):
    assert jcs.canonical(data) == wanted
    assert jcs.of_value(jcs.parse(data)) == wanted


def test_a_real_document_takes_the_fast_path_and_equals_the_reference():
    data = (Path(__file__).parent.parent / "data" / "cas" / "python-debian11.cdx-1.4.json").read_bytes()
    assert jcs.canonical(data) == rfc8785.dumps(json.loads(data)) == jcs.of_value(json.loads(data))
    assert jcs._holds(jcs._by_pieces(memoryview(data), 4), jcs.bound(data))


@settings(max_examples=500)
@given(VALUES, st.integers(0, 3))
def test_bounds_count_what_a_decoder_would_see(value, indent):
    data = json.dumps(value, indent=indent or None, ensure_ascii=False).encode()

    def depth(item):
        below = item.values() if isinstance(item, dict) else item if isinstance(item, list) else None
        return 0 if below is None else 1 + max(map(depth, below), default=0)

    def nodes(item):
        below = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        return 1 + sum(map(nodes, below))

    deep, many = depth(value), nodes(value)
    jcs.bound(data, max_depth=deep, max_nodes=many + data.count(b"{}") + data.count(b"[]") + data.count(b"["))
    if deep:
        with pytest.raises(TooLarge):
            jcs.bound(data, max_depth=deep - 1)
    if many > 1 and len(data) > 2 * (many - 1):
        with pytest.raises(TooLarge):
            jcs.bound(data, max_nodes=many - 1)


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 2_000_000,
        b"[" * 200 + b"]" * 200,
        b'{"a":' * 1_000_000,
        b'["[",' * 200,
        b'["\\"",' * 200,
        b'["\\\\",[' * 200,
        b"[[]," * 500_000,
        b"]" * 1000 + b"[" * 1000,
    ],
)
def test_a_depth_bomb_is_refused_before_any_decoder_runs(bomb):
    for call in (jcs.canonical, jcs.parse, jcs.bound):
        with pytest.raises(TooLarge) as caught:
            call(bomb)
        assert caught.value.fields["what"] == "depth"


def test_size_and_count_are_bounded():
    with pytest.raises(TooLarge, match="what=bytes"):
        jcs.canonical(b"[1,2,3]", max_bytes=6)
    with pytest.raises(TooLarge, match="what=nodes"):
        jcs.parse(b"[" + b"1," * 100 + b"1]", max_nodes=100)
    assert jcs.parse(b"[" + b"1," * 99 + b"1]", max_nodes=101) == [1] * 100
    assert jcs.parse(b'["' + b"," * 1000 + b'"]', max_nodes=2) == ["," * 1000]


@pytest.mark.parametrize("text", ['{"a":"[[[[[[","b":"]]"}', '["\\"[[[[", "\\\\"]', '["","","[",""]', '{"":""}'])
def test_brackets_in_strings_are_no_depth(text):
    jcs.bound(text.encode(), max_depth=1)


@pytest.mark.parametrize(
    "hostile",
    [b'"' + b"\\\\" * 8_000_000 + b'"', b'"' + b'\\"' * 8_000_000 + b'"', b'""' * 8_000_000, b'"[",' * 3_000_000],
)
def test_scanning_stays_linear_on_hostile_bytes(hostile):
    started = time.perf_counter()
    jcs.bound(hostile)
    assert time.perf_counter() - started < 5  # a quadratic scan of 16 MB would take hours


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"bytes", "type"),
        ({1, 2}, "type"),
        ({1: 2}, "type"),
        ({None: 2}, "type"),
        ([msgspec.UNSET], "type"),
        (1 + 2j, "type"),
        (math.nan, "number_not_finite"),
        ([math.inf], "number_not_finite"),
        (2**53, "integer_unsafe"),
        ({"a": [-(2**53)]}, "integer_unsafe"),
        (1e20, "integer_unsafe"),
        ("\ud800", "lone_surrogate"),
        ({"\ud800": 1.5}, "lone_surrogate"),
        ({"\udfff": 1}, "lone_surrogate"),
    ],
)
def test_values_outside_json_are_refused(value, reason):
    refused(lambda: jcs.of_value(value), reason)


def test_a_value_that_holds_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(TooLarge):
        jcs.of_value(loop)


def test_a_deep_value_is_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TooLarge):
        jcs.of_value(deep)
    with pytest.raises(TooLarge):
        jcs.of_value([deep, 1.5])


@pytest.mark.parametrize(
    "data",
    [
        b'{"kind":"head_set/1","members":[],"members":[]}',
        b'{"kind":"head_set/1", "members":[]}',
        b'{"members":[],"kind":"head_set/1"}',
        b'{"kind":"head_set/1","members":[],"more":1}',
        b'{"kind":"head_set/2","members":[]}',
        b'{"kind":"head_set/1","members":null}',
        b'{"kind":"head_set/1","members":["sha256:' + b"a" * 64 + b'\\n"]}',
        b'\xef\xbb\xbf{"kind":"head_set/1","members":[]}',
        b"[" * 100_000,
        b"",
        b"\xff",
    ],
)
def test_only_the_canonical_bytes_of_a_record_are_that_record(data):
    with pytest.raises(RecordInvalid):
        canon.to_record(data, HeadSet)


def test_the_canonical_bytes_of_a_record_come_back_as_it():
    record = HeadSet(members=("sha256:" + "a" * 64,))
    assert canon.to_record(canon.of_record(record), HeadSet) == record


def test_a_key_that_stands_twice_is_told_as_it_is_spelled():
    for key in ("components", "k" * 100):
        with pytest.raises(CanonInvalid) as caught:
            jcs.parse(f'{{"{key}":1,"{key}":2}}'.encode())
        assert caught.value.fields["key"] == key[:80]
