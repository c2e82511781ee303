"""Custom rules at the doors: faults with their places, a digest to name, nothing of the engine's in view."""

import json
from pathlib import Path

import pytest

from tests.api.doors import Doors
from tests.api.test_cli import home, stella  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parents[2]
HOUSE = (ROOT / "examples" / "policy" / "rules" / "house.rego").read_text()
BAD = "package stella\nimport rego.v1\ndeny contains x if { x := time.now_ns() }\nwarn contains y\n"


@pytest.fixture(scope="module")
def doors():
    return Doors()


def test_a_rule_is_checked_then_stored_over_http(doors):
    http = doors.client()
    reader, writer = doors.token("policy:read"), doors.token("policy:write")
    size = doors.effects.log.head().size
    checked = http.post("/api/v1/policy-rules/check", headers=reader, json={"source": HOUSE})
    assert (checked.status_code, checked.json()) == (200, {"package": "stella", "asks": ["deny", "warn"]})
    assert doors.effects.log.head().size == size
    assert http.post("/api/v1/policy-rules", headers=reader, json={"source": HOUSE}).status_code == 403
    stored = http.post("/api/v1/policy-rules", headers=writer, json={"source": HOUSE})
    assert stored.status_code == 201
    pack = f'name: p\nversion: "1"\ngates: [{{gate: rego_rules/1, with: {{rules: ["{stored.json()["digest"]}"]}}}}]\n'
    assert http.post("/api/v1/policies", headers=writer, json={"yaml": pack}).status_code == 201


def test_all_faults_of_a_rule_come_at_once_over_http(doors):
    answer = doors.client().post("/api/v1/policy-rules", headers=doors.token("policy:write"), json={"source": BAD})
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "rego.rule_invalid")
    assert [fault["message"].split(":")[0] for fault in body["faults"]] == ["line 3, column 27", "line 4, column 15"]
    assert "allowed: abs, array.concat" in body["faults"][0]["message"]


def test_rules_by_command(home, tmp_path):  # noqa: F811
    bad, good = tmp_path / "bad.rego", tmp_path / "good.rego"
    bad.write_text(BAD)
    good.write_text(HOUSE)
    refused = stella("policy", "rule", "check", bad, home=home)
    assert refused.returncode != 0
    assert "line 3, column 27" in refused.stderr
    assert "Traceback" not in refused.stderr
    added = json.loads(stella("policy", "rule", "add", good, "-o", "json", home=home, code=0).stdout)
    again = json.loads(stella("policy", "rule", "add", good, "-o", "json", home=home, code=0).stdout)
    assert (added["digest"] == again["digest"], added["existed"], again["existed"]) == (True, False, True)
