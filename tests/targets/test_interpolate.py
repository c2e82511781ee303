"""Variables in two passes: what is public in the plan, the rest where the engine is spoken to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import interpolate
from targets.problems import VariableUnset

KNOWN = {"A": "1", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("$A ${A}", "1 1"),
        ("$$A", "$A"),
        ("${B:-x}${B-y}${EMPTY:-z}${EMPTY-w}", "xyz"),
        ("${A:+set}${EMPTY:+set}${EMPTY+set}${B+set}", "setset"),
        ("${A:?must}", "1"),
        ("100% $", "100% $"),
    ],
)
def test_composes_forms(text, filled):
    assert interpolate.everything(text, KNOWN) == filled


@pytest.mark.parametrize("text", ["$B", "${B}", "${B:?must}", "${EMPTY:?must}"])
def test_a_variable_without_value_is_refused(text):
    with pytest.raises(VariableUnset):
        interpolate.everything(text, KNOWN)


@given(st.text(max_size=20))
def test_a_public_value_arrives_as_it_is_whatever_it_holds(value):
    first = interpolate.public("x${A}y${S}", {"A": value}, frozenset({"S"}))
    assert "${S}" in first
    assert interpolate.everything(first, {"S": "s"}) == f"x{value}ys"


@given(st.text(max_size=20))
def test_a_secret_arrives_as_it_is_and_is_not_filled_again(value):
    assert interpolate.everything(interpolate.public("$$ ${S}", {}, frozenset({"S"})), {"S": value}) == f"$ {value}"
