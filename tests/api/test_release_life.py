"""Drafts and retired releases at the doors: HTTP, the typed client on a served home, the CLI."""

import json

import pytest

from api.calls import drafts, releases
from api.client import Client
from api.problems import Remote
from tests.api.doors import Doors
from tests.api.test_cli import stella
from tests.api.test_http import problem
from tests.api.test_served import serving
from tests.support.images import Layout, LayoutImages

API = {"name": "api", "reference": "registry.example/shop/api:v1"}
WORKER = {"name": "worker", "reference": "registry.example/shop/worker:v1"}


@pytest.fixture
def doors():
    layout = Layout()
    layout.name("v1", layout.image({"app": b"v1\n"}))
    return Doors(images=LayoutImages(layout))


@pytest.fixture
def http(doors):
    with doors.client() as client:
        yield client


def post(http, token, path, **body):
    return http.post(f"/api/v1{path}", headers=token, json=body)


def begin(http, token, *components):
    answer = post(http, token, "/release-drafts", name="shop-v1", components=list(components))
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_draft_is_edited_and_frozen_over_http(doors, http):
    token = doors.token("release:write", "release:read")
    first = begin(http, token)
    assert (first["draft"]["components"], first["changed_by"]) == ([], "alice")
    edited = post(http, token, "/release-drafts/shop-v1/edits", components=[API, WORKER], expect=first["digest"]).json()
    assert [one["name"] for one in edited["draft"]["components"]] == ["api", "worker"]
    edited = post(http, token, "/release-drafts/shop-v1/edits", remove=["api"], expect=edited["digest"]).json()
    assert http.get("/api/v1/release-drafts/shop-v1", headers=token).json() == edited
    assert http.get("/api/v1/release-drafts", headers=token).json()["items"] == [edited]
    problem(http.get("/api/v1/releases/shop-v1", headers=token), 404, "release.missing")
    made = post(http, token, "/release-drafts/shop-v1/finalize", expect=edited["digest"])
    assert made.status_code == 201
    assert made.json()["release"]["components"] == edited["draft"]["components"]
    assert made.json()["state"] == "finalized"
    problem(http.get("/api/v1/release-drafts/shop-v1", headers=token), 404, "release.draft_missing")


def test_who_edits_a_draft_of_yesterday_is_told(doors, http):
    token = doors.token("release:write", "release:read")
    first = begin(http, token, API)
    post(http, token, "/release-drafts/shop-v1/edits", components=[WORKER])
    for act, body in (("edits", {"remove": ["api"]}), ("finalize", {}), ("discard", {})):
        answer = post(http, token, f"/release-drafts/shop-v1/{act}", expect=first["digest"], **body)
        problem(answer, 409, "release.draft_moved")
    bad = post(http, token, "/release-drafts/shop-v1/finalize", expect="yesterday's")
    assert problem(bad, 400, "api.request_invalid").faults[0].pointer == "/expect"


def test_a_finalisation_sent_twice_with_one_key_is_one(doors, http):
    token = doors.token("release:write", "release:read")
    begin(http, token, API)
    token |= {"Idempotency-Key": "once"}
    answers = [post(http, token, "/release-drafts/shop-v1/finalize") for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].content == answers[1].content


def test_a_token_for_some_components_moves_no_others(doors, http):
    whole, mine = doors.token("release:write", "release:read"), doors.token("release:write", components=("api",))
    begin(http, whole, API)
    assert post(http, mine, "/release-drafts/shop-v1/edits", components=[API], replace=True).status_code == 200
    problem(post(http, mine, "/release-drafts/shop-v1/edits", components=[WORKER]), 403, "auth.out_of_bounds")
    post(http, whole, "/release-drafts/shop-v1/edits", components=[WORKER])
    for path, body in (
        ("/release-drafts/shop-v1/edits", {"remove": ["worker"]}),
        ("/release-drafts/shop-v1/finalize", {}),
        ("/release-drafts/shop-v1/discard", {}),
    ):
        problem(post(http, mine, path, **body), 403, "auth.out_of_bounds")
    assert post(http, whole, "/release-drafts/shop-v1/finalize").status_code == 201
    for act in ("deprecate", "archive"):
        problem(post(http, mine, f"/releases/shop-v1/{act}", reason="x"), 403, "auth.out_of_bounds")


def test_a_layout_on_the_servers_disk_is_no_reference_from_outside(doors, http):
    token = doors.token("release:write")
    there = {"name": "api", "reference": "oci:/etc:api:v1"}
    problem(post(http, token, "/release-drafts", name="x", components=[there]), 403, "auth.out_of_bounds")
    begin(http, token)
    problem(post(http, token, "/release-drafts/shop-v1/edits", components=[there]), 403, "auth.out_of_bounds")


