import os

import pytest

from cas import refs
from cas.digest import uuid_of
from cas.problems import ObjectMissing
from cas.records.release import Resolution, Tree
from cas.store import load
from pipeline.images import PlatformMissing
from pipeline.operations import release_diff, releases
from pipeline.operations.capture import TemplateInvalid, TemplateTooLarge, read_folder
from pipeline.operations.releases import ComponentSpec, ReleaseInvalid, ReleaseMissing, ReleaseNameTaken
from targets.compose.problems import ComposeInvalid
from tests.support.images import Layout, LayoutImages, two_platforms
from tests.support.rendering import FILES, Paper, captured
from tests.support.world import ALICE, BOB, World

API = ("api", "reg.example/acme/api:v1")
WORKER = ("worker", "reg.example/acme/worker:v2")


def codes(problem):
    return {fault.code for fault in problem.value.fields["faults"]}


def test_a_release_freezes_digests_and_is_found_by_name_id_and_digest():
    paper = Paper()
    made = paper.release()
    assert made.release.line == "myapp"
    assert [one.name for one in made.release.components] == ["api", "worker"]
    assert all(one.digest.startswith("sha256:") for one in made.release.components)
    assert made.id == uuid_of(made.digest)
    for asked in ("myapp-v2.3.1", made.id, made.digest):
        assert releases.find(paper.effects, asked) == (made.release, made.digest)


def test_one_append_makes_the_release():
    paper = Paper()
    paper.release()
    entries = [entry for _, entry in paper.world.log.read()]
    assert [entry.event for entry in entries] == ["release.finalized"]
    assert [note.stage for note in entries[0].runs] == ["compose"]
    assert paper.world.log.ref(refs.release("myapp-v2.3.1")) == entries[0].record


def test_the_template_is_captured_as_a_tree_with_its_scripts():
    paper = Paper()
    made = paper.release()
    tree, project = releases.template_of(paper.effects, made.release)
    assert [entry.path for entry in tree.entries] == sorted(FILES)
    assert [entry.path for entry in tree.entries if entry.executable] == ["deploy.stella.sh"]
    assert load(paper.world.store, made.release.template, Tree) == tree
    assert project.variables == ("DATABASE_URL", "LEVEL")


def test_the_same_release_again_is_the_same_release():
    paper = Paper()
    made = paper.release()
    paper.world.clock.at = "2026-03-02T00:00:00Z"
    again = paper.release()
    assert again.existed
    assert again.digest == made.digest
    assert len(list(paper.world.log.read())) == 1


def test_another_content_under_the_same_name_is_refused():
    paper = Paper()
    paper.release()
    with pytest.raises(ReleaseNameTaken):
        paper.release(source={"commit": "abc"})


def test_a_tag_that_moved_does_not_change_a_release():
    layout = Layout()
    layout.name("v1", layout.image({"app": b"one"}))
    world = World()
    effects = world.effects(images=lambda host: LayoutImages(layout))
    made = releases.create(effects, ALICE, "r-1", [API])
    layout.names[:] = [("v1", layout.image({"app": b"two"}))]
    with pytest.raises(ReleaseNameTaken):
        releases.create(effects, ALICE, "r-1", [API])
    assert releases.find(effects, "r-1")[1] == made.digest


def test_every_image_of_the_template_must_be_a_component():
    with pytest.raises(ReleaseInvalid) as problem:
        Paper(components=(API,)).release()
    assert codes(problem) == {"release.image_unlisted"}


def test_an_image_that_two_components_could_be_is_ambiguous_until_the_author_says():
    two = (("blue", "reg.example/acme/api:v1"), ("green", "reg.example/acme/api:v1"), WORKER)
    with pytest.raises(ReleaseInvalid) as problem:
        Paper(components=two).release()
    assert codes(problem) == {"release.image_ambiguous"}
    said = FILES["compose.yaml"].replace(
        "    image: reg.example/acme/api:v1", "    image: reg.example/acme/api:v1\n    x-stella: {component: green}"
    )
    assert Paper(components=two, files={**FILES, "compose.yaml": said}).release()


def test_a_service_that_is_only_built_runs_the_component_of_its_name():
    files = {"compose.yaml": "services: {api: {build: .}}"}
    assert Paper(components=(API,), files=files).render().record.services[0].component == "api"
    with pytest.raises(ReleaseInvalid):
        Paper(components=(WORKER,), files=files).release()


def test_a_refused_secret_leaves_no_object_behind():
    files = {**FILES, "worker.env": "DB_PASSWORD=hunter2\n"}
    paper = Paper(files=files)
    with pytest.raises(ComposeInvalid):
        paper.release()
    assert not any(b"hunter2" in paper.world.store.get(name) for name in paper.world.store.digests())
    assert not list(paper.world.log.read())


def test_a_private_key_among_the_files_is_refused():
    with pytest.raises(TemplateInvalid) as problem:
        Paper(files={**FILES, "conf/k": "-----BEGIN PRIVATE KEY-----\nx"}).release()
    assert codes(problem) == {"template.secret_captured"}


def test_platforms_default_to_all_that_the_image_has_and_must_exist():
    assert Paper(platforms=()).release().release.components[0].platforms == ("linux/amd64", "linux/arm64/v8")
    with pytest.raises(PlatformMissing):
        Paper(platforms=("linux/s390x",)).release()


