"""A pack's life: drafted, checked, tried, simulated, approved by another person, published, active, rolled back."""

import json

import pytest

from cas import refs
from cas.closure import admissions
from cas.records.policy_life import PolicyActivation, PolicySimulation, ShadowVerdict
from cas.records.proof import Run
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.operations import (
    personal,
    policy,
    policy_drafts,
    policy_proposals,
    policy_shadow,
    policy_simulation,
    unknowns,
)
from pipeline.operations.attestations import sign_statement
from policy.pressure import ranked
from policy.unknowns import rank, tier
from replay import process
from tests.support import gate_cases
from tests.support.judging import KEYS, PACK, Scene, codes, osv, sbom
from tests.support.world import ALICE, BOB, CAROL

LOOSE = PACK % {"binding": "asserted"}
TRIED = """
name: house
version: "2"
gates:
  - gate: evidence_required/1
    with: {types: [sbom], binding: asserted}
  - gate: severity_budget/1
    with: {critical: 0, high: %d}
cases:
  - name: one high blocks or not
    given:
      evidence: [{type: sbom}]
      findings: [{severity: high}, {severity: high, vulnerability: CVE-2026-0002}]
    expect: {outcome: %s}
"""
STRICT = (TRIED % (0, "deny")).encode()
MILD = (TRIED % (9, "allow")).encode()


@pytest.fixture
def scene():
    scene = Scene(pack=LOOSE)
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("requests", "1.0.0")))
    return scene


def events(scene):
    return [entry.event for _, entry in scene.effects.log.read()]


def signature(scene, proposed, login):
    return sign_statement(policy_proposals.to_sign(scene.effects, proposed.id), [KEYS[login]])


def published(scene, text, name="house", author=ALICE, login="carol"):
    policy_drafts.write(scene.effects, author, name, text)
    proposed = policy_proposals.propose(scene.effects, author, name)
    policy_proposals.approve(scene.effects, BOB, signature(scene, proposed, login))
    return policy_proposals.publish(scene.effects, BOB, proposed.id).digest


def test_every_step_of_a_pack_is_an_entry(scene):
    before = len(events(scene))
    pack = published(scene, MILD)
    policy.activate(scene.effects, ALICE, pack, "production", "more room")
    assert events(scene)[before:] == [
        "policy.drafted",
        "policy.proposed",
        "policy.approved",
        "policy.published",
        "policy.activated",
    ]
    assert scene.evaluate().verdict.outcome == "allow"
    [entry] = [entry for _, entry in scene.effects.log.read() if entry.event == "policy.published"]
    assert entry.envelopes
    assert scene.effects.log.ref(refs.policy_draft("house")) is None
    assert policy_proposals.waiting(scene.effects) == ()


def test_a_draft_is_kept_with_its_faults_and_its_authors(scene):
    first = policy_drafts.write(scene.effects, ALICE, "house", b"gates: nonsense")
    second = policy_drafts.write(scene.effects, BOB, "house", MILD, expect=first.digest)
    assert second.draft.authors == tuple(sorted((ALICE.actor, BOB.actor)))
    assert second.draft.previous == first.digest
    assert policy_drafts.find(scene.effects, "house").text == MILD
    with pytest.raises(policy_drafts.DraftMoved):
        policy_drafts.write(scene.effects, CAROL, "house", STRICT, expect=first.digest)
    for name, text in (("no name", MILD), ("house", b"x" * 300_000)):
        with pytest.raises(policy_drafts.DraftInvalid):
            policy_drafts.write(scene.effects, ALICE, name, text)
    policy_drafts.discard(scene.effects, ALICE, "house")
    with pytest.raises(policy_drafts.DraftMissing):
        policy_drafts.find(scene.effects, "house")


def test_lint_tells_every_fault_or_what_looks_wrong(scene):
    found = policy_drafts.lint(scene.effects, b"name: x\nversion: 1\ngates:\n  - gate: nope/1\n")
    assert {fault.pointer for fault in found.faults} == {"/version", "/gates/0/gate"}
    assert found.warnings == ()
    fine = policy_drafts.lint(scene.effects, MILD)
    assert fine.faults == ()
    assert {fault.code for fault in fine.warnings} >= {
        "lint.provenance_not_demanded",
        "lint.unknowns_without_budget",
        "lint.binding_weak",
        "lint.no_case_denies",
    }
    assert all(fault.message.startswith("line ") for fault in fine.warnings)
    assert policy_drafts.lint(scene.effects, b"a: [").faults[0].code == "policy.yaml_syntax"
    assert events(scene).count("policy.drafted") == 0


