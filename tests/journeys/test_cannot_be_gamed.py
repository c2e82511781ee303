"""What somebody who wants an allow, an approval or a deployment that is not due may try, and what becomes of it."""

import itertools
import threading

import msgspec
import pytest

from cas import canon, digest, refs
from cas.closure import admissions
from cas.problems import ExpectationFailed, Problem
from cas.records.promotion import AdmittedApproval
from cas.records.verdict import DecideInput, Question
from cas.store import load, save
from pipeline.operations import approve, asking, personal, promote, trust
from pipeline.operations.attestations import sign_statement
from pipeline.operations.deploy import deploy
from pipeline.operations.promotions import view as seen_promotion
from pipeline.operations.work import Work
from pipeline.stages.decide import DECIDE, Simulated, VerdictForeign
from replay.bundle import export
from replay.imports import import_bundle
from replay.process import replay
from tests.support.judging import KEYS, Scene, codes, openvex, osv, sbom, signed
from tests.support.judging import ROOT as ROOT_KEY
from tests.support.pretend_shop import delivery as pretend_delivery
from tests.support.pretend_shop import release as pretend_release
from tests.support.world import ALICE, BOB, CAROL

HIGH = osv("CVE-2026-0001", "requests")
CLEAN = sbom(("flask", "9.0.0"))
BAD = sbom(("requests", "1.0.0"))


def ready(**more):
    scene = Scene(**more)
    scene.feed(HIGH)
    for platform in more.get("platforms", ("linux/amd64",)):
        scene.submit(CLEAN, subject=scene.manifest(platform))
    return scene


def decided_on(scene, view, verdict):
    """Ask decide/1 about a verdict of one's choice."""
    return Work(scene.effects, ALICE).run(
        DECIDE,
        DecideInput(
            promotion=view.digest,
            verdict=verdict,
            environment=scene.effects.log.ref(refs.environment("production")),
            directory=scene.effects.log.ref(refs.DIRECTORY),
            approvals=(),
            stop_line=None,
            source_deployed=None,
            as_of=scene.world.clock.at,
        ),
    )


def test_a_bad_scan_cannot_be_left_out_by_any_head_flag_or_order():
    """Every head is replaced in turn by nothing, and by what it was before the scan: only simulations come of it."""
    scene = ready()
    before = dict(scene.effects.log.refs())
    scene.submit(BAD)
    view = scene.request()
    assert view.status.state == "rejected"
    allowed = 0
    for head in load(scene.store, view.verdict.question, Question).heads:
        for other in {None, before.get(head.name)} - {head.digest}:
            try:
                made = promote.simulate(scene.effects, ALICE, "app-1", "production", heads={head.name: other})
            except Problem:
                continue
            allowed += made.verdict.outcome == "allow"
            assert made.verdict.purpose == "simulation"
            with pytest.raises(Simulated):
                decided_on(scene, view, made.digest)
    assert allowed, "leaving the scan out would have allowed it, so the refusal matters"
    assert scene.evaluate().verdict.outcome == "deny"
    assert scene.request().status.state == "rejected"


@pytest.mark.parametrize("what", ["as_of", "policy", "feed"])
def test_a_past_time_an_old_policy_and_an_old_feed_make_a_simulation_that_decide_refuses(what):
    scene = ready()
    old = {"policy": scene.effects.log.ref(refs.policy("production")), "feed": scene.effects.log.ref(refs.FEED)}
    scene.feed(osv("CVE-2026-0009", "flask", fixed="10.0.0"))
    choice = {"as_of": {"at": "2026-02-01T00:00:00Z"}}.get(what) or {what: old[what]}
    made = promote.simulate(scene.effects, ALICE, "app-1", "production", **choice)
    view = scene.request()
    assert view.status.state == "rejected"
    with pytest.raises(Simulated):
        decided_on(scene, view, made.digest)
    relabelled = save(scene.store, msgspec.structs.replace(made.verdict, purpose="promotion"))
    assert scene.effects.log.admitted(relabelled) is None
    assert scene.effects.log.run_of(relabelled) is None


