"""One call from CI over HTTP: documents and question in, all or none, the verdict out in the same body."""

import base64
import json
import threading

import msgspec
import pytest

from api import bodies
from api.calls.evaluations import Evaluation
from api.calls.evidence import Document
from api.calls.moved import FRAMES, NDJSON
from tests.api.doors import Doors
from tests.api.journey import Journey
from tests.support.images import Layout, LayoutImages
from tests.support.judging import openvex, osv, sbom

PATH = "/api/v1/gate/evaluations"
NAME = "CVE-2026-0001"
IMAGE = "registry.example/shop/web:v%d"
PACK = """name: open
version: "1"
description: two gates
gates:
  - {id: sbom, gate: evidence_required/1, enforcement: block, with: {types: [sbom], binding: asserted}}
  - {id: budget, gate: severity_budget/1, enforcement: block, with: {critical: 0, high: 0}}
"""
SBOM = sbom(("requests", "1.0.0"))


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    doors = Doors()
    with doors.client() as http:
        journey = Journey(doors, http, tmp_path_factory.mktemp("doors"))
        layout = Layout()
        doors.digests = [layout.name(f"v{at}", layout.image({"app": (b"%d\n" % at, 0o755)})) for at in range(3)]
        doors.image = doors.digests[1]
        doors.images = LayoutImages(layout)
        journey.ask("environment.set", environment="prod", required_approvals=0)
        journey.ask("policy.store", yaml=PACK)
        journey.ask("policy.activate", policy="open", environment="prod")
        journey.ask("feed.import", name="osv", documents=[{"data": osv(NAME, "requests"), "format": "osv"}])
        doors.http, doors.journey = http, journey
        yield doors


def post(doors, *, code=200, token=None, **how):
    answer = doors.http.post(PATH, headers={**(token or doors.journey.token), **how.pop("headers", {})}, **how)
    assert answer.status_code == code, answer.text
    return msgspec.json.decode(answer.content, type=Evaluation) if code == 200 else json.loads(answer.content)


def question(release=1, image=1, **more):
    return {"environment": "prod", "create": f"shop-v{release}", "image": IMAGE % image, **more}


def documents(*data):
    return [{"data": base64.b64encode(each).decode()} for each in data]


def test_a_release_is_frozen_its_evidence_admitted_and_the_verdict_given_in_one_body(doors):
    found = post(doors, json=question(documents=documents(SBOM)))
    assert found.created
    assert [(one.subject, one.type, one.binding) for one in found.receipts] == [(doors.image, "sbom", "asserted")]
    assert (found.verdict.outcome, found.verdict.release) == ("deny", "shop-v1")
    entries = [entry.event for _, entry in doors.effects.log.read(0)]
    assert entries[-3:] == ["evidence.admitted", "release.finalized", "verdict.judged"]
    again = post(doors, json=question(documents=documents(SBOM)))
    assert (again.created, again.receipts[0].known, again.verdict.digest) == (False, True, found.verdict.digest)


@pytest.mark.parametrize("media", ["frames", "lines", "form"])
def test_every_framing_says_the_same(doors, media):
    vex = openvex(NAME, "not_affected", f"pkg:oci/web@{doors.image}")
    if media == "form":
        how = {"files": [("sbom", ("s.json", SBOM)), ("vex", ("v.json", vex))], "data": question()}
    elif media == "frames":
        body = b"".join(bodies.frames_of([Document(data=SBOM), Document(data=vex)]))
        how = {"content": body, "params": question(), "headers": {"Content-Type": FRAMES}}
    else:
        body = b"\n".join(json.dumps(one).encode() for one in documents(SBOM, vex))
        how = {"content": body, "params": question(), "headers": {"Content-Type": NDJSON}}
    found = post(doors, **how)
    assert [one.type for one in found.receipts] == ["sbom", "vex"]
    assert {one.subject for one in found.receipts} == {doors.image}
    assert found.verdict.outcome == "deny"


