"""The HTTP door of VEX providers: multipart uploads, scopes, problem bodies with fixed codes, no bytes and no secret."""

import base64

import pytest

from api.asker import ScopeMissing
from api.calls.tokens import SCOPES
from api.calls.vex_providers import CALLS
from api.settings import Settings
from api.wiring import HostForbidden, images_of
from pipeline.adapters.oci_registry import AddressRefused, OciRegistry
from pipeline.effects import Registry
from tests.api.doors import Doors
from tests.api.test_roles import asker
from tests.support.vex_images import VENDOR

BASE = "/api/v1/excititor/providers/acme"
KEY = f"-----BEGIN PUBLIC KEY-----\n{VENDOR.key.spki}\n-----END PUBLIC KEY-----\n".encode()


@pytest.fixture
def doors():
    return Doors()


@pytest.fixture
def http(doors):
    with doors.client() as client:
        client.headers.update(doors.token("vex.read", "vex.admin"))
        yield client


def upload(http, data=KEY, key="keys", **more):
    return http.post(f"{BASE}/artifacts", data={"key": key, "name": "cosign.pub"}, files={"file": ("x", data)}, **more)


def test_a_file_is_handed_over_as_a_form_and_told_without_its_bytes(http):
    made = upload(http)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["size"], told["key"], told["name"], told["created_by"]) == (len(KEY), "keys", "cosign.pub", "alice")
    assert told["sha256"].startswith("sha256:")
    as_json = {"key": "keys", "data": base64.b64encode(KEY).decode()}
    assert http.post(f"{BASE}/artifacts", json=as_json).json() == told, "the same bytes are kept once"
    for answer in (made, http.get(f"{BASE}/artifacts"), http.get(f"{BASE}/artifacts/{told['artifactId']}")):
        assert VENDOR.key.spki not in answer.text
    assert http.delete(f"{BASE}/artifacts/{told['artifactId']}").json() == told
    assert http.get(f"{BASE}/artifacts/{told['artifactId']}").status_code == 404


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"data": b"x" * ((1 << 20) + 1)}, 413, "vex.artifact_too_large"),
        ({"data": b"x" * (3 << 20)}, 413, "api.body_too_large"),
        ({"data": b"-----BEGIN PRIVATE KEY-----\n"}, 400, "vex.artifact_refused"),
        ({"key": "colour"}, 400, "vex.artifact_refused"),
        ({"data": b""}, 400, "vex.artifact_refused"),
    ],
)
def test_a_file_that_is_not_kept_is_refused_with_its_code(http, how, status, code):
    answer = upload(http, **how)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_form_holds_one_file_and_a_body_of_another_type_is_none(http):
    two = [("a", ("a", b"1")), ("b", ("b", b"2"))]
    for how in ({"data": {"key": "keys"}, "files": two}, {"data": {"colour": "red"}, "files": two[:1]}):
        assert http.post(f"{BASE}/artifacts", **how).json()["code"] == "api.request_invalid"
    plain = http.post(f"{BASE}/artifacts", content=b"x", headers={"Content-Type": "text/plain"})
    assert (plain.status_code, plain.json()["code"]) == (415, "api.media_type_unsupported")


def test_an_upload_is_done_once_per_idempotency_key(http):
    key = {"Idempotency-Key": "once"}
    body = {"key": "keys", "data": base64.b64encode(KEY).decode()}
    first = http.post(f"{BASE}/artifacts", json=body, headers=key)
    second = http.post(f"{BASE}/artifacts", json=body, headers=key)
    assert (second.json(), second.headers["idempotency-replayed"]) == (first.json(), "true")


