"""The why tree: rule, finding, component, evidence line, what would flip it; prose is safe at every door."""

import pytest

from cas.pictures import picture_of
from policy import diff, explain, render
from policy.evaluate import ask, gate, judged_gates
from policy.gates.catalog import GATES
from policy.packs.reading import read_pack
from tests.support import gate_cases
from tests.support.judging import Scene, openvex, osv, sbom, signed


@pytest.fixture(scope="module")
def denied():
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("flask", "1.0.0"), ("requests", "1.0.0")))
    return scene, scene.evaluate().verdict


def walk(why):
    yield why
    for child in why.children:
        yield from walk(child)


def test_a_denial_names_the_rule_the_component_and_the_very_line_it_rests_on(denied):
    scene, verdict = denied
    tree = explain.explain(verdict)
    rule = tree.children[0]
    assert (rule.code, dict(rule.arguments)["decided"]) == ("severity_budget/1", "yes")
    (finding,) = rule.children
    kinds = [child.kind for child in finding.children]
    assert kinds == ["component", "evidence", "evidence", "path", "flip", "flip", "flip"]
    pointers = {child.code: dict(child.arguments)["pointer"] for child in finding.children if child.kind == "evidence"}
    for digest, pointer in pointers.items():
        import json

        value = json.loads(scene.store.get(digest))
        for part in pointer.split("/")[1:]:
            value = value[int(part)] if isinstance(value, list) else value[part]
        assert value.get("name") == "requests" or value.get("id") == "CVE-2026-0001"


@pytest.mark.parametrize("flip", ["upgrade", "file_vex", "grant_waiver"])
def test_each_suggested_fix_flips_the_denial(flip):

    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"))
    bad = sbom(("requests", "1.0.0"))
    if flip == "upgrade":
        scene.submit(sbom(("requests", "2.0.0")))
    else:
        scene.submit(bad)
        verdict = scene.evaluate().verdict
        assert verdict.outcome == "deny"
        (finding,) = next(g for g in verdict.gates if g.status == "fail").findings
        assert {"upgrade", "file_vex", "grant_waiver"} <= {code for code, _ in finding.flips}
        assert ("upgrade", "2.0.0") in finding.flips
    if flip == "file_vex":
        scene.submit(
            signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{scene.manifest()}"), scene.manifest())
        )
    if flip == "grant_waiver":
        scene.waive(environment="production")
    assert scene.evaluate().verdict.outcome == "allow"


def test_what_is_closed_stays_in_the_tree_with_who_said_so(denied):
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("requests", "1.0.0")))
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{scene.manifest()}"), scene.manifest()))
    verdict = scene.evaluate().verdict
    tree = explain.explain(verdict, picture_of(verdict.assessment, scene.store.get))
    (closed,) = [node for node in tree.children if node.kind == "closed"]
    assert closed.code == "not_affected"
    assert dict(closed.children[0].arguments)["signer"] == "bob"
    text = render.text(tree)
    assert "[CLOSED: not_affected] CVE-2026-0001" in text
    assert "not_affected says bob (weight 716000 millionths)" in text


def test_text_and_markdown_tell_rule_finding_remedy_and_flips(denied):
    tree = explain.explain(denied[1])
    text, page = render.text(tree), render.markdown(tree)
    for words in ("Denied.", "CVE-2026-0001 (high) is open", "would flip it: Upgrade the package to 2.0.0.", "Remedy:"):
        assert words in text
    assert page.startswith("## Denied")
    assert "CVE\\-2026\\-0001" in page


def test_without_a_policy_the_tree_says_so():
    scene = Scene(pack=None)
    assert "No policy is active" in render.text(explain.explain(scene.evaluate().verdict))


HOSTILE = "x\x1b[31m\n| <script>alert(1)</script> [a](javascript:1) `b` \u202egnp\u0007{purl}"


