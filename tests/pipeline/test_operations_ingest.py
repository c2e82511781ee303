"""Evidence in: one append, all or nothing, bound as strongly as signatures and documents allow."""

import base64
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from cas import refs
from cas.adapters.memory import MemoryLog
from cas.digest import of_bytes
from cas.problems import ExpectationFailed
from cas.records.evidence import Admission, Evidence, SbomFacts, VexFacts
from cas.records.proof import HeadSet, Person, Verification
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.attest import envelope
from pipeline.formats.problems import EvidenceContended, EvidenceEmpty, EvidenceRefused, EvidenceTooMany
from pipeline.operations import trust
from pipeline.operations.ingest import Submission, submit
from tests.support import evidence
from tests.support.world import ALICE, BOB, World

IMAGE = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
ALPINE = evidence.sbom("pair-alpine/alpine.cdx-1.4.json")
ALPINE_IMAGE = "sha256:1304f174557314a7ed9eddb4eab12fed12cb0cd9809e4c28f29af86979a3c870"
ROOT = generate("ed25519", purposes=("root",), ref="root")
SERVER = generate("ecdsa-p256", purposes=("server",), ref="server")
STICKER = generate("rsa", purposes=("server",), ref="sticker")
CI = generate("ed25519", purposes=("submit",), ref="ci")
STRANGER = generate("ed25519", purposes=("submit",), ref="stranger")
APPROVER = generate("ed25519", purposes=("approve",), ref="approver")


@pytest.fixture
def world():
    return World()


@pytest.fixture
def founded(world):
    effects = world.effects(server=SERVER, sticker=STICKER)
    trust.found(effects, ROOT, SERVER, STICKER, ALICE)
    ci = Person(id=BOB.actor, login="ci", groups=(), keys=tuple(sorted((CI.key, APPROVER.key), key=lambda key: key.id)))
    held = trust.current(effects).directory.people
    trust.set_directory(effects, ALICE, tuple(sorted((*held, ci), key=lambda each: each.login)), [ROOT])
    return effects


def statement(kind, predicate, *subjects):
    text = json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "web", "digest": {"sha256": each[7:]}} for each in subjects],
            "predicateType": kind,
            "predicate": 0,
        }
    )
    return text[:-2].encode() + predicate.strip() + b"}"


def signed(payload, *signers, kind="application/vnd.in-toto+json"):
    message = envelope.pae(kind, payload)
    return envelope.build(kind, payload, [(each.key.id, each.sign(message)) for each in signers])


def head(world, subject):
    name = world.log.ref(refs.evidence(subject))
    return load(world.store, name, HeadSet).members if name else ()


def faults(caught):
    return [(each.pointer, each.code) for each in caught.value.fields["faults"]]


def test_raw_bytes_are_kept_and_the_head_moves(world):
    result = submit(world.effects(), ALICE, [Submission(ALPINE)])
    (receipt,) = result.receipts
    assert world.store.get(receipt.raw) == ALPINE
    assert head(world, ALPINE_IMAGE) == (receipt.admission,)
    admission = load(world.store, receipt.admission, Admission)
    kept = load(world.store, receipt.evidence, Evidence)
    assert (kept.raw, kept.subject, kept.format, kept.type) == (
        of_bytes(ALPINE),
        ALPINE_IMAGE,
        "cyclonedx-json/1.4",
        "sbom",
    )
    assert load(world.store, admission.facts, SbomFacts).packages
    assert (admission.submitter, admission.admitted_at) == (ALICE.actor, world.clock.at)
    ((_, entry),) = list(world.log.read())
    assert (entry.event, entry.record) == ("evidence.admitted", receipt.admission)
    assert [note.stage for note in entry.runs] == ["normalise"]


def test_a_document_that_names_the_digest_is_embedded_and_any_other_asserted(world):
    named, said = submit(world.effects(), ALICE, [Submission(ALPINE), Submission(ALPINE, IMAGE)]).receipts
    assert (named.subject, named.binding) == (ALPINE_IMAGE, "embedded")
    assert (said.subject, said.binding) == (IMAGE, "asserted")


def test_the_same_bytes_twice_return_the_first_receipt_and_say_so(world):
    effects = world.effects()
    first = submit(effects, ALICE, [Submission(ALPINE)])
    size = world.log.head()
    world.clock.at = "2026-03-02T12:00:00Z"
    again = submit(effects, BOB, [Submission(ALPINE)])
    assert again.appended is None
    assert world.log.head() == size
    assert again.receipts[0].duplicate
    assert not first.receipts[0].duplicate
    assert again.receipts[0].admission == first.receipts[0].admission


def test_the_same_bytes_twice_in_one_call_are_admitted_once(world):
    one, two = submit(world.effects(), ALICE, [Submission(ALPINE), Submission(ALPINE)]).receipts
    assert (one.duplicate, two.duplicate) == (False, True)
    assert one.admission == two.admission
    assert world.log.head().size == 1


