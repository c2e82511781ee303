"""How a piece of evidence stands: verified, unsigned or bad, and by whom. Reads what admission left; judges nothing."""

from dataclasses import dataclass
from typing import Literal

from cas.digest import Digest
from cas.records.attest import SigstoreCheck
from cas.records.evidence import Admission, Evidence
from cas.records.proof import Run, Verification
from cas.store import Store, load
from pipeline.effects import Effects
from pipeline.stages.verify_sigstore import VERIFY_SIGSTORE

_CHECK = f'"kind":"{SigstoreCheck.__struct_config__.tag}"'.encode()


@dataclass(frozen=True, slots=True)
class Standing:
    """``standing`` is what counts: verified needs a good signature that covers this subject, as assess/2 says it.

    ``signature`` is what became of the signatures whatever they cover; ``signers`` are those whose signature is good.
    """

    standing: Literal["verified", "unsigned", "bad"]
    signature: Literal["verified", "unsigned", "bad", "none"]
    covers: bool
    signers: tuple[str, ...]
    predicate_type: str


def standing_of(store: Store, evidence: Evidence) -> Standing:
    """Say how admitted evidence stands."""
    if evidence.verification is None:
        return Standing("unsigned", "none", covers=False, signers=(), predicate_type="")
    found = load(store, evidence.verification, Verification)
    covers = evidence.envelope == found.envelope and evidence.subject in found.subjects
    counts = found.status == "verified" and covers
    signers = {each.signer for each in found.signatures if each.status == "verified"} - {""}
    return Standing(
        standing="verified" if counts else "bad" if found.status == "bad" else "unsigned",
        signature=found.status if found.signatures else "none",
        covers=covers,
        signers=tuple(sorted(signers)),
        predicate_type=found.predicate_type,
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known of one admission."""

    admission: Admission
    evidence: Evidence
    standing: Standing
    verification: Verification | None
    sigstore: SigstoreCheck | None


def shown(effects: Effects, name: Digest) -> Shown:
    """Give an admission with what was verified about it.

    Raises: cas.object_missing, cas.record_invalid
    """
    admission = load(effects.store, name, Admission)
    evidence = load(effects.store, admission.evidence, Evidence)
    verification = load(effects.store, evidence.verification, Verification) if evidence.verification else None
    return Shown(
        admission,
        evidence,
        standing_of(effects.store, evidence),
        verification,
        _sigstore(effects, verification) if verification is not None else None,
    )


def _sigstore(effects: Effects, verification: Verification) -> SigstoreCheck | None:
    """Find what verify_sigstore/1 kept beside its answer, by this instance's own Run."""
    note = effects.log.ran(VERIFY_SIGSTORE.name, VERIFY_SIGSTORE.version, verification.input)
    if note is None:
        return None
    kept = load(effects.store, note.run, Run).keeps
    name = next((each for each in kept if _CHECK in effects.store.get(each)[:4096]), None)
    return load(effects.store, name, SigstoreCheck) if name else None
