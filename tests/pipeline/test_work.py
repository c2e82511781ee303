"""Work: what an operation computed from is what its append expects to replace."""

import pytest

from cas import refs
from cas.digest import of_bytes
from cas.problems import ExpectationFailed
from cas.records.proof import HeadSet
from cas.store import load
from pipeline.operations.work import Work
from tests.support.world import ALICE, World

HEAD = refs.evidence(of_bytes(b"image"))
ONE, TWO, THREE = (of_bytes(b"%d" % at) for at in range(3))


class Interrupted:
    """A log in which somebody else adds to a head between any two looks at it."""

    def __init__(self, effects):
        self._effects, self._log = effects, effects.log
        self.armed = True

    def __getattr__(self, name):
        return getattr(self._log, name)

    def ref(self, name):
        found = self._log.ref(name)
        if name == HEAD and self.armed:
            self.armed = False
            other = Work(self._effects, ALICE)
            other.note("evidence.admitted", TWO, (other.add(HEAD, TWO),))
            other.commit()
        return found


def test_what_came_in_between_reading_and_moving_a_head_is_never_lost():
    world = World()
    effects = world.effects()
    first = Work(effects, ALICE)
    first.note("evidence.admitted", ONE, (first.add(HEAD, ONE),))
    first.commit()
    between = World(clock=world.clock, store=world.store, log=Interrupted(effects))
    work = Work(between.effects(), ALICE)
    work.note("evidence.admitted", THREE, (work.add(HEAD, THREE),))
    with pytest.raises(ExpectationFailed):
        work.commit()
    assert load(world.store, world.log.ref(HEAD), HeadSet).members == tuple(sorted((ONE, TWO)))


def test_a_ref_is_what_this_work_first_saw_or_moved():
    world = World()
    work = Work(world.effects(), ALICE)
    assert work.ref("a/b") is None
    other = Work(world.effects(), ALICE)
    other.note("x.y", None, (other.move("a/b", ONE),))
    other.commit()
    assert work.ref("a/b") is None
    work.move("a/b", TWO)
    assert work.ref("a/b") == TWO


def test_a_head_that_many_records_join_is_written_once_by_the_last_of_them():
    world = World()
    effects = world.effects()
    old = Work(effects, ALICE)
    old.note("evidence.admitted", ONE, joins=(HEAD,))
    old.commit()
    before = world.log.ref(HEAD)
    held = set(world.store.digests())
    work = Work(effects, ALICE)
    work.note("evidence.admitted", TWO, (work.move("receipt/2", TWO),), joins=(HEAD,))
    work.note("evidence.admitted", THREE, joins=(HEAD,))
    work.note("x.y", None)
    first = work.commit().first
    two, three, other = (entry for _, entry in world.log.read(first))
    after = world.log.ref(HEAD)
    assert [(move.name, move.old, move.new) for move in three.moves] == [(HEAD, before, after)]
    assert [move.name for move in two.moves] == ["receipt/2"]
    assert other.moves == ()
    assert load(world.store, after, HeadSet).members == tuple(sorted((ONE, TWO, THREE)))
    assert set(world.store.digests()) - held == {after}


def test_a_head_that_was_joined_is_settled_when_it_is_asked_for():
    world = World()
    work = Work(world.effects(), ALICE)
    work.note("evidence.admitted", ONE, joins=(HEAD,))
    assert work.members(HEAD) == (ONE,)
    work.note("evidence.admitted", TWO, joins=(HEAD,))
    work.note("x.y", None, (work.add(HEAD, THREE),))
    assert work.members(HEAD) == tuple(sorted((ONE, TWO, THREE)))
    appended = work.commit()
    moves = [[move.name for move in entry.moves] for _, entry in world.log.read(appended.first)]
    assert moves == [[HEAD], [HEAD], [HEAD]]
    assert load(world.store, world.log.ref(HEAD), HeadSet).members == tuple(sorted((ONE, TWO, THREE)))
