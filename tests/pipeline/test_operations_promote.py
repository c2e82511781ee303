"""Promotions over a real instance: the question is derived, approvals bind, decisions end and are spent once."""

import pytest

from cas import digest, refs
from cas.pictures import picture_of
from cas.problems import ExpectationFailed
from cas.records.deploy import Deployed
from cas.records.policy import PolicyPack
from cas.records.promotion import StopLine
from cas.records.verdict import DecideInput, Question
from pipeline import flow
from pipeline.operations import approve, asking, policy, promote, waivers
from pipeline.operations.work import Work
from pipeline.stages.decide import DECIDE, Simulated, VerdictExpired, VerdictForeign
from tests.support.judging import PACK, Scene, a_resolution, codes, openvex, osv, sbom, signed, window
from tests.support.world import ALICE, BOB

CLEAN = sbom(("flask", "9.0.0"))
BAD = sbom(("requests", "1.0.0"))
HIGH = osv("CVE-2026-0001", "requests")


def ready(**more):
    scene = Scene(**more)
    scene.feed(HIGH)
    for platform in more.get("platforms", ("linux/amd64",)):
        scene.submit(CLEAN, subject=scene.manifest(platform))
    return scene


def test_a_release_without_evidence_is_denied_and_says_what_is_missing():
    scene = Scene()
    judged = scene.evaluate()
    assert judged.verdict.outcome == "deny"
    assert "evidence_missing" in codes(judged.verdict)


def test_without_a_policy_nothing_is_allowed():
    scene = Scene(pack=None)
    scene.feed(HIGH)
    scene.submit(CLEAN)
    assert scene.evaluate().verdict.outcome == "deny"


def test_clean_evidence_is_allowed():
    assert ready().evaluate().verdict.outcome == "allow"


