"""Includes: what is taken in, what takes its place, what does not come together; and cases that test a pack."""

import pytest

from cas import canon, digest
from cas.problems import ObjectMissing
from cas.records.policy import PolicyPack
from cas.records.policy_life import Include, PolicyPack2
from pipeline.operations.policy import STARTERS, starter
from policy.packs import cases, view
from policy.packs.reading import PackInvalid, read_written
from policy.packs.trying import tried


class Shelf:
    """Packs by digest, as a store would give them."""

    def __init__(self):
        self.held = {}

    def put(self, text):
        written = read_written(text.encode(), self.find)
        data = canon.of_record(written.pack)
        self.held[digest.of_bytes(data)] = data
        return digest.of_bytes(data)

    def find(self, name):
        if name not in self.held:
            raise ObjectMissing(digest=name)
        return view.pack_of(self.held[name])

    def read(self, text):
        return read_written(text.encode(), self.find)


BASE = """
name: base
version: "1"
gates:
  - gate: severity_budget/1
    with: {critical: 0, high: 1}
  - gate: feed_age/1
moment:
  - gate: stop_line/1
overrides:
  - {environment: dev, id: severity_budget, with: {high: 9}}
verdict_ttl_seconds: 600
"""


@pytest.fixture
def shelf():
    return Shelf()


def outer(*includes, rest=""):
    listed = "".join(f"  - {one}\n" for one in includes)
    return f'name: outer\nversion: "1"\ninclude:\n{listed}{rest}'


def ids(flat):
    return [use.id for use in flat.gates]


def test_what_is_included_comes_first_with_its_overrides_and_the_shortest_life(shelf):
    base = shelf.put(BASE)
    found = shelf.read(outer(f'"{base}"', rest="gates:\n  - gate: vex_conflict/1\n"))
    assert isinstance(found.pack, PolicyPack2)
    assert ids(found.flat) == ["severity_budget", "feed_age", "vex_conflict"]
    assert [use.id for use in found.flat.moment] == ["stop_line"]
    assert [(one.environment, one.id) for one in found.flat.overrides] == [("dev", "severity_budget")]
    assert found.flat.verdict_ttl_seconds == 600
    assert view.whole_of(canon.of_record(found.pack), shelf.held.__getitem__) == found.flat


def test_an_own_gate_of_the_same_id_takes_the_place_and_drops_what_was_changed_of_the_old(shelf):
    base = shelf.put(BASE)
    rest = "gates:\n  - {id: severity_budget, gate: severity_budget/1, with: {high: 3}}\n"
    flat = shelf.read(outer(f'"{base}"', rest=rest)).flat
    assert ids(flat) == ["severity_budget", "feed_age"]
    assert {param.name: param.value for param in flat.gates[0].params} == {"high": 3}
    assert flat.overrides == ()


def test_an_own_override_goes_over_the_included_one_parameter_by_parameter(shelf):
    base = shelf.put(BASE)
    rest = "overrides:\n  - {environment: dev, id: severity_budget, with: {medium: 4}}\n"
    [override] = shelf.read(outer(f'"{base}"', rest=rest)).flat.overrides
    assert {param.name: param.value for param in override.params} == {"high": 9, "medium": 4}


def test_a_pack_twice_needs_a_prefix(shelf):
    base = shelf.put(BASE)
    with pytest.raises(PackInvalid) as caught:
        shelf.read(outer(f'"{base}"', f'"{base}"'))
    [fault] = caught.value.fields["faults"]
    assert (fault.pointer, fault.code) == ("/include/1", "policy.include_id_twice")
    flat = shelf.read(outer(f'"{base}"', f'{{pack: "{base}", prefix: b-}}')).flat
    assert ids(flat) == ["severity_budget", "feed_age", "b-severity_budget", "b-feed_age"]


def test_a_gate_of_the_evidence_is_not_replaced_by_one_of_the_moment(shelf):
    base = shelf.put(BASE)
    rest = "moment:\n  - {id: severity_budget, gate: stop_line/1}\n"
    with pytest.raises(PackInvalid):
        shelf.read(outer(f'"{base}"', rest=rest))


@pytest.mark.parametrize("value", ['"sha256:abc"', "nothing", "{prefix: x}", "{pack: 1}", "{pack: x, other: 1}", "[]"])
def test_what_is_no_include_is_told(shelf, value):
    with pytest.raises(PackInvalid):
        shelf.read(outer(value))


