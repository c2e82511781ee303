"""Forms that are checked column by column are the forms that a pattern would have let through, and no others."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas import canon, columns, digest, jcs
from cas.problems import RecordInvalid
from cas.records import forms
from cas.records.base import Part
from cas.records.feed import FeedBucket, FeedSnapshot
from cas.records.verdict import Assessment
from tests.support.records import blank

GOOD = [digest.of_bytes(b"%d" % at) for at in range(20)]
WRONG = [
    GOOD[0].upper(),
    GOOD[0].replace("sha256:", "sha265:"),
    GOOD[0].replace("sha256:", "sh:a256"),
    GOOD[0][:-1] + "g",
    GOOD[0][:-1] + "\n",
    GOOD[0][:-1] + "é",
    GOOD[0][7:14] + GOOD[0][:7] + GOOD[0][14:],
    GOOD[0][:-4] + "../.",
    GOOD[0][:-6] + "\\u0061"[:6],
]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("many", [0, 19])
def test_one_wrong_digest_among_few_or_many_is_found(wrong, many):
    assert columns.are_digests(GOOD[:many])
    assert not columns.are_digests([*GOOD[:many], wrong])


@pytest.mark.parametrize("many", [1, 19])
def test_a_digest_that_was_seen_stands_for_itself_alone(many):
    good = [digest.of_bytes(b"seen %d" % at) for at in range(many)]
    assert columns.are_digests([*good, None])
    for wrong in WRONG:
        assert not columns.are_digests([*good, wrong])
        assert not columns.are_digests([*good, wrong])  # what was refused is not remembered
    assert columns.are_digests([None, *good])


def test_what_was_seen_is_bounded(monkeypatch):
    monkeypatch.setattr(columns, "MAX_KNOWN", 50)
    for at in range(0, 300, 10):
        assert columns.are_digests([digest.of_bytes(b"bounded %d" % each) for each in range(at, at + 10)])
        assert len(columns._KNOWN) <= 61


@given(st.lists(st.one_of(st.sampled_from(GOOD), st.text("sha256:0f", min_size=71, max_size=71)), min_size=8))
def test_a_column_is_judged_as_each_of_its_digests(values):
    assert columns.are_digests(values) == all(map(digest.is_digest, values))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_record_with_a_wrong_digest_deep_inside_is_refused(wrong):
    entries = [{"name": str(at), "digest": name} for at, name in enumerate([*GOOD, wrong])]
    data = jcs.of_value({"kind": "feed_bucket/1", "packages": entries})
    with pytest.raises(RecordInvalid):
        canon.to_record(data, FeedBucket)


@pytest.mark.parametrize("wrong", ["2026-03-01T12:00:00z", "2026-13-01T12:00:00Z", "2026-03-01 12:00:00Z"])
def test_a_record_with_a_wrong_instant_is_refused(wrong):
    for kind, name in ((Assessment, "valid_until"), (FeedSnapshot, "captured_at")):
        record = blank(kind, **{name: "2026-03-01T12:00:00Z"})
        good = canon.of_record(record)
        assert canon.to_record(good, kind) == record
        with pytest.raises(RecordInvalid):
            canon.to_record(good.replace(b"2026-03-01T12:00:00Z", wrong.encode()), kind)


def test_a_form_that_cannot_be_walked_is_refused():
    class Wide(Part, frozen=True, kw_only=True):
        either: forms.Digest | int

    with pytest.raises(TypeError):
        columns.plan(Wide)
    with pytest.raises(TypeError):
        columns.plan(dict[str, forms.Digest])


def test_a_form_is_told_in_the_schema():
    assert msgspec.json.schema(forms.Digest)["pattern"] == msgspec.json.schema(digest.Digest)["pattern"]


@given(st.lists(st.one_of(st.sampled_from(GOOD), st.text('sha256:0fé"')), max_size=6))
def test_what_bytes_name_is_what_the_pattern_finds(pieces):
    data = "".join(pieces).encode()
    for long in (data, data + bytes(5000)):
        found = re.findall(rb"sha256:[0-9a-f]{64}(?![0-9a-f])", long)
        assert digest.named_in(long) == {each.decode() for each in found}
