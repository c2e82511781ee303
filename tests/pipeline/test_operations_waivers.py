"""Waivers: nobody accepts a risk alone, every one ends, and what was asked for is what takes effect, once."""

import msgspec
import pytest

from cas import refs
from pipeline.adapters.keys import generate
from pipeline.operations import personal, waivers
from pipeline.operations.attestations import sign_statement
from pipeline.operations.waivers import Wanted
from tests.support.judging import KEYS, Scene
from tests.support.world import ALICE, BOB, CAROL

GOOD = Wanted("CVE-2026-0001", "not reachable", "T-1", "2026-03-05T00:00:00Z")


def changed(**fields):
    return Wanted(**({name: getattr(GOOD, name) for name in Wanted.__slots__} | fields))


def signature(scene, asked, login):
    return sign_statement(waivers.to_sign(scene.effects, asked.id), [KEYS[login]])


def test_a_request_does_nothing_until_another_person_approves():
    scene = Scene()
    asked = waivers.request(scene.effects, ALICE, GOOD)
    assert waivers.listed(scene.effects, "production") == ()
    assert [one.id for one in waivers.waiting(scene.effects)] == [asked.id]
    granted = waivers.approve(scene.effects, BOB, signature(scene, asked, "carol"))
    assert (granted.waiver.requested_by, granted.waiver.approved_by) == (ALICE.actor, CAROL.actor)
    assert granted.waiver.ticket == "T-1"
    assert [one.digest for one in waivers.listed(scene.effects, "production")] == [granted.digest]
    assert waivers.waiting(scene.effects) == ()


def test_who_asked_is_refused_whoever_carries_the_signature():
    scene = Scene()
    asked = waivers.request(scene.effects, ALICE, GOOD)
    with pytest.raises(waivers.WaiverSelf):
        waivers.approve(scene.effects, BOB, signature(scene, asked, "alice"))
    assert waivers.listed(scene.effects, "production") == ()


def test_a_request_takes_effect_once():
    scene = Scene()
    asked = waivers.request(scene.effects, ALICE, GOOD)
    envelope = signature(scene, asked, "carol")
    waivers.approve(scene.effects, BOB, envelope)
    with pytest.raises(waivers.WaiverMissing):
        waivers.approve(scene.effects, BOB, envelope)


def test_an_unknown_key_and_a_key_for_something_else_approve_nothing():
    scene = Scene()
    asked = waivers.request(scene.effects, ALICE, GOOD)
    stranger = generate("ed25519", purposes=("approve",))
    envelope = sign_statement(waivers.to_sign(scene.effects, asked.id), [stranger])
    with pytest.raises(personal.ApprovalUnsigned):
        waivers.approve(scene.effects, BOB, envelope)


def test_a_refused_request_is_over():
    scene = Scene()
    asked = waivers.request(scene.effects, ALICE, GOOD)
    envelope = signature(scene, asked, "carol")
    waivers.refuse(scene.effects, CAROL, asked.id)
    with pytest.raises(waivers.WaiverMissing):
        waivers.approve(scene.effects, BOB, envelope)
    assert scene.effects.log.ref(refs.waiver_request(asked.id)) is None


def test_a_request_whose_end_has_passed_is_not_approved():
    scene = Scene()
    asked = waivers.request(scene.effects, ALICE, changed(expires_at="2026-03-01T13:00:00Z"))
    scene.at("2026-03-01T13:00:00Z")
    with pytest.raises(waivers.WaiverExpired):
        waivers.approve(scene.effects, BOB, signature(scene, asked, "carol"))


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"vulnerability": ""}, "/vulnerability"),
        ({"component": ""}, "/component"),
        ({"environment": "nowhere"}, "/environment"),
        ({"subject": "sha256:x"}, "/subject"),
        ({"reason": " "}, "/reason"),
        ({"ticket": " "}, "/ticket"),
        ({"effect": "forget"}, "/effect"),
        ({"effect": "downgrade"}, "/severity"),
        ({"effect": "downgrade", "severity": "critical"}, "/severity"),
        ({"effect": "require_control"}, "/control"),
        ({"while_reach": ("Z",)}, "/while_reach"),
        ({"expires_at": "2026-03-01T12:00:00Z"}, "/expires_at"),
        ({"expires_at": "2026-02-30T12:00:00Z"}, "/expires_at"),
        ({"expires_at": ""}, "/expires_at"),
        ({"expires_at": "2028-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_what_is_wrong_is_named(fields, pointer):
    with pytest.raises(waivers.WaiverInvalid) as caught:
        waivers.request(Scene().effects, ALICE, changed(**fields))
    assert [fault.pointer for fault in caught.value.fields["faults"]] == [pointer]


def test_all_faults_are_named_at_once():
    wrong = changed(vulnerability="", component="", environment="nowhere", reason=" ", ticket="", expires_at="tomorrow")
    with pytest.raises(waivers.WaiverInvalid) as caught:
        waivers.request(Scene().effects, ALICE, wrong)
    assert len(caught.value.fields["faults"]) == 6


def test_what_is_signed_is_the_request_itself():
    scene = Scene()
    asked = waivers.request(scene.effects, ALICE, GOOD)
    payload = msgspec.json.decode(waivers.to_sign(scene.effects, asked.id))
    assert payload["predicate"]["record"] == asked.digest
    assert payload["predicate"]["content"]["reason"] == "not reachable"
