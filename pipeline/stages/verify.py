"""verify/1: an envelope's signatures against trust root and directory, at a log position. Must not know policy.

A key counts when its purposes hold the one asked for and it was not revoked at or before the position: log order,
never wall clock. The key id in an envelope is a hint; without it every key of the purpose is tried.
"""

import cryptography

from cas import canon, digest
from cas.records.proof import Directory, SignatureCheck, TrustRoot, Verification, VerifyInput
from pipeline.attest import envelope as envelopes
from pipeline.attest import owned, signatures, statements
from pipeline.attest.envelope import Envelope, Signature
from pipeline.attest.owned import Standard
from pipeline.attest.problems import StatementInvalid
from pipeline.attest.statements import Statement
from pipeline.stage import Stage, StageIO

IN_TOTO_TYPES = frozenset({statements.PAYLOAD_TYPE})


def verify(question: VerifyInput, io: StageIO) -> Verification:
    """Answer who signed, by which key, and whether the statement covers what it should.

    (1) read and judge root and directory; (2) read the envelope; (3) check each signature; (4) read the statement.
    A payload that is not a statement has no subjects and covers nothing.

    Raises: attest.envelope_invalid, attest.root_invalid, attest.directory_invalid, cas.too_large
    """
    root = io.load(question.trust_root, TrustRoot)
    directory = io.load(question.directory, Directory) if question.directory is not None else None
    standard = Standard(owned.owners(root, directory, question.purpose), question.purpose, question.position)  # (1)
    given = envelopes.parse(io.read(question.envelope))  # (2)
    message = given.pae()
    checks = sorted((_check(each, standard, message) for each in given.signatures), key=owned.order)  # (3)
    statement = statement_of(given)  # (4)
    subjects = tuple(sorted({named for _, named in statement.subjects})) if statement else ()
    return Verification(
        input=digest.of_bytes(canon.of_record(question)),
        envelope=question.envelope,
        status=owned.status(checks),
        payload=io.keep(given.payload),
        payload_type=given.payload_type,
        predicate_type=statement.predicate_type if statement else "",
        subjects=subjects,
        covers=bool(subjects) and set(question.subjects) <= set(subjects),
        signatures=tuple(checks),
    )


def _check(given: Signature, standard: Standard, message: bytes) -> SignatureCheck:
    return owned.check(
        given.key_id, given.key_id, standard, lambda key: signatures.verify(key, message, given.signature)
    )


def statement_of(given: Envelope) -> Statement | None:
    """Read the statement in an envelope; None when it holds something else."""
    if given.payload_type not in IN_TOTO_TYPES:
        return None
    try:
        return statements.parse(given.payload)
    except StatementInvalid:
        return None


VERIFY = Stage("verify", 1, VerifyInput, Verification, verify, engines=(("cryptography", cryptography.__version__),))