def test_a_configuration_is_refused_with_every_fault_at_its_field(http):
    fields = {"images": ["Bad Ref", "http://reg.test/x"], "mode": "keyless", "registry": "http://reg.test"}
    answer = http.post(BASE, json={"fields": fields})
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["code"]) == (400, "vex.provider_config_invalid")
    assert ["group", "PROVIDER_CONFIG_INVALID"] in body["fields"]
    assert [(one["pointer"], one["code"]) for one in body["faults"]] == [
        ("/fields/images/0", "PROVIDER_CONFIG_INVALID_IMAGE_REFERENCE"),
        ("/fields/images/1", "PROVIDER_CONFIG_HTTP_REGISTRY_BLOCKED"),
        ("/fields/issuer", "PROVIDER_CONFIG_MISSING_COSIGN_ISSUER"),
        ("/fields/subject", "PROVIDER_CONFIG_MISSING_COSIGN_SUBJECT"),
        ("/fields/tuf_root", "PROVIDER_CONFIG_MISSING_TUF_ROOT"),
        ("/fields/registry", "PROVIDER_CONFIG_HTTP_REGISTRY_BLOCKED"),
    ]
    lacking = http.post(BASE, json={"fields": {"images": "app", "mode": "keypair"}}).json()
    assert (lacking["code"], lacking["faults"][0]["code"]) == (
        "vex.provider_config_required",
        "PROVIDER_CONFIG_MISSING_COSIGN_KEY",
    )
    assert http.get(BASE).status_code == 404


def test_a_pasted_secret_stands_in_no_answer_and_no_object(http, doors):
    fields = {"images": "app", "mode": "none", "registry": "reg.test", "credential": "robot:hunter2"}
    assert "hunter2" not in http.post(BASE, json={"fields": fields}).text
    assert not [name for name in doors.effects.store.digests() if b"hunter2" in doors.effects.store.get(name)]


def test_each_call_wants_its_scope_and_no_other_stands_in(doors):
    assert {call.scope for call in CALLS} == {"vex.read", "vex.admin"}
    with doors.client() as client:
        for scopes in ([one for one in SCOPES if not one.startswith("vex.")], ["vex.read"]):
            headers = doors.token(*scopes)
            for call in CALLS:
                if call.scope in scopes:
                    continue
                path = "/api/v1" + call.path.replace("{id}", "acme").replace("{artifact}", "x")
                answer = client.request(call.method, path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "auth.scope_missing"), call.name
        assert client.get(BASE).json()["code"] == "auth.required"


def test_only_admins_configure_and_everybody_known_may_read():
    for call in CALLS:
        asker(groups=("admins",)).check(call)
        if call.scope == "vex.read":
            asker(purposes=("submit",)).check(call)
            continue
        for other in (asker(), asker(groups=("admins",), purposes=("submit",))):
            with pytest.raises(ScopeMissing):
                other.check(call)


def test_a_server_talks_to_no_host_that_its_settings_do_not_name_and_reads_no_layout_of_its_own(http):
    fields = {"images": "reg.test/app", "mode": "none", "registry": "reg.test", "allow_private": True}
    assert http.post(BASE, json={"fields": fields}).json()["provider"]["registry"]["allow_private"] is True
    assert http.post(f"{BASE}/pull", json={}).json()["code"] == "settings.offline"
    assert http.post(f"{BASE}/pull", json={"layout": "/etc"}).json()["code"] == "collect.layout_here"


def test_a_record_names_its_registry_and_the_settings_still_decide_about_every_host_of_it():
    record = Registry("reg.test", also=("auth.test",), allow_private=True)
    for settings in (
        Settings(),
        Settings(allowed_hosts=("reg.test",)),
        Settings(allowed_hosts=("reg.test", "auth.test"), offline=True),
    ):
        with pytest.raises(HostForbidden):
            images_of(settings)(record)
    source = images_of(Settings(allowed_hosts=("reg.test", "auth.test")))(record)
    assert isinstance(source, OciRegistry)
    source.close()
    with pytest.raises(AddressRefused):
        images_of(Settings(allowed_hosts=("reg.test",)))(Registry("reg.test", http=True))
