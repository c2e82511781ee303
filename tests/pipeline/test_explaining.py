"""The shortest fixes of a verdict with custom rules: the rules are asked again about what the steps leave."""

import dataclasses

from cas.records.verdict import Verdict
from cas.store import load
from pipeline.engines import NO_ENGINES
from pipeline.operations import explaining, rules
from tests.support import rego as support
from tests.support.judging import ALICE, Scene, osv, sbom

PACK = """
name: house
version: "2"
gates:
  - gate: severity_budget/1
    with: {critical: 0, high: 0}
  - gate: rego_rules/1
    with: {rules: ["%s"]}
"""
OPEN = """
deny contains {"message": "%s", "component": found.component, "purl": found.purl} if {
    some found in input.findings
    found.open
    startswith(found.purl, "pkg:pypi/%s@")
}
"""
NEVER = """
deny contains {"message": "not this one", "component": part.name} if {
    some part in input.release.components
    part.name == "web"
}
"""


def judged(rule):
    scene = Scene(pack=None)
    stored = rules.store_rule(scene.effects, ALICE, (support.HEAD + rule).encode())
    scene.activate(PACK % stored.digest)
    scene.feed(osv("CVE-2026-0001", "requests"), osv("CVE-2026-0002", "flask", severity="LOW", fixed="3.0.0"))
    scene.submit(sbom(("requests", "1.0.0"), ("flask", "1.0.0")))
    return scene, scene.evaluate(), stored.digest


def steps(way):
    return [(one.kind, one.purl or one.code, one.to) for one in way.found.fixes]


def test_a_rule_that_denies_on_a_component_is_asked_again_and_the_fix_turns_it():
    scene, asked, _ = judged(OPEN % ("flask is open", "flask"))
    assert {one.gate: one.status for one in asked.verdict.gates} == {
        "severity_budget/1": "fail",
        "rego_rules/1": "fail",
    }
    way = explaining.shortest(scene.effects, ALICE, asked.verdict)
    assert steps(way) == [("upgrade", "pkg:pypi/flask@1.0.0", "3.0.0"), ("upgrade", "pkg:pypi/requests@1.0.0", "2.0.0")]
    assert (way.found.verified, way.found.then, way.unasked) == (True, "allow", ())
    scene.submit(sbom(("requests", "1.0.0"), ("flask", "1.0.0")))
    assert scene.evaluate().verdict.outcome == "deny"  # nothing was changed by asking


def test_a_rule_that_the_other_steps_turn_asks_for_none_of_its_own():
    scene, asked, _ = judged(OPEN % ("requests is open", "requests"))
    way = explaining.shortest(scene.effects, ALICE, asked.verdict)
    assert steps(way) == [("upgrade", "pkg:pypi/requests@1.0.0", "2.0.0")]
    assert (way.found.minimal, way.found.then) == (True, "allow")


def test_a_fix_that_does_not_satisfy_the_rule_is_not_offered_as_enough():
    scene, asked, rule = judged(NEVER)
    way = explaining.shortest(scene.effects, ALICE, asked.verdict)
    assert steps(way) == [("upgrade", "pkg:pypi/requests@1.0.0", "2.0.0"), ("act", "satisfy_rule", "")]
    assert (way.found.verified, way.found.then) == (False, "undecided")
    assert way.found.fixes[1].closes == (rule,)


def test_asking_again_leaves_no_record_and_no_entry():
    scene, asked, _ = judged(OPEN % ("flask is open", "flask"))
    before = set(scene.store.digests()), scene.effects.log.head().size
    explaining.shortest(scene.effects, ALICE, asked.verdict)
    assert (set(scene.store.digests()), scene.effects.log.head().size) == before


def test_without_the_engine_it_is_said_which_rule_was_not_asked_again():
    scene, asked, rule = judged(OPEN % ("flask is open", "flask"))
    without = dataclasses.replace(scene.effects, engines=NO_ENGINES)
    way = explaining.shortest(without, ALICE, load(scene.store, asked.digest, Verdict))
    assert way.unasked == (rule,)
    assert (way.found.verified, way.found.then) == (False, "undecided")
