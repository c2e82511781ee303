"""Which Sigstore instances count is changed only under the trust root; what they vouch for is verified as it comes in."""

import base64
import json
import socket

import pytest

from cas import digest, refs
from cas.records.attest import SigstoreIdentity, SigstoreRoot, SigstoreTrust
from cas.records.evidence import Admission
from cas.records.proof import Person, Verification
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.attest.signatures import read_public
from pipeline.formats.problems import EvidenceRefused
from pipeline.operations import sigstore_trust, trust
from pipeline.operations.ingest import Submission, submit
from pipeline.operations.sigstore_trust import SigstoreTrustInvalid
from pipeline.operations.standing import shown
from pipeline.operations.trust import NotSigned
from tests.support import sigstore
from tests.support.sigstore import DATA
from tests.support.world import ALICE, BOB, World

ROOT = generate("ed25519", purposes=("root",))
SERVER = generate("ed25519", purposes=("server",))
STICKER = generate("rsa", purposes=("server",))
GITHUB = "https://token.actions.githubusercontent.com"
BEACON = "https://github.com/sigstore-conformance/*"
TARBALL = digest.of_bytes((DATA / "npm" / "supreme-googles-cli-v02-tag.tgz").read_bytes())


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_given, **_named):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)


@pytest.fixture
def effects():
    made = World().effects(server=SERVER, sticker=STICKER)
    trust.found(made, ROOT, SERVER, STICKER, ALICE)
    return made


def record(effects, data=sigstore.PRODUCTION, identities=((GITHUB, BEACON),), name="public", **others):
    now = effects.log.ref(refs.SIGSTORE)
    version = load(effects.store, now, SigstoreTrust).version if now else 0
    listed = tuple(SigstoreIdentity(issuer=issuer, identity=identity) for issuer, identity in identities)
    root = SigstoreRoot(name=name, root=digest.of_bytes(data), identities=listed)
    return SigstoreTrust(**({"version": version + 1, "roots": (root,), "previous": now} | others))


def change(effects, made, *files, signer=ROOT):
    return sigstore_trust.change(effects, ALICE, trust.sign_record("sigstore-trust", made, [signer]), files)


def bundle(name):
    return (DATA / "bundle-verify" / name / "bundle.sigstore.json").read_bytes()


def test_a_record_signed_by_the_root_is_admitted_with_its_trusted_root(effects):
    made = change(effects, record(effects), sigstore.PRODUCTION)
    assert sigstore_trust.current(effects) == made
    assert effects.store.get(made.roots[0].root) == sigstore.PRODUCTION
    _, entry = list(effects.log.read())[-1]
    assert (entry.event, entry.moves[0].name) == ("sigstore.trusted", refs.SIGSTORE)
    change(effects, record(effects, identities=(("*", "*"),)))  # the trusted root is here already
    assert list(effects.log.read())[-1][1].event == "sigstore.changed"


def test_nobody_but_the_root_may_change_it(effects):
    with pytest.raises(NotSigned):
        change(effects, record(effects), sigstore.PRODUCTION, signer=SERVER)
    assert sigstore_trust.current(effects) is None


@pytest.mark.parametrize(
    ("given", "files", "code"),
    [
        ({"identities": ()}, (sigstore.PRODUCTION,), "order"),
        ({"identities": (("b", "*"), ("a", "*"))}, (sigstore.PRODUCTION,), "order"),
        ({}, (), "missing"),
        ({"data": b"{}"}, (b"{}",), "unreadable"),
        ({"data": b"not json"}, (b"not json",), "unreadable"),
        ({"data": b"{" + b" " * (1 << 20) + b"}"}, (b"{" + b" " * (1 << 20) + b"}",), "too_large"),
    ],
)
def test_a_record_that_breaks_the_rules_is_refused_with_its_faults(effects, given, files, code):
    with pytest.raises(SigstoreTrustInvalid) as caught:
        change(effects, record(effects, **given), *files)
    assert code in {each.code for each in caught.value.fields["faults"]}
    assert sigstore_trust.current(effects) is None


def test_a_root_without_a_log_is_refused(effects):
    root = json.loads(sigstore.PRODUCTION)
    root["tlogs"] = []
    data = json.dumps(root).encode()
    with pytest.raises(SigstoreTrustInvalid):
        change(effects, record(effects, data), data)


def test_a_record_that_does_not_follow_the_current_one_is_refused(effects):
    change(effects, record(effects), sigstore.PRODUCTION)
    with pytest.raises(SigstoreTrustInvalid):
        change(effects, record(effects, previous=None))
    with pytest.raises(SigstoreTrustInvalid):
        change(effects, record(effects, version=7))


def test_a_bundle_is_attested_once_its_instance_is_trusted_for_its_signer(effects):
    before = submit(effects, ALICE, [Submission(bundle("happy-path-v0.2"))]).receipts[0]
    assert (before.binding, before.verified) == ("embedded", False)
    change(effects, record(effects), sigstore.PRODUCTION)
    after = submit(effects, ALICE, [Submission(bundle("happy-path-v0.3"))]).receipts[0]
    known = shown(effects, after.admission)
    assert (after.binding, known.standing.standing) == ("attested", "verified")
    assert known.standing.signers[0].startswith(f"sigstore:{GITHUB}#https://github.com/sigstore-conformance/")
    assert (known.sigstore.instance, known.sigstore.listed) == ("public", True)
    entry = next(entry for _, entry in effects.log.read() if entry.record == after.admission)
    assert entry.verifications == (load(effects.store, after.admission, Admission).verification,)
    assert "verify_sigstore" in {note.stage for note in entry.runs}


