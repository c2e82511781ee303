"""verify/1: an envelope's signatures against trust root and directory, at a log position. Must not know policy.

A key counts when its purposes hold the one asked for and it was not revoked at or before the position: log order,
never wall clock. The key id in an envelope is a hint; without it every key of the purpose is tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cryptography

from cas import canon, digest
from cas.records.proof import Directory, Key, SignatureCheck, TrustRoot, Verification, VerifyInput
from pipeline.attest import envelope as envelopes
from pipeline.attest import roots, signatures, statements
from pipeline.attest.envelope import Envelope, Signature
from pipeline.attest.problems import StatementInvalid
from pipeline.attest.statements import Statement
from pipeline.stage import Stage, StageIO

IN_TOTO_TYPES = frozenset({statements.PAYLOAD_TYPE})


@dataclass(frozen=True, slots=True)
class _Owned:
    key: Key
    signer: str


def verify(question: VerifyInput, io: StageIO) -> Verification:
    """Answer who signed, by which key, and whether the statement covers what it should.

    (1) read and judge root and directory; (2) read the envelope; (3) check each signature; (4) read the statement.
    A payload that is not a statement has no subjects and covers nothing.

    Raises: attest.envelope_invalid, attest.root_invalid, attest.directory_invalid, cas.too_large
    """
    keys = _keys(question, io)  # (1)
    given = envelopes.parse(io.read(question.envelope))  # (2)
    message = given.pae()
    checks = sorted((_check(each, keys, question, message) for each in given.signatures), key=_order)  # (3)
    statement = _statement(given)  # (4)
    subjects = tuple(sorted({named for _, named in statement.subjects})) if statement else ()
    return Verification(
        input=digest.of_bytes(canon.of_record(question)),
        envelope=question.envelope,
        status=_status(checks),
        payload=io.keep(given.payload),
        payload_type=given.payload_type,
        predicate_type=statement.predicate_type if statement else "",
        subjects=subjects,
        covers=bool(subjects) and set(question.subjects) <= set(subjects),
        signatures=tuple(checks),
    )


def _keys(question: VerifyInput, io: StageIO) -> tuple[_Owned, ...]:
    root = io.load(question.trust_root, TrustRoot)
    roots.check_root(root)
    owner = "root" if question.purpose == "root" else "server"
    owned = [_Owned(key, owner) for key in root.keys]
    if question.directory is not None:
        directory = io.load(question.directory, Directory)
        roots.check_directory(directory, root)
        owned += [_Owned(key, person.login) for person in directory.people for key in person.keys]
    return tuple(owned)


def _check(given: Signature, keys: tuple[_Owned, ...], question: VerifyInput, message: bytes) -> SignatureCheck:
    named = next((owned for owned in keys if owned.key.id == given.key_id), None)
    if named is None:
        named = next((owned for owned in keys if signatures.verify(owned.key, message, given.signature)), None)
        if named is None:
            return SignatureCheck(key_id=given.key_id, algorithm="", signer="", status="unknown_key")
    elif not signatures.verify(named.key, message, given.signature):
        return _said(named, "bad")
    if question.purpose not in named.key.purposes:
        return _said(named, "wrong_purpose")
    if named.key.revoked_at is not None and named.key.revoked_at <= question.position:
        return _said(named, "revoked")
    return _said(named, "verified")


def _said(
    owned: _Owned, status: Literal["verified", "bad", "unknown_key", "revoked", "wrong_purpose"]
) -> SignatureCheck:
    return SignatureCheck(key_id=owned.key.id, algorithm=owned.key.algorithm, signer=owned.signer, status=status)


def _order(check: SignatureCheck) -> tuple[str, str, str]:
    return (check.signer, check.key_id, check.status)


def _status(checks: Sequence[SignatureCheck]) -> Literal["verified", "unsigned", "bad"]:
    statuses = {check.status for check in checks}
    if "verified" in statuses:
        return "verified"
    return "bad" if statuses - {"unknown_key"} else "unsigned"


def _statement(given: Envelope) -> Statement | None:
    if given.payload_type not in IN_TOTO_TYPES:
        return None
    try:
        return statements.parse(given.payload)
    except StatementInvalid:
        return None


VERIFY = Stage("verify", 1, VerifyInput, Verification, verify, engines=(("cryptography", cryptography.__version__),))
