"""A whole log rerun over processes: what is equal, what is not, what cannot be asked, and which log it was."""

import msgspec
import pytest

from cas.adapters.memory import MemoryStore
from cas.records.proof import Run
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.operations.work import Work
from replay.audit import Period, audit
from replay.fanout import Source
from replay.sealed import PackStore, write_pack
from tests.replay.scenes import approved, forged_run
from tests.support.world import ALICE

ALWAYS = Period()


def asked(scene, tmp_path, period=ALWAYS, *, without=(), processes=2, **how):
    """Audit a scene's log over a pack of its objects."""
    path = tmp_path / "all.pack"
    path.unlink(missing_ok=True)
    kept = sorted(set(scene.store.digests()) - set(without))
    write_pack(path, scene.store, kept)
    reader = PackStore([path])
    return audit(scene.effects.log, reader, Source("packs", (str(path),)), period, processes=processes, **how)


def all_runs(scene):
    log = scene.effects.log
    return {note.run for _, entry in log.read(0, log.head().size) for note in entry.runs}


@pytest.fixture
def scene():
    return approved()


def test_every_run_of_the_log_is_rerun_once_and_the_log_is_named(scene, tmp_path):
    scene, _ = scene
    heard = []
    found = asked(scene, tmp_path, tell=lambda done, of: heard.append((done, of)))
    head = scene.effects.log.head()
    count = len(all_runs(scene))
    assert (found.result, found.runs, found.equal) == ("equal", count, count)
    assert (found.log_size, found.log_root, found.entries) == (head.size, head.root, head.size)
    assert heard[-1] == (count, count)


def test_a_run_that_gave_something_else_is_named_with_where_whatever_else_is_missing(scene, tmp_path):
    scene, view = scene
    lie = msgspec.structs.replace(load(scene.store, view.status.verdict, Verdict), outcome="deny")
    name = forged_run(scene, view.status.verdict, lie)
    gone = scene.effects.log.run_of(view.status.decision).run
    found = asked(scene, tmp_path, without=[gone])
    assert (found.result, found.differing, found.gone, found.absent) == ("different", 1, 1, (gone,))
    [one] = found.different
    assert (one.stage, one.pointer, one.recorded, one.recomputed) == ("judge", "/outcome", '"deny"', '"allow"')
    assert load(scene.store, one.run, Run).output == name


def test_what_retention_took_away_is_counted_never_equal(scene, tmp_path):
    scene, view = scene
    assessed = load(scene.store, scene.effects.log.run_of(view.status.verdict).run, Run).reads[0]
    found = asked(scene, tmp_path, without=[assessed])
    assert found.result == "cannot_rerun"
    assert found.gone > 0
    assert found.equal == found.runs - found.gone


def test_an_engine_that_is_not_here_is_named_with_how_many_runs_wanted_it(scene, tmp_path):
    scene, view = scene
    note = scene.effects.log.run_of(view.status.verdict)
    work = Work(scene.effects, ALICE)
    run = work.save(msgspec.structs.replace(load(scene.store, note.run, Run), version=99))
    work._runs.append(msgspec.structs.replace(note, run=run, version=99))
    work.note("verdict.judged", None)
    work.commit()
    found = asked(scene, tmp_path)
    assert (found.result, found.engines_missing, found.differing) == ("cannot_rerun", (("judge/99", 1),), 0)


def test_a_period_holds_its_beginning_and_not_its_end(scene, tmp_path):
    scene, _ = scene
    log = scene.effects.log
    whens = [entry.when for _, entry in log.read(0, log.head().size)]
    last = max(whens)
    assert asked(scene, tmp_path, Period(since=last)).entries == whens.count(last)
    assert asked(scene, tmp_path, Period(until=last)).entries == len(whens) - whens.count(last)
    nothing = asked(scene, tmp_path, Period(since="2999-01-01T00:00:00Z"))
    assert (nothing.result, nothing.entries, nothing.runs) == ("cannot_rerun", 0, 0)


def test_one_process_and_many_answer_the_same(scene, tmp_path):
    scene, _ = scene
    assert asked(scene, tmp_path, processes=1) == asked(scene, tmp_path, processes=3)


def test_an_empty_store_makes_nothing_equal(scene, tmp_path):
    scene, _ = scene
    path = tmp_path / "empty.pack"
    write_pack(path, MemoryStore(), [])
    found = audit(scene.effects.log, PackStore([path]), Source("packs", (str(path),)), Period())
    assert (found.result, found.equal, found.gone) == ("cannot_rerun", 0, len(all_runs(scene)))
