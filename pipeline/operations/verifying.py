"""Asking who signed: the stage that verifies an envelope, or a Sigstore bundle, by what is trusted. Decides nothing."""

from dataclasses import dataclass

from cas.digest import Digest
from cas.records.attest import SigstoreInput
from cas.records.proof import Verification, VerifyInput
from pipeline.operations.work import Work
from pipeline.stage import Done
from pipeline.stages.verify import VERIFY
from pipeline.stages.verify_sigstore import VERIFY_SIGSTORE


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose signatures count, and as of which place in the log; ``sigstore`` matters for bundles only."""

    trust_root: Digest
    directory: Digest | None
    position: int
    sigstore: Digest | None = None


def verified(work: Work, envelope: Digest, subject: Digest, by: Trusted, *, bundle: bool) -> Done[Verification]:
    """Verify the signatures over a subject, as an operation admits them.

    Raises: what the stages raise
    """
    if bundle:
        return work.run(
            VERIFY_SIGSTORE,
            SigstoreInput(
                bundle=envelope,
                sigstore=by.sigstore,
                trust_root=by.trust_root,
                directory=by.directory,
                position=by.position,
                purpose="submit",
                subjects=(subject,),
            ),
        )
    question = VerifyInput(
        envelope=envelope,
        trust_root=by.trust_root,
        directory=by.directory,
        position=by.position,
        purpose="submit",
        subjects=(subject,),
    )
    return work.run(VERIFY, question)
