"""Replay: every recorded Run again, in a fresh process, over a sealed store, never from the memo."""

import subprocess
import sys

import msgspec
import pytest

from cas.closure import admissions
from cas.layers import OutsideSeal
from cas.records.evidence import SbomFacts
from cas.records.promotion import PromotionStatus
from cas.records.proof import Run
from cas.records.verdict import Verdict
from cas.store import load, save
from pipeline.stages.catalog import STAGES
from replay import process
from replay.behind import behind
from replay.problems import NothingToReplay, WorkerFailed
from replay.rerun import engine_missing, rerun
from replay.sealed import PackStore, write_pack
from replay.worker import Job, work
from tests.replay.scenes import approved, forged_run
from tests.support.corpus_story import deployed


@pytest.fixture(scope="module")
def instance():
    return approved()


def replay(scene, name, **more):
    return process.replay(scene.store, admissions(scene.effects.log), name, **more)


@pytest.mark.parametrize("what", ["verdict", "decision"])
def test_a_fresh_process_finds_every_run_equal(instance, what):
    scene, view = instance
    report = replay(scene, getattr(view.status, what))
    assert report.result == "equal"
    assert report.differences == report.absent == report.engines_missing == ()
    assert report.runs == {"verdict": 6, "decision": 11}[what]


def test_every_stage_from_the_raw_documents_to_the_decision_is_rerun(instance):
    scene, view = instance
    found = behind([view.status.decision], scene.store, admissions(scene.effects.log))
    assert {run.stage for _, run in found.runs} == {
        "normalise", "import_feed", "match", "gather", "assess", "judge", "decide", "verify",
    }  # fmt: skip


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "1", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu", "PYTHONUTF8": "0", "LC_ALL": "POSIX"},
    ],
)
def test_other_hash_seeds_time_zones_and_locales_change_nothing(instance, environment):
    scene, view = instance
    assert replay(scene, view.status.decision, environment=environment) == replay(scene, view.status.decision)


def test_the_fresh_interpreter_is_isolated_from_everything_of_ours():
    assert process.command({})[:2] == [sys.executable, "-I"]
    script = process.command({})
    script[script.index("-c") + 1] = "import os, sys; print(sorted(os.environ), sys.flags.isolated, len(sys.path))"
    said = subprocess.run(script, env={}, capture_output=True, text=True, check=True).stdout
    assert "PYTHON" not in said
    assert " 1 " in said


def test_a_changed_outcome_is_named_with_both_values_whatever_the_memo_says(instance):
    scene, view = instance
    true = load(scene.store, view.status.verdict, Verdict)
    forged = forged_run(scene, view.status.verdict, msgspec.structs.replace(true, outcome="deny"))
    report = replay(scene, forged)
    assert report.result == "different"
    (difference,) = report.differences
    assert (difference.stage, difference.pointer) == ("judge", "/outcome")
    assert (difference.recorded, difference.recomputed) == ('"deny"', '"allow"')


def test_a_change_far_behind_the_record_is_named_at_its_own_stage():
    scene, view = approved()
    runs = behind([view.status.verdict], scene.store, admissions(scene.effects.log)).runs
    name = next(run.output for _, run in runs if run.stage == "normalise")
    true = load(scene.store, name, SbomFacts)
    package = msgspec.structs.replace(true.packages[0], version="9.9.9")
    report = replay(scene, forged_run(scene, name, msgspec.structs.replace(true, packages=(package,))))
    assert report.result == "different"
    assert [(each.stage, each.pointer) for each in report.differences] == [("normalise", "/packages/0/version")]


def test_a_run_that_hides_what_it_read_is_named():
    scene, view = approved()
    note = scene.effects.log.run_of(view.status.verdict)
    run = load(scene.store, note.run, Run)
    hiding = msgspec.structs.replace(run, reads=run.reads[1:])
    outcome = rerun(save(scene.store, hiding), hiding, scene.store)
    assert outcome.difference.recomputed.startswith(f"problem {OutsideSeal.code}")
    boasting = msgspec.structs.replace(run, reads=tuple(sorted({*run.reads, view.status.promotion})))
    outcome = rerun(save(scene.store, boasting), boasting, scene.store)
    assert outcome.difference.pointer.startswith("/reads/")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"version": 99}, "judge/99"),
        ({"stage": "no-such-stage"}, "no-such-stage/2"),
        ({"engines": (("regopy", "0.1"),)}, "regopy 0.1"),
    ],
)
def test_a_missing_engine_is_cannot_rerun_never_equal_never_different(change, missing):
    scene, view = approved()
    note = scene.effects.log.run_of(view.status.verdict)
    run = msgspec.structs.replace(load(scene.store, note.run, Run), **change)
    assert engine_missing(run) == missing
    outcome = rerun(save(scene.store, run), run, scene.store)
    assert (outcome.missing, outcome.difference) == (missing, None)


def test_a_run_without_the_engines_a_stage_names_cannot_be_rerun():
    stage = next(stage for stage in STAGES if stage.engines)
    run = Run(
        stage=stage.name,
        version=stage.version,
        engines=(),
        input="sha256:" + "0" * 64,
        output="sha256:" + "0" * 64,
        reads=(),
        keeps=(),
    )
    assert engine_missing(run)


def test_missing_objects_are_cannot_rerun_and_listed(instance, tmp_path):
    scene, view = instance
    found = behind([view.status.verdict], scene.store, admissions(scene.effects.log))
    gone = next(run.input for _, run in found.runs if run.stage == "normalise")

    class Without:
        def has(self, name):
            return name != gone and scene.store.has(name)

        def get(self, name):
            return scene.store.get(name)

    report = process.replay(Without(), admissions(scene.effects.log), view.status.verdict)
    assert report.result == "cannot_rerun"
    assert len(report.absent) == 1


def test_what_nobody_computed_cannot_be_replayed(instance):
    scene, _ = instance
    with pytest.raises(NothingToReplay):
        replay(scene, scene.store.put(b"captured by somebody"))


def test_the_sealed_store_gives_the_run_its_objects_and_nothing_else(instance, tmp_path):
    scene, view = instance
    found = behind([view.status.verdict], scene.store, admissions(scene.effects.log))
    path = tmp_path / "sealed.pack"
    write_pack(path, scene.store, found.objects())
    store = PackStore([path])
    assert set(store.digests()) == found.objects()
    assert view.status.promotion not in set(store.digests())
    report = work(
        Job((str(path),), view.status.verdict, tuple(name for name, _ in found.runs), found.absent, found.feeds)
    )
    assert report.result == "equal"


def test_a_worker_that_cannot_answer_is_a_problem_with_its_last_words(instance, tmp_path):
    job = Job((str(tmp_path / "none.pack"),), "sha256:" + "0" * 64, (), (), ())
    with pytest.raises(WorkerFailed, match=r"none\.pack"):
        process._ask(job, {})


def test_a_packet_leads_to_every_run_of_its_deployment():
    effects = deployed()
    status = next(
        status
        for _, at in effects.log.refs("promotion/")
        if (status := load(effects.store, at, PromotionStatus)).packet is not None
    )
    report = process.replay(effects.store, admissions(effects.log), status.packet)
    assert report.result == "equal"
    stages = {run.stage for _, run in behind([status.packet], effects.store, admissions(effects.log)).runs}
    assert {"judge", "decide", "plan", "render", "sticker", "manifest", "seal", "pack"} <= stages
