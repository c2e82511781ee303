"""Reachability: the join is a semilattice, the word of the unsigned never lowers, the witness is the shortest path."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas.records.report import ReachFacts, ReachTarget
from policy.reachability import (
    CONFIDENCE,
    NOWHERE,
    OBSERVATIONS,
    PARTS,
    REACHABLE,
    STATES,
    UNREACHABLE,
    VEX_STATUS,
    join,
    reach_of,
    transition,
)
from tests.support import gate_cases

PURL = "pkg:golang/golang.org/x/net@v0.1.0"
NAMES = frozenset({"CVE-2026-0001", "GO-2026-0001"})
STATE = st.sampled_from(STATES)


def target(said="reachable", names=("CVE-2026-0001",), purl="pkg:golang/golang.org/x/net", symbol="", path=(), **more):
    fields = {"confidence": 1_000_000, "pointer": "/sinks/0"} | more
    return ReachTarget(names=names, purl=purl, symbol=symbol, said=said, path=path, **fields)


def spoken(*targets, method="static", verified=True, complete=True, key="one"):
    facts = ReachFacts(
        format="x",
        tool="t",
        tool_version="1",
        created_at="",
        subjects=(),
        method=method,
        complete=complete,
        graph=None,
        nodes=0,
        edges=0,
        targets=targets,
    )
    return gate_cases.name(key), facts, verified


def state(*said, names=NAMES, purl=PURL):
    return reach_of(said, names, purl).state


@given(STATE, STATE, STATE)
def test_the_join_is_commutative_associative_and_idempotent(one, two, three):
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(one, one) == one
    assert join(one, "U") == one
    assert join(one, "X") == "X"


@given(STATE, st.permutations(OBSERVATIONS), st.sampled_from(OBSERVATIONS))
def test_transitions_do_not_hang_on_their_order(start, order, again):
    for_order = start
    for observation in order:
        for_order = transition(for_order, observation)
    assert for_order == "X"
    assert transition(transition(start, again), again) == transition(start, again)


def test_a_state_is_made_of_its_parts():
    for name in STATES:
        made = "U"
        for part in PARTS[name]:
            made = transition(made, part)
        assert made == name


def test_only_confirmed_unreachable_supports_a_closing_claim():
    assert [name for name in STATES if VEX_STATUS[name][0] in {"not_affected", "fixed"}] == ["CU"]
    assert {name for name in STATES if VEX_STATUS[name][0] == "affected"} == REACHABLE
    assert not REACHABLE & UNREACHABLE
    for least, greatest in CONFIDENCE.values():
        assert 0 <= least <= greatest <= 1_000_000


SR = spoken(target(), key="sr")
SU = spoken(target("unreachable"), key="su")
RO = spoken(target("observed"), method="runtime", key="ro")
RU = spoken(target("unobserved"), method="runtime", key="ru")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), "U"),
        ((SR,), "SR"),
        ((SU,), "SU"),
        ((RO,), "RO"),
        ((RU,), "RU"),
        ((SR, RO), "CR"),
        ((SU, RU), "CU"),
        ((SU, RO), "X"),
        ((SR, RU), "X"),
        ((SR, SU), "X"),
        ((SU, RU, RO), "X"),
    ],
)
def test_documents_join_to_a_state(said, expected):
    for order in itertools.permutations(said):
        assert state(*order) == expected


def test_nothing_said_is_unknown_without_a_trace():
    assert reach_of((), NAMES, PURL) == NOWHERE
    assert reach_of((SR,), {"CVE-2026-9999"}, PURL) == NOWHERE
    assert reach_of((SR,), NAMES, "pkg:golang/golang.org/x/crypto@v0.1.0") == NOWHERE


def test_the_unsigned_raise_and_never_lower():
    liar = spoken(target("unreachable"), verified=False, key="liar")
    crier = spoken(target("reachable"), verified=False, key="crier")
    assert state(liar) == "U"
    assert state(SR, liar) == "SR"
    assert state(crier) == "SR"
    assert state(SU, crier) == "X"
    assert len(reach_of((SR, liar), NAMES, PURL).evidence) == 2  # shown all the same


def test_silence_says_nothing_and_an_answer_counts_however_much_was_seen():
    assert state(spoken(target("unreachable"), complete=False)) == "SU"
    assert state(spoken(complete=True)) == "U"
    assert state(spoken(target("unknown"))) == "U"


def test_one_reached_symbol_is_enough_and_all_must_be_unreached():
    one, two = target("reachable", symbol="A"), target("unreachable", symbol="B", pointer="/sinks/1")
    assert state(spoken(one, two)) == "SR"
    assert state(spoken(two, target("unknown", symbol="C", pointer="/sinks/2"))) == "U"
    assert state(spoken(two, target("unreachable", symbol="C", pointer="/sinks/2"))) == "SU"


def test_a_used_package_is_no_used_function():
    used = spoken(target("observed", names=()), method="runtime", key="used")
    assert state(used) == "RO"
    assert state(SU, used) == "SU"
    unsigned = spoken(target("unreachable"), verified=False, key="unsigned")
    assert state(unsigned, used) == "RO"
    idle = spoken(target("unobserved", names=()), method="runtime", key="idle")
    assert state(SU, idle) == "CU"  # a package that is never loaded has no function that runs


def test_a_symbol_alone_joins_no_finding():
    assert state(spoken(target(names=(), purl="", symbol="main.main"))) == "U"


def test_versions_and_go_spelling_of_packages_fit():
    for purl in ("", "pkg:golang/golang.org/x/net", "pkg:golang/golang.org/x/net@0.1.0"):
        assert state(spoken(target(purl=purl))) == "SR"
    assert state(spoken(target(purl="pkg:golang/golang.org/x/net@v0.2.0"))) == "U"


def test_the_witness_is_the_shortest_path_from_package_to_entry():
    long = target(path=("main", "serve", "parse"), symbol="parse")
    short = target(path=("init", "parse"), symbol="parse", pointer="/sinks/1")
    found = reach_of((spoken(long, short), SU), NAMES, PURL)
    assert found.path == (PURL, "parse", "init")
    assert found.state == "X"
    assert reach_of((SU,), NAMES, PURL).path == ()


def test_confidence_stays_in_the_range_of_the_state():
    for said in (0, 500_000, 1_000_000):
        found = reach_of((spoken(target(confidence=said)),), NAMES, PURL)
        least, greatest = CONFIDENCE["SR"]
        assert found.confidence == least + (greatest - least) * said // 1_000_000
