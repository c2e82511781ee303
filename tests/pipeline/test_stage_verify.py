"""verify/1: who signed, by log order, and whether the statement covers what it should."""

import pytest

from cas.records.proof import Directory, Key, Person, Run, TrustRoot, VerifyInput
from cas.store import load, save
from pipeline.adapters.keys import generate
from pipeline.attest import envelope, statements
from pipeline.attest.problems import DirectoryInvalid, EnvelopeInvalid, RootInvalid
from pipeline.stage import advance
from pipeline.stages.verify import VERIFY
from tests.support.world import World

ROOT = generate("ed25519", purposes=("root",))
SERVER = generate("ecdsa-p256", purposes=("server",))
BOB = generate("ed25519", purposes=("approve",))
IMAGE = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
RECORD = "sha256:" + "3" * 64
PAYLOAD = statements.build("verdict", RECORD, "verdict/1", [("web", IMAGE)])


def revoked(key, at):
    return Key(id=key.id, algorithm=key.algorithm, spki=key.spki, purposes=key.purposes, revoked_at=at)


def ask(
    *,
    data=None,
    payload=PAYLOAD,
    payload_type=statements.PAYLOAD_TYPE,
    signers=(SERVER,),
    hints=True,
    purpose="server",
    position=10,
    subjects=(),
    server_key=SERVER.key,
    bob_key=BOB.key,
    directory=True,
    keys=None,
):
    world = World()
    keys = keys if keys is not None else tuple(sorted((ROOT.key, server_key), key=lambda key: key.id))
    root = TrustRoot(version=1, origin=ROOT.key.id, threshold=1, keys=keys, previous=None)
    people = Directory(
        version=1,
        people=(Person(id="person:" + "b" * 32, login="bob", groups=(), keys=(bob_key,)),),
        previous=None,
    )
    message = envelope.pae(payload_type, payload)
    if data is None:
        made = [(signer.key.id if hints else "", signer.sign(message)) for signer in signers]
        data = envelope.build(payload_type, payload, made)
    question = VerifyInput(
        envelope=world.store.put(data),
        trust_root=save(world.store, root),
        directory=save(world.store, people) if directory else None,
        position=position,
        purpose=purpose,
        subjects=subjects,
    )
    done = advance(VERIFY, save(world.store, question), world.store)
    return done.record, world, done


def statuses(record):
    return [(check.signer, check.status) for check in record.signatures]


def test_a_good_signature_verifies_and_covers_its_subject():
    record, world, done = ask(subjects=(IMAGE,))
    assert record.status == "verified"
    assert record.covers
    assert record.subjects == (IMAGE,)
    assert record.predicate_type == statements.predicate_type("verdict")
    assert statuses(record) == [("server", "verified")]
    assert world.store.get(record.payload) == PAYLOAD
    run = load(world.store, done.note.run, Run)
    assert run.engines[0][0] == "cryptography"
    assert run.keeps == (record.payload,)


def test_a_subject_it_does_not_name_is_not_covered():
    record, _, _ = ask(subjects=(IMAGE, OTHER))
    assert record.status == "verified"
    assert not record.covers


def test_without_a_hint_every_key_is_tried():
    record, _, _ = ask(hints=False)
    assert statuses(record) == [("server", "verified")]


def test_a_tampered_payload_is_named_bad():
    signed = envelope.build(statements.PAYLOAD_TYPE, PAYLOAD, [(SERVER.key.id, SERVER.sign(b"something else"))])
    record, _, _ = ask(data=signed)
    assert record.status == "bad"
    assert statuses(record) == [("server", "bad")]


def test_a_swapped_payload_type_is_named_bad():
    message = envelope.pae("application/other", PAYLOAD)
    record, _, _ = ask(data=envelope.build(statements.PAYLOAD_TYPE, PAYLOAD, [(SERVER.key.id, SERVER.sign(message))]))
    assert record.status == "bad"


def test_a_strangers_signature_is_unknown_not_verified():
    record, _, _ = ask(signers=(generate("ed25519"),))
    assert record.status == "unsigned"
    assert record.signatures[0].status == "unknown_key"


def test_no_signature_at_all_is_unsigned():
    record, _, _ = ask(signers=())
    assert record.status == "unsigned"
    assert record.signatures == ()


def test_a_key_of_another_purpose_does_not_count():
    record, _, _ = ask(signers=(BOB,), purpose="server")
    assert record.status == "bad"
    assert statuses(record) == [("bob", "wrong_purpose")]
    record, _, _ = ask(signers=(SERVER,), purpose="approve")
    assert statuses(record) == [("server", "wrong_purpose")]
    record, _, _ = ask(signers=(ROOT,), purpose="approve")
    assert statuses(record) == [("server", "wrong_purpose")]


def test_a_persons_key_is_found_by_the_directory_alone():
    record, _, _ = ask(signers=(BOB,), purpose="approve")
    assert statuses(record) == [("bob", "verified")]
    record, _, _ = ask(signers=(BOB,), purpose="approve", directory=False)
    assert record.status == "unsigned"


@pytest.mark.parametrize(("position", "status"), [(6, "verified"), (7, "revoked"), (8, "revoked")])
def test_a_revoked_key_counts_by_log_order(position, status):
    record, _, _ = ask(server_key=revoked(SERVER.key, 7), position=position)
    assert statuses(record) == [("server", status)]
    assert (record.status == "verified") == (status == "verified")


def test_every_signature_is_shown_and_one_good_one_suffices():
    message = envelope.pae(statements.PAYLOAD_TYPE, PAYLOAD)
    data = envelope.build(
        statements.PAYLOAD_TYPE,
        PAYLOAD,
        [(SERVER.key.id, SERVER.sign(message)), (BOB.key.id, BOB.sign(b"else")), ("stranger", b"x" * 64)],
    )
    record, _, _ = ask(data=data)
    assert record.status == "verified"
    assert sorted(check.status for check in record.signatures) == ["bad", "unknown_key", "verified"]


def test_a_payload_that_is_no_statement_has_no_subjects_and_covers_nothing():
    for payload, kind in ((b"{}\n", statements.PAYLOAD_TYPE), (PAYLOAD, "application/json")):
        record, _, _ = ask(payload=payload, payload_type=kind)
        assert record.status == "verified"
        assert record.subjects == ()
        assert not record.covers


def test_a_small_order_key_in_a_root_refuses_the_root():
    import base64

    from cas import digest

    spki = bytes.fromhex("302a300506032b6570032100") + (1).to_bytes(32, "little")
    weak = Key(
        id=digest.of_bytes(spki)[7:],
        algorithm="ed25519",
        spki=base64.b64encode(spki).decode(),
        purposes=("server",),
        revoked_at=None,
    )
    with pytest.raises(RootInvalid, match="small order"):
        ask(keys=tuple(sorted((ROOT.key, weak), key=lambda key: key.id)))
    with pytest.raises(DirectoryInvalid, match="small order"):
        ask(bob_key=Key(id=weak.id, algorithm="ed25519", spki=weak.spki, purposes=("approve",), revoked_at=None))


def test_a_key_of_the_root_may_not_be_a_persons_too():
    with pytest.raises(DirectoryInvalid, match="already belongs"):
        ask(
            bob_key=Key(
                id=SERVER.key.id,
                algorithm=SERVER.key.algorithm,
                spki=SERVER.key.spki,
                purposes=("approve",),
                revoked_at=None,
            )
        )


def test_what_is_no_envelope_gives_no_answer():
    with pytest.raises(EnvelopeInvalid):
        ask(data=b"{}")
