"""The instance's trust: founding it, changing its root, its directory of people. Must not hold keys of its own.

A trust root or directory changes only by a record signed by the root's threshold: the signatures travel as one DSSE
envelope, made here from signers at hand or carried in from where the root keys are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cas import canon, digest, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.base import Record
from cas.records.proof import Directory, Key, Person, TrustRoot, Verification, VerifyInput
from cas.store import load
from pipeline.attest import envelope, roots, statements
from pipeline.attest.problems import DirectoryInvalid, RootInvalid
from pipeline.attest.statements import Kind
from pipeline.effects import Caller, Effects, Signer
from pipeline.operations.attestations import record_kind, sign_statement
from pipeline.operations.work import Work
from pipeline.stages.verify import VERIFY


class AlreadyFounded(Problem):
    """The log is not empty: an instance is founded once."""

    code = "trust.already_founded"
    category = Category.CONFLICT
    title = "This instance is founded already"
    remedy = "Use another home, or change the trust root with the root's keys."


class NotFounded(Problem):
    """The instance has no trust root yet."""

    code = "trust.not_founded"
    category = Category.CONFLICT
    title = "This instance has no trust root"
    remedy = "Found it first: stella init."


class NotSigned(Problem):
    """A change of the trust root or directory lacks signatures of the current root."""

    code = "trust.not_signed"
    category = Category.DENIED
    title = "Not signed by enough root keys"
    remedy = "Have the proposed record signed by the threshold of root keys named by the current trust root."


class KeyUnknown(Problem):
    """The trust root holds no such key."""

    code = "trust.key_unknown"
    category = Category.MISSING
    title = "No such key in the trust root"
    remedy = "List the keys with stella trust show."


@dataclass(frozen=True, slots=True)
class Trust:
    """The current trust root and directory with their digests."""

    root_digest: Digest
    root: TrustRoot
    directory_digest: Digest
    directory: Directory


@dataclass(frozen=True, slots=True)
class _Judge:
    """The root whose threshold of keys must have signed."""

    digest: Digest
    root: TrustRoot


_FOUNDED: Final = {
    refs.TRUST_ROOT: "trust.founded",
    refs.DIRECTORY: "directory.founded",
    refs.SIGSTORE: "sigstore.trusted",
}
_EVENTS: Final = {
    refs.TRUST_ROOT: "trust.changed",
    refs.DIRECTORY: "directory.changed",
    refs.SIGSTORE: "sigstore.changed",
}


def fingerprint(root: TrustRoot) -> Digest:
    """Give what people compare and hand to the verifier: the digest of the first root key."""
    return "sha256:" + root.origin


def current(effects: Effects) -> Trust:
    """Read the trust root and directory as they stand.

    Raises: trust.not_founded
    """
    root, directory = effects.log.ref(refs.TRUST_ROOT), effects.log.ref(refs.DIRECTORY)
    if root is None or directory is None:
        raise NotFounded
    return Trust(root, load(effects.store, root, TrustRoot), directory, load(effects.store, directory, Directory))


def found(
    effects: Effects,
    root_signer: Signer,
    server_signer: Signer,
    sticker_signer: Signer,
    owner: Caller,
    *,
    owner_keys: Sequence[Key] = (),
    owner_groups: Sequence[str] = (),
) -> Trust:
    """Found the instance: the first entry names origin, root key, server keys; the second the directory.

    Both records are signed by the root key, in one append that expects neither ref to exist.

    Raises: trust.already_founded, attest.root_invalid, attest.directory_invalid
    """
    if effects.log.ref(refs.TRUST_ROOT) is not None:
        raise AlreadyFounded
    held = {signer.key.id: signer.key for signer in (root_signer, server_signer, sticker_signer)}
    root = TrustRoot(
        version=1,
        origin=root_signer.key.id,
        threshold=1,
        keys=tuple(held[key_id] for key_id in sorted(held)),
        previous=None,
    )
    person = Person(
        id=owner.actor, login=owner.login, groups=tuple(sorted(set(owner_groups))), keys=_sorted(owner_keys)
    )
    directory = Directory(version=1, people=(person,), previous=None)
    roots.check_root(root)
    roots.check_directory(directory, root)
    work = Work(effects, owner)
    root_digest = work.save(root)
    directory_digest = work.save(directory)
    judge = _Judge(root_digest, root)
    _note(work, judge, refs.TRUST_ROOT, root_digest, sign_record("trust-root", root, [root_signer]))
    signed = sign_record("directory", directory, [root_signer])
    _note(work, judge, refs.DIRECTORY, directory_digest, signed)
    work.commit()
    return Trust(root_digest, root, directory_digest, directory)


def sign_record(kind: Kind, record: Record, signers: Sequence[Signer]) -> bytes:
    """Sign a proposed trust root or directory, here or far away: the statement carries the record itself."""
    name = digest.of_bytes(canon.of_record(record))
    payload = statements.build(kind, name, record_kind(type(record)), (("record", name),), record)
    return sign_statement(payload, signers)


def propose_root(
    effects: Effects, *, add: Sequence[Key] = (), revoke: Sequence[str] = (), threshold: int | None = None
) -> TrustRoot:
    """Draft the next trust root: keys added, keys revoked from here on in the log, another threshold.

    Raises: trust.not_founded, trust.key_unknown, attest.root_invalid
    """
    trust = current(effects)
    at = effects.log.head().size
    keys = {key.id: key for key in trust.root.keys}
    for key in add:
        keys.setdefault(key.id, key)
    for key_id in revoke:
        if key_id not in keys:
            raise KeyUnknown(key_id=key_id[:64])
        if keys[key_id].revoked_at is None:
            keys[key_id] = _revoked(keys[key_id], at)
    root = TrustRoot(
        version=trust.root.version + 1,
        origin=trust.root.origin,
        threshold=trust.root.threshold if threshold is None else threshold,
        keys=tuple(keys[key_id] for key_id in sorted(keys)),
        previous=trust.root_digest,
    )
    roots.check_change(trust.root, root)
    return root


def propose_directory(effects: Effects, people: Sequence[Person]) -> Directory:
    """Draft the next directory.

    Raises: trust.not_founded, attest.directory_invalid
    """
    trust = current(effects)
    ordered = tuple(sorted(people, key=lambda person: person.login))
    directory = Directory(version=trust.directory.version + 1, people=ordered, previous=trust.directory_digest)
    roots.check_directory(directory, trust.root)
    return directory


def change_root(effects: Effects, caller: Caller, envelope_bytes: bytes) -> Trust:
    """Admit a trust root that was signed by the current root's threshold; the envelope carries the record.

    Raises: trust.not_signed, trust.not_founded, attest.*, cas.expectation_failed
    """
    trust = current(effects)
    _, root = statements.content_of(statement_in(envelope_bytes), "trust-root", TrustRoot)
    roots.check_change(trust.root, root)
    if root.previous != trust.root_digest:
        raise RootInvalid(reason="it does not follow the current root", pointer="/previous")
    roots.check_directory(trust.directory, root)
    admit(effects, caller, trust, refs.TRUST_ROOT, root, envelope_bytes)
    return current(effects)


def change_directory(effects: Effects, caller: Caller, envelope_bytes: bytes) -> Trust:
    """Admit a directory that was signed by the root's threshold; the envelope carries the record.

    Raises: trust.not_signed, trust.not_founded, attest.*, cas.expectation_failed
    """
    trust = current(effects)
    _, directory = statements.content_of(statement_in(envelope_bytes), "directory", Directory)
    roots.check_directory(directory, trust.root)
    if directory.previous != trust.directory_digest or directory.version != trust.directory.version + 1:
        raise DirectoryInvalid(reason="it does not follow the current directory", pointer="/previous")
    admit(effects, caller, trust, refs.DIRECTORY, directory, envelope_bytes)
    return current(effects)


def set_directory(effects: Effects, caller: Caller, people: Sequence[Person], root_signers: Sequence[Signer]) -> Trust:
    """Change people, groups and keys with root keys at hand.

    Raises: as propose_directory and change_directory
    """
    return change_directory(effects, caller, sign_record("directory", propose_directory(effects, people), root_signers))


def add_key(effects: Effects, caller: Caller, key: Key, root_signers: Sequence[Signer]) -> Trust:
    """Let one more key speak for the instance.

    Raises: as propose_root and change_root
    """
    return change_root(effects, caller, sign_record("trust-root", propose_root(effects, add=[key]), root_signers))


def revoke_key(effects: Effects, caller: Caller, key_id: str, root_signers: Sequence[Signer]) -> Trust:
    """Let a key no longer count from this place in the log on; what it signed before keeps its standing.

    Raises: as propose_root and change_root
    """
    proposed = propose_root(effects, revoke=[key_id])
    return change_root(effects, caller, sign_record("trust-root", proposed, root_signers))


def rotate(effects: Effects, caller: Caller, old_id: str, new: Key, root_signers: Sequence[Signer]) -> Trust:
    """Replace a key by another in one step, a root key included.

    Raises: as propose_root and change_root
    """
    proposed = propose_root(effects, add=[new], revoke=[old_id])
    return change_root(effects, caller, sign_record("trust-root", proposed, root_signers))


def statement_in(envelope_bytes: bytes) -> statements.Statement:
    """Read the statement that an envelope carries; who signed it is asked when it is admitted.

    Raises: attest.envelope_invalid, attest.statement_invalid
    """
    return statements.parse(envelope.parse(envelope_bytes).payload)


def admit(  # noqa: PLR0917 - what is admitted, and what it was judged by
    effects: Effects, caller: Caller, standing: Trust, ref: str, record: Record, envelope_bytes: bytes
) -> None:
    """Append a change, if what it was held against still stands: else a key revoked meanwhile would come back.

    Raises: trust.not_signed, cas.expectation_failed
    """
    work = Work(effects, caller)
    name = work.save(record)
    work.expect(refs.TRUST_ROOT, standing.root_digest)
    work.expect(refs.DIRECTORY, standing.directory_digest)
    _note(work, _Judge(standing.root_digest, standing.root), ref, name, envelope_bytes)
    work.commit()


def _note(work: Work, judge: _Judge, ref: str, record: Digest, envelope_bytes: bytes) -> None:
    """Verify by the judging root and note the entry; too few signatures refuse it."""
    kept = work.effects.store.put(envelope_bytes)
    done = work.run(
        VERIFY,
        VerifyInput(
            envelope=kept,
            trust_root=judge.digest,
            directory=None,
            position=work.effects.log.head().size,
            purpose="root",
            subjects=(record,),
        ),
    )
    signers = _signers(done.record)
    if not done.record.covers or len(signers) < judge.root.threshold:
        raise NotSigned(record=record, signatures=len(signers), threshold=judge.root.threshold)
    event = _EVENTS[ref] if work.ref(ref) else _FOUNDED[ref]
    work.note(event, record, (work.move(ref, record),), envelopes=(kept,), verifications=(done.digest,))


def _signers(verification: Verification) -> set[str]:
    return {check.key_id for check in verification.signatures if check.status == "verified"}


def _sorted(keys: Sequence[Key]) -> tuple[Key, ...]:
    return tuple(sorted(keys, key=lambda key: key.id))


def _revoked(key: Key, at: int) -> Key:
    return Key(id=key.id, algorithm=key.algorithm, spki=key.spki, purposes=key.purposes, revoked_at=at)
