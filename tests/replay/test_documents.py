"""The signed files that travel in a bundle: each is verified; what only looks like one binds nobody."""

import base64
import json

import pytest

from cas import canon, digest, refs
from pipeline.operations import drift
from replay import scope, verify
from replay.bundle import export
from tests.support.delivery import ALICE, Delivery
from tests.support.fake_target import Fleet
from tests.support.pretend_shop import hosts, release

YEAR = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")


class Careless:
    """A signer whose every signature is another's."""

    def __init__(self, signer):
        self._signer = signer
        self.key, self.ref = signer.key, signer.ref

    def sign(self, message):
        return self._signer.sign(message + b" ")


def instance():
    fleet = Fleet()
    return fleet, Delivery(targets=hosts(("alpha",)), adapter=fleet.adapter)


def told(made, roots, path):
    export(made.effects.store, made.effects.log, made.server, roots, path)
    return verify.check(path.read_bytes())


def everything(made):
    return scope.of_period(made.world.log, *YEAR)


def test_a_sticker_that_somebody_changed_on_a_host_travels_and_the_bundle_holds(tmp_path):
    fleet, made = instance()
    made.deploy(release(made, 1))
    files = fleet.engines["alpha"].files
    files["stella.version.json"] = changed = files["stella.version.json"].replace(b"shop-1", b"shop-9")
    assert all(one.report.drifted for one in drift.check(made.effects, ALICE, "production"))
    found = told(made, everything(made), tmp_path / "bundle.tar")
    assert verify.sha(changed) in found.bundle.objects


def test_a_changed_file_that_is_asked_for_by_itself_is_held_to_its_signature(tmp_path):
    fleet, made = instance()
    made.deploy(release(made, 1))
    changed = fleet.engines["alpha"].files["stella.version.json"].replace(b"shop-1", b"shop-9")
    with pytest.raises(verify.Bad, match="bad signature"):
        told(made, (made.world.store.put(changed),), tmp_path / "bundle.tar")


def test_a_file_that_claims_our_signature_spoils_no_bundle(tmp_path):
    """Anybody can write such a file into a template, or find one somewhere: that must not make a bundle bad."""
    _, made = instance()
    forged = json.dumps(
        {
            "signature": base64.b64encode(b"x" * 64).decode(),
            "signatureAlgorithm": "EdDSA",
            "signerKeyId": made.server.key.id,
        }
    ).encode()
    name = release(made, 1, files={"conf/app.conf": forged})
    made.deploy(name)
    found = told(made, everything(made), tmp_path / "bundle.tar")
    assert verify.sha(forged) in found.bundle.objects


@pytest.mark.parametrize("careless", ["server", "sticker"])
def test_a_signed_file_whose_signature_does_not_hold_is_named(tmp_path, careless):
    _, made = instance()
    server = made.server
    setattr(made, careless, Careless(getattr(made, careless)))
    ended = made.deploy(release(made, 1))
    made.server = server
    with pytest.raises(verify.Bad, match="bad signature") as bad:
        told(made, everything(made), tmp_path / "bundle.tar")
    if careless == "sticker":
        assert ended.result.outcomes[0].sticker in str(bad.value) or "document" in str(bad.value)


def test_whatever_is_asked_for_its_signed_files_are_all_verified(tmp_path):
    """The packet alone, the promotion, the release: each brings the entries that say which files were sealed."""
    _, made = instance()
    made.deploy(release(made, 1))
    [head] = made.head()
    documents = {head.packet, head.manifest}
    promotion = next(iter(made.world.log.refs(refs.promotion(""))))[0].removeprefix(refs.promotion(""))
    for at, roots in enumerate(
        (
            (head.packet,),
            (head.result,),
            (digest.of_bytes(canon.of_record(head)),),
            scope.of_promotion(made.world.log, made.world.store, promotion),
            scope.of_release(made.world.log, made.world.store, "shop-1"),
            everything(made),
        )
    ):
        found = told(made, roots, tmp_path / f"{at}.tar")
        sealed = set(verify._sealed_files(found.bundle, found.entries)) | set(found.bundle.manifest["roots"])
        travelling = {
            name
            for name in found.bundle.objects
            if b'"signerKeyId"' in found.bundle.object(name) and is_signed(found, name)
        }
        assert travelling <= sealed, "what carries our signature is held to it"
        assert documents & set(found.bundle.objects) <= sealed


def is_signed(found, name):
    value = json.loads(found.bundle.object(name))
    return "signature" in value and "signerKeyId" in value
