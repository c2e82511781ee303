"""Founding, rotating, revoking: only the previous root's threshold changes the root; log order decides."""

import pytest

from cas import refs
from cas.records.proof import Person, TrustRoot, Verification
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.attest.problems import DirectoryInvalid, RootInvalid, StatementInvalid
from pipeline.operations import trust
from pipeline.operations.attestations import seal_record
from tests.support.world import ALICE, BOB, World

ROOT = generate("ed25519", purposes=("root",), ref="root")
SECOND = generate("ecdsa-p256", purposes=("root",), ref="second")
SERVER = generate("ecdsa-p256", purposes=("server",), ref="server")
STICKER = generate("rsa", purposes=("server",), ref="sticker")
BOBS = generate("ed25519", purposes=("approve",), ref="bob")
CI = generate("ed25519", purposes=("submit",), ref="ci")


def person(caller, *signers, groups=()):
    keys = tuple(sorted((signer.key for signer in signers), key=lambda key: key.id))
    return Person(id=caller.actor, login=caller.login, groups=groups, keys=keys)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def effects(world):
    made = world.effects(server=SERVER, sticker=STICKER)
    trust.found(made, ROOT, SERVER, STICKER, ALICE)
    return made


def test_the_first_entry_names_origin_root_key_and_server_keys(world, effects):
    entries = [entry for _, entry in world.log.read()]
    assert [entry.event for entry in entries] == ["trust.founded", "directory.founded"]
    root = load(world.store, entries[0].record, TrustRoot)
    assert root.origin == ROOT.key.id
    assert trust.fingerprint(root) == "sha256:" + ROOT.key.id
    assert {key.id for key in root.keys} == {ROOT.key.id, SERVER.key.id, STICKER.key.id}
    assert world.log.ref(refs.TRUST_ROOT) == entries[0].record
    checked = load(world.store, entries[0].verifications[0], Verification)
    assert checked.status == "verified"
    assert checked.envelope == entries[0].envelopes[0]


def test_an_instance_is_founded_once(effects):
    with pytest.raises(trust.AlreadyFounded):
        trust.found(effects, ROOT, SERVER, STICKER, ALICE)


def test_one_key_for_every_role_is_refused(world):
    both = generate("ed25519", purposes=("root", "server"))
    with pytest.raises(RootInvalid):
        trust.found(world.effects(server=both, sticker=both), both, both, both, ALICE)
    assert world.log.head().size == 0


def test_without_founding_there_is_no_trust(world):
    with pytest.raises(trust.NotFounded):
        trust.current(world.effects())


def test_a_key_is_added_under_the_roots_signature(world, effects):
    now = trust.add_key(effects, ALICE, CI.key, [ROOT])
    assert now.root.version == 2
    assert CI.key in now.root.keys
    assert [entry.event for _, entry in world.log.read(2)] == ["trust.changed"]


@pytest.mark.parametrize("signers", [[], [SERVER], [SECOND], [CI]])
def test_a_root_without_the_roots_signature_is_refused_and_changes_nothing(world, effects, signers):
    before = world.log.head()
    with pytest.raises(trust.NotSigned):
        trust.add_key(effects, ALICE, CI.key, signers)
    with pytest.raises(trust.NotSigned):
        trust.set_directory(effects, ALICE, [person(BOB, BOBS)], signers)
    assert world.log.head() == before


def test_a_tampered_root_is_refused(effects):
    proposed = trust.propose_root(effects, add=[CI.key])
    signed = trust.sign_record("trust-root", proposed, [ROOT])
    other = trust.sign_record("trust-root", trust.propose_root(effects, add=[SECOND.key]), [SERVER])
    import json

    forged = json.loads(other)
    forged["signatures"] = json.loads(signed)["signatures"]
    with pytest.raises(trust.NotSigned):
        trust.change_root(effects, ALICE, json.dumps(forged).encode())
    trust.change_root(effects, ALICE, signed)


def test_a_directory_statement_is_no_root_statement(effects):
    signed = trust.sign_record("directory", trust.propose_directory(effects, [person(BOB, BOBS)]), [ROOT])
    with pytest.raises(StatementInvalid):
        trust.change_root(effects, ALICE, signed)


def test_an_old_signed_root_cannot_be_played_again(effects):
    signed = trust.sign_record("trust-root", trust.propose_root(effects, add=[CI.key]), [ROOT])
    trust.change_root(effects, ALICE, signed)
    with pytest.raises(RootInvalid):
        trust.change_root(effects, ALICE, signed)