LOOKS_WRONG = """
name: odd
version: "1"
gates:
  - gate: severity_budget/1
  - {id: again, gate: severity_budget/1, enforcement: warn}
  - {gate: confidence/1}
  - {gate: vex_trust/1}
  - {gate: signed_by/1, with: {signers: ["*"]}}
  - {gate: unknowns_budget/2, with: {action: warn}}
overrides:
  - {environment: dev, id: again, enforcement: warn}
cases:
  - {name: only denies, given: {findings: [{severity: critical}]}, expect: {outcome: deny}}
"""


def test_what_looks_wrong_is_named_at_its_line(scene):
    found = policy_drafts.lint(scene.effects, LOOKS_WRONG.encode()).warnings
    told = {(fault.code.removeprefix("lint."), fault.message.partition(",")[0]) for fault in found}
    assert told >= {
        ("defaults_taken", "line 5"),
        ("asked_twice", "line 6"),
        ("never_fails", "line 7"),
        ("newer_version", "line 8"),
        ("names_anybody", "line 9"),
        ("never_fails", "line 10"),
        ("override_idle", "line 12"),
        ("no_case_allows", "line 13"),
    }
    quiet = LOOKS_WRONG.replace("gate: severity_budget/1\n", "gate: severity_budget/1\n    enforcement: observe\n")
    for gate in ("vex_trust/1", "signed_by/1"):
        quiet = quiet.replace(f"gate: {gate}", f"enforcement: observe, gate: {gate}")
    codes_ = {fault.code for fault in policy_drafts.lint(scene.effects, quiet.encode()).warnings}
    assert "lint.nothing_blocks" in codes_


@pytest.mark.parametrize("broken", [TRIED % (0, "allow"), LOOSE], ids=["a case fails", "no cases"])
def test_what_is_not_tried_is_not_proposed(scene, broken):
    policy_drafts.write(scene.effects, ALICE, "house", broken.encode())
    with pytest.raises(policy_proposals.CasesFail):
        policy_proposals.propose(scene.effects, ALICE, "house")


def test_who_wrote_any_of_it_may_not_approve(scene):
    policy_drafts.write(scene.effects, BOB, "house", STRICT)
    policy_drafts.write(scene.effects, ALICE, "house", MILD)
    proposed = policy_proposals.propose(scene.effects, ALICE, "house")
    for login in ("alice", "bob"):
        with pytest.raises(policy_proposals.ProposalSelf):
            policy_proposals.approve(scene.effects, CAROL, signature(scene, proposed, login))
    with pytest.raises(policy_proposals.ProposalUnapproved):
        policy_proposals.publish(scene.effects, CAROL, proposed.id)
    policy_proposals.approve(scene.effects, ALICE, signature(scene, proposed, "carol"))
    with pytest.raises(policy_proposals.ProposalApproved):
        policy_proposals.to_sign(scene.effects, proposed.id)


def test_an_approval_counts_for_its_proposal_only_and_once(scene):
    policy_drafts.write(scene.effects, ALICE, "house", MILD)
    proposed = policy_proposals.propose(scene.effects, ALICE, "house")
    envelope = signature(scene, proposed, "carol")
    policy_proposals.refuse(scene.effects, CAROL, proposed.id)
    with pytest.raises(policy_proposals.ProposalMissing):
        policy_proposals.approve(scene.effects, BOB, envelope)
    again = policy_proposals.propose(scene.effects, ALICE, "house")
    assert again.digest != proposed.digest
    from pipeline.adapters.keys import generate

    stranger = sign_statement(
        policy_proposals.to_sign(scene.effects, again.id), [generate("ed25519", purposes=("approve",))]
    )
    with pytest.raises(personal.ApprovalUnsigned):
        policy_proposals.approve(scene.effects, BOB, stranger)
    with pytest.raises(policy_proposals.ProposalMissing):
        policy_proposals.find(scene.effects, "none")
    policy_drafts.write(scene.effects, ALICE, "other", MILD)
    with pytest.raises(policy_proposals.NameWrong):
        policy_proposals.propose(scene.effects, ALICE, "other")


def test_once_anything_was_published_production_takes_nothing_else(scene):
    stored = policy.store_pack(scene.effects, ALICE, STRICT).digest
    scene.set_environment("staging", production=False)
    published(scene, MILD)
    with pytest.raises(policy.PackUnpublished):
        policy.activate(scene.effects, ALICE, stored, "production")
    policy.activate(scene.effects, ALICE, stored, "staging")
    with pytest.raises(policy.EnvironmentMissing):
        policy.activate(scene.effects, ALICE, stored, "nowhere")