def test_layers_are_kept_when_asked():
    paper = Paper()
    made = paper.release(keep_images=True)
    assert all(one.images_kept for one in made.release.components)
    for component in made.release.components:
        resolution = load(paper.world.store, component.resolution, Resolution)
        assert all(paper.world.store.has(node.digest) for node in resolution.nodes)


def test_a_component_may_say_repository_version_and_role():
    paper = Paper(files=None)
    spec = ComponentSpec(
        "api", "reg.example/acme/api:v1", repository="home.example/api", semver="9.9.9", role="sidecar"
    )
    made = releases.create(paper.effects, ALICE, "x-1", [spec], platforms=("linux/amd64",))
    component = made.release.components[0]
    assert (component.repository, component.semver, component.role) == ("home.example/api", "9.9.9", "sidecar")


@pytest.mark.parametrize("name", ["", "../x", "a b", "é", "-x", "x" * 200, "a/b", "\x1b[31m"])
def test_hostile_names_are_refused(name):
    paper = Paper(files=None)
    with pytest.raises(ReleaseInvalid):
        releases.create(paper.effects, ALICE, name, [API])
    with pytest.raises(ReleaseInvalid):
        releases.create(paper.effects, ALICE, "fine", [(name, "reg.example/acme/api:v1")])


def test_no_components_and_twice_the_same_are_refused_together():
    paper = Paper(files=None)
    with pytest.raises(ReleaseInvalid):
        releases.create(paper.effects, ALICE, "x", [])
    with pytest.raises(ReleaseInvalid) as problem:
        releases.create(paper.effects, ALICE, "b/d", [API, API])
    assert codes(problem) == {"release.name_invalid", "release.component_twice"}


@pytest.mark.parametrize("asked", ["nothing", "sha256:" + "0" * 64, "../x"])
def test_what_does_not_exist_is_missing(asked):
    with pytest.raises(ReleaseMissing):
        releases.find(Paper().effects, asked)


def test_the_list_is_newest_first_and_diff_names_what_changed():
    paper = Paper()
    one = paper.release()
    paper.world.clock.at = "2026-03-02T00:00:00Z"
    paper.name, paper.files = "myapp-v2.4.0", {**FILES, "conf/new.conf": "x"}
    two = paper.release()
    assert [listed.release.name for listed in releases.list_releases(paper.effects)] == ["myapp-v2.4.0", "myapp-v2.3.1"]
    assert releases.list_releases(paper.effects, environment="production") == ()
    changes = release_diff.diff(paper.effects, one.release, two.release)
    assert [(change.kind, change.what, change.name) for change in changes] == [("added", "file", "conf/new.conf")]


@pytest.mark.parametrize(
    ("name", "line"),
    [("myapp-v2.3.1", "myapp"), ("shop_1.0", "shop"), ("a-b-2026.1-rc.1", "a-b"), ("plain", "plain"), ("v1", "v1")],
)
def test_the_line_is_the_name_without_its_version(name, line):
    assert releases.line_of(name) == line


def test_a_folder_is_captured_without_following_links(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("x")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "a").write_text("x")
    (tmp_path / "deploy.stella.sh").write_text("x")
    (tmp_path / "deploy.stella.sh").chmod(0o755)
    found = read_folder(tmp_path)
    assert {name: one.executable for name, one in found.items()} == {"conf/a": False, "deploy.stella.sh": True}
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(TemplateInvalid) as problem:
        read_folder(tmp_path)
    assert sorted(fault.pointer for fault in problem.value.fields["faults"]) == ["/fifo", "/folder", "/link"]


@pytest.mark.parametrize("name", ["a\nb", "a\\b", " a", b"\xff", "\u202e"])
def test_names_that_targets_cannot_carry_are_refused(tmp_path, name):
    raw = name if isinstance(name, bytes) else name.encode()
    with open(os.path.join(os.fsencode(tmp_path), raw), "wb") as file:
        file.write(b"x")
    with pytest.raises(TemplateInvalid) as problem:
        read_folder(tmp_path)
    assert all(fault.pointer.isascii() for fault in problem.value.fields["faults"])


def test_too_many_files_are_refused(tmp_path):
    for number in range(2_001):
        (tmp_path / str(number)).touch()
    with pytest.raises(TemplateTooLarge):
        read_folder(tmp_path)
    with pytest.raises(TemplateInvalid):
        read_folder(tmp_path / "nowhere")


def test_two_who_create_the_same_name_at_once_leave_one_release():
    layout = Layout()
    layout.name("v1", two_platforms(layout))
    world = World()
    effects = world.effects(images=lambda host: LayoutImages(layout))
    releases.create(effects, ALICE, "r", [API])
    with pytest.raises(ReleaseNameTaken):
        releases.create(effects, BOB, "r", [API], source={"a": "b"})
    assert len(world.log.refs("release/")) == 1


def test_captured_files_given_by_value_are_checked_like_a_folder():
    paper = Paper(files=None)
    with pytest.raises(TemplateInvalid):
        releases.create(paper.effects, ALICE, "r", [API], template=captured({"../x": "y"}))


def test_objects_of_the_release_are_all_there():
    paper = Paper()
    made = paper.release()
    from cas.digest import named_in

    try:
        for name in named_in(paper.world.store.get(made.digest)):
            paper.world.store.get(name)
    except ObjectMissing as problem:
        raise AssertionError(problem.fields) from problem