def test_an_old_signed_directory_cannot_be_played_again(effects):
    signed = trust.sign_record("directory", trust.propose_directory(effects, [person(BOB, BOBS)]), [ROOT])
    trust.change_directory(effects, ALICE, signed)
    with pytest.raises(DirectoryInvalid):
        trust.change_directory(effects, ALICE, signed)


def test_a_threshold_of_two_needs_two_different_keys(effects):
    proposed = trust.propose_root(effects, add=[SECOND.key], threshold=2)
    trust.change_root(effects, ALICE, trust.sign_record("trust-root", proposed, [ROOT]))
    for signers in ([ROOT], [SECOND], [ROOT, ROOT]):
        with pytest.raises(trust.NotSigned):
            trust.add_key(effects, ALICE, CI.key, signers)
    assert trust.add_key(effects, ALICE, CI.key, [ROOT, SECOND]).root.version == 3


def test_a_threshold_nobody_can_meet_is_refused(effects):
    with pytest.raises(RootInvalid, match="threshold"):
        trust.propose_root(effects, threshold=2)
    with pytest.raises(RootInvalid, match="threshold"):
        trust.propose_root(effects, threshold=0)
    with pytest.raises(RootInvalid, match="threshold"):
        trust.propose_root(effects, revoke=[ROOT.key.id])


def test_a_rotated_root_key_no_longer_signs_and_the_new_one_does(world, effects):
    at = world.log.head().size
    now = trust.rotate(effects, ALICE, ROOT.key.id, SECOND.key, [ROOT])
    assert next(key for key in now.root.keys if key.id == ROOT.key.id).revoked_at == at
    assert now.root.origin == ROOT.key.id
    with pytest.raises(trust.NotSigned):
        trust.add_key(effects, ALICE, CI.key, [ROOT])
    trust.add_key(effects, ALICE, CI.key, [SECOND])


def test_a_revoked_key_stays_revoked_and_listed(effects):
    trust.add_key(effects, ALICE, CI.key, [ROOT])
    now = trust.revoke_key(effects, ALICE, CI.key.id, [ROOT])
    again = trust.propose_root(effects, add=[CI.key])
    assert [key for key in again.keys if key.id == CI.key.id] == [key for key in now.root.keys if key.id == CI.key.id]
    dropped = TrustRoot(
        version=again.version,
        origin=again.origin,
        threshold=1,
        keys=tuple(key for key in again.keys if key.id != CI.key.id),
        previous=again.previous,
    )
    with pytest.raises(RootInvalid, match="not removed"):
        trust.change_root(effects, ALICE, trust.sign_record("trust-root", dropped, [ROOT]))


def test_an_unknown_key_cannot_be_revoked(effects):
    with pytest.raises(trust.KeyUnknown):
        trust.revoke_key(effects, ALICE, "f" * 64, [ROOT])


def test_people_are_set_under_the_roots_signature(effects):
    now = trust.set_directory(effects, ALICE, [person(BOB, BOBS, groups=("security",)), person(ALICE)], [ROOT])
    assert [each.login for each in now.directory.people] == ["alice", "bob"]
    assert now.directory.version == 2


def test_a_directory_names_every_fault_at_once(effects):
    people = [
        person(BOB, BOBS),
        Person(id=BOB.actor, login="carol", groups=("b", "a"), keys=(BOBS.key,)),
        Person(id="person:" + "9" * 32, login="server", groups=(), keys=(SERVER.key,)),
    ]
    with pytest.raises(DirectoryInvalid) as caught:
        trust.propose_directory(effects, people)
    codes = {fault.code for fault in caught.value.fields["faults"]}
    assert codes == {"twice", "order", "two_owners", "reserved", "purpose"}


def test_a_sealed_record_carries_the_servers_statement(world, effects):
    from pipeline.attest import envelope, signatures, statements

    record = world.log.ref(refs.DIRECTORY)
    sealed = seal_record(effects, "policy", record, [("web", "sha256:" + "1" * 64)])
    read = envelope.parse(world.store.get(sealed))
    assert statements.speaks_of(statements.parse(read.payload), "policy") == record
    assert signatures.verify(SERVER.key, read.pae(), read.signatures[0].signature)
    assert read.signatures[0].key_id == SERVER.key.id
    assert seal_record(effects, "policy", record, [("web", "sha256:" + "1" * 64)]) == sealed
