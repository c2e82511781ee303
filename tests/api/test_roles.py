"""What a person may do hangs on the groups they are in and on what their key is for; secrets of ours are nobody's."""

import pytest

from api.asker import Asker, ScopeMissing
from api.auth import asker_of as somebody
from api.auth import person_by_key
from api.calls import catalog, deployments, environments, evidence, policies
from api.settings import secret_of
from cas.records.proof import Person
from pipeline.adapters import keys
from pipeline.effects import Caller, SecretMissing
from pipeline.operations import trust
from tests.api.doors import ALICE, CAROL, OWNER, ROOT, Doors

BUILD = keys.generate("ed25519", purposes=("submit",))


def asker(groups=(), purposes=("approve", "submit")):
    return Asker("person", Caller(actor="person:" + "d" * 32, login="dora"), groups=groups, purposes=purposes)


@pytest.mark.parametrize(
    "call", [environments.SET, environments.ADD_TARGET, policies.ACTIVATE], ids=lambda call: call.name
)
def test_only_admins_change_what_judges_others(call):
    asker(groups=("admins",)).check(call)
    for other in (asker(), asker(groups=("approvers",)), asker(groups=("admins",), purposes=("submit",))):
        with pytest.raises(ScopeMissing):
            other.check(call)


def test_a_build_machines_key_submits_and_asks_but_neither_deploys_nor_administers():
    build = asker(groups=("admins",), purposes=("submit",))
    build.check(evidence.SUBMIT)
    with pytest.raises(ScopeMissing):
        build.check(deployments.DEPLOY)
    wide = [call.name for call in catalog.CALLS if call.scope.endswith(":admin")]
    assert wide
    for call in catalog.CALLS:
        if call.scope.endswith(":admin"):
            with pytest.raises(ScopeMissing):
                build.check(call)


def test_a_person_is_limited_by_the_very_key_they_signed_with():
    doors = Doors()
    people = [
        *(one for one in trust.current(doors.effects).directory.people if one.login != "bob"),
        Person(
            id="person:" + "b" * 32,
            login="bob",
            groups=("admins",),
            keys=tuple(sorted((CAROL.key, BUILD.key), key=lambda key: key.id)),
        ),
    ]
    trust.set_directory(doors.effects, OWNER, people, [ROOT])
    somebody(*person_by_key(doors.effects, CAROL.key.id)).check(environments.SET)
    with pytest.raises(ScopeMissing):
        somebody(*person_by_key(doors.effects, BUILD.key.id)).check(environments.SET)


def test_a_token_ends_with_the_person_it_acts_for():
    doors = Doors()
    header = doors.token("log:read", by="person:" + "b" * 32)
    with doors.client() as http:
        assert http.get("/api/v1/log", headers=header).status_code == 200
        alone = [one for one in trust.current(doors.effects).directory.people if one.login == "alice"]
        trust.set_directory(doors.effects, OWNER, alone, [ROOT])
        answer = http.get("/api/v1/log", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")
    assert ALICE.key.id


def test_neither_our_keys_nor_our_tokens_can_be_given_to_a_container(tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "root.pem").write_text("private")
    (tmp_path / "link").symlink_to(home / "keys" / "root.pem")
    (tmp_path / "db").write_text("s3cret\n")
    monkeypatch.setenv("STELLA_TOKEN", "stella_x")
    monkeypatch.setenv("DATABASE_URL", "postgres://db")
    assert secret_of(f"file:{tmp_path / 'db'}", home=home) == "s3cret"
    assert secret_of("env:DATABASE_URL", home=home) == "postgres://db"
    for source in (
        f"file:{home}/keys/root.pem",
        f"file:{tmp_path}/link",
        f"file:{home}/../home/keys/root.pem",
        "env:STELLA_TOKEN",
    ):
        with pytest.raises(SecretMissing):
            secret_of(source, home=home)
