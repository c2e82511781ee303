"""Many replays: processes that remember what they decoded give the answers of those that do not."""

import subprocess
import sys

import msgspec
import pytest

from cas.adapters.home import Home
from cas.closure import admissions
from cas.records.proof import Run
from cas.records.verdict import Verdict
from cas.store import load, save
from pipeline.stage import ReadUnnamed
from replay.behind import behind
from replay.fanout import Source, fan_out, ordered, rerun_all
from replay.remembering import Memory
from replay.sealed import PackStore, write_pack
from tests.replay.scenes import approved


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    scene, view = approved()
    found = behind([view.status.decision], scene.store, admissions(scene.effects.log))
    runs = [name for name, _ in found.runs]
    judge = load(scene.store, scene.effects.log.run_of(view.status.verdict).run, Run)
    lie = msgspec.structs.replace(load(scene.store, view.status.verdict, Verdict), outcome="deny")
    forged = save(scene.store, msgspec.structs.replace(judge, output=save(scene.store, lie)))
    unknown = save(scene.store, msgspec.structs.replace(judge, version=99))
    path = tmp_path_factory.mktemp("packed") / "all.pack"
    write_pack(path, scene.store, scene.store.digests())
    return path, runs, forged, unknown


def test_fresh_processes_find_all_equal_and_name_what_is_not(packed):
    path, runs, forged, unknown = packed
    wanted = ordered(PackStore([path]), [*runs, forged, unknown])
    tally = fan_out(Source("packs", (str(path),)), wanted, processes=2, chunk=3)
    assert tally.equal == len(runs)
    assert tally.missing == {unknown: "judge/99"}
    assert list(tally.different) == [forged]
    assert tally.different[forged].difference.pointer == "/outcome"
    assert tally.absent == []


def test_what_is_not_there_is_absent_not_equal(packed):
    path, runs, _, _ = packed
    tally = rerun_all(PackStore([path]), ["sha256:" + "0" * 64, runs[0]], Memory())
    assert (tally.equal, tally.absent) == (1, ["sha256:" + "0" * 64])


def test_a_home_is_opened_by_each_process(packed, tmp_path):
    path, runs, _, _ = packed
    store = PackStore([path])
    with Home.open(tmp_path / "home") as home:
        for name in store.digests():
            home.store.put(store.get(name))
        home.store.flush()
        seal_something(home)
        tally = fan_out(Source("home", (str(tmp_path / "home"),)), ordered(store, runs), processes=1)
    assert tally.equal == len(runs)


def seal_something(home):
    from pipeline.operations.work import Work
    from tests.support.world import ALICE, World

    work = Work(World(store=home.store, log=home.log).effects(), ALICE)
    work.note("test.noted", None)
    work.commit()


def test_runs_that_share_their_inputs_come_to_lie_together(packed):
    path, runs, _, _ = packed
    store = PackStore([path])
    stages = [load(store, name, Run).stage for name in ordered(store, reversed(runs))]
    assert stages == sorted(stages)
    assert ordered(store, runs) == ordered(store, reversed(runs))


def test_memory_is_bounded_and_forgets_the_oldest(packed):
    path, runs, _, _ = packed
    store = PackStore([path])
    small = Memory(max_bytes=10_000)
    assert rerun_all(store, ordered(store, runs), small).equal == len(runs)
    assert small._bytes <= 10_000 or len(small._objects) == 1


def test_a_remembered_object_still_may_be_read_only_when_named(packed):
    path, runs, _, _ = packed
    store, memory = PackStore([path]), Memory()
    run = next(run for run in (load(store, name, Run) for name in runs) if run.reads)
    io = memory.io(store, store.put, store.get(run.input))
    for name in run.reads:
        memory.object(name, store)
    with pytest.raises(ReadUnnamed):
        memory.io(store, store.put, b"{}").read(run.reads[0])
    assert io.reads == set()


def test_a_worker_loads_no_reader_of_documents_and_no_home_before_it_needs_one():
    code = "import sys, replay.fanout; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pipeline.formats.catalog", "cas.adapters.home", "langcodes", "jsonschema_rs", "lxml", "regopy", "duckdb"}
    assert not heavy & set(done.stdout.split())
