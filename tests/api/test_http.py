"""The HTTP door over the memory adapters: who may ask, what is answered, what is refused."""

import base64
import hashlib
import io
import itertools
import zipfile

import msgspec
import pytest

from api import signed
from api.calls.catalog import CALLS
from api.calls.tokens import SCOPES
from api.problems import ProblemBody
from api.routes.catalog import every_handler, handler_of
from api.streams import FRAMED
from cas.adapters.memory import MemoryStore
from cas.problems import SyncFailed
from tests.api.doors import ALICE, BOB, Doors

SBOM = b'{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}]}'
IMAGE = "sha256:" + "1" * 64


@pytest.fixture
def doors():
    return Doors()


@pytest.fixture
def http(doors):
    with doors.client() as client:
        yield client


def problem(response, status, code):
    body = msgspec.json.decode(response.content, type=ProblemBody)
    assert (response.status_code, body.code, body.status) == (status, code, status)
    assert response.headers["content-type"] == "application/problem+json"
    return body


def test_every_call_has_exactly_one_handler():
    assert sorted(handler.call.name for handler in every_handler()) == sorted(call.name for call in CALLS)
    assert len({(call.method, call.path) for call in CALLS}) == len(CALLS)
    assert {call.scope for call in CALLS} - {""} <= set(SCOPES)


def test_approve_is_never_a_scope():
    assert not [scope for scope in SCOPES if "approve" in scope]


def test_health_is_open_and_everything_else_asks_who_you_are(doors, http):
    assert http.get("/api/v1/health").json()["status"] == "ok"
    for call in CALLS:
        if call.scope and call.name not in FRAMED:
            path = "/api/v1" + call.path.replace("{", "").replace("}", "")
            answer = http.request(call.method, path, json={} if call.has_body else None)
            assert answer.status_code == 401, call.name
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_reaches_only_its_scopes(doors, http):
    token = doors.token("log:read")
    assert http.get("/api/v1/log", headers=token).status_code == 200
    problem(http.get("/api/v1/tokens", headers=token), 403, "auth.scope_missing")


def test_unknown_mangled_expired_and_revoked_tokens_are_refused(doors, http):
    good = doors.token("log:read", "token:admin")
    mangled = {"Authorization": good["Authorization"][:-1] + "x"}
    problem(http.get("/api/v1/log", headers=mangled), 401, "auth.token_invalid")
    problem(http.get("/api/v1/log", headers={"Authorization": "Basic YTpi"}), 401, "auth.token_invalid")
    problem(http.get("/api/v1/log", headers={"Authorization": "Bearer stella_"}), 401, "auth.token_invalid")
    expired = doors.token("log:read", expires_at="2026-03-01T12:00:00Z")
    problem(http.get("/api/v1/log", headers=expired), 401, "auth.token_expired")
    identity = good["Authorization"].split("_")[1]
    assert http.delete(f"/api/v1/tokens/token:{identity}", headers=good).status_code == 200
    problem(http.get("/api/v1/log", headers=good), 401, "auth.token_invalid")