def test_an_attestation_in_a_bundle_is_admitted_as_what_it_is(effects):
    change(effects, record(effects), sigstore.PRODUCTION)
    receipts = submit(effects, ALICE, [Submission(bundle("happy-path-intoto-in-dsse-v3"))]).receipts
    assert [(one.type, one.format, one.binding) for one in receipts] == [
        ("provenance", "in-toto/1", "attested"),
        ("attestation", "slsa-provenance/1", "attested"),
    ]


def test_a_bad_bundle_is_admitted_and_stands_as_bad(effects):
    change(effects, record(effects), sigstore.PRODUCTION)
    receipt = submit(effects, ALICE, [Submission(bundle("set-invalid-signature_fail"))]).receipts[0]
    known = shown(effects, receipt.admission)
    assert (known.standing.standing, known.standing.signers, known.sigstore.failed) == ("bad", (), "log_entry")


def test_many_bundles_come_in_one_document_and_are_admitted_each_by_itself(effects):
    change(effects, record(effects), sigstore.PRODUCTION)
    lines = b"\n".join(
        json.dumps(json.loads(bundle(name))).encode()
        for name in ("happy-path-v0.1", "happy-path-v0.3", "happy-path-intoto-in-dsse-v3")
    )
    receipts = submit(effects, ALICE, [Submission(lines)]).receipts
    assert [one.format for one in receipts] == [
        "sigstore-bundle/0.1",
        "sigstore-bundle/0.3",
        "in-toto/1",
        "slsa-provenance/1",
    ]
    again = submit(effects, ALICE, [Submission(lines)])
    assert again.appended is None
    with pytest.raises(EvidenceRefused) as caught:
        submit(effects, ALICE, [Submission(lines + b'\n{"payloadType": 1, "payload": 2, "signatures": 3}')])
    assert {each.pointer.split("/")[2] for each in caught.value.fields["faults"]} == {"3"}


def npm(name):
    return (DATA / "npm" / f"supreme-googles-cli-v02-tag{name}.tgz.json").read_bytes()


def npm_key():
    """Give the registry's public key, as its own log entry holds it."""
    entry = json.loads(npm(""))["attestations"][0]["bundle"]["verificationMaterial"]["tlogEntries"][0]
    body = json.loads(base64.b64decode(entry["canonicalizedBody"]))
    return read_public(base64.b64decode(body["spec"]["content"]["envelope"]["signatures"][0]["publicKey"]), ("submit",))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", [("attestation", "verified"), ("provenance", "verified"), ("attestation", "verified")]),
        ("-invalidsigpub", [("attestation", "bad"), ("provenance", "verified"), ("attestation", "verified")]),
        ("-invalidsigprov", [("attestation", "verified"), ("provenance", "bad"), ("attestation", "bad")]),
    ],
)
def test_npms_attestations_are_told_apart_and_never_claim_the_tarball_they_do_not_name(effects, name, expected):
    change(
        effects, record(effects, identities=((GITHUB, "https://github.com/trishankatdatadog/*"),)), sigstore.PRODUCTION
    )
    person = Person(id=BOB.actor, login="npm", groups=(), keys=(npm_key(),))
    trust.set_directory(effects, ALICE, [*trust.current(effects).directory.people, person], [ROOT])
    receipts = submit(effects, ALICE, [Submission(npm(name), TARBALL)]).receipts
    stands = [shown(effects, one.admission).standing for one in receipts]
    assert [(one.type, each.signature) for one, each in zip(receipts, stands, strict=True)] == expected
    # the statements name a SHA-512: that this tarball is it, the submitter says
    assert {one.binding for one in receipts} == {"asserted"}
    assert {each.covers for each in stands} == {False}
    assert {each.standing for each in stands} == {"bad" if each.signature == "bad" else "unsigned" for each in stands}


def test_the_given_verification_summary_verifies_with_its_key(effects):
    folder = DATA.parent / "attest"
    key = read_public((folder / "vsa_signing_public_key.pem").read_bytes(), ("submit",))
    person = Person(id=BOB.actor, login="bcid", groups=(), keys=(key,))
    trust.set_directory(effects, ALICE, [*trust.current(effects).directory.people, person], [ROOT])
    data = (folder / "gke-gce-pre.bcid-vsa.jsonl").read_bytes()
    receipts = submit(effects, ALICE, [Submission(data, "sha256:" + "1" * 64)]).receipts
    assert [one.format for one in receipts] == ["in-toto/1", "slsa-vsa/1"]
    known = shown(effects, receipts[1].admission)
    assert (known.standing.signature, known.standing.signers) == ("verified", ("bcid",))
    assert load(effects.store, receipts[1].verification, Verification).predicate_type.endswith(
        "verification_summary/v1"
    )


def test_an_append_that_lost_the_race_with_a_change_of_trust_is_made_again(effects):
    """What was verified by a trust that no longer stands is not admitted."""
    change(effects, record(effects), sigstore.PRODUCTION)
    tries = []
    append = effects.log.append

    def racing(entries, expect):
        if not tries:
            tries.append(1)
            change(effects, record(effects, identities=(("nobody", "nobody"),)))
        return append(entries, expect)

    effects.log.append = racing
    receipt = submit(effects, ALICE, [Submission(bundle("happy-path-v0.3"))]).receipts[0]
    assert tries
    assert (receipt.binding, receipt.verified) == ("embedded", False)
