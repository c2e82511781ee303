"""Checking drift and asking what runs where, over pretend engines."""

import pytest

from cas.records.deploy import DriftReport
from cas.store import load
from pipeline.operations import drift
from targets.problems import Unreachable
from tests.support.delivery import ALICE
from tests.support.fake_target import Refused
from tests.support.pretend_shop import NAMES, delivery, release


def check(made):
    return {one.target.name: one for one in drift.check(made.effects, ALICE, "production")}


def test_nothing_changed_is_no_drift_however_often_one_looks():
    _, made = delivery()
    made.deploy(release(made, 1))
    for minute in range(10, 15):
        made.world.clock.at = f"2026-03-01T12:{minute}:00Z"
        found = check(made)
        assert set(found) == set(NAMES)
        assert not any(one.report.drifted or one.report.drifts for one in found.values())


def test_reports_are_in_the_log_each_with_its_run_and_a_signed_statement():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    del fleet.engines["beta"].files["stella.version.json"]
    found = check(made)
    entries = {entry.record: entry for _, entry in made.world.log.read() if entry.event == "drift.checked"}
    assert set(entries) == {one.report_digest for one in found.values()}
    for entry in entries.values():
        assert len(entry.envelopes) == 1
        assert [note.stage for note in entry.runs] == ["drift"]
    report = load(made.world.store, found["beta"].report_digest, DriftReport)
    assert report.drifted
    assert report.actual_sticker is None
    assert not found["alpha"].report.drifted


def test_a_target_that_does_not_answer_is_neither_clear_nor_drifted():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    fleet.failing[("gamma", "observe")] = Unreachable()
    found = check(made)
    assert (found["gamma"].report, found["gamma"].problem) == (None, "target.unreachable")
    assert found["alpha"].report is not None


def test_after_a_failed_deployment_was_taken_back_there_is_no_drift():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    fleet.failing[("beta", "health.wait")] = Refused()
    made.deploy(release(made, 2))
    assert not any(one.report.drifted for one in check(made).values())


def test_drift_from_before_a_failed_deployment_stays_visible():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    fleet.engines["alpha"].containers["shop_production-web-1"]["labels"]["stella.release.id"] = "x"
    assert check(made)["alpha"].report.drifted
    fleet.failing[("beta", "health.wait")] = Refused()
    made.deploy(release(made, 2))
    assert check(made)["alpha"].report.drifted


@pytest.mark.parametrize("verb", ["image.pull", "health.wait"])
def test_status_says_what_runs_where_by_the_heads(verb):
    fleet, made = delivery()
    assert drift.status(made.effects) == ()
    made.deploy(release(made, 1))
    assert [(one.target, one.release) for one in drift.status(made.effects)] == [(name, "shop-1") for name in NAMES]
    fleet.failing[("beta", verb)] = Refused()
    made.deploy(release(made, 2))
    assert {one.release for one in drift.status(made.effects, "production")} == {"shop-1"}
    assert drift.status(made.effects, "nowhere") == ()
