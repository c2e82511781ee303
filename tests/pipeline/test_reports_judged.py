"""Reports on their whole way: submitted as tools wrote them, read, assessed, judged by the gates that ask for them."""

import pytest

from pipeline.operations import kinds
from pipeline.operations.ingest import Submission, submit
from tests.support import report_cases
from tests.support.judging import ALICE, BOB, Scene, sbom

PACK = """
name: reports
version: "1"
gates:
  - gate: code_findings/1
    with: {high: 1, binding: asserted, categories: [code]}
  - gate: secret_findings/1
    with: {binding: asserted, verified_only: true}
  - gate: test_results/1
    with: {max_failed: 2, minimum_total: 4}
  - gate: coverage/1
    with: {lines_millionths: 800000, branches_millionths: 900000}
  - gate: license_terms/1
    with: {allow: [MIT, Apache-2.0], deny: ["GPL-*"], binding: asserted, unknown: ignore}
  - gate: sbom_quality/1
    with: {minimum_millionths: 700000, binding: asserted}
  - gate: generic_evidence/1
    with: {kind: review, demands: ["approved=true", "score>=80"], binding: asserted}
"""
SBOM = sbom(("requests", "1.0.0"))


def fixture(name):
    return (report_cases.DATA / name).read_bytes()


def statuses(verdict):
    return {one.gate.partition("/")[0]: one.status for one in verdict.gates}


@pytest.fixture
def scene():
    made = Scene(pack=PACK)
    kinds.add(made.effects, ALICE, "review", b'{"required": ["approved"]}')
    return made


def review(scene, text):
    submit(scene.effects, BOB, [Submission(text, scene.manifest(), "generic/review")])


def verdict_of(scene):
    return scene.evaluate().verdict


def test_without_reports_every_gate_is_unknown_and_nothing_is_allowed(scene):
    verdict = verdict_of(scene)
    assert set(statuses(verdict).values()) == {"unknown"}
    assert verdict.outcome != "allow"


def test_what_tools_wrote_is_judged(scene):
    scene.submit(SBOM, fixture("codeql.sarif"), fixture("pytest.xml"), fixture("cobertura-coverage-py.xml"))
    scene.submit(fixture("detect-secrets.json").replace(b"AWS Access Key", b"Key"))
    review(scene, b'{"approved": true, "score": 79}')
    verdict = verdict_of(scene)
    assert statuses(verdict) == {
        "code_findings": "pass",
        "secret_findings": "fail",
        "test_results": "pass",
        "coverage": "pass",
        "license_terms": "pass",
        "sbom_quality": "pass",
        "generic_evidence": "fail",
    }
    assert verdict.outcome == "deny"


def test_each_denial_names_the_line_of_the_report_that_caused_it(scene):
    scene.submit(SBOM, fixture("ruff.sarif"), fixture("surefire.xml"), fixture("trivy.json"))
    found = [one for gate in verdict_of(scene).gates for one in gate.findings if gate.status == "fail"]
    assert {"over_budget", "secret_found", "license_denied"} <= {one.code for one in found}
    assert all(one.evidence for one in found if one.code != "more")
    secret = next(one for one in found if one.code == "secret_found")
    assert [ref.pointer for ref in secret.evidence] == ["/Results/3/Secrets/0"]
    assert "SECRETSECRET" not in str(found)


def test_an_incomplete_report_never_passes(scene):
    scene.submit(SBOM, fixture("failed.sarif"))
    assert statuses(verdict_of(scene))["code_findings"] == "unknown"
