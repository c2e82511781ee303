"""The order of a fleet: pure, so every case is a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas import digest
from cas.records.deploy import Plan, Receipt, Step
from targets import rollout

PLAN = digest.of_bytes(b"plan")


def step(name, phase):
    return Step(id=name, phase=phase, action="x", arguments=(), content=None)


def receipt(name, result):
    at = "2026-03-01T12:00:00Z"
    return Receipt(plan=PLAN, step=name, result=result, code="", started_at=at, ended_at=at, outputs=(), log=None)


def a_plan(*steps):
    return Plan(deployment=PLAN, target=PLAN, observation=PLAN, steps=steps)


WHOLE = a_plan(step("a", "prepare"), step("b", "switch"), step("c", "switch"), step("d", "verify"), step("e", "finish"))


@given(st.sampled_from(["all_at_once", "rolling"]), st.integers(0, 5), st.integers(1, 9))
def test_every_target_is_prepared_first_and_each_is_switched_then_verified_once(strategy, size, count):
    waves = rollout.waves(strategy, size, count)
    assert waves[0] == rollout.Wave("prepare", tuple(range(count)))
    assert [at for wave in waves if wave.phase == "switch" for at in wave.targets] == list(range(count))
    for switch, verify in zip(waves[1::2], waves[2::2], strict=True):
        assert (switch.phase, verify.phase) == ("switch", "verify")
        assert switch.targets == verify.targets
    assert all(wave.phase != "finish" for wave in waves)


def test_rolling_takes_so_many_at_a_time():
    assert [wave.targets for wave in rollout.waves("rolling", 2, 5) if wave.phase == "switch"] == [(0, 1), (2, 3), (4,)]
    assert [wave.targets for wave in rollout.waves("all_at_once", 2, 3) if wave.phase == "switch"] == [(0, 1, 2)]


def test_steps_with_a_good_receipt_are_not_done_again():
    last = {"b": receipt("b", "done")}
    assert [one.id for one in rollout.pending(WHOLE, "switch", last)] == ["c"]
    assert [one.id for one in rollout.pending(WHOLE, "switch", {})] == ["b", "c"]


@pytest.mark.parametrize(
    ("result", "halts"), [("done", False), ("unchanged", False), ("failed", True), ("undone", True)]
)
def test_anything_failed_or_taken_back_halts_the_fleet(result, halts):
    assert rollout.halted({"a": receipt("a", result)}) is halts


def test_what_was_done_is_taken_back_newest_first_and_half_done_steps_too():
    last = {"a": receipt("a", "done"), "b": receipt("b", "done"), "c": receipt("c", "failed")}
    assert [one.id for one in rollout.to_undo(WHOLE, last)] == ["c", "b", "a"]
    assert [
        one.id for one in rollout.to_undo(WHOLE, {"a": receipt("a", "unchanged"), "b": receipt("b", "undone")})
    ] == []


def test_only_a_switch_step_touches_what_runs():
    assert not rollout.switched(WHOLE, {"a": receipt("a", "done")})
    assert rollout.switched(WHOLE, {"a": receipt("a", "done"), "b": receipt("b", "undone")})
