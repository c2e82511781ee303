"""A secret's value reaches the container and nothing else: no object, entry, artifact, receipt, error or output."""

import base64
import os
import zlib

import pytest

from api import exit_codes
from cas.problems import Problem
from cas.records.release import SecretReference
from pipeline.operations import drift, environments
from pipeline.operations.rollback import rollback
from replay import bundle
from replay.scope import of_promotion
from targets.problems import ImageMissing
from tests.journeys.story import Story
from tests.support.pretend_shop import delivery, release

pytestmark = pytest.mark.xdist_group("journeys")
SECRET = "hunter2-very-secret"


def spellings(secret):
    """The value as it might lie on a disk: plain, base64 at each of three places, hex, compressed whole."""
    plain = secret.encode()
    yield plain
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        yield encoded[4 if shift else 0 : -4]
    yield plain.hex().encode()
    yield plain[::-1]


def holding(folder, *, but=()):
    """Every file below a folder that holds the secret, in any spelling."""
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if path in but or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            found += [path for spelling in spellings(SECRET) if spelling in data]
    return found


def objects_holding(store):
    for name in store.digests():
        data = store.get(name)
        try:
            inside = zlib.decompress(data, 31)
        except zlib.error:
            inside = b""
        if any(spelling in part for part in (data, inside) for spelling in spellings(SECRET)):
            yield name


def test_the_search_finds_what_it_looks_for(tmp_path):
    for at, spelling in enumerate(spellings(SECRET)):
        (tmp_path / str(at)).write_bytes(b"before" + spelling + b"after")
    assert len(set(holding(tmp_path))) == len(list(spellings(SECRET)))


def test_no_secret_lies_anywhere_after_a_whole_journey(tmp_path):
    """A home on disk, two folders as targets; two deployments, drift, rollback, a bundle; the commands people type."""
    story = Story(tmp_path)
    story.people()
    story.places()
    story.build("v2.3.0", "v2.3.1")
    for reference in story.images:
        story.scan(reference, "caddy.cdx-1.4.json")
    story.ship("shop-v2.3.0", environment="staging")
    story.ship("shop-v2.3.1", environment="staging")
    drift.check(story.effects, story.caller("alice"), "staging")
    done = rollback(story.effects, story.caller("alice"), "staging")
    roots = of_promotion(story.log, story.store, done.promotion.id)
    bundle.export(story.store, story.log, story.effects.server, roots, tmp_path / "all.tar")
    assert list(objects_holding(story.store)) == []
    story.close()
    held = str(story.folder / "database.secret")
    assert holding(tmp_path, but={held}) == []
    said = b""
    for words in (
        ("environment", "show", "staging", "--output", "json"),
        ("promotion", "show", done.promotion.id),
        ("log", "show", "--output", "json"),
        ("drift", "--environment", "staging"),
    ):
        ran = story.stella(*words, by="alice")
        said += ran.stdout + ran.stderr
    assert said
    assert not [spelling for spelling in spellings(SECRET) if spelling in said]
    assert holding(tmp_path, but={held}) == []


@pytest.mark.parametrize("action", ["image.pull", "container.create", "container.swap", "health.wait"])
def test_a_deployment_that_fails_at_any_step_tells_no_secret(action):
    """Engines that do get the value: whatever they complain of, result, receipts and log stay without it."""
    template = b"services: {web: {image: %s, environment: {DATABASE: '${DB_URL}'}}}"
    fleet, made = delivery(("alpha",))
    made.outside["secret"] = {"env:DB": SECRET}.__getitem__
    made.place(secrets=(SecretReference(name="DB_URL", source="env:DB"),))
    wanted = release(made, 1, template=template)
    fleet.failing[("alpha", action)] = ImageMissing(image="x")
    ended = made.deploy(wanted)
    assert ended.result.result in {"failed", "rolled_back"}
    assert list(objects_holding(made.world.store)) == []
    fleet.failing.clear()
    assert made.deploy(wanted).result.result == "deployed"
    assert any(SECRET in str(one) for one in fleet.engines["alpha"].containers.values()), "the value does arrive"
    assert list(objects_holding(made.world.store)) == []


def test_a_secret_given_as_a_variable_a_literal_or_a_reference_is_refused_without_being_repeated(tmp_path):
    story = Story(tmp_path)
    story.people()
    alice = story.caller("alice")
    for more in (
        {"variables": {"DB_PASSWORD": SECRET}},
        {"secrets": {"DB": SECRET}},
        {"secrets": {"DB": f"plain:{SECRET}"}},
        {"secrets": {"DB": f"postgres://shop:{SECRET}@db/shop"}},
        {"secrets": {"DB": f"env:{SECRET}"}},
    ):
        with pytest.raises(Problem) as refused:
            environments.set_environment(story.effects, alice, "staging", **more)
        assert SECRET not in str(refused.value)
        assert SECRET not in repr(refused.value.fields)
    story.close()
    ran = story.stella(
        "environment", "set", "staging", "--variable", f"DB_PASSWORD={SECRET}", by="alice", code=exit_codes.INPUT
    )
    assert SECRET.encode() not in ran.stdout + ran.stderr
    assert holding(tmp_path) == []


def test_a_missing_secret_stops_before_anything_is_touched_and_names_only_its_reference(tmp_path):
    story = Story(tmp_path)
    story.people()
    story.places()
    story.build("v2.3.0")
    (story.folder / "database.secret").unlink()
    view = story.promote("shop-v2.3.0", "staging")
    ended = story.deploy(view)
    story.close()
    if ended.result.result != "deployed":  # a folder runs nothing, so it need not resolve one
        assert {one.code for one in ended.result.outcomes} == {"target.secret_missing"}
    assert holding(tmp_path) == []
