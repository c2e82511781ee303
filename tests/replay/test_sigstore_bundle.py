"""Evidence that a certificate signed travels in a bundle: verified again by replay, told as not repeated by verify.py."""

import subprocess
import sys

from cas import digest
from cas.records.attest import SigstoreIdentity, SigstoreRoot, SigstoreTrust
from pipeline.operations import sigstore_trust, trust
from pipeline.operations.ingest import Submission, submit
from replay import verify
from replay.bundle import export
from replay.imports import replay_bundle
from tests.replay.scenes import FINGERPRINT, founded
from tests.support import sigstore
from tests.support.judging import ROOT
from tests.support.world import ALICE


def test_a_bundle_with_sigstore_evidence_is_good_and_replays_to_the_bit(tmp_path):
    effects = founded()
    listed = (SigstoreIdentity(issuer="*", identity="https://github.com/sigstore-conformance/*"),)
    root = SigstoreRoot(name="public", root=digest.of_bytes(sigstore.PRODUCTION), identities=listed)
    made = trust.sign_record("sigstore-trust", SigstoreTrust(version=1, roots=(root,), previous=None), [ROOT])
    sigstore_trust.change(effects, ALICE, made, [sigstore.PRODUCTION])
    data = (sigstore.DATA / "bundle-verify" / "happy-path-intoto-in-dsse-v3" / "bundle.sigstore.json").read_bytes()
    (first, _) = submit(effects, ALICE, [Submission(data)]).receipts
    assert first.binding == "attested"
    path = tmp_path / "evidence.tar"
    export(effects.store, effects.log, effects.server, [first.admission], path)
    done = subprocess.run(
        [sys.executable, "-I", "-S", verify.__file__, str(path), "--root", FINGERPRINT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checks of Sigstore bundles are not repeated here" in done.stdout
    assert replay_bundle(path).result == "equal"
