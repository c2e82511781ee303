"""The life of a pack at the doors: commands with their exit codes, HTTP with its scopes, what is shown as a shadow."""

import json

import pytest

from api.bodies import decoded, encoded
from pipeline.operations.attestations import sign_statement
from tests.api.doors import CAROL, Doors
from tests.api.test_cli import home, stella  # noqa: F401 - a fixture

PACK = """name: house
version: "1"
description: What is demanded.
gates:
  - gate: severity_budget/1
    with: {critical: 0, high: 0}
cases:
  - {name: clean, expect: {outcome: allow}}
  - {name: high, given: {findings: [{severity: high}]}, expect: {outcome: deny, codes: [over_budget]}}
"""


@pytest.fixture
def doors():
    return Doors()


def ask(doors, method, path, *scopes, json=None):
    answer = doors.client().request(method, f"/api/v1{path}", headers=doors.token(*scopes), json=json)
    assert answer.status_code < 300, answer.text
    return answer.json()


def test_a_pack_goes_its_way_over_http(doors):
    drafted = ask(doors, "PUT", "/policy-drafts/house", "policy:write", json={"yaml": PACK})
    assert len(drafted["authors"]) == 1
    linted = ask(doors, "POST", "/policy-checks/lint", "policy:read", json={"draft": "house"})
    assert linted["valid"]
    assert {one["level"] for one in linted["items"]} == {"warning"}
    tried = ask(doors, "POST", "/policy-checks/test", "policy:read", json={"draft": "house"})
    assert (tried["holds"], [one["holds"] for one in tried["items"]]) == (True, [True, True])
    proposed = ask(doors, "POST", "/policy-drafts/house/propose", "policy:write")
    statement = ask(doors, "GET", f"/policy-proposals/{proposed['id']}/statement", "policy:read")["statement"]
    envelope = encoded(sign_statement(decoded(statement), [CAROL]))
    assert doors.client().post("/api/v1/policy-approvals", json={"envelope": envelope}).status_code == 401
    approved = ask(doors, "POST", "/policy-approvals", "policy:write", json={"envelope": envelope})
    assert approved["approved_by"] == "bob"
    published = ask(doors, "POST", f"/policy-proposals/{proposed['id']}/publish", "policy:write")
    assert published["published"].startswith("sha256:")
    assert [use["id"] for use in published["asks"]["gates"]] == ["severity_budget"]
    assert ask(doors, "GET", "/policy-proposals", "policy:read")["items"] == []


def test_what_is_asked_wrongly_is_refused_with_a_code(doors):
    http = doors.client()
    writer, reader = doors.token("policy:write"), doors.token("policy:read")
    for path, body, status, code in (
        ("lint", {}, 400, "api.request_invalid"),
        ("lint", {"draft": "none"}, 404, "policy.draft_missing"),
        ("test", {"yaml": "a: ["}, 400, "policy.yaml_invalid"),
    ):
        answer = http.post(f"/api/v1/policy-checks/{path}", headers=reader, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    answer = http.post("/api/v1/policy-checks/simulate", headers=writer, json={"yaml": PACK, "policy": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "api.request_invalid")
    answer = http.post("/api/v1/policy-checks/simulate", headers=writer, json={"yaml": PACK})
    assert (answer.status_code, answer.json()["code"]) == (404, "policy.nothing_judged")
    assert http.put("/api/v1/policy-drafts/house", headers=reader, json={"yaml": PACK}).status_code == 403
    answer = http.post("/api/v1/environments/nowhere/policy/rollback", headers=writer, json={"reason": "x"})
    assert answer.json()["code"] == "policy.environment_missing"
    assert ask(doors, "GET", "/unknowns", "gate:read")["items"] == []


def test_the_commands_with_their_exit_codes(home, tmp_path):  # noqa: F811
    file = tmp_path / "house.yaml"
    file.write_text(PACK)
    assert "holds" in stella("policy", "test", file, home=home, code=0).stdout
    assert "lint.provenance_not_demanded" in stella("policy", "lint", file, home=home, code=0).stdout
    assert stella("policy", "lint", file, "--strict", home=home).returncode == 2
    file.write_text(PACK.replace("critical", "cirtical"))
    wrong = stella("policy", "lint", file, home=home)
    assert (wrong.returncode, "line 6, column" in wrong.stdout, "allowed:" in wrong.stdout) == (2, True, True)
    file.write_text(PACK.replace("outcome: allow", "outcome: deny"))
    failing = stella("policy", "test", file, home=home)
    assert (failing.returncode, "outcome is allow, expected deny" in failing.stdout) == (2, True)
    file.write_text(PACK)
    key = ("--key", home / "alice")
    nobody = stella("policy", "draft", "house", file, home=home)
    assert "auth.person_needed" in nobody.stderr
    stella("policy", "draft", "house", file, *key, home=home, code=0)
    assert stella("policy", "draft", "house", home=home, code=0).stdout == PACK
    made = json.loads(stella("policy", "propose", "house", "-o", "json", *key, home=home, code=0).stdout)
    refused = stella("policy", "publish", made["id"], *key, home=home)
    assert "policy.proposal_unapproved" in refused.stderr
    own = stella("policy", "approve", made["id"], *key, home=home)
    assert "policy.proposal_self" in own.stderr
    assert made["id"] in stella("policy", "proposals", home=home, code=0).stdout
    assert stella("policy", "simulate", "--draft", "house", home=home).returncode == 4
    assert stella("unknowns", "list", home=home, code=0).stdout.strip() == "nothing"
    schema = json.loads(stella("policy", "schema", home=home, code=0).stdout)
    assert "cases" in schema["properties"]
    assert stella("policy", "simulate", home=home).returncode == 2
