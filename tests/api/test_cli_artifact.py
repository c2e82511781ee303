"""stella artifact: listed, fetched, verified against what was found, exported whole; no name climbs out."""

import contextlib
import json
import subprocess
from types import SimpleNamespace

import pytest
import typer

from api.auth import asker_of
from api.cli import artifact
from api.cli.output import Format, Screen
from api.home_door import HomeDoor
from cas.problems import Problem
from pipeline.operations import trust
from tests.api.doors import Doors
from tests.api.journey import Journey


class DoorOver(HomeDoor):
    """The door of an instance at hand."""

    def __init__(self, instance, asker):
        self.instance, self._asker = instance, asker


class ScreenOver(Screen):
    """A screen whose door is at hand."""

    def __init__(self, given):
        super().__init__(Format.JSON, lambda: None)
        self.given = given

    def door(self, *, writable=True):
        return contextlib.nullcontext(self.given)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A context over a deployment, and the deployment's id."""
    doors = Doors()
    with doors.client() as http:
        walk = Journey(doors, http, tmp_path_factory.mktemp("hosts"))
        walk.prepare(walk.image())
        made = walk.ask("deployment.start", promotion=walk.promote())
    person = trust.current(doors.effects).directory.people[0]
    screen = ScreenOver(DoorOver(doors.instance, asker_of(person, person.keys[0])))
    context = SimpleNamespace(obj=screen)
    context.find_root = lambda: context
    return context, made.id


def test_everything_is_exported_and_its_checksums_hold(deployed, tmp_path, capsys):
    context, name = deployed
    artifact.list_all(context, name)
    listed = json.loads(capsys.readouterr().out)
    artifact.export(context, name, tmp_path / "out", pdf=True)
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {one["name"] for one in listed} | {"deployment.evidence.pdf"}
    subprocess.run(
        ["sha256sum", "-c", "checksums.sha256"], cwd=tmp_path / "out", check=True, capture_output=True, timeout=60
    )
    assert (tmp_path / "out" / "deployment.evidence.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(typer.BadParameter):
        artifact.export(context, name, tmp_path / "out", pdf=False)


def test_a_file_found_on_a_target_is_held_against_what_was_made(deployed, tmp_path, capsys):
    context, name = deployed
    lock = tmp_path / "lock.yml"
    artifact.get(context, name, "compose.stella.lock.yml", lock)
    artifact.verify(context, name, "compose.stella.lock.yml", lock)
    lock.write_bytes(lock.read_bytes() + b"\n")
    with pytest.raises(typer.Exit) as left:
        artifact.verify(context, name, "compose.stella.lock.yml", lock)
    assert left.value.exit_code == 2
    with pytest.raises(typer.BadParameter):
        artifact.get(context, name, "compose.stella.lock.yml", lock)
    capsys.readouterr()


def test_what_is_not_there_leaves_nothing(deployed, tmp_path):
    context, name = deployed
    with pytest.raises(Problem):
        artifact.get(context, name, "nope", tmp_path / "nope")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./x", "a\0b"])
def test_no_name_climbs_out_of_the_folder(tmp_path, name):
    with pytest.raises(typer.BadParameter):
        artifact._inside(tmp_path, name)
