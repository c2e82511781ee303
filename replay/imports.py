"""Importing: another instance's bundle becomes objects and one claim. Must not believe any of it.

Logs never merge: what came in is named under ``remote/<origin>`` and has no other standing; its verdicts and Runs are
claims until rerun here.
"""

from dataclasses import dataclass
from pathlib import Path

from cas import canon, refs
from cas.digest import Digest
from cas.problems import EntryMissing, ExpectationFailed
from cas.records.proof import BundleLog, BundleManifest, ImportClaim, ReplayReport
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.work import Work
from replay.opened import OpenedBundle, recorded
from replay.problems import BundleUnsigned
from replay.process import replay_all

_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in: the claim, whether the signer was established, and whether it had been here before."""

    claim_digest: Digest
    claim: ImportClaim
    established: bool
    objects: int
    known: bool


def import_bundle(
    effects: Effects, caller: Caller, path: Path, *, root: Digest | None = None, demand_root: bool = False
) -> Imported:
    """Bring a bundle in: (1) check it whole; (2) keep its objects; (3) one entry ``bundle.imported`` with the claim.

    Nothing of it moves any ref but ``remote/<origin>``. The same bundle twice is imported once.

    Raises: bundle.invalid, bundle.signer_not_established
    """
    bundle = OpenedBundle(path, root)  # (1)
    if demand_root and not bundle.established:
        raise BundleUnsigned(path=str(path), origin=bundle.manifest.origin)
    put = effects.store.put
    for name in bundle.digests():  # (2)
        put(bundle.get(name))
    manifest, log, checkpoint, envelope = (put(data) for data in bundle.beside())
    claim = ImportClaim(
        origin=bundle.manifest.origin, checkpoint=checkpoint, manifest=manifest, roots=bundle.manifest.roots
    )
    known = _admit(effects, caller, claim, (log, envelope))  # (3)
    named = effects.store.put(canon.of_record(claim))
    return Imported(named, claim, bundle.established, bundle.manifest.objects, known)


def _admit(effects: Effects, caller: Caller, claim: ImportClaim, beside: tuple[Digest, Digest]) -> bool:
    log, envelope = beside
    ref = refs.remote(claim.origin)
    for attempt in range(_ATTEMPTS):
        work = Work(effects, caller)
        name = work.save(claim)
        if name in work.members(ref):
            return True
        work.note("bundle.imported", name, (work.add(ref, name),), envelopes=(envelope,), beside=(log,))
        try:
            work.commit()
        except ExpectationFailed:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return False
    raise AssertionError


def replay_claim(effects: Effects, claim_digest: Digest) -> ReplayReport:
    """Rerun here what a bundle claims; a changed outcome is named, and nothing of ours changes.

    Raises: cas.entry_missing, replay.*
    """
    if effects.log.admitted(claim_digest) is None:
        raise EntryMissing(claim=claim_digest)
    claim = load(effects.store, claim_digest, ImportClaim)
    log = load(effects.store, load(effects.store, claim.manifest, BundleManifest).log, BundleLog)
    return replay_all(effects.store, recorded(log), claim.manifest, claim.roots)


def replay_bundle(path: Path, *, root: Digest | None = None) -> ReplayReport:
    """Rerun what a bundle claims where it lies, without a home.

    Raises: bundle.invalid, replay.*
    """
    bundle = OpenedBundle(path, root)
    return replay_all(bundle, bundle.recorded(), bundle.manifest_digest, bundle.manifest.roots)
