"""Build → scan evidence → release → promotion → gate → deploy → evidence → replay, in one home on disk."""

import json
import shutil
import subprocess
import sys

import pytest

from cas.closure import admissions
from cas.pictures import picture_of
from cas.problems import Problem
from cas.records.deploy import Deployed
from cas.store import load
from pipeline.attest import envelope
from pipeline.operations import artifacts, drift, promote
from pipeline.operations.drift import history
from pipeline.operations.rollback import rollback
from policy.explain import explain
from replay import bundle, scope, verify
from replay.process import replay
from tests.journeys.story import EXCUSED, Story

pytestmark = pytest.mark.xdist_group("journeys")
LOCK, STICKER = "compose.stella.lock.yml", "stella.version.json"


class Told:
    """The story as far as all tests share it: v2.3.0 runs everywhere, v2.3.1 in staging, and was denied."""

    def __init__(self, folder):
        self.story = Story(folder).prepare()
        self.story.ship("shop-v2.3.0", environment="staging")
        self.before = self.story.ship("shop-v2.3.0", "bob", "carol")
        self.locked = self.files(LOCK)
        self.story.ship("shop-v2.3.1", environment="staging")
        self.denied = self.story.promote("shop-v2.3.1", "production")
        self.story.excuse()
        self.allowed = self.story.promote("shop-v2.3.1", "production", previous=self.denied.id)
        with pytest.raises(Problem) as self.refused:
            self.story.approve(self.allowed, "alice")
        for name in ("bob", "carol"):
            self.decided = self.story.approve(self.allowed, name)
        self.ended = self.story.deploy(self.decided)

    def files(self, name):
        found = {}
        for host in ("one", "two"):
            [path] = self.story.host("production", host).rglob(name)
            found[host] = path.read_bytes()
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    made = Told(tmp_path_factory.mktemp("golden-path"))
    yield made
    made.story.close()


def test_production_is_denied_with_rule_finding_component_line_and_what_would_flip_it(told):
    assert told.denied.status.state == "rejected"
    assert told.denied.verdict.outcome == "deny"
    [kev] = [gate for gate in told.denied.verdict.gates if gate.gate == "kev_blocker/1"]
    assert kev.status == "fail"
    assert {dict(one.arguments)["listed"] for one in kev.findings} == {"CVE-2023-44487"}
    found = kev.findings[0]
    assert found.component == "api"
    assert ("file_vex", found.vulnerability) in found.flips
    [(sbom, pointer)] = [
        (document, ref.pointer)
        for ref in found.evidence
        if "components" in (document := json.loads(told.story.store.get(ref.digest)))
    ]
    line = sbom
    for step in pointer.strip("/").split("/"):
        line = line[int(step)] if isinstance(line, list) else line[step]
    assert line["purl"].split("?")[0] == found.purl.split("?")[0]
    assert explain(told.denied.verdict)


def test_the_vex_statement_flips_it_and_the_finding_stays_in_view(told):
    assert told.allowed.verdict.outcome == "allow"
    assessed = picture_of(told.allowed.verdict.assessment, told.story.store.get)
    closed = [one for one in assessed.findings if set(EXCUSED) & {one.vulnerability, *one.aliases}]
    assert closed
    assert all(one.vex == "not_affected" and not one.open and one.claims for one in closed)
    assert {claim.signer for one in closed for claim in one.claims} == {"ci"}


def test_who_asked_is_refused_and_two_others_suffice(told):
    assert told.refused.value.code == "approval.self"
    assert told.decided.status.state == "approved"
    assert {gate.status for gate in told.decided.decision.gates if gate.enforcement == "block"} == {"pass"}