def test_rolling_back_returns_step_by_step_with_a_reason(scene):
    scene.set_environment("staging", production=False)
    packs = [scene.activate(LOOSE.replace('"1"', f'"{n}"'), "staging") for n in (1, 2, 3)]
    assert policy.roll_back(scene.effects, BOB, "staging", "too hard") == packs[1]
    head = load(scene.store, scene.effects.log.ref(refs.policy_activation("staging")), PolicyActivation)
    assert (head.cause, head.reason, head.by) == ("rollback", "too hard", BOB.actor)
    assert policy.roll_back(scene.effects, BOB, "staging", "still") == packs[0]
    assert scene.effects.log.ref(refs.policy("staging")) == packs[0]
    with pytest.raises(policy.ActivationMissing):
        policy.roll_back(scene.effects, BOB, "staging", "more")
    with pytest.raises(policy.EnvironmentMissing):
        policy.roll_back(scene.effects, BOB, "nowhere", "x")


def test_production_does_not_roll_back_to_what_was_never_published(scene):
    policy.activate(scene.effects, ALICE, published(scene, MILD), "production")
    with pytest.raises(policy.EarlierWithoutCases) as refused:
        policy.roll_back(scene.effects, BOB, "production", "back")
    assert refused.value.code == "policy.pack_unpublished"
    assert "without cases" in refused.value.title
    assert "stella policy activate" in refused.value.remedy, "it can only become another pack"


def test_a_pack_from_before_packs_were_published_is_rolled_back_to_when_it_is_published(scene):
    before = policy.store_pack(scene.effects, ALICE, STRICT).digest
    policy.activate(scene.effects, ALICE, before, "production")
    policy.activate(scene.effects, ALICE, published(scene, MILD), "production")
    with pytest.raises(policy.EarlierUnpublished) as refused:
        policy.roll_back(scene.effects, BOB, "production", "back")
    assert refused.value.code == "policy.pack_unpublished"
    told = refused.value.fields
    assert (told["name"], told["pack"], told["environment"]) == ("house", before, "production")
    assert "was never published" in refused.value.title
    assert "stella policy draft NAME --policy DIGEST" in refused.value.remedy
    text = policy_drafts.text_kept(scene.effects, told["pack"])  # what the remedy says, step by step
    assert published(scene, text) == before
    assert policy.roll_back(scene.effects, BOB, "production", "back") == before


def test_the_text_of_a_pack_is_found_however_it_came(scene):
    proposed = published(scene, MILD)
    stored = policy.store_pack(scene.effects, ALICE, policy.starter("strict")).digest
    assert policy_drafts.text_kept(scene.effects, proposed) == MILD
    assert policy_drafts.text_kept(scene.effects, stored) == policy.starter("strict")
    with pytest.raises(policy.PackMissing):
        policy_drafts.text_kept(scene.effects, "none")


def test_simulating_lists_what_flips_and_why_and_moves_no_verdict(scene):
    denied = scene.evaluate()
    pack = policy_drafts.keep(scene.effects, policy.read_stored(scene.effects, MILD))
    done = policy_simulation.simulate(scene.effects, ALICE, pack, last=10)
    [row] = done.simulation.rows
    assert (row.verdict, row.was, row.would_be, row.because) == (denied.digest, "deny", "allow", ("severity_budget",))
    simulated = load(scene.store, row.simulated, Verdict)
    assert (simulated.purpose, simulated.as_of, simulated.policy) == ("simulation", denied.verdict.as_of, pack)
    assert scene.evaluate().digest == denied.digest
    assert load(scene.store, done.digest, PolicySimulation).pack == pack


def test_only_the_newest_verdicts_of_one_environment_are_simulated(scene):
    scene.set_environment("staging", production=False)
    scene.activate(LOOSE, "staging")
    for environment in ("staging", "production"):
        scene.evaluate(environment)
    pack = policy_drafts.keep(scene.effects, policy.read_stored(scene.effects, STRICT))
    for environment, last, rows in (("", 10, 2), ("", 1, 1), ("staging", 10, 1), ("production", 10, 1)):
        done = policy_simulation.simulate(scene.effects, ALICE, pack, last=last, environment=environment)
        assert len(done.simulation.rows) == rows
        assert all(row.because == () for row in done.simulation.rows)
    with pytest.raises(policy_simulation.SimulationEmpty):
        policy_simulation.simulate(scene.effects, ALICE, pack, last=1, environment="nowhere")


def test_a_shadow_is_judged_recorded_shown_and_never_counts(scene):
    mild = policy.store_pack(scene.effects, ALICE, MILD).digest
    first = scene.evaluate()
    policy_shadow.put(scene.effects, ALICE, "house", "production")
    assert list(policy_shadow.report(scene.effects, "production")) == []
    again = scene.evaluate()  # the verdict still holds; the shadow speaks of it
    assert (again.digest, again.verdict.outcome) == (first.digest, "deny")
    [seen] = policy_shadow.report(scene.effects, "production")
    assert (seen.shadow.outcome, seen.shadow.purpose, seen.pack) == ("allow", "simulation", mild)
    assert (seen.verdict_digest, seen.because) == (first.digest, ("severity_budget",))
    size = scene.effects.log.head().size
    scene.evaluate()
    assert scene.effects.log.head().size == size
    promotion = scene.request()
    assert promotion.status.state == "rejected"
    policy_shadow.clear(scene.effects, ALICE, "production")
    with pytest.raises(policy_shadow.ShadowMissing):
        policy_shadow.clear(scene.effects, ALICE, "production")


