"""stella gate evaluate with documents: one call on a home, every form of the answer, the last line, the exit code."""

import base64
import json
import xml.etree.ElementTree as ET

import jsonschema_rs
import pytest

from api import exit_codes
from tests.api.test_cli import ROOT, stella
from tests.support.images import Layout
from tests.support.judging import openvex, osv, sbom

NAME = "CVE-2026-0001"
PACK = """name: house
version: "1"
gates:
  - {id: sbom, gate: evidence_required/1, with: {types: [sbom], binding: asserted}}
  - {id: budget, gate: severity_budget/1, with: {critical: 0, high: 0}}
  - {id: told, gate: severity_budget/1, enforcement: warn, with: {critical: 9, high: 9, low: 0}}
"""


def founded(folder, pack=PACK, *documents):
    """A home of alice with an environment, a policy and a feed, and a layout with one image; gives the image's digest."""
    stella("key", "generate", folder / "alice", home=folder, code=0)
    key = ("--key", folder / "alice")
    stella("init", "--login", "alice", *key, home=folder, code=0)
    (folder / "pack.yaml").write_text(pack)
    stella("policy", "store", folder / "pack.yaml", *key, home=folder, code=0)
    stella("environment", "set", "prod", *key, home=folder, code=0)
    stella("policy", "activate", "house", "--environment", "prod", *key, home=folder, code=0)
    for at, document in enumerate(documents or (osv(NAME, "requests"), osv("CVE-2026-0002", "flask", "LOW"))):
        (folder / f"{at}.osv.json").write_bytes(document)
    stella("feed", "import", *sorted(folder.glob("*.osv.json")), home=folder, code=0)
    layout = Layout()
    image = layout.name("web:v1", layout.image({"app": (b"v1\n", 0o755)}))
    layout.write(folder / "layout")
    return image


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    image = founded(folder)
    (folder / "bad.json").write_bytes(json.dumps(json.loads(sbom(("requests", "1.0.0"))), indent=2).encode())
    (folder / "low.json").write_bytes(sbom(("flask", "1.0.0"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b70"))
    (folder / "vex.json").write_bytes(openvex(NAME, "not_affected", f"pkg:oci/web@{image}"))
    return folder


def gate(home, release, *words, **how):
    words = ("--create", release, "--image", f"oci:{home}/layout:web:v1", *words)
    return stella("gate", "evaluate", "--environment", "prod", *words, home=home, **how)


def test_documents_and_an_image_without_a_release_give_a_verdict_in_one_call(home):
    done = gate(home, "web-1", "--file", home / "bad.json", "--file", home / "vex.json", code=exit_codes.DENY)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("stella: deny verdict=sha256:")
    assert f"{NAME} (high) is open in pkg:pypi/requests@1.0.0" in done.stdout
    again = stella("gate", "evaluate", "web-1", "--environment", "prod", home=home, code=exit_codes.DENY)
    assert again.stdout.splitlines()[-1] == last


def test_one_bad_document_admits_none_and_cannot_decide(home):
    (home / "broken.json").write_text('{"bomFormat": "CycloneDX"}')
    before = json.loads(stella("log", "head", "-o", "json", home=home, code=0).stdout)["size"]
    done = gate(home, "web-2", "--file", home / "low.json", "--file", home / "broken.json", code=exit_codes.UNDECIDED)
    assert done.stderr.splitlines()[-1] == "stella: undecided verdict=none"
    assert "Traceback" not in done.stderr
    assert json.loads(stella("log", "head", "-o", "json", home=home, code=0).stdout)["size"] == before


def test_a_clean_run_that_tells_no_tool_is_declared_in_the_same_call(home):
    (home / "leaks.json").write_bytes(b"[]\n")
    done = gate(home, "web-1", "--file", home / "leaks.json", code=exit_codes.UNDECIDED)
    assert "gate evaluate --declared" in done.stderr
    words = ("--file", home / "bad.json", "--declared", f"gitleaks-json={home / 'leaks.json'}")
    gate(home, "web-1", *words, code=exit_codes.DENY)
    listed = json.loads(stella("evidence", "list", "-o", "json", home=home, code=0).stdout)["items"]
    assert "gitleaks-json/1" in {each["format"] for each in listed}


def test_every_form_in_one_call_and_each_ends_with_the_line(home, tmp_path):
    written = [f"--write={form}={tmp_path / form}" for form in ("json", "markdown", "junit", "sarif")]
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n")
    done = gate(home, "web-1", "--file", home / "bad.json", *written, "--summary", summary, "--format", "sarif", code=2)
    line = done.stderr.splitlines()[-1]
    assert line.startswith("stella: deny verdict=sha256:")
    assert done.stdout == (tmp_path / "sarif").read_text()
    assert json.loads((tmp_path / "json").read_text())["outcome"] == "deny"
    assert summary.read_text() == "# before\n" + (tmp_path / "markdown").read_text() + "\n"
    assert f"`{line}`" in summary.read_text()
    (suite,) = ET.parse(tmp_path / "junit").getroot()
    assert [(case.get("name"), [part.tag for part in case]) for case in suite.findall("testcase")] == [
        ("sbom (evidence_required/1)", []),
        ("budget (severity_budget/1)", ["failure"]),
        ("told (severity_budget/1)", []),
    ]
    assert suite.findtext("system-out").splitlines()[-1] == line
    check_sarif((tmp_path / "sarif").read_text(), home, line)


def check_sarif(text, home, line):
    log = json.loads(text)
    schema = json.loads((ROOT / "pipeline" / "formats" / "schemas" / "sarif-schema-2.1.0.json").read_text())
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(log)
    (run,) = log["runs"]
    assert run["properties"]["answer"] == line
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("budget", "error")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["name"] == "severity_budget/1"
    own, feed = result["locations"]
    place = own["physicalLocation"]
    assert place["artifactLocation"]["uri"] == (home / "bad.json").as_posix()
    at = (home / "bad.json").read_text().splitlines()[place["region"]["startLine"] - 1 :]
    assert at[0].strip() == "{"
    assert '"name": "requests"' in "\n".join(at[:5])
    assert feed["physicalLocation"]["artifactLocation"]["uri"].startswith("objects/sha256:")


def test_warnings_are_told_apart_only_when_asked(home):
    layout = Layout()
    layout.name("web:v1", layout.image({"app": (b"v2\n", 0o755)}))
    layout.write(home / "second")
    words = ("--create", "web-3", "--image", f"oci:{home}/second:web:v1", "--file", home / "low.json")
    asked = ("gate", "evaluate", "--environment", "prod", *words)
    assert stella(*asked, home=home, code=0).stdout.splitlines()[-1].startswith("stella: allow verdict=")
    assert stella(*asked, "--warn-exit", "20", home=home).returncode == 20


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--write", "pdf=x"), exit_codes.USAGE),
        (("--declared", "leaks.json"), exit_codes.USAGE),
        (("--warn-exit", "7"), exit_codes.USAGE),
        (("--file", "/nonexistent"), exit_codes.USAGE),
        (("web-1",), exit_codes.UNDECIDED),  # a release and one to be made
    ],
)
def test_what_is_wrong_on_the_command_line_is_no_answer(home, words, code):
    assert gate(home, "web-9", *words).returncode == code


def test_waiting_on_a_home_lets_others_write_and_ends_in_time(home):
    layout = Layout()
    layout.name("web:v1", layout.image({"app": (b"v3\n", 0o755)}))
    layout.write(home / "third")
    words = ("--create", "web-4", "--image", f"oci:{home}/third:web:v1", "--wait", "--timeout", "1")
    done = stella("gate", "evaluate", "--environment", "prod", *words, home=home)
    assert done.returncode in {exit_codes.DENY, exit_codes.UNDECIDED}
    assert done.stdout.splitlines()[-1].startswith("stella: ")


def test_a_denial_is_explained_with_its_lines_and_the_fix_that_is_proposed_turns_it(home):
    denied = gate(home, "web-5", "--file", home / "bad.json", code=exit_codes.DENY).stdout.splitlines()[-1]
    verdict = denied.rpartition("=")[2]
    told = stella("explain", verdict, "--lines", "--fixes", home=home, code=0).stdout
    assert '  |   "name": "requests",' in told or '"name": "requests"' in told
    assert "severity: high, said by " in told
    assert "1 step, and no fewer do:" in told
    assert "Upgrade pkg:pypi/requests@1.0.0 in web to 2.0.0: closes CVE-2026-0001." in told
    assert "the gates answer: allow" in told
    both = json.loads(stella("explain", verdict, "--fixes", "--format", "json", home=home, code=0).stdout)
    assert (both["digest"], both["fixes"]["then"], both["fixes"]["minimal"]) == (verdict, "allow", True)
    layout = Layout()
    layout.name("web:v1", layout.image({"app": (b"v5\n", 0o755)}))
    layout.write(home / "fixed")
    (home / "good.json").write_bytes(sbom(("requests", "2.0.0")))
    words = ("--create", "web-6", "--image", f"oci:{home}/fixed:web:v1", "--file", home / "good.json")
    done = stella("gate", "evaluate", "--environment", "prod", *words, home=home, code=0)
    allowed = done.stdout.splitlines()[-1].rpartition("=")[2]
    markdown = stella("explain", allowed, "--against", verdict, "--format", "markdown", home=home, code=0).stdout
    assert "web\\-5 to web\\-6: deny to allow" in markdown
    compared = stella("release", "diff", "web-5", "web-6", "--environment", "prod", home=home, code=0).stdout
    assert "R3 CVE-2026-0001 in pkg:pypi/requests web: the affected range was left" in compared
    log = json.loads(
        stella(
            "release", "diff", "web-5", "web-6", "--environment", "prod", "--format", "sarif", home=home, code=0
        ).stdout
    )
    assert {one["ruleId"] for one in log["runs"][0]["results"]} == {"SDIFF003", "SDIFF004"}
    said = ("release", "diff", "web-5", "web-6", "--environment", "prod", "--format", "predicate")
    unsigned = stella(*said, home=home, code=0).stdout.encode()
    assert json.loads(unsigned)["predicate"]["content"]["new"] == allowed
    signing = (*said[:-2], "--sign", "--out", home / "delta.json")
    made = json.loads(stella(*signing, "--output", "json", home=home, code=0).stdout)
    assert (made["delta"]["old"], made["delta"]["new"], made["existed"]) == (verdict, allowed, False)
    envelope = json.loads((home / "delta.json").read_bytes())
    assert base64.b64decode(envelope["payload"]) + b"\n" == unsigned
    assert envelope == json.loads(base64.b64decode(made["envelope"]))
    assert stella(*said[:-2], "--out", home / "x", home=home).returncode == 2
    assert stella("release", "diff", "web-5", "web-6", "--sign", home=home).returncode == 2
    assert stella("release", "diff", "web-5", "web-6", "--format", "sarif", home=home).returncode == 2
