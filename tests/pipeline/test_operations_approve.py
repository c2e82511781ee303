"""Approvals: signed by a person's own key, for one promotion, its newest verdict, its environment, in time."""

import json
from dataclasses import replace

import msgspec
import pytest

from cas import digest, refs
from cas.records.promotion import AdmittedApproval, Approval, Promotion, PromotionStatus
from cas.records.proof import Person, Verification
from cas.records.release import Component, Environment, Release
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.attest import statements
from pipeline.operations import approve, personal, trust
from pipeline.operations.attestations import sign_statement
from pipeline.operations.work import Work
from tests.support.world import ALICE, BOB, CAROL, World

ROOT = generate("ed25519", purposes=("root",))
SERVER = generate("ecdsa-p256", purposes=("server",))
STICKER = generate("rsa", purposes=("server",))
KEYS = {caller.login: generate("ed25519", purposes=("approve",)) for caller in (ALICE, BOB, CAROL)}
SUBMITTER = generate("ed25519", purposes=("submit",))
VERDICT = digest.of_bytes(b"a verdict")
LATER = "2026-03-02T00:00:00Z"


def a_release(name="app-1"):
    component = Component(
        name="web",
        repository="r.example/web",
        tag="1",
        digest=digest.of_bytes(name.encode()),
        platforms=("linux/amd64",),
        resolution=digest.of_bytes(b"resolution"),
        semver="",
        role="primary",
        images_kept=False,
    )
    return Release(
        name=name,
        line="app",
        components=(component,),
        template=None,
        source=(),
        created_at="2026-03-01T00:00:00Z",
        created_by=ALICE.actor,
        nonce="0" * 32,
    )


def an_environment(separation=True):
    return Environment(
        name="production",
        order=2,
        after="",
        production=True,
        required_approvals=2,
        approver_groups=(),
        separation_of_duties=separation,
        personal_key_required=True,
        freeze_windows=(),
        soak_seconds=0,
        variables=(),
        secrets=(),
        allowed_bind_paths=(),
        targets=(),
        health_timeout_seconds=60,
        retention_days=30,
        created_by=ALICE.actor,
    )


class Scene:
    """An instance with three people and one promotion that waits for approvals."""

    def __init__(self, separation=True):
        self.world = World()
        self.effects = self.world.effects(server=SERVER, sticker=STICKER)
        trust.found(self.effects, ROOT, SERVER, STICKER, ALICE)
        self.people([(caller, KEYS[caller.login]) for caller in (ALICE, BOB, CAROL)])
        self.id = self.promotion(separation)

    def people(self, pairs):
        made = [
            Person(id=caller.actor, login=caller.login, groups=("ops",), keys=(signer.key,)) for caller, signer in pairs
        ]
        trust.set_directory(self.effects, ALICE, made, [ROOT])

    def promotion(self, separation=True, **changes):
        work = Work(self.effects, ALICE)
        record = Promotion(
            release=work.save(a_release()),
            environment=work.save(an_environment(separation)),
            purpose="promotion",
            previous=None,
            rollback_to=None,
            reason="",
            requested_by=ALICE.actor,
            requested_at=work.now,
            nonce=self.effects.entropy.nonce(),
        )
        name = work.save(record)
        self.status(work, name, **changes)
        return digest.uuid_of(name)

    def status(self, work, promotion, **changes):
        fields = {"state": "pending_approval", "verdict": VERDICT, "approvals": ()} | changes
        status = PromotionStatus(promotion=promotion, decision=None, deployment=None, packet=None, **fields)
        ref = refs.promotion(digest.uuid_of(promotion))
        work.note("promotion.requested", promotion, (work.move(ref, work.save(status)),))
        work.commit()

    def now(self):
        return load(self.effects.store, self.effects.log.ref(refs.promotion(self.id)), PromotionStatus)

    def signed(self, login="bob", signer=None, decision="approve", expires_at=LATER, nonce="1" * 32, **changes):
        view = replace(approve.view(self.effects, self.id), **changes)
        payload = approve.statement_to_sign(view, decision, "looked at it", expires_at, nonce)
        return sign_statement(payload, [signer or KEYS[login]])


@pytest.fixture
def scene():
    return Scene()


