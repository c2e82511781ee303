"""Lives as tables: only their moves, and whoever tries another is told what is possible."""

import itertools
from typing import get_args

import pytest

from cas.records.promotion import PromotionState
from cas.records.release_life import ReleaseState
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


STAGES = ("absent", *get_args(ReleaseState))
RELEASE_EVENTS = get_args(flow.ReleaseEvent)


def test_every_pair_of_a_releases_life_is_a_move_of_its_table_or_a_problem_that_names_what_is_possible():
    table = {(state, event): after for state, event, after in flow.RELEASES}
    assert len(table) == len(flow.RELEASES)
    for state, event in itertools.product(STAGES, RELEASE_EVENTS):
        if (state, event) in table:
            assert flow.release_after("app-1", state, event) == table[(state, event)]
            continue
        with pytest.raises(flow.ReleaseCannot) as caught:
            flow.release_after("app-1", state, event)
        assert caught.value.fields["possible"] == (", ".join(flow.release_possible(state)) or "nothing")
        assert caught.value.fields["release"] == "app-1"


def test_a_release_goes_through_its_states_in_one_order_only():
    moved = {(state, after) for state, _, after in flow.RELEASES if state != after}
    assert moved == {
        ("absent", "draft"),
        ("absent", "finalized"),
        ("draft", "absent"),
        ("draft", "finalized"),
        ("finalized", "deprecated"),
        ("deprecated", "archived"),
    }


def test_only_what_is_finalized_goes_anywhere_new_and_only_a_draft_is_edited():
    takes = {event: [state for state in STAGES if event in flow.release_possible(state)] for event in RELEASE_EVENTS}
    assert takes["promote"] == ["finalized"]
    assert takes["roll_back"] == ["finalized", "deprecated"]
    assert takes["edit"] == takes["finalize"] == takes["discard"] == ["draft"]
    assert flow.release_possible("archived") == ()