def test_a_bad_scan_once_submitted_is_in_every_answer():
    scene = ready()
    assert scene.evaluate().verdict.outcome == "allow"
    scene.submit(BAD)
    assert scene.evaluate().verdict.outcome == "deny"
    scene.submit(sbom(("flask", "9.0.1"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b80"))
    assert scene.evaluate().verdict.outcome == "deny"
    view = scene.request()
    assert view.status.state == "rejected"
    question = scene.load(view.verdict.question, Question)
    bad = picture_of(view.verdict.assessment, scene.store.get)
    assert any(row.raw == digest.of_bytes(BAD) for row in bad.evidence)
    assert question.purpose == "promotion"


def test_a_bad_scan_of_the_index_counts_for_every_platform_below():
    scene = ready(platforms=("linux/amd64", "linux/arm64"))
    assert scene.evaluate().verdict.outcome == "allow"
    scene.submit(BAD, subject=scene.resolution.root)
    judged = scene.evaluate()
    assert judged.verdict.outcome == "deny"
    findings = picture_of(judged.verdict.assessment, scene.store.get).findings
    assert {one.platform for one in findings} == {"linux/amd64", "linux/arm64"}


def test_an_index_of_a_clean_manifest_and_a_foreign_one_is_denied():
    scene = Scene(platforms=("linux/amd64", "linux/arm64"))
    scene.feed(HIGH)
    scene.submit(CLEAN, subject=scene.manifest("linux/amd64"))
    verdict = scene.evaluate().verdict
    assert verdict.outcome == "deny"
    missing = [f for gate in verdict.gates for f in gate.findings if f.code == "evidence_missing"]
    assert [dict(f.arguments)["platform"] for f in missing] == ["linux/arm64"]


def test_a_demanded_platform_that_the_image_lacks_is_never_allowed():
    scene = Scene()
    scene.feed(HIGH)
    scene.release = scene.add_release("app-1", a_resolution("web", ("linux/amd64",)), ("linux/amd64", "linux/s390x"))
    scene.submit(CLEAN)
    scene.submit(CLEAN, subject=scene.resolution.root)
    assert scene.evaluate().verdict.outcome == "deny"


@pytest.mark.parametrize("what", ["as_of", "policy", "feed", "evidence"])
def test_what_the_caller_chooses_is_a_simulation_that_decide_refuses(what):
    scene = ready()
    loose = scene.load(scene.effects.log.ref(refs.policy("production")), PolicyPack)
    old_feed = scene.effects.log.ref(refs.FEED)
    scene.feed(osv("CVE-2026-0009", "flask", fixed="10.0.0"))
    assert scene.evaluate().verdict.outcome == "deny"
    before = scene.effects.log.ref(refs.verdict(scene.release, "production"))
    choice = {
        "as_of": {"at": "2026-02-01T00:00:00Z"},
        "policy": {"policy": Work(scene.effects, ALICE).save(loose)},
        "feed": {"feed": old_feed},
        "evidence": {"heads": {refs.evidence(scene.manifest()): None}},
    }[what]
    simulated = promote.simulate(scene.effects, ALICE, "app-1", "production", **choice)
    assert simulated.verdict.purpose == "simulation"
    assert scene.effects.log.ref(refs.verdict(scene.release, "production")) == before
    view = scene.request()
    work = Work(scene.effects, ALICE)
    asked = DecideInput(
        promotion=view.digest,
        verdict=simulated.digest,
        environment=view.promotion.environment,
        directory=None,
        approvals=(),
        stop_line=None,
        source_deployed=None,
        as_of=scene.world.clock.at,
    )
    with pytest.raises(Simulated):
        work.run(DECIDE, asked)


def test_an_old_feed_in_a_simulation_would_have_allowed():
    scene = ready()
    old_feed = scene.effects.log.ref(refs.FEED)
    scene.feed(osv("CVE-2026-0009", "flask", fixed="10.0.0"))
    assert promote.simulate(scene.effects, ALICE, "app-1", "production", feed=old_feed).verdict.outcome == "allow"
    assert scene.request().status.state == "rejected"


def test_a_simulation_may_not_name_heads_the_question_lacks():
    with pytest.raises(asking.SimulationWrong):
        promote.simulate(ready().effects, ALICE, "app-1", "production", heads={"stop_line": None})


def test_the_clock_set_back_does_not_make_the_question_older_than_its_evidence():
    scene = ready()
    scene.at("2020-01-01T00:00:00Z")
    verdict = scene.evaluate().verdict
    assert verdict.as_of == "2026-03-01T12:00:00Z"


def test_evidence_admitted_while_judging_makes_the_append_fail_and_the_question_is_derived_anew():
    scene = ready()
    work = Work(scene.effects, ALICE)
    judged = asking.judge_in(work, asking.place_of(work, "app-1", "production"))
    assert judged.verdict.outcome == "allow"
    scene.submit(BAD)
    with pytest.raises(ExpectationFailed):
        work.commit()
    assert scene.evaluate().verdict.outcome == "deny"


def test_the_same_question_is_answered_by_the_newest_verdict_while_it_holds():
    scene = ready()
    first, second = scene.evaluate(), scene.evaluate()
    assert (second.digest, second.reused) == (first.digest, True)
    scene.at(first.verdict.valid_until)
    assert not scene.evaluate().reused


def test_submission_order_never_changes_the_verdict_bytes():
    documents = [
        CLEAN,
        BAD,
        sbom(("requests", "1.5.0"), ("flask", "1.0"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b81"),
    ]
    answers = set()
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        scene = Scene()
        scene.feed(HIGH)
        for at in order:
            scene.submit(documents[at])
        judged = scene.evaluate()
        answers.add((judged.verdict.outcome, judged.verdict.gates))
    assert len(answers) == 1


def test_one_call_of_many_documents_in_any_order_gives_the_same_verdict_digest():
    documents = [CLEAN, BAD, sbom(("requests", "1.5.0"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b81")]
    found = set()
    for order in ((0, 1, 2), (2, 0, 1)):
        scene = Scene()
        scene.feed(HIGH)
        scene.submit(*(documents[at] for at in order))
        verdict = scene.evaluate().verdict
        found.add(tuple(gate.findings for gate in verdict.gates))
    assert len(found) == 1


def test_without_required_approvals_a_request_ends_approved():
    view = ready().request()
    assert view.status.state == "approved"
    assert view.decision.outcome == "approved"


def test_a_denied_release_is_rejected_whatever_the_approvals_and_stays_so():
    scene = Scene(required_approvals=1)
    scene.feed(HIGH)
    scene.submit(BAD)
    view = scene.request()
    assert view.status.state == "rejected"
    with pytest.raises(approve.ApprovalNotOpen):
        scene.approve(view, "bob")
    with pytest.raises(flow.IllegalMove):
        scene.decide(view)


def test_asking_again_is_a_new_promotion_that_names_the_rejected_one():
    scene = Scene()
    scene.feed(HIGH)
    scene.submit(BAD)
    first = scene.request()
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{scene.manifest()}"), scene.manifest()))
    second = scene.request(previous=first.id)
    assert second.promotion.previous == first.digest
    assert second.status.state == "approved"
    with pytest.raises(promote.PreviousWrong):
        scene.request(previous=second.id)


def test_two_people_other_than_the_requester_approve_and_it_is_decided():
    scene = ready(required_approvals=2)
    view = scene.request()
    assert view.status.state == "pending_approval"
    assert "approvals_missing" in {f.code for g in view.decision.gates for f in g.findings}
    with pytest.raises(approve.ApprovalSelf):
        scene.approve(view, "alice")
    scene.approve(view, "bob")
    assert scene.decide(view).status.state == "pending_approval"
    scene.approve(view, "bob", nonce="2" * 32)
    assert scene.decide(view).status.state == "pending_approval"
    scene.approve(view, "carol")
    assert scene.decide(view).status.state == "approved"


def test_one_reject_denies_for_good():
    scene = ready(required_approvals=2)
    view = scene.request()
    for login in ("bob", "carol"):
        scene.approve(view, login, decision="reject" if login == "carol" else "approve")
    decided = scene.decide(view)
    assert decided.status.state == "rejected"
    assert "vetoed" in {f.code for g in decided.decision.gates for f in g.findings}


def test_a_reject_after_the_decision_keeps_it_from_being_spent():
    scene = ready(required_approvals=1)
    view = scene.request()
    scene.approve(view, "bob")
    assert scene.decide(view).status.state == "approved"
    promote.check_current(Work(scene.effects, ALICE), view.id)
    scene.approve(view, "carol", decision="reject")
    with pytest.raises(promote.DecisionStale):
        promote.check_current(Work(scene.effects, ALICE), view.id)
    assert scene.decide(view).status.state == "rejected"


def test_approvals_end_at_their_instant():
    for second, state in (("2026-03-01T12:29:59Z", "approved"), ("2026-03-01T12:30:00Z", "pending_approval")):
        scene = ready(required_approvals=1)
        view = scene.request()
        scene.approve(view, "bob", expires_at="2026-03-01T12:30:00Z")
        scene.at(second)
        decided = scene.decide(view)
        assert decided.status.state == state
        if state == "approved":
            assert decided.decision.valid_until == "2026-03-01T12:30:00Z"


def test_approvals_of_another_promotion_are_void():
    scene = ready(required_approvals=1)
    first, second = scene.request(), scene.request()
    scene.approve(first, "bob")
    given = promote.view(scene.effects, first.id).status.approvals
    work = Work(scene.effects, ALICE)
    done = work.run(
        DECIDE,
        DecideInput(
            promotion=second.digest,
            verdict=second.status.verdict,
            environment=second.promotion.environment,
            directory=scene.effects.log.ref(refs.DIRECTORY),
            approvals=given,
            stop_line=None,
            source_deployed=None,
            as_of=scene.world.clock.at,
        ),
    )
    assert done.record.outcome == "pending"
    assert "of_another_promotion" in {f.code for g in done.record.gates for f in g.findings}


def test_new_evidence_after_the_approvals_judges_again_and_voids_them():
    scene = ready(required_approvals=1)
    view = scene.request()
    scene.approve(view, "bob")
    scene.submit(sbom(("flask", "9.0.2"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b82"))
    decided = scene.decide(view)
    assert decided.status.state == "pending_approval"
    assert decided.status.verdict != view.status.verdict
    assert "of_another_verdict" in {f.code for g in decided.decision.gates for f in g.findings}
    scene.submit(BAD)
    assert scene.decide(view).status.state == "rejected"


def test_a_decision_does_not_survive_bad_evidence_nor_its_own_end():
    scene = ready()
    view = scene.request()
    promote.check_current(Work(scene.effects, ALICE), view.id)
    scene.at("2026-03-01T12:59:59Z")
    promote.check_current(Work(scene.effects, ALICE), view.id)
    scene.at(view.decision.valid_until)
    with pytest.raises(promote.DecisionStale):
        promote.check_current(Work(scene.effects, ALICE), view.id)
    assert scene.decide(view).status.state == "approved"
    scene.submit(BAD)
    with pytest.raises(promote.DecisionStale):
        promote.check_current(Work(scene.effects, ALICE), view.id)
    assert scene.decide(view).status.state == "rejected"


def test_evidence_admitted_between_check_and_append_refuses_the_deployment():
    scene = ready()
    view = scene.request()
    work = Work(scene.effects, ALICE)
    promote.check_current(work, view.id)
    scene.submit(BAD)
    work.note("deployment.started", None)
    with pytest.raises(ExpectationFailed):
        work.commit()


def test_a_verdict_is_decided_on_up_to_its_last_second_only():
    scene = ready()
    view = scene.request()
    for at, error in ((view.verdict.valid_until, VerdictExpired), ("2026-03-02T11:59:59Z", None)):
        asked = DecideInput(
            promotion=view.digest,
            verdict=view.status.verdict,
            environment=view.promotion.environment,
            directory=None,
            approvals=(),
            stop_line=None,
            source_deployed=None,
            as_of=at,
        )
        if error:
            with pytest.raises(error):
                Work(scene.effects, ALICE).run(DECIDE, asked)
        else:
            assert Work(scene.effects, ALICE).run(DECIDE, asked).record.valid_until == view.verdict.valid_until


def test_a_verdict_of_another_environment_is_refused():
    scene = ready()
    scene.set_environment("staging")
    scene.activate(PACK % {"binding": "asserted"}, "staging")
    foreign = scene.evaluate("staging")
    view = scene.request()
    asked = DecideInput(
        promotion=view.digest,
        verdict=foreign.digest,
        environment=view.promotion.environment,
        directory=None,
        approvals=(),
        stop_line=None,
        source_deployed=None,
        as_of=scene.world.clock.at,
    )
    with pytest.raises(VerdictForeign):
        Work(scene.effects, ALICE).run(DECIDE, asked)


def test_a_freeze_window_holds_from_its_start_until_its_end():
    freeze = window("2026-03-01T13:00:00Z", "2026-03-01T14:00:00Z")
    for at, state in (
        ("2026-03-01T12:59:59Z", "approved"),
        ("2026-03-01T13:00:00Z", "pending_approval"),
        ("2026-03-01T13:59:59Z", "pending_approval"),
        ("2026-03-01T14:00:00Z", "approved"),
    ):
        scene = ready(freeze_windows=(freeze,))
        scene.at(at)
        view = scene.request()
        assert view.status.state == state, at
        if at < freeze.start:
            assert view.decision.valid_until == freeze.start


def test_a_freeze_set_after_the_request_still_holds():
    scene = ready(required_approvals=1)
    view = scene.request()
    scene.approve(view, "bob")
    scene.set_environment(
        "production", required_approvals=1, freeze_windows=(window("2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z"),)
    )
    decided = scene.decide(view)
    assert decided.status.state == "pending_approval"
    assert decided.status.verdict == view.status.verdict


def test_an_exception_of_a_freeze_may_pass_by_login():
    scene = ready(freeze_windows=(window("2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z", "alice"),))
    assert scene.request().status.state == "approved"


def test_a_stopped_line_stops_decisions_and_spending():
    scene = ready()
    view = scene.request()
    stop = StopLine(environments=("production",), reason="fire", by=BOB.actor, at=scene.world.clock.at, nonce="0" * 32)
    scene.note("line.stopped", stop, refs.STOP_LINE)
    with pytest.raises(promote.DecisionStale):
        promote.check_current(Work(scene.effects, ALICE), view.id)
    assert scene.decide(view).status.state == "pending_approval"
    assert scene.request().status.state == "pending_approval"


def test_a_release_goes_through_environments_in_order():
    scene = ready()
    scene.set_environment("late", after="production")
    scene.activate(PACK % {"binding": "asserted"}, "late")
    with pytest.raises(promote.OrderBroken):
        scene.request("late")


def test_an_undecided_verdict_leaves_the_promotion_at_its_gate_until_more_is_known():
    scene = Scene()
    scene.submit(CLEAN)
    view = scene.request()
    assert (view.status.state, view.verdict.outcome) == ("pending_gate", "undecided")
    scene.feed(HIGH)
    assert scene.decide(view).status.state == "approved"


def test_a_promotion_can_be_cancelled_once():
    scene = ready(required_approvals=1)
    view = scene.request()
    assert promote.cancel(scene.effects, ALICE, view.id).status.state == "cancelled"
    with pytest.raises(flow.IllegalMove):
        promote.cancel(scene.effects, ALICE, view.id)


def test_the_list_of_who_is_waited_for_leaves_out_requester_and_voters():
    scene = ready(required_approvals=2)
    view = scene.request()
    assert promote.waiting_for(scene.effects, "alice") == ()
    assert [one.id for one in promote.waiting_for(scene.effects, "bob")] == [view.id]
    scene.approve(view, "bob")
    assert promote.waiting_for(scene.effects, "bob") == ()
    assert promote.waiting_for(scene.effects, "mallory") == ()


def test_names_that_are_not_here_are_problems():
    scene = ready()
    with pytest.raises(asking.NotAdmitted):
        promote.evaluate(scene.effects, ALICE, "nope", "production")
    with pytest.raises(asking.NotAdmitted):
        promote.evaluate(scene.effects, ALICE, "app-1", "nope")
    with pytest.raises(asking.NotAdmitted):
        promote.evaluate(scene.effects, ALICE, "sha256:" + "0" * 64, "production")
    with pytest.raises(promote.PromotionMissing):
        promote.view(scene.effects, "nope")


def test_a_waiver_opens_and_its_end_closes_the_gate():
    scene = Scene()
    scene.feed(HIGH)
    scene.submit(BAD)
    scene.waive(component="pkg:pypi/requests@*", environment="production", expires_at="2026-03-01T18:00:00Z")
    judged = scene.evaluate()
    assert judged.verdict.outcome == "allow"
    assert judged.verdict.valid_until == "2026-03-01T18:00:00Z"
    finding = picture_of(judged.verdict.assessment, scene.store.get).findings[0]
    assert finding.waived_by is not None
    scene.at("2026-03-01T17:59:59Z")
    assert scene.evaluate().verdict.outcome == "allow"
    scene.at("2026-03-01T18:00:00Z")
    assert scene.evaluate().verdict.outcome == "deny"


def test_a_withdrawn_waiver_counts_no_more():
    scene = Scene()
    scene.feed(HIGH)
    scene.submit(BAD)
    granted = scene.waive()
    assert scene.evaluate().verdict.outcome == "allow"
    waivers.withdraw(scene.effects, ALICE, granted.digest)
    assert scene.evaluate().verdict.outcome == "deny"
    with pytest.raises(waivers.WaiverMissing):
        waivers.withdraw(scene.effects, ALICE, granted.digest)


def test_a_new_policy_makes_the_verdict_no_longer_hold():
    scene = ready()
    first = scene.evaluate()
    scene.activate(PACK % {"binding": "attested"})
    second = scene.evaluate()
    assert not second.reused
    assert (first.verdict.outcome, second.verdict.outcome) == ("allow", "deny")
    assert "binding_too_weak" in codes(second.verdict)


def test_packs_and_environments_that_are_not_here_cannot_be_activated():
    scene = ready()
    with pytest.raises(policy.PackMissing):
        policy.activate(scene.effects, ALICE, "nope", "production")
    with pytest.raises(policy.EnvironmentMissing):
        policy.activate(scene.effects, ALICE, "house", "nowhere")


PACKET = "sha256:" + "7" * 64


def ran_before(scene):
    """Note that the release ran in production before, and left a packet."""
    nothing = "sha256:" + "0" * 64
    work = Work(scene.effects, ALICE)
    deployed = work.save(
        Deployed(
            line="app",
            release=scene.release,
            environment=nothing,
            deployment=nothing,
            result=nothing,
            rendered=nothing,
            manifest=nothing,
            packet=PACKET,
            assessment=None,
            completed_at=scene.world.clock.at,
        )
    )
    work.note("deployment.ended", deployed, (work.add(refs.history("production", "app"), deployed),))
    work.commit()
    return scene


def test_a_rollback_is_judged_and_shown_but_only_the_stopped_line_holds_it():
    scene = Scene(required_approvals=2, freeze_windows=(window("2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z"),))
    scene.feed(HIGH)
    scene.submit(BAD)
    view = ran_before(scene).request(purpose="rollback", rollback_to=PACKET)
    assert (view.verdict.outcome, view.verdict.purpose) == ("deny", "rollback")
    assert view.status.state == "approved"
    assert "over_budget" in codes(view.verdict)
    stop = StopLine(environments=(), reason="fire", by=BOB.actor, at=scene.world.clock.at, nonce="0" * 32)
    scene.note("line.stopped", stop, refs.STOP_LINE)
    assert scene.request(purpose="rollback", rollback_to=PACKET).status.state == "pending_approval"


def test_a_pack_may_demand_approvals_for_rollbacks_too():
    pack = PACK % {"binding": "asserted"} + "moment:\n  - {gate: approvals/1, with: {minimum: 1, rollback: true}}\n"
    scene = Scene(pack=pack)
    scene.feed(HIGH)
    view = ran_before(scene).request(purpose="rollback", rollback_to=PACKET)
    assert view.status.state == "pending_approval"
    scene.approve(view, "bob")
    assert scene.decide(view).status.state == "approved"


def test_a_rollback_s_verdict_is_never_taken_for_a_promotion():
    scene = Scene()
    scene.feed(HIGH)
    scene.submit(BAD)
    ran_before(scene).request(purpose="rollback", rollback_to=PACKET)
    assert scene.request().status.state == "rejected"


@pytest.mark.parametrize("purpose", ["simulation", "nonsense"])
def test_nobody_requests_a_promotion_for_another_purpose(purpose):
    with pytest.raises(promote.PurposeWrong):
        ready().request(purpose=purpose)


def test_a_rollback_names_what_it_returns_to_and_a_promotion_does_not():
    with pytest.raises(promote.PurposeWrong):
        ready().request(purpose="rollback")
    with pytest.raises(promote.PurposeWrong):
        ready().request(rollback_to=PACKET)