def test_stored_bytes_that_parse_as_a_verdict_have_no_standing():
    """Uploading the record one would like to have changes no head, no memo and no answer."""
    scene = ready()
    scene.submit(BAD)
    denied = scene.evaluate()
    wished = msgspec.structs.replace(denied.verdict, outcome="allow", gates=())
    name = scene.store.put(canon.of_record(wished))
    assert scene.effects.log.admitted(name) is None
    assert scene.effects.log.run_of(name) is None
    again = scene.request()
    assert (again.status.state, again.status.verdict) == ("rejected", denied.digest)
    as_evidence = canon.of_record(wished)
    with pytest.raises(Problem):
        scene.submit(as_evidence)
    assert scene.evaluate().verdict.outcome == "deny"


def test_imported_verdicts_and_runs_have_no_standing(tmp_path):
    """Another instance, of the same images, allowed it. Here that is a claim under its origin, and the answer stays."""
    theirs = ready()
    lenient = theirs.request()
    assert lenient.verdict.outcome == "allow"
    roots = [lenient.status.verdict, lenient.status.decision, lenient.status_digest]
    export(theirs.store, theirs.effects.log, theirs.effects.server, roots, tmp_path / "theirs.tar")
    ours = ready()
    ours.submit(BAD)
    before = {name: at for name, at in ours.effects.log.refs() if not name.startswith("remote/")}
    import_bundle(ours.effects, ALICE, tmp_path / "theirs.tar")
    after = {name: at for name, at in ours.effects.log.refs() if not name.startswith("remote/")}
    assert after == before
    assert ours.store.has(lenient.status.verdict)
    assert ours.effects.log.admitted(lenient.status.verdict) is None
    assert ours.effects.log.run_of(lenient.status.verdict) is None
    view = ours.request()
    assert view.status.state == "rejected"
    foreign = digest.uuid_of(lenient.digest)
    assert ours.effects.log.ref(refs.promotion(foreign)) != lenient.status_digest
    with pytest.raises(asking.NotAdmitted):
        promote.request(ours.effects, ALICE, lenient.status.verdict, "production", "x")


def test_a_verdict_decision_or_approval_of_another_promotion_is_void():
    scene = ready(required_approvals=1)
    first, second = scene.request(), scene.request()
    scene.approve(first, "bob")
    scene.decide(first)
    [approval] = seen_promotion(scene.effects, first.id).status.approvals
    with_others = msgspec.structs.replace(second.status, approvals=(approval,))
    done = Work(scene.effects, ALICE).run(
        DECIDE,
        DecideInput(
            promotion=second.digest,
            verdict=with_others.verdict,
            environment=second.promotion.environment,
            directory=scene.effects.log.ref(refs.DIRECTORY),
            approvals=with_others.approvals,
            stop_line=None,
            source_deployed=None,
            as_of=scene.world.clock.at,
        ),
    )
    assert done.record.outcome == "pending"
    scene.set_environment("staging")
    elsewhere = scene.evaluate("staging")
    with pytest.raises(VerdictForeign):
        decided_on(scene, second, elsewhere.digest)
    assert scene.decide(second).status.state == "pending_approval"
    with pytest.raises(Problem):
        promote.check_current(Work(scene.effects, ALICE), second.id)


def test_a_status_that_borrows_another_promotions_decision_cannot_be_spent():
    """Whoever could write a status record still lacks the entry: the ref moves by compare and swap from its own state."""
    scene = ready()
    approved = scene.request()
    scene.set_environment("production", required_approvals=1)
    waiting = scene.request()
    assert (approved.status.state, waiting.status.state) == ("approved", "pending_approval")
    forged = msgspec.structs.replace(waiting.status, state="approved", decision=approved.status.decision)
    save(scene.store, forged)
    assert seen_promotion(scene.effects, waiting.id).status.state == "pending_approval"
    with pytest.raises(Problem):
        promote.check_current(Work(scene.effects, ALICE), waiting.id)


def test_a_decision_is_spent_once_by_two_deployers_at_the_same_time():
    _, made = pretend_delivery(("alpha",))
    promotion = made.approve(pretend_release(made, 1))
    barrier, ended, refused = threading.Barrier(4), [], []

    def spend():
        barrier.wait(20)
        try:
            ended.append(deploy(made.effects, ALICE, promotion))
        except Problem as problem:
            refused.append(problem.code)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(ended), len(refused)) == (1, 3), refused
    assert [entry.event for _, entry in made.world.log.read()].count("deployment.started") == 1
    with pytest.raises(Problem):
        deploy(made.effects, ALICE, promotion)