def test_a_tokens_text_is_stored_nowhere(doors, http):
    admin = doors.token("token:admin", "log:read")
    made = http.post(
        "/api/v1/tokens", headers={**admin, "Idempotency-Key": "k"}, json={"name": "ci", "scopes": ["log:read"]}
    )
    text = made.json()["token"]
    assert http.get("/api/v1/log", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    secret = text.rsplit("_", 1)[1].encode()
    assert not [name for name in doors.world.store.digests() if secret in doors.world.store.get(name)]


def test_nobody_hands_out_a_scope_they_do_not_have(doors, http):
    answer = http.post("/api/v1/tokens", headers=doors.token("token:admin"), json={"name": "x", "scopes": ["log:read"]})
    assert problem(answer, 400, "api.request_invalid").faults[0].code == "token.scope_not_held"


def test_a_token_bound_to_an_environment_reaches_no_other(doors, http):
    token = doors.token("environment:write", environments=("staging",))
    answer = http.put("/api/v1/environments/production", headers=token, json={})
    problem(answer, 403, "auth.out_of_bounds")
    assert http.put("/api/v1/environments/staging", headers=token, json={}).status_code == 200


def test_a_signed_request_is_the_persons_and_counts_once(doors, http):
    headers = signing(ALICE, "GET", "/api/v1/log/entries?limit=1")
    assert http.get("/api/v1/log/entries?limit=1", headers=headers).status_code == 200
    problem(http.get("/api/v1/log/entries?limit=1", headers=headers), 401, "auth.signature_invalid")
    assert http.get("/api/v1/health", headers=signing(ALICE, "GET", "/api/v1/health")).json()["caller"] == "alice"


def test_a_signature_covers_method_path_query_and_body(doors, http):
    problem(http.get("/api/v1/log?x=1", headers=signing(ALICE, "GET", "/api/v1/log")), 401, "auth.signature_invalid")
    problem(http.delete("/api/v1/log", headers=signing(ALICE, "GET", "/api/v1/log")), 405, "api.method_not_allowed")
    body = b'{"name":"ci","scopes":["log:read"]}'
    changed = body.replace(b"ci", b"xx")
    headers = {**signing(ALICE, "POST", "/api/v1/tokens", body), "Content-Type": "application/json"}
    problem(http.post("/api/v1/tokens", headers=headers, content=changed), 400, "api.body_digest_differs")


def test_a_key_of_nobody_and_an_old_signature_are_refused(doors, http):
    problem(http.get("/api/v1/log", headers=signing(BOB, "GET", "/api/v1/log")), 403, "auth.key_unknown")
    old = signing(ALICE, "GET", "/api/v1/log", at="2026-03-01T11:54:59Z")
    problem(http.get("/api/v1/log", headers=old), 401, "auth.signature_invalid")


NONCES = itertools.count(1)


def signing(signer, method, target, body=b"", at="2026-03-01T12:00:00Z"):
    from api.auth import seconds_of
    from cas import digest

    return signed.sign(
        method,
        target,
        digest.of_bytes(body),
        key_id=signer.key.id,
        created=seconds_of(at),
        nonce=f"{next(NONCES):032x}",
        signer=signer.sign,
    )


def test_nobody_becomes_the_owner_over_tcp_whatever_headers_say(doors, http):
    import os

    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        answer = http.get("/api/v1/log", headers={name: f"unix:{os.getuid()}"})
        problem(answer, 401, "auth.required")


def test_an_idempotency_key_does_once_and_answers_the_same(doors, http):
    token = {**doors.token("policy:write"), "Idempotency-Key": "once"}
    first = http.post("/api/v1/policies", headers=token, json={"starter": "observe"})
    size = doors.effects.log.head().size
    again = http.post("/api/v1/policies", headers=token, json={"starter": "observe"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert doors.effects.log.head().size == size


def test_an_idempotency_key_is_bound_to_token_call_and_body(doors, http):
    token = {**doors.token("policy:write", "gate:run"), "Idempotency-Key": "bound"}
    http.post("/api/v1/policies", headers=token, json={"starter": "observe"})
    other = http.post("/api/v1/policies", headers=token, json={"starter": "strict"})
    problem(other, 422, "api.idempotency_key_reused")
    elsewhere = http.post("/api/v1/gate/evaluate", headers=token, json={"release": "r", "environment": "e"})
    problem(elsewhere, 422, "api.idempotency_key_reused")
    mine = {**doors.token("policy:write", by="token:" + "9" * 32), "Idempotency-Key": "bound"}
    assert http.post("/api/v1/policies", headers=mine, json={"starter": "strict"}).status_code == 201


def test_an_idempotency_key_whose_answer_was_lost_does_nothing_twice(doors, http):
    """A crash between the effect and its answer: the key stands in the effect's own append."""
    token = {**doors.token("policy:write"), "Idempotency-Key": "lost"}
    append = doors.world.log.append

    def dying(entries, expect=()):
        if entries[0].event == "request.answered":
            raise SyncFailed(reason="the machine stopped here")
        return append(entries, expect)

    doors.world.log.append = dying
    assert http.post("/api/v1/policies", headers=token, json={"starter": "observe"}).status_code == 500
    doors.world.log.append = append
    again = http.post("/api/v1/policies", headers=token, json={"starter": "observe"})
    problem(again, 409, "api.idempotency_key_in_flight")
    stored = [entry for _, entry in doors.effects.log.read() if entry.event == "policy.stored"]
    assert len(stored) == 1


def test_a_key_that_is_shown_once_is_not_shown_again(doors, http):
    token = {**doors.token("token:admin", "log:read"), "Idempotency-Key": "secret"}
    body = {"name": "ci", "scopes": ["log:read"]}
    assert http.post("/api/v1/tokens", headers=token, json=body).status_code == 201
    problem(http.post("/api/v1/tokens", headers=token, json=body), 409, "api.idempotency_key_in_flight")


def test_pages_join_to_the_whole_and_a_cursor_belongs_to_its_query(doors, http):
    token = doors.token("log:read")
    for _ in range(9):
        doors.token("log:read")
    whole = http.get("/api/v1/log/entries?limit=500", headers=token).json()["items"]
    found, cursor = [], ""
    while True:
        page = http.get(f"/api/v1/log/entries?limit=4&cursor={cursor}", headers=token).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            break
        kept = cursor
    assert found == whole
    assert [item["position"] for item in whole] == sorted((item["position"] for item in whole), reverse=True)
    other = http.get(f"/api/v1/log/entries?oldest_first=true&cursor={kept}", headers=token)
    problem(other, 400, "api.cursor_invalid")
    problem(http.get("/api/v1/log/entries?cursor=AAAA", headers=token), 400, "api.cursor_invalid")


def test_all_faults_of_a_body_come_together(doors, http):
    answer = http.post(
        "/api/v1/tokens", headers=doors.token("token:admin"), json={"name": "a\n", "scopes": [], "x": 1, "days": 0}
    )
    body = problem(answer, 400, "api.request_invalid")
    assert {fault.pointer for fault in body.faults} >= {"/name", "/scopes", "/days"}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"\xff\xfe",
        b'{"name":"a","name":"b","scopes":["log:read"]}',
        b'{"name":"a","scopes":["log:read"],"days":1e400}',
        b'{"name":"a","scopes":["log:read"],"days":NaN}',
        b'{"name":"\\ud800","scopes":["log:read"]}',
        b"null",
        b"",
        b'"x"',
        b'{"name":"a","scopes":"log:read"}',
    ],
)
def test_bodies_that_are_not_what_they_should_be_are_refused_without_a_trace(doors, http, capfd, body):
    headers = {**doors.token("token:admin"), "Content-Type": "application/json"}
    answer = http.post("/api/v1/tokens", headers=headers, content=body)
    assert answer.status_code in {400, 413}, answer.content
    assert "Traceback" not in capfd.readouterr().err


def test_a_body_over_the_limit_is_refused(doors, http):
    headers = {**doors.token("token:admin"), "Content-Type": "application/json"}
    problem(http.post("/api/v1/tokens", headers=headers, content=b" " * (5 << 20)), 413, "api.body_too_large")


def test_another_media_type_is_refused(doors, http):
    headers = {**doors.token("token:admin"), "Content-Type": "text/plain"}
    problem(http.post("/api/v1/tokens", headers=headers, content=b"{}"), 415, "api.media_type_unsupported")


def test_a_raw_document_is_admitted_and_the_same_again_says_so(doors, http):
    token = {
        **doors.token("evidence:write", "evidence:read", "object:read"),
        "Content-Type": "application/octet-stream",
    }
    digest = base64.b64encode(hashlib.sha256(SBOM).digest()).decode()
    first = http.post(
        f"/api/v1/evidence?subject={IMAGE}", headers={**token, "Content-Digest": f"sha-256=:{digest}:"}, content=SBOM
    )
    assert first.status_code == 201, first.content
    receipt = first.json()["receipts"][0]
    assert (receipt["known"], receipt["format"], receipt["binding"]) == (False, "cyclonedx-json/1.6", "asserted")
    again = http.post(f"/api/v1/evidence?subject={IMAGE}", headers=token, content=SBOM).json()["receipts"][0]
    assert again["known"] is True
    assert again["admission"] == receipt["admission"]
    assert http.get(f"/api/v1/objects/{receipt['raw']}", headers=token).content == SBOM
    listed = http.get(f"/api/v1/evidence?subject={IMAGE}", headers=token).json()["items"]
    assert [item["admission"] for item in listed] == [receipt["admission"]]


def test_an_empty_document_is_taken_when_its_format_is_declared(doors, http):
    token = {**doors.token("evidence:write"), "Content-Type": "application/octet-stream"}
    url = f"/api/v1/evidence?subject={IMAGE}"
    [fault] = http.post(url, headers=token, content=b"").json()["faults"]
    assert (fault["pointer"], fault["code"]) == ("/0", "evidence.not_json")
    assert "trufflehog-json" in fault["message"]
    answer = http.post(f"{url}&format=trufflehog-json", headers=token, content=b"")
    assert answer.status_code == 201, answer.content
    assert answer.json()["receipts"][0]["format"] == "trufflehog-json/1"


def test_a_wrong_content_digest_keeps_nothing(doors, http):
    before = set(doors.world.store.digests())
    token = {**doors.token("evidence:write"), "Content-Type": "application/octet-stream"}
    before = set(doors.world.store.digests())
    wrong = "sha-256=:" + base64.b64encode(b"x" * 32).decode() + ":"
    answer = http.post(f"/api/v1/evidence?subject={IMAGE}", headers={**token, "Content-Digest": wrong}, content=SBOM)
    problem(answer, 400, "api.body_digest_differs")
    assert set(doors.world.store.digests()) == before


def frames(*documents):
    out = b""
    for data in documents:
        header = msgspec.json.encode({"subject": IMAGE, "format": ""})
        out += len(header).to_bytes(4, "big") + header + len(data).to_bytes(8, "big") + data
    return out


def test_a_batch_is_admitted_all_or_none_in_each_framing(doors, http):
    token = doors.token("evidence:write")
    size = doors.effects.log.head().size
    bad = http.post(
        "/api/v1/evidence/batch",
        headers={**token, "Content-Type": "application/vnd.stella.documents"},
        content=frames(SBOM, b"not json"),
    )
    assert bad.status_code == 400
    assert [fault["pointer"] for fault in bad.json()["faults"]] == ["/1"]
    assert doors.effects.log.head().size == size
    documents = [SBOM.replace(b'"1"', f'"{version}"'.encode()) for version in range(2, 8)]
    lines = b"\n".join(msgspec.json.encode({"data": one, "subject": IMAGE}) for one in documents[:2])
    whole = msgspec.json.encode({"documents": [{"data": one, "subject": IMAGE} for one in documents[2:4]]})
    for media, body in (
        ("application/x-ndjson", lines),
        ("application/json", whole),
        ("application/vnd.stella.documents", frames(*documents[4:])),
    ):
        answer = http.post("/api/v1/evidence/batch", headers={**token, "Content-Type": media}, content=body)
        assert answer.status_code == 201, answer.content
        assert [receipt["document"] for receipt in answer.json()["receipts"]] == [0, 1]
        assert not any(receipt["known"] for receipt in answer.json()["receipts"])


@pytest.mark.parametrize(
    "body", [b"\0\0", b"\xff\xff\xff\xff", b"\0\0\0\2{}\0\0", b"\0\0\0\2{}" + b"\xff" * 8, b"\0\0\0\1["]
)
def test_frames_that_are_cut_off_or_lie_are_refused(doors, http, body):
    token = {**doors.token("evidence:write"), "Content-Type": "application/vnd.stella.documents"}
    problem(http.post("/api/v1/evidence/batch", headers=token, content=body), 400, "api.request_invalid")


def test_ranges_give_what_was_asked_and_refuse_what_is_not_there(doors, http):
    token = doors.token("object:read")
    data = bytes(range(256)) * 8192  # 2 MiB: streamed
    name = doors.world.store.put(data)
    url = f"/api/v1/objects/{name}"
    for header, start, stop in (("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-5", -5, None)):
        part = http.get(url, headers={**token, "Range": header})
        assert (part.status_code, part.content) == (206, data[start:stop])
    whole = http.get(url, headers=token)
    assert (whole.status_code, whole.content, whole.headers["etag"]) == (200, data, f'"{name}"')
    problem(http.get(url, headers={**token, "Range": f"bytes={len(data)}-"}), 416, "api.range_unsatisfiable")


def test_rotten_bytes_never_leave(doors, http):
    name = doors.world.store.put(b"good")
    doors.world.store._objects[name] = b"rotten"
    problem(http.get(f"/api/v1/objects/{name}", headers=doors.token("object:read")), 500, "cas.object_corrupt")


def test_a_fault_of_ours_tells_nothing_of_our_inside(doors, http, capfd):
    token = doors.token("log:read")

    def broken(*_):
        raise RuntimeError("secret path /etc/x")

    doors.world.log.head = broken
    answer = http.get("/api/v1/log", headers=token)
    body = problem(answer, 500, "api.internal")
    assert "secret" not in answer.text
    assert body.detail.startswith("The server failed")
    assert "secret path" in capfd.readouterr().err


def test_names_from_outside_come_back_without_control_characters(doors, http):
    answer = http.get("/api/v1/releases/%1b%5b2Jx%e2%80%aey", headers=doors.token("release:read"))
    body = problem(answer, 404, "release.missing")
    assert body.detail.isprintable()
    assert body.instance.isprintable()


def test_the_registry_serves_kept_images_and_nothing_else(doors, http):
    name = doors.world.store.put(b"private evidence")
    for kind in ("manifests", "blobs"):
        answer = http.get(f"/v2/shop/{kind}/{name}")
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"].endswith("UNKNOWN")
    assert http.get("/v2/").status_code == 200
    assert http.get("/v2/shop/tags/list").status_code == 405
    assert http.get("/v2/shop/manifests/latest").status_code == 404


def test_whoever_holds_the_home_cannot_ask_for_a_promotion_without_being_somebody(doors):
    from api.asker import PersonNeeded
    from api.perform import perform
    from api.visit import enter

    visit = enter(doors.instance, doors.instance.owner, local=True)
    handler = handler_of("promotion.request")
    with pytest.raises(PersonNeeded):
        perform(handler, visit, handler.call.request(release="r", environment="e"))


def test_a_checkpoint_is_signed_by_the_server_over_the_head(doors, http):
    from cas import checkpoint

    found = http.get("/api/v1/log/checkpoint", headers=doors.token("log:read")).json()
    stated = checkpoint.verify(found["note"].encode(), checkpoint.parse_verifier(found["verifier"]))
    assert (stated.size, stated.head().root) == (found["size"], found["root"])


def test_proofs_over_http_verify(doors, http):
    from cas import digest, merkle

    token = doors.token("log:read")
    proof = http.get("/api/v1/log/proofs/inclusion?position=1", headers=token).json()
    hashes = [bytes.fromhex(item) for item in proof["hashes"]]
    merkle.verify_inclusion(bytes.fromhex(proof["leaf"]), 1, proof["size"], hashes, digest.to_raw(proof["root"]))
    old = http.get("/api/v1/log/proofs/inclusion?position=0&size=2", headers=token).json()
    grown = http.get("/api/v1/log/proofs/consistency?old=2", headers=token).json()
    hashes = [bytes.fromhex(item) for item in grown["hashes"]]
    merkle.verify_consistency(2, grown["size"], hashes, digest.to_raw(old["root"]), digest.to_raw(grown["root"]))


def test_the_store_of_these_tests_is_the_reference():
    assert isinstance(Doors().world.store, MemoryStore)


def test_a_kind_of_ones_own_judges_what_is_submitted_as_it(doors, http):
    token = doors.token("evidence:write", "evidence:read", "policy:write")
    schema = '{"type": "object", "required": ["approved"], "properties": {"approved": {"type": "boolean"}}}'
    made = http.post("/api/v1/evidence/kinds", headers=token, json={"name": "review", "schema": schema})
    assert (made.status_code, made.json()["existed"]) == (201, False)
    listed = http.get("/api/v1/evidence/kinds", headers=token).json()["items"]
    assert [(one["name"], one["schema"]) for one in listed] == [("review", made.json()["schema"])]
    url = f"/api/v1/evidence?subject={IMAGE}&format=generic/review"
    taken = http.post(url, headers=token, content=b'{"approved": true}')
    assert taken.status_code == 201, taken.content
    assert taken.json()["receipts"][0]["format"] == f"generic/review@{made.json()['schema']}"
    bad = http.post(url, headers=token, content=b'{"approved": 1}')
    assert [(one["pointer"], one["code"]) for one in bad.json()["faults"]] == [("/0/approved", "evidence.schema.type")]
    refused = http.post("/api/v1/evidence/kinds", headers=token, json={"name": "x", "schema": '{"$ref": "#"}'})
    problem(refused, 400, "evidence.kind_refused")
    problem(
        http.post("/api/v1/evidence/kinds", headers=doors.token("evidence:write"), json={"name": "y", "schema": "{}"}),
        403,
        "auth.scope_missing",
    )


def test_an_archive_of_documents_is_one_upload(doors, http):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("sbom.json", SBOM)
        made.writestr("tests/junit.xml", '<testsuite name="x"><testcase name="a"/></testsuite>')
    token = {**doors.token("evidence:write"), "Content-Type": "application/zip"}
    answer = http.post(f"/api/v1/evidence?subject={IMAGE}", headers=token, content=out.getvalue())
    assert answer.status_code == 201, answer.content
    assert [(one["member"], one["type"]) for one in answer.json()["receipts"]] == [
        ("sbom.json", "sbom"),
        ("tests/junit.xml", "tests"),
    ]
