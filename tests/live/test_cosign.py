"""cosign signs and attests in a real registry (distribution 2.8); what it left is collected, verified and said by whom."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cas.records.proof import Person
from pipeline.adapters.keys import generate
from pipeline.adapters.oci_registry import OciRegistry, RegistrySettings
from pipeline.attest.signatures import read_public
from pipeline.operations import trust
from pipeline.operations.collect import find
from pipeline.operations.ingest import submit
from pipeline.operations.standing import shown
from tests.support.images import Layout
from tests.support.world import ALICE, BOB, World

pytestmark = pytest.mark.live
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stella-tests/cosign/usr/bin/cosign"
NO_SERVICES = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
ROOT = generate("ed25519", purposes=("root",))
SERVER = generate("ed25519", purposes=("server",))
STICKER = generate("rsa", purposes=("server",))


@pytest.fixture(scope="module")
def cosign(tmp_path_factory):
    """Run cosign with a key pair of its own, without any service of the network."""
    program = shutil.which("cosign") or (str(CACHE) if CACHE.exists() else None)
    if program is None:
        pytest.skip("no cosign is here: bash tests/live/install.sh --all (as root, on Debian)")
    folder = tmp_path_factory.mktemp("cosign")
    (folder / "services.json").write_text(json.dumps(NO_SERVICES))
    (folder / "predicate.json").write_text(json.dumps({"result": "PASSED"}))
    known = subprocess.run([program, "sign", "--help"], capture_output=True, text=True, check=True).stdout
    new = "--signing-config" in known
    alone = ["--signing-config", str(folder / "services.json")] if new else ["--tlog-upload=false"]

    def run(*words):
        given = [*alone, "--allow-http-registry", "-y"] if words[0] in {"sign", "attest"} else []
        done = subprocess.run(
            [program, words[0], *given, *words[1:]],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "COSIGN_PASSWORD": "",
                "TUF_ROOT": str(folder / "tuf"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return folder

    run("generate-key-pair")
    return run


@pytest.fixture
def founded(bad_registry, cosign):
    """An instance that knows cosign's key as that of the login ci."""
    public = (cosign("version") / "cosign.pub").read_bytes()
    source = OciRegistry(RegistrySettings(host=bad_registry.address, http=True))
    world = World()
    effects = world.effects(server=SERVER, sticker=STICKER, images=lambda _: source)
    trust.found(effects, ROOT, SERVER, STICKER, ALICE)
    ci = Person(id=BOB.actor, login="ci", groups=(), keys=(read_public(public, ("submit",)),))
    trust.set_directory(effects, ALICE, [*trust.current(effects).directory.people, ci], [ROOT])
    yield effects
    source.close()


def test_what_cosign_signs_and_attests_with_a_key_is_verified_and_said_by_whom(bad_registry, cosign, founded):
    layout = Layout()
    image = layout.image({"app": b"signed by cosign\n"})
    bad_registry.push("acme/signed", layout, image, "v1")
    reference = f"{bad_registry.address}/acme/signed@{image['digest']}"
    cosign("sign", "--key", "cosign.key", reference)
    cosign("attest", "--key", "cosign.key", "--type", "https://in-toto.io/attestation/test-result/v0.1",
           "--predicate", "predicate.json", reference)  # fmt: skip
    found = find(founded.images, f"{bad_registry.address}/acme/signed:v1")
    assert found.skipped == ()
    receipts = submit(founded, ALICE, [one.submission for one in found.documents]).receipts
    stands = [shown(founded, one.admission).standing for one in receipts]
    assert len(receipts) == 2
    assert {one.subject for one in receipts} == {image["digest"]}
    assert {(one.standing, one.signers) for one in stands} == {("verified", ("ci",))}
    assert "https://in-toto.io/attestation/test-result/v0.1" in {one.predicate_type for one in stands}


def test_an_image_that_nobody_signed_has_nothing_beside_it(bad_registry, founded):
    layout = Layout()
    bad_registry.push("acme/bare", layout, layout.image({"app": b"bare\n"}), "v1")
    found = find(founded.images, f"{bad_registry.address}/acme/bare:v1")
    assert (found.documents, found.skipped) == ((), ())
