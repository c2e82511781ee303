"""Bounds of spans answer at once what the spans answer one by one."""

from bisect import bisect_right

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cas.records.feed import FeedRules
from pipeline.feeds.rules import bounds_of

KEYS = st.text("0a~", max_size=3)
RULES = FeedRules(name="x", package="sha256:" + "0" * 64, spans=(), listed=(), undecided=())


@given(st.lists(st.tuples(KEYS, KEYS), max_size=6), KEYS)
def test_a_place_lies_in_a_span_when_an_odd_number_of_bounds_is_at_or_below_it(pairs, place):
    spans = tuple((low, high, at, "") for at, (low, high) in enumerate(pairs))
    bounds = bounds_of(msgspec.structs.replace(RULES, spans=spans))
    assert bool(bisect_right(bounds, place) & 1) == any(low <= place < high for low, high in pairs)


def test_advisories_that_say_more_than_spans_do_are_always_asked():
    assert bounds_of(RULES) == ()
    assert bounds_of(msgspec.structs.replace(RULES, listed=(("1", 0),))) is None
    assert bounds_of(msgspec.structs.replace(RULES, undecided=((0, "commits_only"),))) is None