def test_two_processes_cannot_both_spend_a_decision():
    """Without the guard of one process: two works read the same state, one append wins, the other changes nothing."""
    _, made = pretend_delivery(("alpha",))
    promotion = made.approve(pretend_release(made, 1))
    works = [Work(made.effects, caller) for caller in (ALICE, BOB)]
    for work in works:
        promote.check_current(work, promotion)
        status = made.status(promotion)
        name = work.save(msgspec.structs.replace(status, state="deploying"))
        work.note("deployment.started", None, (work.move(refs.promotion(promotion), name),))
    works[0].commit()
    with pytest.raises(ExpectationFailed):
        works[1].commit()


class TestTheRequester:
    """Alice asked, so alice may not approve: not over another's hands, not with another key, not by a login."""

    @pytest.fixture
    def asked(self):
        scene = ready(required_approvals=1, personal_key_required=False)
        return scene, scene.request()

    def nothing_moved(self, scene, view):
        assert seen_promotion(scene.effects, view.id).status == view.status
        assert scene.decide(view).status.state == "pending_approval"

    def test_cannot_approve_by_a_file_that_somebody_else_carries(self, asked):
        scene, view = asked
        for carrier in (ALICE, BOB, CAROL):
            with pytest.raises(approve.ApprovalSelf):
                approve.admit(scene.effects, carrier, scene.approval(view, "alice"))
        self.nothing_moved(scene, view)

    def test_cannot_approve_in_a_session(self, asked):
        scene, view = asked
        more = {"decision": "approve", "reason": "x", "expires_at": "2026-03-02T00:00:00Z", "evidence": b"{}"}
        with pytest.raises(approve.ApprovalSelf):
            approve.admit_login(scene.effects, ALICE, view.id, **more)
        self.nothing_moved(scene, view)

    def test_cannot_approve_with_a_second_key(self, asked):
        from pipeline.adapters.keys import generate

        scene, view = asked
        second = generate("ecdsa-p256", purposes=("approve",))
        people = [
            msgspec.structs.replace(one, keys=tuple(sorted((*one.keys, second.key), key=lambda key: key.id)))
            if one.login == "alice"
            else one
            for one in trust.current(scene.effects).directory.people
        ]
        trust.set_directory(scene.effects, ALICE, people, [ROOT_KEY])
        asked_for = approve.view(scene.effects, view.id)
        payload = approve.statement_to_sign(asked_for, "approve", "x", "2026-03-02T00:00:00Z", "3" * 32)
        with pytest.raises(approve.ApprovalSelf):
            approve.admit(scene.effects, BOB, sign_statement(payload, [second]))
        with pytest.raises(personal.ApprovalUnsigned):  # nor hide behind bob's signature on the same statement
            approve.admit(scene.effects, BOB, sign_statement(payload, [second, KEYS["bob"]]))
        self.nothing_moved(scene, view)

    def test_cannot_lend_her_key_to_another_person(self, asked):
        scene, view = asked
        people = [
            msgspec.structs.replace(one, keys=(KEYS["alice"].key,)) if one.login == "bob" else one
            for one in trust.current(scene.effects).directory.people
        ]
        with pytest.raises(Problem) as refused:
            trust.set_directory(scene.effects, ALICE, people, [ROOT_KEY])
        assert refused.value.code == "attest.directory_invalid"
        self.nothing_moved(scene, view)


def test_an_approval_given_once_is_not_counted_twice():
    scene = ready(required_approvals=2)
    view = scene.request()
    envelope = scene.approval(view, "bob")
    first = approve.admit(scene.effects, BOB, envelope)
    assert approve.admit(scene.effects, CAROL, envelope) == first
    approve.admit(scene.effects, BOB, scene.approval(view, "bob", nonce="4" * 32))
    assert scene.decide(view).status.state == "pending_approval"
    people = {load(scene.store, one, AdmittedApproval).person for one in scene.decide(view).status.approvals}
    assert people == {BOB.actor}


def test_a_revoked_key_counts_for_what_was_admitted_before_it_by_log_order_and_not_by_the_clock():
    scene = ready(required_approvals=1)
    first, second = scene.request(), scene.request()
    late = scene.approval(second, "bob")  # signed before the revocation, admitted after it
    scene.approve(first, "bob")
    scene.at("2026-03-01T11:00:00Z")  # the clock goes back: it has no say
    people = [
        msgspec.structs.replace(
            one, keys=tuple(msgspec.structs.replace(key, revoked_at=scene.effects.log.head().size) for key in one.keys)
        )
        if one.login == "bob"
        else one
        for one in trust.current(scene.effects).directory.people
    ]
    trust.set_directory(scene.effects, ALICE, people, [ROOT_KEY])
    with pytest.raises(personal.ApprovalUnsigned, match="revoked"):
        approve.admit(scene.effects, BOB, late)
    scene.at("2026-03-01T12:00:00Z")
    assert scene.decide(first).status.state == "approved"