def test_each_target_carries_a_signed_lock_sticker_and_checksums(told):
    assert told.ended.result.result == "deployed"
    files = artifacts.files_of(told.story.effects, told.ended.deployment)
    for one in files.files:
        verified = artifacts.verify(told.story.effects, files, one.name)
        assert verified.valid, one
    for host, text in told.files(LOCK).items():
        assert b"@sha256:" in text
        folder = next(told.story.host("production", host).rglob(STICKER)).parent
        done = subprocess.run(
            ["sha256sum", "-c", "checksums.sha256"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        sticker = json.loads((folder / STICKER).read_text())
        assert sticker["signatureAlgorithm"] == "RS256"
        assert {one["digest"] for one in sticker["release"]["components"]} == {
            told.story.images["api:v2.3.1"],
            told.story.images["worker:v2.3.1"],
        }


def test_another_process_replays_verdict_decision_and_packet_to_the_same_digests(told):
    story = told.story
    seen = promote.view(story.effects, told.decided.id)
    for subject in (seen.status.verdict, seen.status.decision, seen.status.packet):
        report = replay(story.store, admissions(story.log), subject)
        assert (report.result, report.differences, report.absent) == ("equal", (), ()), subject
        assert report.runs


def test_everything_the_instance_decides_stands_beside_its_signed_statement(told):
    story, kinds = told.story, set()
    for _, entry in story.log.read():
        for name in entry.envelopes:
            statement = json.loads(envelope.parse(story.store.get(name)).payload)
            kinds.add(statement["predicateType"].removeprefix("https://stella-ops.org/attestations/"))
    assert {
        f"{one}/v1" for one in ("verdict", "approval", "decision", "lock", "sticker", "manifest", "packet")
    } <= kinds


def test_a_bundle_is_verified_without_us_and_without_a_network(told, tmp_path):
    story = told.story
    path = tmp_path / "promotion.tar"
    roots = scope.of_promotion(story.log, story.store, told.decided.id)
    bundle.export(story.store, story.log, story.effects.server, roots, path)
    verifier = tmp_path / "verify.py"
    shutil.copy(verify.__file__, verifier)
    alone = [sys.executable, "-I", "-S", str(verifier), str(path)]
    if shutil.which("unshare") and not subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        alone = ["unshare", "-rn", *alone]
    for more, wanted in (((), 4), (("--root", story.fingerprint), 0), (("--root", "sha256:" + "0" * 64), 2)):
        done = subprocess.run([*alone, *more], capture_output=True, text=True, env={}, cwd=tmp_path, check=False)
        assert done.returncode == wanted, (more, done.stdout, done.stderr)


def test_what_was_tampered_with_is_named_and_a_rollback_returns_to_the_very_digests(told):
    """The last chapter: it changes what runs."""
    story = told.story
    assert not any(one.report.drifted for one in drift.check(story.effects, story.caller("alice"), "production"))
    [lock] = story.host("production", "one").rglob(LOCK)
    lock.write_bytes(lock.read_bytes().replace(b"read_only: true", b"read_only: false", 1))
    found = {one.target.name: one.report for one in drift.check(story.effects, story.caller("alice"), "production")}
    assert (found["one"].drifted, found["two"].drifted) == (True, False)
    assert any(one.type == "corrupted" for one in found["one"].drifts)
    shutil.rmtree(story.folder / "layout")  # neither registry nor layout is needed to go back
    done = rollback(story.effects, story.caller("alice"), "production")
    assert done.ended.result.result == "deployed"
    assert not any(one.report.drifted for one in drift.check(story.effects, story.caller("alice"), "production"))
    stripped = {host: services(text) for host, text in told.files(LOCK).items()}
    assert stripped == {host: services(text) for host, text in told.locked.items()}
    newest = history(story.effects, "production", "shop")[0][1]
    first = load(story.store, told.before[1].deployed, Deployed)
    assert (newest.release, newest.environment) == (first.release, first.environment)


def services(lock):
    """The part of a lock that says what runs: pinned images and configuration, not which deployment wrote it."""
    text = lock.decode()
    return text[text.index("services:") : text.index("x-stella:")]
