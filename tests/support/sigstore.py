"""Real Sigstore bundles for tests, a trust record over real trusted roots, and the stage asked about them."""

from dataclasses import dataclass, field
from pathlib import Path

from cas.records.attest import SigstoreCheck, SigstoreIdentity, SigstoreInput, SigstoreRoot, SigstoreTrust
from cas.records.proof import Directory, Person, Run, TrustRoot
from cas.store import load, save
from pipeline.adapters.keys import generate
from pipeline.attest.signatures import read_public
from pipeline.stage import advance
from pipeline.stages.verify_sigstore import VERIFY_SIGSTORE
from tests.support.world import World

DATA = Path(__file__).parents[1] / "data" / "sigstore"
CASES = sorted(path for path in (DATA / "bundle-verify").iterdir() if path.is_dir())
PRODUCTION = (DATA / "trusted_root.json").read_bytes()
STAGING = (DATA / "bundle-verify" / "rekor2-happy-path" / "trusted_root.json").read_bytes()
ANYBODY = (("*", "*"),)
ROOT = generate("ed25519", purposes=("root",))


@dataclass
class Asked:
    """One bundle asked about: the answer, what was kept beside it, the world it lies in."""

    record: object
    check: SigstoreCheck
    run: Run
    question: SigstoreInput
    world: World = field(repr=False)


def trust_record(store, roots, identities=ANYBODY):
    """Keep trusted roots and the record that names them; None without any."""
    if not roots:
        return None
    listed = tuple(SigstoreIdentity(issuer=issuer, identity=identity) for issuer, identity in sorted(identities))
    named = tuple(
        SigstoreRoot(name=name, root=store.put(data), identities=listed) for name, data in sorted(roots.items())
    )
    return save(store, SigstoreTrust(version=1, roots=named, previous=None))


def trusted(path):
    """Give the trusted roots that a case of the conformance suite is meant for."""
    own = path / "trusted_root.json"
    return {"sigstore": own.read_bytes() if own.exists() else PRODUCTION}


def ask(data, *, roots=None, identities=ANYBODY, keys=(), subjects=(), position=10):
    """Ask verify_sigstore/1. ``keys`` are (login, Key or PEM) pairs."""
    world = World()
    store = world.store
    people = tuple(
        Person(
            id=f"person:{at:032x}",
            login=login,
            groups=(),
            keys=(read_public(key, ("submit",)) if isinstance(key, bytes) else key,),
        )
        for at, (login, key) in enumerate(sorted(keys, key=lambda each: each[0]))
    )
    question = SigstoreInput(
        bundle=store.put(data),
        sigstore=trust_record(store, {"sigstore": PRODUCTION} if roots is None else roots, identities),
        trust_root=save(store, TrustRoot(version=1, origin=ROOT.key.id, threshold=1, keys=(ROOT.key,), previous=None)),
        directory=save(store, Directory(version=1, people=people, previous=None)),
        position=position,
        purpose="submit",
        subjects=subjects,
    )
    done = advance(VERIFY_SIGSTORE, save(store, question), store)
    run = load(store, done.note.run, Run)
    (check,) = [
        load(store, each, SigstoreCheck) for each in run.keeps if b'"kind":"sigstore_check/1"' in store.get(each)
    ]
    return Asked(done.record, check, run, question, world)