def test_a_shadow_that_denies_keeps_nothing_back(scene):
    scene.activate(MILD.decode())
    policy.store_pack(scene.effects, ALICE, (TRIED % (0, "deny")).replace("house", "hard").encode())
    policy_shadow.put(scene.effects, ALICE, "hard", "production")
    judged = scene.evaluate()
    assert judged.verdict.outcome == "allow"
    [seen] = policy_shadow.report(scene.effects, "production")
    assert (seen.shadow.outcome, seen.because) == ("deny", ("severity_budget",))
    kinds = [e.event for _, e in scene.effects.log.read()][-2:]
    assert kinds == ["verdict.judged", "verdict.shadow"]
    ref = scene.effects.log.ref(refs.shadow(scene.release, "production"))
    assert load(scene.store, ref, ShadowVerdict).verdict == judged.digest


def test_unknowns_are_listed_ranked_with_tier_band_and_pressure(scene):
    document = json.loads(sbom(("requests", "1.0.0"), ("other", "1")))
    del document["components"][1]["purl"]
    document["components"][1]["bom-ref"] = "other"
    scene.submit(json.dumps(document).encode())
    verdict = scene.evaluate()
    found = unknowns.listed(scene.effects, release="app-1", environment="production")
    assert found
    assert {one.verdict for one in found} == {verdict.digest}
    one = found[0].ranked
    assert (one.rank, one.tier) == (rank(one.row.entropy, one.pressure), tier(one.row.entropy))
    assert unknowns.listed(scene.effects, environment="nowhere") == ()
    assert len(unknowns.listed(scene.effects)) == len(found)


def test_pressure_is_that_of_the_package_else_of_all():
    row = gate_cases.unknown(subject="pkg:pypi/requests@1.0.0", entropy=1_000_000)
    other = gate_cases.unknown(subject="feed", entropy=1_000_000)
    findings = [
        gate_cases.finding(kev_due="2026-03-10"),
        gate_cases.finding(purl="pkg:pypi/quiet@1", epss=100_000, vulnerability="CVE-2026-0002"),
    ]
    quiet = gate_cases.unknown(subject="pkg:pypi/quiet@1", entropy=1_000_000)
    ranks = {one.row.subject: (one.pressure, one.band) for one in ranked((row, other, quiet), findings)}
    assert ranks == {
        "pkg:pypi/requests@1.0.0": (1_000_000, "HOT"),
        "feed": (1_000_000, "HOT"),
        "pkg:pypi/quiet@1": (100_000, "WARM"),
    }


def including(digest, extra=""):
    return f'name: outer\nversion: "1"\ninclude:\n  - {{pack: "{digest}", prefix: base-}}\n{extra}'


def test_a_pack_asks_what_it_includes_and_its_verdict_replays(scene):
    inner = policy.store_pack(scene.effects, ALICE, STRICT).digest
    more = "overrides:\n  - {environment: production, id: base-severity_budget, with: {high: 5}}\n"
    for text, outcome in ((including(inner), "deny"), (including(inner, more), "allow")):
        scene.activate(text)
        judged = scene.evaluate()
        assert judged.verdict.outcome == outcome
        assert [one.id for one in judged.verdict.gates] == ["base-evidence_required", "base-severity_budget"]
    note = scene.effects.log.run_of(judged.digest)
    assert inner in load(scene.store, note.run, Run).reads
    report = process.replay(scene.store, admissions(scene.effects.log), judged.digest)
    assert (report.result, report.differences, report.absent) == ("equal", (), ())
    assert scene.decide(scene.request()).status.state


def test_an_include_that_is_not_stored_is_a_fault_with_its_line(scene):
    size = scene.effects.log.head().size
    from policy.packs.reading import PackInvalid

    with pytest.raises(PackInvalid) as caught:
        policy.store_pack(scene.effects, ALICE, including("sha256:" + "0" * 64).encode())
    [fault] = caught.value.fields["faults"]
    assert (fault.pointer, fault.code) == ("/include/0", "policy.include_missing")
    assert fault.message.startswith("line 4")
    assert scene.effects.log.head().size == size


def test_the_verdict_of_another_pack_is_never_reused(scene):
    seen = [scene.evaluate().digest]
    for text in (MILD.decode(), STRICT.decode(), LOOSE):
        scene.activate(text)
        seen.append(scene.evaluate().digest)
    assert len(set(seen)) == 3
    assert seen[0] == seen[-1]  # the same question again, to the second
    assert codes(scene.evaluate().verdict) == ["over_budget"]
