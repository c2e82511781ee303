"""Hostile text through every door: it may be shown, it may never speak to a terminal, a page, a parser or a path."""

import base64
import json
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from api import why
from api.calls.verdicts import VerdictView
from api.cli.output import ascii_json, clean
from api.reports.junit import junit
from api.reports.sarif import sarif
from api.reports.shown import Files
from api.reports.summary import summary
from api.reports.summary import text as escaped
from cas.problems import Problem
from pipeline.operations import artifacts, environments, promote, releases, stop_line
from policy.explain import explain
from policy.render import markdown, text
from targets.compose import yaml12
from tests.api.doors import Doors
from tests.support.judging import Scene, osv, sbom
from tests.support.pretend_shop import delivery, release
from tests.support.world import ALICE

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J",
    "\x9b31m\x90",
    "line\r\nSet-Cookie: a=b",
    "</script><script>alert(1)</script>",
    "![x](javascript:alert(1)) [y](http://evil)",
    "| a | b |\n|---|---|",
    "\u202e\u2066gnp.exe\u2069",
    "' OR 1=1; DROP TABLE releases; --",
    "../../../../etc/passwd",
    "$(touch /tmp/owned)`id`${IFS}",
    "{{7*7}} ${7*7} %s %n",
    "\ufeff\u200b\u2028\u2029",
    "a: b # c\n- d\n!!python/object:x",
    "(\\) Tj ET /JavaScript",
    "\U000e0041\ufffd",
)
SARIF = Path(__file__).parents[2] / "pipeline" / "formats" / "schemas" / "sarif-schema-2.1.0.json"
VALID = jsonschema_rs.validator_for(json.loads(SARIF.read_text()), validate_formats=True)
FORBIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def speaks(shown):
    """Characters that a terminal would obey, or that turn what is read."""
    return [c for c in shown if c != "\n" and (unicodedata.category(c) in FORBIDDEN or not c.isprintable())]


def denied_over(name):
    """A verdict whose findings carry the name wherever a foreign document may put it."""
    scene = Scene()
    document = json.loads(sbom(("requests", "1.0.0")))
    document["components"][0]["version"] = "1.0.0"
    document["components"].append({"type": "library", "name": name, "version": name, "bom-ref": name})
    document["components"].append(
        {"type": "library", "name": "x", "version": name, "purl": "pkg:pypi/x", "bom-ref": "x"}
    )
    advisory = json.loads(osv("CVE-2026-0001", "requests", aliases=[name[:200]]))
    advisory["summary"] = advisory["details"] = name
    taken(lambda: scene.feed(json.dumps(advisory).encode())) or scene.feed(osv("CVE-2026-0001", "requests"))
    taken(lambda: scene.submit(json.dumps(document).encode())) or scene.submit(sbom(("requests", "1.0.0")))
    return scene, scene.evaluate()


def taken(act):
    """What was answered; None when it was refused, in words that speak to nobody."""
    try:
        return act()
    except Problem as problem:
        refused = clean(str(problem))
    assert not speaks(refused)
    return None


@pytest.mark.parametrize("name", HOSTILE)
def test_explanations_in_text_markdown_and_lines_speak_to_nobody(name):
    scene, judged = denied_over(name)
    tree = explain(judged.verdict)
    for shown in (text(tree), markdown(tree)):
        assert not speaks(shown)
        assert "<script" not in shown
    assert "](javascript:" not in markdown(tree)
    for line in why.why_lines(judged.verdict, scene.store):
        assert not speaks(clean(msgspec.json.encode(line).decode()))


@pytest.mark.parametrize("name", HOSTILE)
def test_reports_of_a_verdict_stay_what_they_are_and_speak_to_nobody(name):
    scene, judged = denied_over(name)
    seen = viewed(scene, judged, release=name, policy=name)
    files = Files({ref.digest: (name, scene.store.get(ref.digest)) for ref in every_ref(judged.verdict)})
    log = json.loads(sarif(seen, files))
    VALID.validate(log)
    assert not speaks("".join(texts_of(log)))
    written = junit(seen)
    assert not speaks(written)
    (suite,) = ET.fromstring(written)
    assert len(suite.findall("testcase")) == len(judged.verdict.gates)
    shown = summary(seen, files)
    assert not speaks(shown)
    assert "<script" not in shown
    assert "](javascript:" not in shown
    assert not [line for line in shown.splitlines() if line.startswith("| a |")]
    for shape in (written, shown, log["runs"][0]["properties"]["answer"]):
        assert f"stella: deny verdict={judged.digest}" in shape