def test_a_release_is_retired_over_http_and_says_so_ever_after(doors, http):
    token = doors.token("release:write", "release:read", "promotion:write")
    begin(http, token, API)
    post(http, token, "/release-drafts/shop-v1/finalize")
    problem(post(http, token, "/releases/shop-v1/archive", reason="x"), 409, "release.illegal_move")
    problem(post(http, token, "/releases/shop-v1/deprecate", reason=""), 400, "api.request_invalid")
    problem(post(http, token, "/releases/shop-v1/deprecate", reason=" "), 400, "release.reason_missing")
    seen = post(http, token, "/releases/shop-v1/deprecate", reason="a hole in it").json()
    assert (seen["state"], seen["reason"], seen["changed_by"]) == ("deprecated", "a hole in it", "alice")
    assert http.get("/api/v1/releases", headers=token).json()["items"] == [seen]
    assert post(http, token, "/releases/shop-v1/archive", reason="gone").json()["state"] == "archived"
    assert http.get("/api/v1/releases", headers=token).json()["items"] == []
    assert len(http.get("/api/v1/releases?state=archived", headers=token).json()["items"]) == 1
    assert http.get("/api/v1/releases/shop-v1", headers=token).json()["state"] == "archived"
    problem(http.get("/api/v1/releases?state=draft", headers=token), 400, "api.request_invalid")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home of alice, and a layout on disk."""
    folder = tmp_path_factory.mktemp("life")
    stella("key", "generate", folder / "alice", home=folder, code=0)
    stella("init", "--login", "alice", "--key", folder / "alice", home=folder, code=0)
    layout = Layout()
    for name in ("api:v1", "api:v2", "worker:v1"):
        layout.name(name, layout.image({"app": name.encode()}))
    layout.write(folder / "layout")
    return folder


def test_the_typed_client_puts_a_draft_together(place):
    with serving(place), Client(f"unix:{place}/h/socket") as client:
        part = releases.ComponentAsk(name="api", reference=f"oci:{place}/layout:api:v1")
        first = client.ask(drafts.CREATE, drafts.CreateDraft(name="typed-v1", components=(part,)))
        again = client.ask(drafts.EDIT, drafts.EditDraft(draft="typed-v1", source=(("commit", "abc"),)))
        with pytest.raises(Remote) as stale:
            client.ask(drafts.FINALIZE, drafts.MoveDraft(draft="typed-v1", expect=first.digest))
        assert stale.value.code == "release.draft_moved"
        made = client.ask(drafts.FINALIZE, drafts.MoveDraft(draft="typed-v1", expect=again.digest))
        assert made.release.source == (("commit", "abc"),)
        gone = client.ask(releases.DEPRECATE, releases.RetireRelease(release="typed-v1", reason="a test"))
        assert (gone.state, gone.digest) == ("deprecated", made.digest)


def test_a_release_lives_its_life_by_command(place):
    def run(*words, code=0):
        return stella("release", *words, "--key", place / "alice", home=place, code=code)

    run("create", "--name", "shop-v1", "--draft")
    run("add-component", "shop-v1", "--components", "api:v1,worker:v1", "--layout", place / "layout")
    twice = run("add-component", "shop-v1", "--components", "api:v2", "--layout", place / "layout", code=2)
    assert "release.component_twice" in twice.stderr
    run("add-component", "shop-v1", "--components", "api:v2", "--layout", place / "layout", "--replace")
    run("remove-component", "shop-v1", "worker")
    run("edit", "shop-v1", "--source", "commit=abc")
    assert "shop-v1" not in run("list").stdout
    assert "shop-v1" in run("list", "--state", "draft").stdout
    shown = json.loads(run("show", "shop-v1", "-o", "json").stdout)
    stale = run("finalize", "shop-v1", "--expect", "sha256:" + "0" * 64, code=2)
    assert "release.draft_moved" in stale.stderr
    made = json.loads(run("finalize", "shop-v1", "--expect", shown["digest"], "-o", "json").stdout)
    [component] = made["release"]["components"]
    assert (component["name"], component["tag"]) == ("api", "v2")
    assert component == shown["draft"]["components"][0]
    late = run("add-component", "shop-v1", "--components", "api:v1", "--layout", place / "layout", code=2)
    assert "release.illegal_move" in late.stderr
    run("archive", "shop-v1", "--reason", "too soon", code=2)
    run("deprecate", "shop-v1", "--reason", "a hole in it")
    assert "a hole in it" in run("show", "shop-v1").stdout
    refused = stella("promote", "shop-v1", "--to", "nowhere", "--key", place / "alice", home=place, code=3)
    assert "not_admitted" in refused.stderr, "there is no such environment"
    run("archive", "shop-v1", "--reason", "gone")
    assert "shop-v1" not in run("list").stdout
    assert "archived" in run("list", "--state", "all").stdout
    run("create", "--name", "shop-v2", "--draft")
    run("discard", "shop-v2")
    run("show", "shop-v2", code=4)
    run("create", "--name", "shop-v3", code=2)