def test_depth_and_count_are_bounded(shelf):
    name = shelf.put(BASE)
    for _ in range(view.MAX_DEPTH - 1):
        name = shelf.put(outer(f'"{name}"'))
    with pytest.raises(PackInvalid) as caught:
        shelf.put(outer(f'"{name}"'))
    assert caught.value.fields["faults"][0].code == "policy.include_too_many"
    base = digest.of_bytes(b"base")
    shelf.held[base] = canon.of_record(read_written(BASE.encode()).pack)
    made = read_written(BASE.encode()).pack
    wide = PolicyPack2(
        **{name: getattr(made, name) for name in PolicyPack.__struct_fields__},
        include=tuple(Include(pack=base, prefix=f"p{n}-") for n in range(view.MAX_PACKS + 1)),
        cases=None,
    )
    with pytest.raises(view.PackUnresolved):
        view.flattened(wide, "", lambda name, _: shelf.find(name))


def test_included_packs_that_name_different_tables_leave_the_choice_to_the_author(shelf):
    tables = ["sha256:" + letter * 64 for letter in "ab"]
    packs = [shelf.put(BASE + f'trust_table: "{table}"\n') for table in tables]
    both = [f'"{packs[0]}"', f'{{pack: "{packs[1]}", prefix: b-}}']
    with pytest.raises(PackInvalid):
        shelf.read(outer(*both))
    assert shelf.read(outer(*both, rest=f'trust_table: "{tables[1]}"\n')).flat.trust_table == tables[1]
    assert shelf.read(outer(both[0])).flat.trust_table == tables[0]


def test_a_pack_without_includes_and_cases_is_what_it_always_was():
    assert isinstance(read_written(BASE.encode()).pack, PolicyPack)


@pytest.mark.parametrize("name", STARTERS)
def test_the_cases_of_every_starter_hold(name):
    written = read_written(starter(name))
    assert written.cases
    assert [one.wrong for one in tried(written.flat, written.cases)] == [()] * len(written.cases)
    assert cases.parsed(cases.written(written.cases)) == written.cases


def test_a_case_that_does_not_hold_says_in_which_way():
    text = (
        BASE
        + """cases:
  - name: too much
    given: {findings: [{severity: critical}]}
    expect: {outcome: allow, codes: [], gates: {feed_age: fail, other: pass}}
  - name: facts are missing
    given: {evidence: [{type: tests}]}
    expect: {outcome: allow}
"""
    )
    written = read_written(text.encode())
    first, second = tried(written.flat, written.cases)
    assert first.outcome == "deny"
    assert first.wrong == (
        "outcome is deny, expected allow",
        "codes are over_budget, expected none",
        "feed_age is pass, expected fail",
        "other is not asked, expected pass",
    )
    assert second.wrong == ()


def test_a_case_that_leaves_out_facts_a_gate_reads_is_no_answer():
    text = """
name: t
version: "1"
gates: [{gate: test_results/1}]
cases:
  - {name: bare, given: {evidence: [{type: tests}]}, expect: {outcome: allow}}
  - {name: odd, given: {evidence: [{type: tests, facts: {kind: nope/1}}]}, expect: {outcome: allow}}
  - {name: told, given: {evidence: [{type: tests, facts: {kind: test_facts/1, total: 3, passed: 3}}]}, expect: {outcome: allow}}
"""
    written = read_written(text.encode())
    bare, odd, told = tried(written.flat, written.cases)
    assert (bare.outcome, odd.outcome, told.wrong) == ("no_answer", "no_answer", ())
    assert "add facts" in bare.wrong[0]
    assert "test_facts/1" in odd.wrong[0]


def test_what_is_wrong_in_a_case_is_told_with_its_line_and_what_is_allowed():
    text = (
        BASE + "cases:\n  - name: a\n    given:\n      findings:\n        - {sev: high}\n    expect: {outcome: deny}\n"
    )
    with pytest.raises(PackInvalid) as caught:
        read_written(text.encode())
    [fault] = caught.value.fields["faults"]
    assert fault.pointer == "/cases/0/given/findings/0"
    assert fault.message.startswith("line 17, column 11")
    assert "allowed: vulnerability" in fault.message
