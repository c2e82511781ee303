"""The promotion's life: only the table's moves, and whoever tries another is told what is possible."""

import itertools
from typing import get_args

import pytest

from cas.records.promotion import PromotionState
from pipeline import flow

STATES, EVENTS = get_args(PromotionState), get_args(flow.Event)


def test_every_pair_is_a_move_of_the_table_or_a_problem_that_names_what_is_possible():
    table = {(state, event): after for state, event, after in flow.TABLE}
    for state, event in itertools.product(STATES, EVENTS):
        if (state, event) in table:
            assert flow.after(state, event) == table[(state, event)]
            continue
        with pytest.raises(flow.IllegalMove) as caught:
            flow.after(state, event)
        assert caught.value.fields["possible"] == (", ".join(flow.possible(state)) or "nothing")


def test_final_states_take_nothing_and_all_others_something():
    assert {state for state in STATES if not flow.possible(state)} == flow.FINAL


def test_approved_is_reached_only_from_a_verdict_that_allowed():
    into = {state for state, _, after in flow.TABLE if after == "approved"}
    assert into == {"pending_approval", "approved"}
    assert {state for state, event, after in flow.TABLE if after == "pending_approval" and event == "allow"} == {
        "pending_gate"
    }


def test_cancelling_is_possible_before_deploying_only():
    assert {state for state in STATES if "cancel" in flow.possible(state)} == {
        "requested",
        "pending_gate",
        "pending_approval",
        "approved",
    }


def test_only_approved_may_deploy():
    assert [state for state in STATES if "deploy" in flow.possible(state)] == ["approved"]
