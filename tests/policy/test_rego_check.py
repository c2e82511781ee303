"""The check of a rule's text: every escape is refused with its place, what rules are for is let through."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import rego_words
from policy.rego_check import MAX_BYTES, RuleInvalid, check
from policy.rego_words import regular

CASES = Path(__file__).parent.parent / "cases" / "rego"
REFUSED = json.loads((CASES / "refused.json").read_text())
ACCEPTED = json.loads((CASES / "accepted.json").read_text())
HOUSE = Path(__file__).parents[2] / "examples" / "policy" / "rules" / "house.rego"
HEAD = b"package stella\nimport rego.v1\n"


def faults(source):
    with pytest.raises(RuleInvalid) as caught:
        check(source)
    return caught.value.fields["faults"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_a_rule_is_refused_with_code_and_place(case):
    found = faults(case["source"].encode())
    assert sorted(one.code for one in found) == case["codes"], [one.message for one in found]
    assert all(one.message.startswith("line ") for one in found)
    said = "\n".join(one.message for one in found)
    assert case.get("at", "") in said
    assert case.get("says", "") in said


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case["name"])
def test_a_rule_that_keeps_to_its_input_is_fit(case):
    assert check(case["source"].encode()).asks == ("deny",)


def test_the_example_is_fit_and_reads_only_what_it_names():
    fit = check(HOUSE.read_bytes())
    assert fit.asks == ("deny", "warn")
    assert fit.reads == ("environment", "evidence", "findings", "release")


def test_faults_come_in_the_order_of_the_text():
    found = faults(HEAD + b"deny contains 1 if { a }\nwarn contains 2 if { b }\ndeny contains 3 if { c }")
    assert [one.message.split(":")[0] for one in found] == [f"line {line}, column 22" for line in (3, 4, 5)]


def test_a_rule_too_large_or_not_text_is_refused():
    assert faults(b"#" * (MAX_BYTES + 1))[0].code == "rego.too_large"
    assert faults(b"package stella\xff")[0].code == "rego.syntax"


@given(st.text(st.sampled_from('abcdeny contains if some in input.findings{}[]()":=,;|\n`\\_1'), max_size=120))
def test_no_text_makes_the_check_crash(text):
    with suppress(RuleInvalid):
        assert check(HEAD + text.encode()).asks


@given(st.sampled_from(sorted(rego_words.FORBIDDEN_ROOTS - {"set"})), st.sampled_from(["", ".now_ns", ".a.b", "[0]"]))
def test_no_forbidden_family_gets_in_anywhere(root, tail):
    for place in (
        "deny contains %s(1)",
        'deny contains "x" if %s()',
        "deny contains x if { x := [y | y := %s(2)] }",
        "deny contains x if { every z in [1] { %s(z) }; x := 1 }",
        "f(x) := %s(x)\ndeny contains 1",
        "deny contains input.findings[%s(1)].purl",
        "default d := %s(1)\ndeny contains 1",
        "a := 1 if { 1 == 2 } else := %s(1)\ndeny contains a",
    ):
        assert faults(HEAD + (place % (root + tail)).encode())


@pytest.mark.parametrize(
    "pattern", ["", "abc", "^a.c$", r"\d{1,3}\.x", "[a-z0-9_]+", "(a|bc)?x", "(foo|bar)", "[^/]+/x"]
)
def test_plain_patterns_are_regular(pattern):
    assert regular(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|b*)*", "a**", "a+?", "(?i)a", "(?:a)", r"\1", r"\bx", "(", "[a", "((a))", "a{1000}", "x" * 201],
)
def test_patterns_that_may_go_back_or_differ_are_not(pattern):
    assert not regular(pattern)