def test_the_same_bytes_about_another_image_are_another_admission(world):
    effects = world.effects()
    submit(effects, ALICE, [Submission(ALPINE, IMAGE)])
    (receipt,) = submit(effects, ALICE, [Submission(ALPINE, OTHER)]).receipts
    assert not receipt.duplicate
    assert head(world, OTHER) == (receipt.admission,)


def test_many_documents_are_one_append(world):
    names = ["composer-alpine.cdx-1.4.json", "nginx-debian11.cdx-1.4.json", "python-debian11.cdx-1.4.json"]
    before = world.log.head().size
    result = submit(world.effects(), ALICE, [Submission(evidence.sbom(name)) for name in names])
    assert (result.appended.first, world.log.head().size) == (before, 3)
    assert [receipt.document for receipt in result.receipts] == [0, 1, 2]


def test_one_bad_document_refuses_all_and_nothing_is_stored(world):
    advisory = next(iter(evidence.advisories().values()))
    bad = b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}]}'
    given = [Submission(ALPINE), Submission(b"{"), Submission(bad), Submission(advisory), Submission(ALPINE, "latest")]
    with pytest.raises(EvidenceRefused) as caught:
        submit(world.effects(), ALICE, given)
    assert faults(caught) == [
        ("/1", "evidence.not_json"),
        ("/2/components/0", "evidence.schema.required"),
        ("/2/components/0", "evidence.schema.required"),
        ("/3", "evidence.is_advisory"),
        ("/4", "evidence.subject_invalid"),
    ]
    assert list(world.store.digests()) == []
    assert world.log.head().size == 0


def test_a_document_about_nothing_needs_a_subject(world):
    with pytest.raises(EvidenceRefused) as caught:
        submit(world.effects(), ALICE, [Submission(evidence.sbom("go-105.spdx-2.3.json"))])
    assert faults(caught) == [("/0", "evidence.subject_missing")]


def test_no_document_and_too_many_are_refused(world):
    with pytest.raises(EvidenceEmpty):
        submit(world.effects(), ALICE, [])
    with pytest.raises(EvidenceTooMany):
        submit(world.effects(), ALICE, [Submission(ALPINE)] * 3, max_documents=2)


def vex(*products):
    return json.dumps(
        {
            "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://x.example/1", "author": "a",
            "timestamp": "2024-01-01T00:00:00Z", "version": 1,
            "statements": [{"vulnerability": {"name": "CVE-2024-1"}, "status": "fixed",
                            "products": [{"@id": f"pkg:oci/web@sha256%3A{each[7:]}"} for each in products]}],
        }
    ).encode()  # fmt: skip


def test_vex_speaks_of_every_image_it_names(world):
    receipts = submit(world.effects(), ALICE, [Submission(vex(IMAGE, OTHER))]).receipts
    assert [(each.subject, each.binding, each.type) for each in receipts] == [
        (IMAGE, "embedded", "vex"),
        (OTHER, "embedded", "vex"),
    ]
    assert world.log.head().size == 2
    assert len({each.raw for each in receipts}) == 1


def test_a_given_subject_narrows_what_vex_speaks_of(world):
    (receipt,) = submit(world.effects(), ALICE, [Submission(vex(IMAGE, OTHER), OTHER)]).receipts
    assert (receipt.subject, receipt.binding) == (OTHER, "embedded")


def test_a_document_naming_very_many_images_asks_which_is_meant(world):
    many = [f"sha256:{at:064x}" for at in range(300)]
    with pytest.raises(EvidenceRefused) as caught:
        submit(world.effects(), ALICE, [Submission(vex(*many))])
    assert faults(caught) == [("/0", "evidence.subjects_too_many")]


def test_a_verified_statement_around_an_sbom_is_attested(world, founded):
    payload = statement("https://cyclonedx.org/bom", ALPINE, IMAGE)
    data = signed(payload, CI)
    (receipt,) = submit(founded, ALICE, [Submission(data)]).receipts
    assert (receipt.subject, receipt.binding, receipt.verified, receipt.type) == (IMAGE, "attested", True, "sbom")
    assert world.store.get(receipt.raw) == ALPINE.strip()
    kept = load(world.store, receipt.evidence, Evidence)
    assert world.store.get(kept.envelope) == data
    answer = load(world.store, receipt.verification, Verification)
    assert [(each.signer, each.status) for each in answer.signatures] == [("ci", "verified")]
    entry = [each for _, each in world.log.read()][-1]
    assert (entry.envelopes, entry.verifications) == ((kept.envelope,), (receipt.verification,))
    assert sorted(note.stage for note in entry.runs) == ["normalise", "verify"]


def test_a_verified_statement_around_vex_is_attested(founded):
    (receipt,) = submit(
        founded, ALICE, [Submission(signed(statement("https://openvex.dev/ns/v0.2.0", vex(OTHER), IMAGE), CI))]
    ).receipts
    assert (receipt.subject, receipt.binding, receipt.type) == (IMAGE, "attested", "vex")


