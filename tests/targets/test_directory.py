"""A folder on a real file system: what is in the way is named, nothing half written stays, nothing is written in vain."""

import errno
import os
from pathlib import Path

import pytest

from cas.problems import Problem
from targets.directory.adapter import DirectoryAdapter, Folder
from targets.directory.problems import of_error
from tests.support.delivery import target
from tests.support.target_conformance import Subject
from tests.support.world import World

SAYS = {
    errno.ENOENT: "target.folder_missing",
    errno.ENOTDIR: "target.folder_obstructed",
    errno.EISDIR: "target.folder_obstructed",
    errno.EEXIST: "target.folder_obstructed",
    errno.EACCES: "target.folder_denied",
    errno.EPERM: "target.folder_denied",
    errno.EROFS: "target.folder_read_only",
    errno.ENOSPC: "target.folder_full",
    errno.EDQUOT: "target.folder_full",
    errno.EIO: "target.folder_failed",
    errno.ESTALE: "target.folder_failed",
}


@pytest.mark.parametrize("number", sorted(SAYS))
def test_every_error_of_the_system_is_told_in_its_own_words(number):
    problem = of_error(Path("/srv/shop"), OSError(number, os.strerror(number)))
    assert problem.code == SAYS[number]
    assert problem.fields == {"path": "/srv/shop", "reason": os.strerror(number)}
    assert "engine" not in problem.title + problem.remedy


def test_what_is_no_folder_on_the_way_is_named_and_not_the_file_below_it(tmp_path):
    (tmp_path / "host").write_bytes(b"a file where the target's folder was")
    with pytest.raises(Problem) as refused:
        Folder(str(tmp_path / "host"), "shop").write("conf/app.conf", b"x", 0o644)
    assert (refused.value.code, refused.value.fields["path"]) == ("target.folder_obstructed", str(tmp_path / "host"))


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_half_written(tmp_path):
    folder = Folder(str(tmp_path), "shop")
    (tmp_path / "shop" / "lock.yml").mkdir(parents=True)
    with pytest.raises(Problem) as refused:
        folder.write("lock.yml", b"x" * 4096, 0o644)
    assert (refused.value.code, refused.value.fields["path"]) == (
        "target.folder_obstructed",
        str(tmp_path / "shop" / "lock.yml"),
    )
    assert [one.name for one in (tmp_path / "shop").iterdir()] == ["lock.yml"]
    assert folder.digest_of("lock.yml") is None, "a folder in its place is an absent file, as a missing one is"


def test_a_pipe_in_place_of_a_file_holds_nobody_and_is_replaced(tmp_path):
    folder = Folder(str(tmp_path), "shop")
    folder.make()
    os.mkfifo(tmp_path / "shop" / "lock.yml")
    assert folder.digest_of("lock.yml") is None
    folder.write("lock.yml", b"x", 0o644)
    assert (tmp_path / "shop" / "lock.yml").read_bytes() == b"x"


def test_a_name_that_the_system_cannot_even_look_at_is_a_problem_and_no_crash(tmp_path):
    folder = Folder(str(tmp_path), "shop")
    folder.make()
    with pytest.raises(Problem) as refused:
        folder.observe(["n" * 300 + "/lock.yml"], None)
    assert refused.value.code == "target.folder_failed"


def test_taking_back_writes_nothing_where_the_old_bytes_stand(tmp_path):
    """Else a disk that is full, and took nothing, would be told to differ from what it holds."""
    subject = Subject(DirectoryAdapter(), target("a", "directory", directory=str(tmp_path)), World().effects())
    subject.apply(subject.write("lock.yml", b"old"))
    file = tmp_path / "shop_production" / "lock.yml"
    step, before = subject.write("lock.yml", b"new", b"old"), file.stat()
    assert subject.undo(step).result == "undone"
    assert (file.read_bytes(), file.stat().st_ino) == (b"old", before.st_ino), "not written anew"
    file.write_bytes(b"new")
    assert subject.undo(step).result == "undone"
    assert file.read_bytes() == b"old", "and written where they do not"