NEEDED = {
    "built_by/1": {"builders": ["x"]},
    "evidence_age/1": {"max_days": 1},
    "generic_evidence/1": {"kind": "x"},
    "provenance_source/1": {"repositories": ["x"]},
    "rego_rules/1": {"rules": ["sha256:" + "1" * 64]},
    "signed_by/1": {"signers": ["x"]},
    "signed_by/2": {"logins": ["x"]},
    "vsa/1": {"verifiers": ["x"]},
}
"""What gates must be told."""


@pytest.mark.parametrize("each", GATES, ids=lambda one: one.id)
def test_hostile_names_reach_no_terminal_and_no_page_raw(each):
    cases = {
        "findings": [
            {
                "vulnerability": HOSTILE[:200],
                "purl": HOSTILE,
                "severity": "critical",
                "component": "web",
                "epss": 900000,
                "kev_due": "2026-01-01",
            }
        ],
        "unknowns": [{"subject": HOSTILE}],
        "evidence": [{"type": "provenance", "builder": HOSTILE, "signers": [HOSTILE]}],
        "services": [
            {
                "name": HOSTILE,
                "image": HOSTILE,
                "component": "",
                "privileged": True,
                "mounts": [{"source": "/" + HOSTILE}],
            }
        ],
        "params": NEEDED.get(each.id, {}),
    }
    _asked, answer = gate_cases.answer(each.id, cases)
    for finding in answer.findings:
        line = render.sentence(each.id, finding.code, (*tuple((k, v) for k, v in finding.arguments), ("purl", HOSTILE)))
        assert "\x1b" not in render.plain(line)
        assert "\u202e" not in render.plain(line)
        assert "\n" not in render.plain(line)
        assert "<script>" not in render.marked(line)
        assert "](javascript" not in render.marked(line)


def test_every_gate_has_prose_for_people():
    for one in GATES:
        assert one.asks.endswith("?")
        assert one.remedy.endswith(".")
        assert one.sentences


def test_two_verdicts_are_compared_gate_by_gate(denied):
    scene, before = denied
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{scene.manifest()}"), scene.manifest()))
    after = scene.evaluate().verdict
    change = diff.between(before, after)
    assert (change.before, change.after) == ("deny", "allow")
    (gate_change,) = change.gates
    assert (gate_change.id, gate_change.before, gate_change.after) == ("severity_budget", "fail", "pass")
    assert [one.vulnerability for one in gate_change.gone] == ["CVE-2026-0001"]
    assert diff.between(after, after).gates == ()
    found = diff.material(picture_of(before.assessment, scene.store.get), picture_of(after.assessment, scene.store.get))
    assert [(one.rule, one.before, one.after) for one in found] == [("R2", "none", "not_affected")]


def test_material_changes_carry_their_rule():
    def assessment(*findings):
        return gate_cases.fact_view({"findings": list(findings)}).assessment

    left = assessment({}, {"vulnerability": "CVE-1", "epss": 100}, {"vulnerability": "CVE-2", "kev_due": ""})
    right = assessment(
        {"vulnerability": "CVE-1", "epss": 900_000},
        {"vulnerability": "CVE-2", "kev_due": "2026-01-01"},
        {"vulnerability": "CVE-3"},
    )
    found = {(one.vulnerability, one.rule, one.code) for one in diff.material(left, right)}
    assert found == {
        ("CVE-2026-0001", "R3", "left"),
        ("CVE-1", "R4", "epss"),
        ("CVE-2", "R4", "kev"),
        ("CVE-3", "R3", "entered"),
    }


def test_asking_twice_gives_equal_results():
    asked = judged_gates(read_pack(b'name: x\nversion: "1"\ngates: [{gate: severity_budget/1}]'), "dev")
    assert gate("severity_budget/1").name == "severity_budget"
    assert ask(asked, gate_cases.fact_view({"findings": [{}]})) == ask(asked, gate_cases.fact_view({"findings": [{}]}))