def test_a_signature_covers_only_the_subjects_of_its_statement(founded):
    payload = statement("https://cyclonedx.org/bom", ALPINE, IMAGE)
    (receipt,) = submit(founded, ALICE, [Submission(signed(payload, CI), OTHER)]).receipts
    assert receipt.binding == "asserted"
    (receipt,) = submit(founded, ALICE, [Submission(signed(payload, CI), ALPINE_IMAGE)]).receipts
    assert receipt.binding == "embedded"  # the SBOM names it, the statement does not


@pytest.mark.parametrize("signer", [STRANGER, APPROVER], ids=["stranger", "wrong purpose"])
def test_a_signature_that_does_not_count_does_not_attest(founded, signer):
    (receipt,) = submit(
        founded, ALICE, [Submission(signed(statement("https://cyclonedx.org/bom", ALPINE, IMAGE), signer))]
    ).receipts
    assert (receipt.binding, receipt.verified) == ("embedded", False)
    assert receipt.verification is not None  # kept and shown


def test_a_tampered_payload_does_not_attest(founded):
    made = json.loads(signed(statement("https://cyclonedx.org/bom", ALPINE, IMAGE), CI))
    made["payload"] = base64.b64encode(statement("https://cyclonedx.org/bom", ALPINE, OTHER)).decode()
    (receipt,) = submit(founded, ALICE, [Submission(json.dumps(made).encode())]).receipts
    assert (receipt.subject, receipt.binding, receipt.verified) == (OTHER, "embedded", False)


def test_without_a_trust_root_an_envelope_is_kept_unverified(world):
    (receipt,) = submit(world.effects(), ALICE, [Submission(signed(statement("x", b"{}", IMAGE), CI))]).receipts
    assert (receipt.binding, receipt.verified, receipt.verification) == ("embedded", False, None)


def test_a_bare_statement_around_an_sbom_is_embedded_and_kept(world):
    payload = statement("https://cyclonedx.org/bom", ALPINE, IMAGE)
    (receipt,) = submit(world.effects(), ALICE, [Submission(payload)]).receipts
    assert (receipt.subject, receipt.binding, receipt.format) == (IMAGE, "embedded", "cyclonedx-json/1.4")
    ((_, entry),) = list(world.log.read())
    assert entry.beside == (of_bytes(payload),)
    assert world.store.get(entry.beside[0]) == payload


def test_a_signed_payload_type_that_is_no_statement_does_not_attest(founded):
    data = signed(ALPINE, CI, kind="application/vnd.cyclonedx+json")
    (receipt,) = submit(founded, ALICE, [Submission(data)]).receipts
    assert (receipt.subject, receipt.binding) == (ALPINE_IMAGE, "embedded")


def test_trust_that_moves_meanwhile_is_asked_again(world, founded):
    """Between verifying and appending, the signer is struck off the directory: the first append must not stand."""
    data = signed(statement("https://cyclonedx.org/bom", ALPINE, IMAGE), CI)
    alone = tuple(each for each in trust.current(founded).directory.people if each.login != "ci")
    racing = Racing(world.log, lambda: trust.set_directory(founded, ALICE, alone, [ROOT]))
    (receipt,) = submit(replace(founded, log=racing), ALICE, [Submission(data)]).receipts
    assert (receipt.binding, receipt.verified) == ("embedded", False)


class Racing:
    """A log before whose first append somebody else gets in."""

    def __init__(self, log, first):
        self._log = log
        self._first = first

    def append(self, entries, expect=()):
        first, self._first = self._first, None
        if first is not None:
            first()
        return self._log.append(entries, expect)

    def __getattr__(self, name):
        return getattr(self._log, name)


def test_another_writer_for_the_same_image_does_not_get_lost(world):
    effects = world.effects()
    other = evidence.sbom("nginx-debian11.cdx-1.4.json")
    racing = Racing(world.log, lambda: submit(effects, BOB, [Submission(other, IMAGE)]))
    submit(replace(effects, log=racing), ALICE, [Submission(ALPINE, IMAGE)])
    assert len(head(world, IMAGE)) == 2


def test_eight_writers_for_the_same_image_all_land(world):
    effects = world.effects()
    names = sorted(evidence.sboms())[:8]
    start = threading.Barrier(8)

    def write(name):
        start.wait()
        return submit(effects, ALICE, [Submission(evidence.sbom(name), IMAGE)])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(write, names))
    assert len(head(world, IMAGE)) == 8
    assert set(head(world, IMAGE)) == {result.receipts[0].admission for result in results}


class Losing(MemoryLog):
    """A log in which somebody else always was faster."""

    def append(self, entries, expect=()):
        future = Future()
        future.set_exception(ExpectationFailed(ref="x"))
        return future


def test_endless_contention_ends_in_a_problem_that_may_be_retried():
    world = World(log=Losing())
    with pytest.raises(EvidenceContended) as caught:
        submit(world.effects(), ALICE, [Submission(ALPINE)])
    assert caught.value.category.value == "unavailable"


def test_facts_of_vex_are_vex_facts(world):
    (receipt,) = submit(world.effects(), ALICE, [Submission(vex(IMAGE))]).receipts
    assert load(world.store, load(world.store, receipt.admission, Admission).facts, VexFacts).statements
