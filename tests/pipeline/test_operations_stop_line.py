"""The stop-line: who stops what, and that no stop is ever narrowed by another."""

import pytest

from cas import refs
from cas.problems import Problem
from pipeline.operations import stop_line
from pipeline.operations.stop_line import lift, stop
from tests.support.judging import Scene, osv, sbom
from tests.support.world import ALICE, BOB, CAROL


def scene(**more):
    made = Scene(**more)
    made.feed(osv("CVE-2026-0001", "requests"))
    made.submit(sbom(("flask", "9.0.0")))
    return made


def events(made):
    return [entry.event for _, entry in made.world.log.read() if entry.event.startswith("line.")]


def test_a_stop_holds_promotions_until_it_is_lifted():
    made = scene()
    stop(made.effects, BOB, ["production"], "fire")
    view = made.request()
    assert view.status.state == "pending_approval"
    lift(made.effects, CAROL)
    assert made.decide(view).status.state == "approved"
    assert events(made) == ["line.stopped", "line.lifted"]


def test_a_stop_elsewhere_holds_nothing_here():
    made = scene()
    made.set_environment("staging")
    stop(made.effects, BOB, ["staging"], "fire")
    assert made.request().status.state == "approved"


def test_a_second_stop_adds_and_never_narrows():
    made = scene()
    made.set_environment("staging")
    stop(made.effects, BOB, ["production"], "fire")
    assert stop(made.effects, CAROL, ["staging"], "water").stop.environments == ("production", "staging")
    assert stop(made.effects, CAROL, [], "all of it").stop.environments == ()
    assert stop(made.effects, BOB, ["staging"], "again").stop.environments == ()


def test_lifting_one_environment_leaves_the_others_stopped():
    made = scene()
    made.set_environment("staging")
    stop(made.effects, BOB, ["production", "staging"], "fire")
    left = lift(made.effects, CAROL, ["staging"])
    assert (left.stop.environments, left.stop.reason, left.stop.by) == (("production",), "fire", BOB.actor)
    assert made.request().status.state == "pending_approval"
    assert lift(made.effects, CAROL, ["production"]) is None
    assert stop_line.current(made.effects) is None


def test_what_is_stopped_everywhere_is_lifted_everywhere_or_not_at_all():
    made = scene()
    stop(made.effects, BOB, [], "fire")
    with pytest.raises(stop_line.StoppedEverywhere):
        lift(made.effects, BOB, ["production"])
    assert stop_line.current(made.effects) is not None


def test_what_is_not_stopped_cannot_be_lifted():
    made = scene()
    with pytest.raises(stop_line.NotStopped):
        lift(made.effects, BOB)
    stop(made.effects, BOB, ["production"], "fire")
    with pytest.raises(stop_line.NotStopped):
        lift(made.effects, BOB, ["staging"])


def test_all_faults_of_a_stop_come_together_and_nothing_is_written():
    made = scene()
    before = made.world.log.head()
    with pytest.raises(Problem) as refused:
        stop(made.effects, ALICE, ["nowhere", "../x"], " ")
    codes = [fault.code for fault in refused.value.fields["faults"]]
    assert codes == ["line.environment_unknown", "line.environment_unknown", "line.reason_missing"]
    assert made.world.log.head() == before
    assert made.world.log.ref(refs.STOP_LINE) is None
