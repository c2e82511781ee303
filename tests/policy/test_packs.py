"""Packs as authors write them: every fault at once, with line and column and what is allowed."""

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import canon
from cas.problems import Problem
from cas.records.policy import PolicyPack
from pipeline.operations import policy
from pipeline.operations.policy import STARTERS, starter
from policy.gates.catalog import GATES
from policy.pack_schema import pack_schema
from policy.packs.marked_yaml import YamlInvalid, load
from policy.packs.reading import PackInvalid, read_pack
from tests.support.judging import PACK, Scene
from tests.support.world import ALICE

WRONG = b"""name: not a name
version: 1
gates:
  - gate: severity_budget/1
    with: {hihg: 1, critical: -2}
  - gate: nope/1
  - gate: approvals/1
  - gate: signed_by/1
  - {gate: feed_age/1, enforcement: maybe}
  - {gate: feed_age/1}
overrides:
  - {environment: dev, id: absent}
foo: 1
"""


def faults(data):
    with pytest.raises(PackInvalid) as caught:
        read_pack(data)
    return {fault.pointer: fault for fault in caught.value.fields["faults"]}


def test_all_faults_are_told_at_once_with_line_column_and_what_is_allowed():
    found = faults(WRONG)
    assert set(found) == {
        "/name",
        "/version",
        "/gates/0/with/hihg",
        "/gates/0/with/critical",
        "/gates/1/gate",
        "/gates/2/gate",
        "/gates/3/with/signers",
        "/gates/4/enforcement",
        "/gates/5",
        "/overrides/0/id",
        "/foo",
    }
    assert found["/gates/0/with/hihg"].message.startswith("line 5, column 12:")
    assert "allowed: count_vexed" in found["/gates/0/with/hihg"].message
    assert "severity_budget/1" in found["/gates/1/gate"].message
    assert "under moment" in found["/gates/2/gate"].message
    assert "block, warn, observe" in found["/gates/4/enforcement"].message
    assert all(fault.code.startswith("policy.") for fault in found.values())


def test_a_pack_without_gates_is_refused():
    assert "/gates" in faults(b'name: x\nversion: "1"\ngates: []\n')


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a: &x 1",
        b"a: *x",
        b"a: !!python/object x",
        b"a: !x 1",
        b"a: [",
        b"\xff",
        b"a: 1\n---\nb: 2",
        b"a: 1.5",
        b"a: 99999999999999999999",
        b"{" * 200_000,
        b"a: 1\na: 2",
        b"<<: {a: 1}",
        b"? [a]\n: 1",
        b"%YAML 1.1\n---\na: yes",
        b"a: " + b"x" * 300_000,
        b"[" + b"1," * 30_000 + b"1]",
        b"\x00",
    ],
    ids=range(18),
)
def test_what_is_no_plain_yaml_is_refused_with_a_code(data):
    with pytest.raises(YamlInvalid) as caught:
        load(data)
    assert caught.value.fields["faults"]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("{}[]:-#&*!|>'\"%@`\n ab01.~", max_size=60).map(str.encode)))
def test_no_bytes_give_anything_but_a_pack_or_a_problem(data):
    try:
        found = read_pack(data)
    except Problem as problem:
        found = problem
    assert isinstance(found, PolicyPack) or found.fields["faults"]


def test_yes_and_22_22_are_text_in_yaml_1_2():
    assert load(b"a: yes\nb: 22:22\nc: true\nd: 0o17\n").value == {"a": "yes", "b": "22:22", "c": True, "d": 15}


def test_the_schema_of_a_pack_takes_the_starters_and_refuses_what_reading_refuses():
    validator = jsonschema_rs.validator_for(pack_schema())
    for name in STARTERS:
        assert validator.is_valid(load(starter(name)).value)
    assert not validator.is_valid(load(WRONG).value)
    titles = {use["title"] for key in ("gates", "moment") for use in pack_schema()["properties"][key]["items"]["oneOf"]}
    assert titles == {gate.id for gate in GATES}


def test_a_stored_pack_is_canonical_and_the_same_again_is_the_same():
    scene = Scene(pack=None)
    first = policy.store_pack(scene.effects, ALICE, (PACK % {"binding": "asserted"}).encode())
    again = policy.store_pack(scene.effects, ALICE, b"# a remark\n" + (PACK % {"binding": "asserted"}).encode())
    assert (again.digest, first.existed, again.existed) == (first.digest, False, True)
    assert canon.of_record(first.pack) == scene.store.get(first.digest)


def test_nothing_is_stored_when_a_pack_is_refused():
    scene = Scene(pack=None)
    before = scene.effects.log.head()
    with pytest.raises(PackInvalid):
        policy.store_pack(scene.effects, ALICE, WRONG)
    assert scene.effects.log.head() == before


def test_a_pack_that_names_an_unknown_trust_table_is_refused():
    scene = Scene(pack=None)
    text = PACK % {"binding": "asserted"} + f'trust_table: "sha256:{"0" * 64}"\n'
    with pytest.raises(policy.TableMissing):
        policy.store_pack(scene.effects, ALICE, text.encode())


def test_a_trust_table_whose_freshness_rises_is_refused():
    import msgspec

    from policy.trust_table import BUILT_IN

    scene = Scene(pack=None)
    table = policy.store_trust_table(scene.effects, ALICE, canon.of_record(BUILT_IN))
    text = PACK % {"binding": "asserted"} + f'trust_table: "{table}"\n'
    assert policy.store_pack(scene.effects, ALICE, text.encode()).pack.trust_table == table
    for changed in ({"freshness": (1, 2)}, {"provenance_weight": 999_999}):
        with pytest.raises(policy.TableInvalid):
            policy.store_trust_table(
                scene.effects, ALICE, canon.of_record(msgspec.structs.replace(BUILT_IN, **changed))
            )
    with pytest.raises(policy.TableInvalid):
        policy.store_trust_table(scene.effects, ALICE, b"{}")
