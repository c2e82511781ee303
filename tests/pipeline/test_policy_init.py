"""A pack proposed from evidence lets its own release through, and no release that lacks one item of it."""

import json

import pytest

from pipeline.operations import policy, policy_drafts, policy_init
from policy.packs.reading import read_written
from tests.support import evidence
from tests.support.judging import Scene, openvex, osv, sbom, signed
from tests.support.world import ALICE

BUILT = json.dumps(
    {
        "buildDefinition": {
            "buildType": "https://example.test/build@v1",
            "externalParameters": {},
            "resolvedDependencies": [{"uri": "git+https://example.test/app", "digest": {"gitCommit": "a" * 40}}],
        },
        "runDetails": {"builder": {"id": "https://example.test/builder"}},
    }
).encode()
JUNIT = b'<testsuites><testsuite name="s" tests="2" failures="0"><testcase name="a" classname="c"/></testsuite></testsuites>'
SARIF = json.dumps(
    {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t", "rules": []}}, "results": []}]}
).encode()


def documents(scene):
    subject = scene.manifest()
    return {
        "sbom": signed(
            sbom(("requests", "1.0.0"), ("flask", "1.0.0")), subject, predicate_type="https://cyclonedx.org/bom"
        ),
        "vex": signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{subject}"), subject),
        "provenance": signed(BUILT, subject, predicate_type="https://slsa.dev/provenance/v1"),
        "tests": JUNIT,
        "sarif": SARIF,
    }


def scene_without(missing=""):
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"), osv("CVE-2026-0002", "flask", "LOW"), kev=evidence.kev())
    for name, document in documents(scene).items():
        if name != missing:
            scene.submit(document)
    return scene


@pytest.fixture(scope="module")
def proposal():
    scene = scene_without()
    return scene, policy_init.propose(scene.effects, ALICE, "app-1", "production", "house")


def test_the_proposal_says_what_is_there_and_allows_its_own_release(proposal):
    scene, made = proposal
    written = read_written(made.yaml.encode())
    gates = [use.gate for use in written.flat.gates]
    assert {"built_by/1", "signed_by/1", "test_results/1", "unknowns_budget/2", "severity_budget/1"} <= set(gates)
    demanded = [{each.name: each.value for each in use.params}["types"] for use in written.flat.gates
                if use.gate == "evidence_required/1"]  # fmt: skip
    assert demanded == [(one,) for one in ("attestation", "findings", "provenance", "sbom", "tests", "vex")]
    built = next(use for use in written.flat.gates if use.gate == "built_by/1")
    assert {one.name: one.value for one in built.params}["builders"] == ("https://example.test/builder",)
    assert policy_drafts.lint(scene.effects, made.yaml.encode()).faults == ()
    scene.activate(made.yaml)
    assert scene.evaluate().verdict.outcome == "allow"
    assert made.loosened == ()


@pytest.mark.parametrize("missing", ["sbom", "vex", "provenance", "tests", "sarif"])
def test_it_denies_the_release_with_one_item_removed(proposal, missing):
    scene = scene_without(missing)
    scene.activate(proposal[1].yaml)
    assert scene.evaluate().verdict.outcome == "deny"


def test_without_evidence_nothing_is_proposed():
    scene = Scene(pack=None)
    with pytest.raises(policy_init.ProposalEmpty):
        policy_init.propose(scene.effects, ALICE, "app-1", "production", "house")
    assert policy.STARTERS[0] == "observe"


def test_what_the_release_does_not_meet_only_warns_and_says_so():
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("requests", "1.0.0")))
    made = policy_init.propose(scene.effects, ALICE, "app-1", "production", "house")
    assert made.loosened == ("kev_blocker",)
    assert "NOT MET NOW" in made.yaml
    scene.activate(made.yaml)
    assert scene.evaluate().verdict.outcome == "allow"