def test_a_bad_document_leaves_neither_evidence_nor_release(doors):
    head = doors.effects.log.head()
    said = post(doors, code=400, json=question(2, documents=documents(SBOM, b'{"bomFormat":"CycloneDX"}')))
    assert said["code"] == "evidence.refused"
    assert doors.effects.log.head() == head


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"create": "", "image": ""}, 400, "gate.question_invalid"),
        ({"release": "shop-v1"}, 400, "gate.question_invalid"),
        ({"image": ""}, 400, "gate.question_invalid"),
        ({"environment": "nowhere"}, 404, "promotion.not_admitted"),
        ({"create": "", "image": "", "release": "nothing"}, 404, "promotion.not_admitted"),
        ({"image": "oci:/tmp/layout:web:v1"}, 403, "auth.out_of_bounds"),
        ({"image": "Not A Reference"}, 400, "image.reference_invalid"),
        ({"wait": 601}, 400, "api.request_invalid"),
        ({"nonsense": "x"}, 400, "api.request_invalid"),
    ],
)
def test_what_is_not_clear_is_refused_and_admits_nothing(doors, fields, status, code):
    head = doors.effects.log.head()
    said = post(doors, code=status, json=question(documents=documents(SBOM)) | fields)
    assert said["code"] == code
    assert doors.effects.log.head() == head


def test_each_thing_that_is_written_needs_its_scope(doors):
    only = doors.token("gate:run")
    assert post(doors, code=403, token=only, json=question(4))["code"] == "auth.scope_missing"
    both = doors.token("gate:run", "release:write")
    assert post(doors, token=both, json=question(3)).created
    said = post(doors, code=403, token=both, json=question(documents=documents(SBOM)))
    assert said["code"] == "auth.scope_missing"
    elsewhere = doors.token("gate:run", "release:write", environments=("staging",))
    assert post(doors, code=403, token=elsewhere, json=question())["code"] == "auth.out_of_bounds"
    other = doors.token("gate:run", "release:write", components=("api",))
    assert post(doors, code=403, token=other, json=question())["code"] == "auth.out_of_bounds"


def test_a_repeated_key_gives_the_kept_answer_and_does_nothing(doors):
    key = {"Idempotency-Key": "job-7"}
    first = post(doors, json=question(5, documents=documents(SBOM)), headers=key)
    head = doors.effects.log.head()
    assert post(doors, json=question(5, documents=documents(SBOM)), headers=key) == first
    assert doors.effects.log.head() == head
    assert post(doors, code=422, json=question(5), headers=key)["code"] == "api.idempotency_key_reused"


def test_the_answer_waits_until_what_is_missing_has_come(doors):
    """Without the SBOM nobody knows; another job submits a clean one while the first one waits."""
    pack = PACK.replace("enforcement: block, with: {types", "enforcement: observe, with: {types")
    doors.journey.ask("policy.store", yaml=pack.replace('"1"', '"2"', 1))
    doors.journey.ask("policy.activate", policy="open", environment="prod")
    assert post(doors, json=question(6, 2)).verdict.outcome == "undecided"
    late = threading.Timer(0.3, doors.journey.ask, ["evidence.submit"], {"documents": [
        {"data": sbom(("flask", "1.0.0")), "subject": doors.digests[2]}]})  # fmt: skip
    late.start()
    found = post(doors, json=question(6, 2, wait=60))
    late.join()
    assert found.verdict.outcome == "allow"
    assert post(doors, json=question(6, 2, wait=1)).verdict.digest == found.verdict.digest


def test_a_form_is_bounded_and_must_be_one(doors):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert post(doors, code=400, content=b"nothing", headers=headers)["code"] == "api.request_invalid"
    twice = b'--x\r\nContent-Disposition: form-data; name="create"\r\n\r\na\r\n' * 2 + b"--x--\r\n"
    assert post(doors, code=400, content=twice, headers=headers)["code"] == "api.request_invalid"
    assert post(doors, code=415, content=b"x", headers={"Content-Type": "text/plain"})["code"]
