"""What one person signed with their own key: verified by the directory, whoever carried it here. Must not know why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cas import refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.proof import Person, Verification, VerifyInput
from pipeline.effects import Effects
from pipeline.operations import trust
from pipeline.operations.work import Work
from pipeline.stages.verify import VERIFY


class SubjectsWrong(Problem):
    """A signed statement covers something else than what it is given for."""

    code = "personal.subjects_wrong"
    category = Category.CONFLICT
    title = "The statement does not cover what it is given for"
    remedy = "Fetch the statement to sign again, and sign that one."


class ApprovalUnsigned(Problem):
    """No person's own key with purpose approve signed the statement."""

    code = "approval.not_signed"
    category = Category.DENIED
    title = "Not signed by one person's key for approvals"
    remedy = "Sign with your own key that the directory lists with purpose approve."


class ApproverUnknown(Problem):
    """The directory lists no such person."""

    code = "approval.person_unknown"
    category = Category.DENIED
    title = "The directory does not list this person"
    remedy = "Have the owner of the root key add the person to the directory."


@dataclass(frozen=True, slots=True)
class Personal:
    """Who signed, and what proves it."""

    person: Person
    envelope: Digest
    verification: Digest
    payload: Digest


def signed(work: Work, envelope: bytes, subjects: Sequence[Digest]) -> Personal:
    """Verify an envelope by the keys that count now: one person's, with purpose approve, over all of ``subjects``.

    The append of ``work`` expects trust root and directory to stay as they are.

    Raises: attest.*, approval.not_signed, approval.person_unknown, personal.subjects_wrong
    """
    kept = work.effects.store.put(envelope)
    standing = trust.current(work.effects)
    done = work.run(
        VERIFY,
        VerifyInput(
            envelope=kept,
            trust_root=standing.root_digest,
            directory=standing.directory_digest,
            position=work.effects.log.head().size,
            purpose="approve",
            subjects=tuple(sorted(set(subjects))),
        ),
    )
    work.expect(refs.DIRECTORY, standing.directory_digest)
    work.expect(refs.TRUST_ROOT, standing.root_digest)
    return Personal(signer_of(work.effects, done.record), kept, done.digest, done.record.payload)


def signer_of(effects: Effects, verification: Verification) -> Person:
    """Give the one person whose key verifiably signed.

    Raises: approval.not_signed, approval.person_unknown, personal.subjects_wrong
    """
    if not verification.covers:
        raise SubjectsWrong(envelope=verification.envelope)
    signers = {check.signer for check in verification.signatures if check.status == "verified"}
    if len(signers) != 1:
        found = ", ".join(f"{check.signer or '?'}: {check.status}" for check in verification.signatures)
        raise ApprovalUnsigned(signatures=found[:200])
    return person(effects, lambda each: each.login in signers)


def person(effects: Effects, matches: Callable[[Person], bool]) -> Person:
    """Find a person in the directory.

    Raises: approval.person_unknown
    """
    found = next((each for each in trust.current(effects).directory.people if matches(each)), None)
    if found is None:
        raise ApproverUnknown
    return found
