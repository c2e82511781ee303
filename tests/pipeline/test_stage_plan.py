"""plan/1 by itself: what it refuses, and that it is a function of its input."""

import os
import pickle
import subprocess
import sys

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas import canon, digest
from cas.problems import Problem
from cas.records.deploy import Deployment, DriftInput, Observation, PlanInput
from cas.records.release import Environment, FreezeWindow
from cas.records.verdict import Decision
from cas.store import load, save
from pipeline.stage import advance
from pipeline.stages import plan as stage
from pipeline.stages.drift import DRIFT
from pipeline.stages.plan import PLAN
from tests.support.pretend_shop import delivery, release

DECISION = {
    "promotion": "sha256:" + "1" * 64,
    "verdict": "sha256:" + "2" * 64,
    "release": "sha256:" + "3" * 64,
    "environment": "sha256:" + "4" * 64,
    "purpose": "promotion",
    "as_of": "2026-03-01T12:00:00Z",
    "outcome": "approved",
    "gates": (),
    "approvals": (),
    "valid_until": "2026-03-01T14:00:00Z",
}


def environment():
    _, made = delivery()
    window = FreezeWindow(start="2026-03-01T13:00:00Z", end="2026-03-01T13:30:00Z", reason="audit", exceptions=("bob",))
    return load(made.world.store, made.place(freeze_windows=(window,)), Environment)


@pytest.mark.parametrize(
    ("changed", "at", "who", "code"),
    [
        ({}, "2026-03-01T11:59:59Z", "alice", "plan.decision_expired"),
        ({}, "2026-03-01T14:00:00Z", "alice", "plan.decision_expired"),
        ({}, "2026-03-01T13:00:00Z", "alice", "plan.frozen"),
        ({}, "2026-03-01T13:29:59Z", "alice", "plan.frozen"),
        ({"outcome": "pending"}, "2026-03-01T12:00:00Z", "alice", "plan.not_approved"),
        ({"outcome": "rejected"}, "2026-03-01T12:00:00Z", "alice", "plan.not_approved"),
        ({"purpose": "simulation"}, "2026-03-01T12:00:00Z", "alice", "plan.not_approved"),
        ({"purpose": "rollback"}, "2026-03-01T15:00:00Z", "alice", "plan.decision_expired"),
    ],
)
def test_a_moment_at_which_the_decision_may_not_be_carried_out_is_refused(changed, at, who, code):
    with pytest.raises(Problem) as refused:
        stage.refuse(Decision(**DECISION | changed), environment(), at, who)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changed", "at", "who"),
    [
        ({}, "2026-03-01T12:00:00Z", "alice"),
        ({}, "2026-03-01T13:30:00Z", "alice"),
        ({}, "2026-03-01T13:10:00Z", "bob"),
        ({"purpose": "rollback"}, "2026-03-01T13:10:00Z", "alice"),
    ],
)
def test_a_moment_within_the_decision_passes(changed, at, who):
    stage.refuse(Decision(**DECISION | changed), environment(), at, who)


@pytest.fixture(scope="module")
def ended():
    fleet, made = delivery()
    result = made.deploy(release(made, 1))
    return fleet, made, result


def question(made, result, observation):
    [head] = made.head()
    outcome = result.result.outcomes[0]
    return PlanInput(
        deployment=result.deployment, target=outcome.target, rendered=head.rendered, observation=observation
    )


@pytest.mark.parametrize("field", ["release", "environment"])
def test_a_deployment_of_something_else_than_was_decided_is_refused(ended, field):
    _, made, result = ended
    store = made.world.store
    founded = load(store, result.deployment, Deployment)
    other = made.place(variables=(("GREETING", "forged"),)) if field == "environment" else release(made, 2)
    forged = save(
        store, Deployment(**{name: getattr(founded, name) for name in founded.__struct_fields__} | {field: other})
    )
    asked = question(made, result, result.result.outcomes[0].observation)
    asked = PlanInput(deployment=forged, target=asked.target, rendered=asked.rendered, observation=asked.observation)
    with pytest.raises(Problem) as refused:
        advance(PLAN, save(store, asked), store)
    assert refused.value.code == "plan.not_approved"


STATES = st.sampled_from(["running", "exited", "created", "restarting", "gone", "relabelled", "moved"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=STATES, lost=st.sets(st.sampled_from(["compose.stella.lock.yml", "stella.env", "conf/app.conf"])))
def test_steps_are_planned_exactly_when_something_is_not_as_wanted(ended, state, lost):
    _, made, result = ended
    store = made.world.store
    seen = load(store, result.result.outcomes[0].observation, Observation)
    [container] = seen.containers
    changed = {
        "gone": (),
        "relabelled": (msgspec.structs.replace(container, labels=()),),
        "moved": (msgspec.structs.replace(container, name="shop_production-web-7"),),
    }.get(state, (msgspec.structs.replace(container, state=state),))
    files = tuple(msgspec.structs.replace(file, digest=None) if file.path in lost else file for file in seen.files)
    drifted = save(store, msgspec.structs.replace(seen, containers=changed, files=files))
    steps = advance(PLAN, save(store, question(made, result, drifted)), store).record.steps
    assert bool(steps) == (state != "running" or bool(lost))
    assert any(step.action == "container.swap" for step in steps) == (state != "running")
    assert {dict(step.arguments)["path"] for step in steps if step.action == "file.write"} == lost


PROGRAM = """
import sys, pickle
from cas.adapters.memory import MemoryStore
from pipeline.stage import advance
from pipeline.stages.drift import DRIFT
from pipeline.stages.plan import PLAN
objects, questions = pickle.load(sys.stdin.buffer)
store = MemoryStore()
for data in objects:
    store.put(data)
print([advance(stage, question, store).digest for stage, question in zip((PLAN, DRIFT), questions)])
"""


def test_plan_and_drift_are_equal_under_other_hash_seeds_and_time_zones(ended):
    _, made, result = ended
    store, outcome = made.world.store, result.result.outcomes[0]
    seen = load(store, outcome.observation, Observation)
    changed = save(store, msgspec.structs.replace(seen, containers=(), files=seen.files[:2]))
    [head] = made.head()
    deployed = digest.of_bytes(canon.of_record(head))
    drifted = save(store, DriftInput(deployed=deployed, target=outcome.target, observation=changed))
    asked = save(store, question(made, result, changed))
    given_ = pickle.dumps(([store.get(name) for name in store.digests()], (asked, drifted)))
    answers = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu")):
        env = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": "."}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, input=given_, capture_output=True, check=True)
        answers.add(done.stdout)
    here = [advance(PLAN, asked, store).digest, advance(DRIFT, drifted, store).digest]
    assert answers == {f"{here}\n".encode()}