def viewed(scene, judged, **foreign):
    """What the doors would give of a verdict."""
    verdict = judged.verdict
    fields = {"release": "app-1", "environment": "production", "policy": "house 1"} | foreign
    return VerdictView(
        id="x",
        digest=judged.digest,
        outcome=verdict.outcome,
        warned=False,
        purpose=verdict.purpose,
        as_of=verdict.as_of,
        valid_until=verdict.valid_until,
        gates=why.gate_lines(verdict.gates),
        why=why.why_lines(verdict, scene.store),
        verdict=verdict,
        standing=1,
        **fields,
    )


def every_ref(verdict):
    return [ref for gate in verdict.gates for one in gate.findings for ref in one.evidence]


def texts_of(value):
    """Every string of a JSON value, keys too."""
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in texts_of(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_of(each)]
    return [value] if isinstance(value, str) else []


def test_markdown_calls_nobody_and_links_nothing():
    for foreign in ("@everyone", "http://evil.test", "www.evil.test", "<img src=x>", "[a](b)", "a|b", "`x`"):
        shown = escaped(foreign)
        assert "@" not in shown.replace("&#64;", "")
        assert "://" not in shown
        assert "www." not in shown
        assert not {"<", "[", "|", "`"} & set(
            shown.replace("\\<", "").replace("\\[", "").replace("\\|", "").replace("\\`", "")
        )


@pytest.mark.parametrize("name", HOSTILE)
def test_tables_and_json_of_the_command_line_are_plain(name):
    assert not speaks(clean(name))
    assert "\n" not in clean(name)
    plain = ascii_json(msgspec.json.encode({"name": name, name: 1}))
    assert not speaks(plain)
    assert json.loads(plain) == {"name": name, name: 1}


@pytest.mark.parametrize("name", HOSTILE)
def test_lock_sticker_packet_and_pdf_hold_it_as_text_only(name):
    """As a value of the environment: the one place where anything printable may stand in what is delivered."""
    fleet, made = delivery(("alpha",))
    value = name.replace("\0", "")
    made.place(variables=(("GREETING", value),))
    wanted = release(made, 1)
    ended = taken(lambda: made.deploy(wanted))
    if ended is None or ended.result.result != "deployed":
        assert ended is None or all(one.code for one in ended.result.outcomes)
        return
    files = artifacts.files_of(made.effects, ended.deployment)
    for one in files.files:
        assert artifacts.verify(made.effects, files, one.name).valid, one.name
    lock = fleet.engines["alpha"].files["compose.stella.lock.yml"]
    [service] = yaml12.load(lock)["services"].values()
    assert service["image"].count("@sha256:") == 1
    assert set(service) <= {
        "image", "restart", "environment", "volumes", "labels", "deploy", "container_name", "networks", "configs",
    }  # fmt: skip
    assert not speaks(lock.decode())
    [container] = fleet.engines["alpha"].containers.values()
    assert f"GREETING={value}" in container["values"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_name_things_are_refused_with_a_code_and_no_echo(name):
    _, made = delivery(("alpha",))
    head = made.world.log.head()
    for act in (
        lambda: environments.set_environment(made.effects, ALICE, name),
        lambda: releases.create(made.effects, ALICE, name, [("web", "oci:/nowhere:web:1")]),
        lambda: releases.find(made.effects, name),
        lambda: promote.request(made.effects, ALICE, name, "production", "x"),
        lambda: promote.view(made.effects, name),
        lambda: promote.simulate(made.effects, ALICE, name, name),
        lambda: stop_line.stop(made.effects, ALICE, [name], "x"),
        lambda: environments.add_target(made.effects, ALICE, "production", name, type_="directory"),
    ):
        with pytest.raises(Problem) as refused:
            act()
        assert not speaks(clean(str(refused.value)))
    assert made.world.log.head() == head


def test_problem_bodies_hold_no_control_characters_and_stay_json():
    doors = Doors()
    token = doors.token("evidence:write", "release:read", "environment:write", "promotion:write")
    with doors.client() as http:
        for name in HOSTILE:
            quoted = name.encode().hex()
            for method, path, body in (
                ("POST", "/api/v1/promotions", {"release": name, "environment": "e", "reason": name}),
                ("PUT", "/api/v1/environments/" + "%" + "%".join(quoted[at : at + 2] for at in range(0, len(quoted), 2)), {}),
                ("POST", "/api/v1/evidence", {"documents": [{"data": base64.b64encode(name.encode()).decode(), "subject": name}]}),
                ("POST", "/api/v1/promotions", {name: name}),
            ):  # fmt: skip
                answer = http.request(method, path, json=body, headers=token)
                assert 400 <= answer.status_code < 500, (method, path, answer.status_code)
                assert answer.headers["content-type"].startswith("application/problem+json")
                said = json.loads(answer.content)
                assert said["code"]
                assert not speaks(json.dumps(said, ensure_ascii=False)), said
                assert not speaks("".join(answer.headers.values()))