def test_an_approval_signed_elsewhere_is_admitted_for_who_signed_it(scene):
    admitted = approve.admit(scene.effects, ALICE, scene.signed("bob"))  # alice only carries the file
    assert (admitted.login, admitted.person, admitted.personal) == ("bob", BOB.actor, True)
    assert admitted.groups == ("ops",)
    checked = load(scene.effects.store, admitted.verification, Verification)
    assert (checked.status, checked.covers) == ("verified", True)
    approval = load(scene.effects.store, admitted.approval, Approval)
    assert (approval.decision, approval.reason) == ("approve", "looked at it")
    status = scene.now()
    assert load(scene.effects.store, status.approvals[0], AdmittedApproval) == admitted
    assert (status.state, status.verdict) == ("pending_approval", VERDICT)
    *_, (_, entry) = scene.effects.log.read()
    assert entry.event == "approval.admitted"
    assert entry.envelopes == (admitted.envelope,)
    assert entry.verifications == (admitted.verification,)


def test_two_people_give_two_approvals(scene):
    approve.admit(scene.effects, BOB, scene.signed("bob"))
    approve.admit(scene.effects, CAROL, scene.signed("carol", nonce="2" * 32))
    logins = {load(scene.effects.store, each, AdmittedApproval).login for each in scene.now().approvals}
    assert logins == {"bob", "carol"}


def test_a_rejection_is_admitted_too(scene):
    admitted = approve.admit(scene.effects, BOB, scene.signed("bob", decision="reject"))
    assert load(scene.effects.store, admitted.approval, Approval).decision == "reject"


def test_who_asked_is_refused_at_once_and_nothing_is_written(scene):
    before = scene.effects.log.head()
    with pytest.raises(approve.ApprovalSelf):
        approve.admit(scene.effects, BOB, scene.signed("alice"))
    assert scene.effects.log.head() == before
    assert scene.now().approvals == ()


def test_who_asked_may_approve_where_duties_are_not_separated():
    scene = Scene(separation=False)
    assert approve.admit(scene.effects, ALICE, scene.signed("alice")).login == "alice"


def test_the_same_approval_twice_returns_the_first(scene):
    data = scene.signed("bob")
    first = approve.admit(scene.effects, BOB, data)
    size = scene.effects.log.head().size
    scene.world.clock.at = "2026-03-01T13:00:00Z"
    assert approve.admit(scene.effects, CAROL, data) == first
    assert scene.effects.log.head().size == size
    scene.world.clock.at = "2026-03-09T13:00:00Z"  # an old one is still told, not refused as expired
    assert approve.admit(scene.effects, CAROL, data) == first


def test_an_expired_approval_is_refused(scene):
    data = scene.signed("bob", expires_at="2026-03-01T12:00:00Z")
    with pytest.raises(approve.ApprovalExpired):
        approve.admit(scene.effects, BOB, data)


def test_an_approval_of_another_verdict_is_void(scene):
    with pytest.raises(approve.ApprovalVoid):
        approve.admit(scene.effects, BOB, scene.signed("bob", verdict=digest.of_bytes(b"older")))


def test_an_approval_of_another_environment_is_void(scene):
    with pytest.raises(approve.ApprovalVoid):
        approve.admit(scene.effects, BOB, scene.signed("bob", environment="staging"))


def test_an_approval_of_another_promotion_is_that_promotions_only(scene):
    other = scene.promotion()
    data = scene.signed("bob", promotion=scene.now().promotion)
    approve.admit(scene.effects, BOB, data)
    assert load(scene.effects.store, scene.effects.log.ref(refs.promotion(other)), PromotionStatus).approvals == ()
    with pytest.raises(approve.PromotionMissing):
        approve.admit(scene.effects, BOB, scene.signed("bob", promotion=digest.of_bytes(b"none")))


def test_an_approval_over_other_images_is_void(scene):
    with pytest.raises(approve.ApprovalVoid, match="images"):
        approve.admit(scene.effects, BOB, scene.signed("bob", subjects=(("web", digest.of_bytes(b"other")),)))


@pytest.mark.parametrize("signer", [SERVER, ROOT, STICKER, SUBMITTER, generate("ed25519")])
def test_only_a_persons_own_approval_key_counts(scene, signer):
    with pytest.raises(personal.ApprovalUnsigned):
        approve.admit(scene.effects, BOB, scene.signed(signer=signer))


def test_a_tampered_approval_is_refused(scene):
    good, other = json.loads(scene.signed("bob")), json.loads(scene.signed("bob", decision="reject"))
    with pytest.raises(personal.ApprovalUnsigned, match="bad"):
        approve.admit(scene.effects, BOB, json.dumps({**other, "signatures": good["signatures"]}).encode())


