"""Exporting from a home: its large files go into the archive as they lie, each hashed first."""

import os
from pathlib import Path

import pytest

from cas import digest
from cas.adapters.home import Home
from cas.layers import Through
from cas.problems import ObjectCorrupt
from cas.records.proof import HeadSet
from cas.store import save
from pipeline.operations import trust
from pipeline.operations.work import Work
from replay.bundle import export
from replay.draft import Draft, Packing, Scratch
from replay.opened import OpenedBundle
from tests.support.homes import flip
from tests.support.judging import ROOT, SERVER, STICKER
from tests.support.world import ALICE, World

LARGE = [bytes([at]) * (at << 20) + b"end" for at in (1, 2, 5)]
SMALL = [b"%d" % at * 600 for at in range(3000)]


@pytest.fixture
def home(tmp_path):
    with Home.open(tmp_path / "home") as home:
        yield home


@pytest.fixture
def effects(home):
    effects = World(store=home.store, log=home.log).effects(server=SERVER, sticker=STICKER)
    trust.found(effects, ROOT, SERVER, STICKER, ALICE)
    return effects


def filled(effects):
    """Keep small and large objects, and give a record that names them."""
    members = tuple(sorted(map(effects.store.put, (*LARGE, *SMALL))))
    work = Work(effects, ALICE)
    root = save(effects.store, HeadSet(members=members))
    work.note("test.filled", root)
    work.commit()
    return root


@pytest.mark.parametrize("pack_bytes", [1 << 28, 4 << 20])
def test_files_give_the_same_bundle_as_any_other_store(effects, tmp_path, pack_bytes):
    root = filled(effects)
    paths = [tmp_path / "files.tar", tmp_path / "streamed.tar"]
    for path, store in zip(paths, (effects.store, Through(effects.store)), strict=True):
        export(store, effects.log, effects.server, [root], path, pack_bytes=pack_bytes)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    bundle = OpenedBundle(paths[0])
    assert all(bundle.get(digest.of_bytes(data)) == data for data in (*LARGE, *SMALL))


@pytest.mark.parametrize("data", LARGE)
def test_a_rotten_file_is_named_and_nothing_is_left(effects, home, tmp_path, data):
    root = filled(effects)
    name = digest.of_bytes(data)
    flip(home.store.file_of(name), len(data) // 2)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ObjectCorrupt) as told:
        export(effects.store, effects.log, effects.server, [root], out / "bundle.tar")
    assert told.value.fields["digest"] == name
    assert not list(out.iterdir())


def test_a_shortened_file_is_named(effects, home, tmp_path):
    root = filled(effects)
    name = digest.of_bytes(LARGE[2])
    os.truncate(home.store.file_of(name), 4_500_000)
    with pytest.raises(ObjectCorrupt) as told:
        export(effects.store, effects.log, effects.server, [root], tmp_path / "bundle.tar")
    assert told.value.fields["digest"] == name


def packed(folder, data):
    """Pack a file and some bytes; give the file and what the pack is made of."""
    source = folder / "source"
    source.write_bytes(data)
    scratch = Scratch(folder / "scratch")
    with scratch:
        packing = Packing(scratch)
        packing.add(b"before")
        packing.add_file(digest.of_bytes(data), source, len(data))
        packing.add(b"after")
        return source, packing.done()


def test_a_pack_is_named_by_all_of_its_bytes_in_order(tmp_path):
    _, (name, size, pieces) = packed(tmp_path, LARGE[2])
    whole = b"before" + LARGE[2] + b"after"
    with Draft(tmp_path / "draft") as draft:
        draft.write(b"head")
        draft.copy(pieces)
        assert draft.size == len(whole) + 4
    assert (name, size) == (digest.of_bytes(whole), len(whole))
    assert (tmp_path / "draft").read_bytes() == b"head" + whole


def test_a_file_that_changed_after_it_was_hashed_is_refused(tmp_path):
    source, (_, _, pieces) = packed(tmp_path, LARGE[1])
    flip(source, 7)
    with Draft(tmp_path / "draft") as draft, pytest.raises(ObjectCorrupt):
        draft.copy(pieces)


def test_a_file_that_grew_shorter_after_it_was_hashed_is_refused(tmp_path):
    source, (_, _, pieces) = packed(tmp_path, LARGE[1])
    os.truncate(source, 1000)
    with Draft(tmp_path / "draft") as draft, pytest.raises(ObjectCorrupt):
        draft.copy(pieces)


def test_another_file_system_takes_it_as_well(tmp_path):
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    _, (_, _, pieces) = packed(tmp_path, LARGE[1])
    there = shared / f"draft-{os.getpid()}"
    try:
        with Draft(there) as draft:
            draft.copy(pieces)
        assert there.read_bytes() == b"before" + LARGE[1] + b"after"
    finally:
        there.unlink()