def test_evidence_signed_by_a_revoked_key_attests_nothing_any_more():
    scene = Scene(
        pack="name: p\nversion: '1'\ngates:\n  - {gate: evidence_required/1, with: {types: [sbom], binding: attested}}\n"
    )
    scene.feed(HIGH)
    people = [
        msgspec.structs.replace(
            one, keys=tuple(msgspec.structs.replace(key, revoked_at=scene.effects.log.head().size) for key in one.keys)
        )
        if one.login == "bob"
        else one
        for one in trust.current(scene.effects).directory.people
    ]
    envelope = signed(CLEAN, scene.manifest(), predicate_type="https://cyclonedx.org/bom")
    trust.set_directory(scene.effects, ALICE, people, [ROOT_KEY])
    [receipt] = scene.submit(envelope).receipts
    assert not receipt.verified
    assert scene.evaluate().verdict.outcome == "deny"


def test_a_waiver_counts_to_the_second_before_its_end_and_not_at_it():
    scene = Scene()
    scene.feed(HIGH)
    scene.submit(BAD)
    end = "2026-03-01T18:00:00Z"
    scene.waive(environment="production", expires_at=end)
    scene.at("2026-03-01T17:59:59Z")
    view = scene.request()
    assert view.status.state == "approved"
    scene.at(end)
    with pytest.raises(promote.DecisionStale):
        promote.check_current(Work(scene.effects, ALICE), view.id)
    assert scene.request().status.state == "rejected"


@pytest.mark.parametrize("foreign", ["nothing", "scanned_for_another", "scanned_bad"])
def test_an_index_of_a_clean_amd64_and_a_foreign_arm64_manifest_is_denied(foreign):
    scene = Scene(platforms=("linux/amd64", "linux/arm64"))
    scene.feed(HIGH)
    scene.submit(CLEAN, subject=scene.manifest("linux/amd64"))
    if foreign == "scanned_for_another":
        scene.submit(CLEAN, subject="sha256:" + "9" * 64)
    if foreign == "scanned_bad":
        scene.submit(BAD, subject=scene.manifest("linux/arm64"))
    verdict = scene.evaluate().verdict
    assert verdict.outcome == "deny"
    assert codes(verdict)


def test_the_same_evidence_in_every_order_gives_the_same_verdict_digest():
    """One by one or in one call, signed or not: the order of submission is nowhere in the verdict's bytes."""
    image = Scene().manifest()
    product = f"pkg:oci/web@{image}"
    documents = (
        CLEAN,
        BAD,
        signed(
            sbom(("flask", "1.0"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b81"),
            image,
            predicate_type="https://cyclonedx.org/bom",
        ),
        signed(openvex("CVE-2026-0001", "not_affected", product), image),
    )
    found = set()
    for order in itertools.islice(itertools.permutations(documents), 0, None, 5):
        scene = Scene()
        scene.feed(HIGH)
        for document in order:
            scene.submit(document)
        found.add(scene.evaluate().digest)
    together = Scene()
    together.feed(HIGH)
    together.submit(*documents)
    found.add(together.evaluate().digest)
    assert len(found) == 1


def test_replay_is_equal_under_other_hash_seeds_zones_and_locales():
    scene = ready(required_approvals=1)
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{scene.manifest()}"), scene.manifest()))
    view = scene.request()
    scene.approve(view, "bob")
    decided = scene.decide(view)
    for seed, zone, language in (
        ("0", "UTC", "C"),
        ("1", "Asia/Kathmandu", "tr_TR.UTF-8"),
        ("77", "Pacific/Apia", "de"),
    ):
        environment = {"PYTHONHASHSEED": seed, "TZ": zone, "LANG": language, "LC_ALL": language}
        report = replay(scene.store, admissions(scene.effects.log), decided.status.decision, environment=environment)
        assert (report.result, report.differences, report.absent) == ("equal", (), ()), environment
        assert report.runs >= 7