def test_two_peoples_signatures_on_one_statement_are_refused(scene):
    payload = approve.statement_to_sign(approve.view(scene.effects, scene.id), "approve", "", LATER, "1" * 32)
    with pytest.raises(personal.ApprovalUnsigned):
        approve.admit(scene.effects, BOB, sign_statement(payload, [KEYS["bob"], KEYS["carol"]]))


def test_a_revoked_personal_key_no_longer_approves_but_earlier_approvals_stay(scene):
    approve.admit(scene.effects, BOB, scene.signed("bob"))
    people = list(trust.current(scene.effects).directory.people)
    at = scene.effects.log.head().size
    bob = next(each for each in people if each.login == "bob")
    people.remove(bob)
    gone = msgspec.structs.replace(bob.keys[0], revoked_at=at)
    trust.set_directory(scene.effects, ALICE, [*people, msgspec.structs.replace(bob, keys=(gone,))], [ROOT])
    with pytest.raises(personal.ApprovalUnsigned, match="revoked"):
        approve.admit(scene.effects, BOB, scene.signed("bob", nonce="2" * 32))
    assert len(scene.now().approvals) == 1


@pytest.mark.parametrize("state", ["rejected", "deploying", "deployed", "cancelled", "failed"])
def test_a_promotion_that_does_not_wait_takes_no_approval(state):
    scene = Scene()
    scene.id = scene.promotion(state=state)
    with pytest.raises(approve.ApprovalNotOpen):
        approve.admit(scene.effects, BOB, scene.signed("bob"))


def test_a_promotion_without_a_verdict_cannot_be_approved():
    scene = Scene()
    scene.id = scene.promotion(state="requested", verdict=None)
    with pytest.raises(approve.ApprovalNotOpen):
        approve.view(scene.effects, scene.id)


def test_an_approval_without_a_personal_key_is_marked_so(scene):
    admitted = approve.admit_login(
        scene.effects,
        BOB,
        scene.id,
        decision="approve",
        reason="in the console",
        expires_at=LATER,
        evidence=b'{"session":"x"}',
    )
    assert (admitted.login, admitted.personal, admitted.envelope) == ("bob", False, None)
    *_, (_, entry) = scene.effects.log.read()
    assert scene.effects.store.get(entry.beside[0]) == b'{"session":"x"}'
    with pytest.raises(approve.ApprovalSelf):
        approve.admit_login(
            scene.effects, ALICE, scene.id, decision="approve", reason="", expires_at=LATER, evidence=b""
        )


def test_a_login_nobody_listed_approves_nothing(scene):
    stranger = replace(BOB, actor="person:" + "e" * 32)
    with pytest.raises(personal.ApproverUnknown):
        approve.admit_login(
            scene.effects, stranger, scene.id, decision="approve", reason="", expires_at=LATER, evidence=b""
        )


def test_an_approver_who_loses_the_race_judges_again_and_both_stay(scene):
    """Somebody else's approval lands between reading the status and the append."""
    log, first = scene.effects.log, scene.signed("carol", nonce="2" * 32)

    class Racing:
        def __init__(self):
            self.raced = False

        def append(self, entries, expect=()):
            if not self.raced:
                self.raced = True
                approve.admit(scene.effects, CAROL, first)
            return log.append(entries, expect)

        def __getattr__(self, name):
            return getattr(log, name)

    approve.admit(replace(scene.effects, log=Racing()), BOB, scene.signed("bob"))
    assert len(scene.now().approvals) == 2


@pytest.mark.parametrize("data", [b"", b"{}", b'{"payload":"e30=","payloadType":"x","signatures":[]}'])
def test_what_is_no_approval_is_refused_with_a_code(scene, data):
    from cas.problems import Problem

    with pytest.raises(Problem):
        approve.admit(scene.effects, BOB, data)


def test_the_statement_to_sign_depends_on_nothing_but_its_arguments(scene):
    view = approve.view(scene.effects, scene.id)
    one = approve.statement_to_sign(view, "approve", "r", LATER, "1" * 32)
    assert one == approve.statement_to_sign(view, "approve", "r", LATER, "1" * 32)
    read = statements.parse(one)
    assert read.subjects == view.subjects
    named, approval = statements.content_of(read, "approval", Approval)
    assert (approval.promotion, approval.verdict, approval.environment) == (view.promotion, VERDICT, "production")
    assert digest.is_digest(named)
