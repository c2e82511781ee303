"""Break glass: two people, one release, one environment, some hours; all else still holds; reported until reviewed."""

import msgspec
import pytest

from cas.pictures import picture_of
from cas.records.verdict import Decision
from cas.store import load
from pipeline.operations import break_glass, personal, promote
from pipeline.operations.attestations import sign_statement
from pipeline.operations.work import Work
from tests.support.judging import KEYS, Scene, osv, sbom
from tests.support.world import ALICE, BOB, CAROL

END = "2026-03-01T20:00:00Z"


def denied(**environment):
    scene = Scene(**environment)
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("requests", "1.0.0")))
    assert scene.evaluate().verdict.outcome == "deny"
    return scene


def sign(scene, asked, login):
    envelope = sign_statement(break_glass.to_sign(scene.effects, asked.id), [KEYS[login]])
    return break_glass.sign(scene.effects, BOB, envelope)


def ask(scene, release="app-1"):
    return break_glass.request(scene.effects, ALICE, release, "production", "site is down", "INC-1", END)


def broken(scene):
    asked = ask(scene)
    sign(scene, asked, "alice")
    return sign(scene, asked, "bob").glass


def test_one_signature_sets_nothing_aside():
    scene = denied()
    sign(scene, ask(scene), "alice")
    assert scene.request().status.state == "rejected"
    assert break_glass.unreviewed(scene.effects) == ()


def test_two_people_set_the_verdict_aside_and_it_stays_what_it_is():
    scene = denied()
    glass = broken(scene)
    view = scene.request()
    assert view.status.state == "approved"
    decision = load(scene.store, view.status.decision, Decision)
    (result,) = [gate for gate in decision.gates if gate.gate == "break_glass/1"]
    assert (result.status, result.findings[0].code) == ("warn", "glass_broken")
    assert decision.valid_until <= END
    assert scene.evaluate().verdict.outcome == "deny"
    assert picture_of(scene.evaluate().verdict.assessment, scene.store.get).findings[0].open
    assert [one.digest for one in break_glass.unreviewed(scene.effects)] == [glass]
    assert promote.check_current(Work(scene.effects, ALICE), view.id).outcome == "approved"


def test_one_person_is_not_two():
    scene = denied()
    asked = ask(scene)
    sign(scene, asked, "alice")
    with pytest.raises(break_glass.GlassSelf):
        sign(scene, asked, "alice")
    assert scene.request().status.state == "rejected"


def test_its_end_is_the_end():
    scene = denied()
    broken(scene)
    view = scene.request()
    scene.at(END)
    with pytest.raises(promote.DecisionStale):
        promote.check_current(Work(scene.effects, ALICE), view.id)
    assert scene.request().status.state == "rejected"


def test_another_environment_and_another_release_are_not_meant():
    scene = denied()
    scene.set_environment("staging", order=0)
    scene.activate(scene_pack(), "staging")
    broken(scene)
    assert scene.request("staging").status.state == "rejected"


def scene_pack():
    from tests.support.judging import PACK

    return PACK % {"binding": "asserted"}


def test_approvals_windows_and_the_line_hold_all_the_same():
    scene = denied(required_approvals=1, personal_key_required=False)
    broken(scene)
    view = scene.request()
    assert view.status.state == "pending_approval"
    scene.approve(view, "carol")
    assert scene.decide(view).status.state == "approved"


def test_an_overdue_review_holds_everything_until_somebody_else_reviewed_it():
    scene = denied()
    glass = broken(scene)
    scene.at("2026-03-02T13:00:00Z")
    scene.waive(expires_at="2026-03-05T00:00:00Z")
    waiting = scene.request()
    assert waiting.status.state == "pending_approval"
    with pytest.raises(break_glass.GlassSelf):
        break_glass.review(scene.effects, ALICE, glass, "justified", "I say so")
    break_glass.review(scene.effects, CAROL, glass, "justified", "the site was down")
    assert scene.decide(waiting).status.state == "approved"
    assert break_glass.unreviewed(scene.effects) == ()
    with pytest.raises(break_glass.GlassMissing):
        break_glass.review(scene.effects, CAROL, glass, "justified", "again")


@pytest.mark.parametrize(
    ("reason", "ticket", "end", "pointer"),
    [
        (" ", "T", END, "/reason"),
        ("r", "", END, "/ticket"),
        ("r", "T", "2026-03-01T12:00:00Z", "/expires_at"),
        ("r", "T", "2026-03-09T12:00:00Z", "/expires_at"),
        ("r", "T", "soon", "/expires_at"),
    ],
)
def test_what_is_wrong_is_named(reason, ticket, end, pointer):
    with pytest.raises(break_glass.GlassInvalid) as caught:
        break_glass.request(denied().effects, ALICE, "app-1", "production", reason, ticket, end)
    assert [fault.pointer for fault in caught.value.fields["faults"]] == [pointer]


def test_a_changed_statement_is_void():
    scene = denied()
    asked = ask(scene)
    payload = break_glass.to_sign(scene.effects, asked.id).replace(b"site is down", b"site is slow")
    with pytest.raises(Exception, match="record it names"):
        break_glass.sign(scene.effects, BOB, sign_statement(payload, [KEYS["bob"]]))
    stranger = msgspec.json.decode(break_glass.to_sign(scene.effects, asked.id))
    assert stranger["predicate"]["record"] == asked.digest
    assert personal.ApprovalUnsigned.code == "approval.not_signed"
