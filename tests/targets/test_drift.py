"""Drift as a pure comparison: what differs is named by type and place."""

import json

import pytest

from cas import digest
from cas.records.deploy import Observation, ObservedContainer, ObservedFile
from targets import drift

IMAGE = digest.of_bytes(b"image")
OTHER = digest.of_bytes(b"other image")
STICKER = {"version": "1.0", "deployment": {"id": "d1"}, "release": {"components": [{"name": "web", "digest": IMAGE}]}}


def written(value):
    return json.dumps(value, indent=2).encode()


def container(**changed):
    fields = {
        "name": "web-1",
        "id": "1",
        "component": "web",
        "image": f"r/web@{IMAGE}",
        "image_digest": IMAGE,
        "config_id": "sha256:" + "c" * 64,
        "state": "running",
        "health": "healthy",
        "restarts": 0,
        "labels": (("a", "1"),),
        "config_hash": digest.of_bytes(b"config"),
    }
    return ObservedContainer(**fields | changed)


def seen(*containers, files=()):
    return Observation(
        target=IMAGE,
        platform="linux/amd64",
        engine=(),
        containers=containers,
        images=(),
        files=files,
        observed_at="2026-03-01T12:00:00Z",
    )


def named(found):
    return [(one.type, one.field) for one in found]


def test_equal_stickers_are_no_drift():
    assert not list(drift.of_sticker(written(STICKER), written(STICKER)))


def test_an_absent_sticker_is_missing():
    assert named(drift.of_sticker(written(STICKER), None)) == [("missing", "stella.version.json")]


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"a":'])
def test_bytes_that_are_no_sticker_are_corrupted(data):
    assert named(drift.of_sticker(written(STICKER), data)) == [("corrupted", "stella.version.json")]


def test_a_changed_member_is_named_by_its_pointer_with_both_values():
    changed = json.loads(written(STICKER))
    changed["release"]["components"][0]["digest"] = OTHER
    [one] = drift.of_sticker(written(STICKER), written(changed))
    assert (one.type, one.field) == ("corrupted", "stella.version.json#/release/components/0/digest")
    assert (one.expected, one.actual) == (IMAGE, OTHER)


def test_the_sticker_of_another_deployment_is_a_mismatch():
    [one] = drift.of_sticker(written(STICKER), written({**STICKER, "deployment": {"id": "d2"}}))
    assert (one.type, one.field) == ("mismatch", "stella.version.json#/deployment/id")


def test_the_same_members_in_other_bytes_are_corrupted():
    assert named(drift.of_sticker(written(STICKER), json.dumps(STICKER).encode())) == [
        ("corrupted", "stella.version.json#")
    ]


def test_files_are_missing_or_corrupted():
    files = (
        ObservedFile(path="a", digest=None),
        ObservedFile(path="b", digest=OTHER),
        ObservedFile(path="c", digest=IMAGE),
    )
    found = drift.of_files(dict.fromkeys("abc", IMAGE), seen(files=files))
    assert named(found) == [("missing", "a"), ("corrupted", "b")]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"image_digest": OTHER}, "digest"),
        ({"image_digest": ""}, "digest"),
        ({"config_id": OTHER}, "config_id"),
        ({"labels": (("a", "2"),)}, "labels/a"),
        ({"labels": ()}, "labels/a"),
        ({"labels": (("a", "1"), ("b", "1"))}, "labels/b"),
        ({"config_hash": OTHER}, "config_hash"),
        ({"id": "2"}, "id"),
        ({"state": "exited"}, "state"),
        ({"health": "unhealthy"}, "health"),
    ],
)
def test_each_difference_of_a_container_is_named(changed, field):
    found = drift.of_containers((), seen(container()), seen(container(**changed)))
    assert named(found) == [("mismatch", f"container/web-1/{field}")]


@pytest.mark.parametrize("changed", [{}, {"restarts": 3}, {"health": "starting"}, {"health": "none"}])
def test_what_may_change_by_itself_is_no_drift(changed):
    assert not list(drift.of_containers((), seen(container()), seen(container(**changed))))


def test_missing_and_extra_containers_are_named():
    found = drift.of_containers((), seen(container()), seen(container(name="web-2")))
    assert named(found) == [("missing", "container/web-1"), ("mismatch", "container/web-2/extra")]
