"""VEX providers: configured with what was handed over, pulled from a layout, shown by provider and by instance."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cas import digest, refs
from cas.problems import EntryMissing, ExpectationFailed
from cas.records.attest import SigstoreIdentity, SigstoreRoot, SigstoreTrust
from cas.records.evidence import Admission
from cas.records.proof import Person, Verification
from cas.records.vex_provider import VexProvider, VexPull
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.adapters.oci_layout_source import LayoutNameMissing, OciLayoutSource
from pipeline.attest import envelope
from pipeline.effects import Registry, SecretMissing
from pipeline.operations import sigstore_trust, trust, vex_artifacts, vex_providers, vex_pull
from pipeline.operations.ingest import Submission, submit
from pipeline.operations.vex_artifacts import (
    ArtifactInUse,
    ArtifactQuota,
    ArtifactRefused,
    ArtifactTooLarge,
    Materialised,
)
from pipeline.operations.vex_pull import ProviderOffline
from pipeline.operations.vex_sources import CredentialInvalid
from pipeline.vex_config import ProviderConfigInvalid, ProviderConfigRequired
from tests.support import vex_images
from tests.support.certificates import Authority
from tests.support.images import Layout, LayoutImages
from tests.support.judging import in_statement, openvex
from tests.support.sigstore import PRODUCTION
from tests.support.vex_images import ISSUER, SIGSTORE, SUBJECT, VENDOR
from tests.support.world import ALICE, BOB, World

ROOT = generate("ed25519", purposes=("root",))
SERVER = generate("ed25519", purposes=("server",))
STICKER = generate("rsa", purposes=("server",))
OTHER = generate("ecdsa-p256", purposes=("submit",))
APP = "reg.test/acme/app:v1"


def pem(signer):
    return f"-----BEGIN PUBLIC KEY-----\n{signer.key.spki}\n-----END PUBLIC KEY-----\n".encode()


def layouts(location):
    return OciLayoutSource(Path(location[4:]))


@pytest.fixture
def effects():
    made = World().effects(server=SERVER, sticker=STICKER, images=layouts)
    trust.found(made, ROOT, SERVER, STICKER, ALICE)
    return made


def hand(effects, key, data, provider="acme"):
    return vex_artifacts.upload(effects, ALICE, provider, key, data, name=f"{key}.file").id


def keypair(effects, signer=VENDOR, **more):
    fields = {"images": APP, "mode": "keypair", "keys": hand(effects, "keys", pem(signer)), **more}
    return vex_providers.configure(effects, ALICE, "acme", fields)


def keyless(effects, root=SIGSTORE.trusted_root, **more):
    fields = {"images": APP, "mode": "keyless", "issuer": ISSUER, "subject": SUBJECT, **more}
    if root:
        fields["tuf_root"] = hand(effects, "tuf_root", root)
    return vex_providers.configure(effects, ALICE, "acme", fields)


def written(tmp_path, *makers):
    layout, image = vex_images.image()
    made = [make(image, f"CVE-2024-{at}") for at, make in enumerate(makers)]
    vex_images.attach(layout, image, *made)
    layout.write(tmp_path / "layout")
    return image, str(tmp_path / "layout")


def statuses(pulled):
    return [one.status for one in pulled.pull.statements]


EVERY = (vex_images.keyed, vex_images.keyless, vex_images.spoiled, vex_images.bare)


def test_a_configuration_is_a_record_that_a_ref_names_and_each_follows_the_one_before(effects):
    first = keypair(effects)
    assert load(effects.store, effects.log.ref("vex_provider/acme"), VexProvider) == first.provider
    again = vex_providers.configure(effects, ALICE, "acme", {"mode": "keypair"})
    assert again.digest == first.digest
    second = vex_providers.configure(effects, ALICE, "acme", {"offline": True})
    assert (second.provider.previous, second.provider.keys) == (first.digest, first.provider.keys)
    assert [entry.event for _, entry in effects.log.read()][-3:] == [
        "vex.artifact_kept", "vex.provider_configured", "vex.provider_configured",
    ]  # fmt: skip
    third = vex_providers.configure(effects, ALICE, "acme", {"mode": "none"}, ["keys", "offline"])
    assert (third.provider.keys, third.provider.offline) == ((), False)
    assert [one.provider.id for one in vex_providers.every(effects)] == ["acme"]


def test_a_configuration_that_lost_a_race_is_refused_and_leaves_what_stands(effects):
    """Compare and swap: two who configure at once do not undo each other unseen."""
    first = keypair(effects)
    before_append(effects, lambda: vex_providers.configure(effects, BOB, "acme", {"offline": True}))
    with pytest.raises(ExpectationFailed):
        vex_providers.configure(effects, ALICE, "acme", {"images": "other.test/x"})
    theirs = msgspec.structs.replace(first.provider, offline=True, previous=first.digest)
    assert vex_providers.find(effects, "acme").provider == theirs


def test_keys_and_roots_are_read_before_a_configuration_takes_them(effects):
    fields = {"images": APP, "mode": "keypair", "keys": (hand(effects, "keys", b"no key"),)}
    with pytest.raises(ProviderConfigRequired):
        vex_providers.configure(effects, ALICE, "acme", fields)
    with pytest.raises(ProviderConfigRequired) as caught:
        keypair(effects, SERVER)
    assert [one.message for one in caught.value.fields["faults"]] == ["a key of this instance's trust root"]
    with pytest.raises(ProviderConfigRequired) as caught:
        keyless(effects, b'{"mediaType": "x"}')
    assert [one.code for one in caught.value.fields["faults"]] == ["PROVIDER_CONFIG_MISSING_TUF_ROOT"]
    misplaced = {"images": APP, "mode": "none", "registry": "reg.test", "ca": hand(effects, "keys", pem(VENDOR))}
    with pytest.raises(ProviderConfigInvalid) as caught:
        vex_providers.configure(effects, ALICE, "acme", misplaced)
    assert [one.message for one in caught.value.fields["faults"]] == ["the artifact was handed over for keys"]
    with pytest.raises(EntryMissing):
        vex_providers.find(effects, "acme")


def test_an_artifact_of_another_provider_is_none_of_this_one(effects):
    foreign = hand(effects, "keys", pem(VENDOR), provider="other")
    with pytest.raises(ProviderConfigRequired):
        vex_providers.configure(effects, ALICE, "acme", {"images": APP, "mode": "keypair", "keys": foreign})


def test_every_statement_is_admitted_and_stands_by_the_provider_as_it_is_signed(effects, tmp_path):
    keypair(effects)
    image, layout = written(tmp_path, *EVERY)
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=layout)
    assert statuses(pulled) == ["verified", "unsigned", "bad", "unsigned"]
    assert [(one.subject, one.type) for one in pulled.receipts] == [(image, "vex")] * 4
    assert pulled.pull.images == ((APP, image),)
    entries = [
        entry for _, entry in effects.log.read() if entry.when and entry.event in ("evidence.admitted", "vex.pulled")
    ]
    assert [entry.event for entry in entries] == ["evidence.admitted"] * 4 + ["vex.pulled"]
    assert {note.stage for note in entries[-1].runs} == {"verify", "verify_sigstore"}
    assert vex_pull.newest(effects, "acme") == load(effects.store, pulled.digest, VexPull)


def test_a_certificate_is_held_to_the_providers_root_issuer_and_subject(effects, tmp_path):
    _, layout = written(tmp_path, *EVERY)
    keyless(effects)
    assert statuses(vex_pull.pull(effects, ALICE, "acme", layout=layout)) == [
        "unsigned", "verified", "unsigned", "unsigned",
    ]  # fmt: skip
    for change in ({"subject": "mallory@acme.test"}, {"issuer": "https://other.test"}):
        vex_providers.configure(effects, ALICE, "acme", {"issuer": ISSUER, "subject": SUBJECT} | change)
        assert "verified" not in statuses(vex_pull.pull(effects, ALICE, "acme", layout=layout))
    keyless(effects, PRODUCTION)
    assert "verified" not in statuses(vex_pull.pull(effects, ALICE, "acme", layout=layout))


def test_a_provider_that_checks_nothing_says_so_of_everything(effects, tmp_path):
    _, layout = written(tmp_path, *EVERY)
    vex_providers.configure(effects, ALICE, "acme", {"images": APP, "mode": "none"})
    assert set(statuses(vex_pull.pull(effects, ALICE, "acme", layout=layout))) == {"unchecked"}


def test_what_a_provider_verifies_counts_only_once_the_trust_root_vouches(effects, tmp_path):
    """Whoever configures a provider cannot make its words count: that would go around the root."""
    _, layout = written(tmp_path, vex_images.keyed)
    known = keypair(effects)
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=layout)
    assert (known.vouched, statuses(pulled), pulled.receipts[0].verified) == (False, ["verified"], False)
    for _, entry in effects.log.read():
        if entry.event in {"evidence.admitted", "vex.pulled"}:
            assert not set(entry.verifications) & {one.verification for one in pulled.pull.statements}
    person = Person(id=BOB.actor, login="acme", groups=(), keys=(VENDOR.key,))
    trust.set_directory(effects, ALICE, [*trust.current(effects).directory.people, person], [ROOT])
    assert vex_providers.find(effects, "acme").vouched
    _, layout = written(tmp_path / "next", lambda image, _: vex_images.keyed(image, "CVE-2024-9"))
    fresh = vex_pull.pull(effects, ALICE, "acme", layout=layout).receipts[0]
    assert (fresh.verified, load(effects.store, fresh.admission, Admission).binding) == (True, "attested")


def test_without_a_root_of_its_own_the_instances_trusted_roots_count_for_this_signer_alone(effects, tmp_path):
    listed = (SigstoreIdentity(issuer="*", identity="*@acme.test"),)
    root = SigstoreRoot(name="private", root=digest.of_bytes(SIGSTORE.trusted_root), identities=listed)
    record = SigstoreTrust(version=1, roots=(root,), previous=effects.log.ref(refs.SIGSTORE))
    sigstore_trust.change(effects, ALICE, trust.sign_record("sigstore-trust", record, [ROOT]), [SIGSTORE.trusted_root])
    known = keyless(effects, None)
    other = lambda image, name: vex_images.keyless(image, name, subject="mallory@acme.test")  # noqa: E731
    _, layout = written(tmp_path, vex_images.keyless, other)
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=layout)
    assert known.vouched
    assert statuses(pulled) == ["verified", "unsigned"]
    assert [one.verified for one in pulled.receipts] == [True, True], "the instance lets both vouch"


def test_other_attachments_are_told_and_not_taken(effects, tmp_path):
    layout, image = vex_images.image()
    result = in_statement(b'{"result": "PASSED"}', image, "https://in-toto.io/attestation/test-result/v0.1")
    foreign = vex_images.bare("sha256:" + "2" * 64)
    vex_images.attach(layout, image, (vex_images.IN_TOTO, result), foreign, vex_images.bare(image))
    layout.write(tmp_path / "layout")
    keypair(effects)
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=str(tmp_path / "layout"))
    assert statuses(pulled) == ["unsigned"]
    assert [(one.subject, one.type) for one in pulled.receipts] == [(image, "vex")]
    assert sorted(one.reason.partition(":")[0] for one in pulled.skipped) == [
        "it speaks of another digest", "no VEX document",
    ]  # fmt: skip
    assert pulled.pull.skipped == 2


def test_a_good_signature_that_does_not_cover_the_image_says_nothing_of_it(effects, tmp_path):
    keypair(effects)
    kind = "application/vnd.openvex+json"

    def loose(image, name):
        document = openvex(name, "not_affected", f"pkg:oci/app@{image}")
        signature = VENDOR.sign(envelope.pae(kind, document))
        return vex_images.DSSE, envelope.build(kind, document, [(VENDOR.key.id, signature)])

    _, layout = written(tmp_path, loose)
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=layout)
    assert statuses(pulled) == ["unsigned"]
    assert load(effects.store, pulled.pull.statements[0].verification, Verification).status == "verified"


def test_an_image_without_vex_is_a_pull_that_found_nothing(effects, tmp_path):
    layout, image = vex_images.image()
    layout.write(tmp_path / "layout")
    keypair(effects)
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=str(tmp_path / "layout"))
    assert (pulled.receipts, pulled.pull.statements, pulled.pull.images) == ((), (), ((APP, image),))


def test_images_of_a_layout_are_told_apart_by_their_whole_name(effects, tmp_path):
    layout, one = vex_images.image(text=b"one")
    _, two = vex_images.image(layout, "reg.test/acme/web:v1", b"two")
    layout.write(tmp_path / "layout")
    keypair(effects, images=(APP, "reg.test/acme/web:v1"))
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=str(tmp_path / "layout"))
    assert dict(pulled.pull.images) == {APP: one, "reg.test/acme/web:v1": two}


def test_the_only_image_of_a_layout_without_names_is_meant_by_the_only_subscription(effects, tmp_path):
    """As cosign save writes it: kinds, no names."""
    layout, image = vex_images.image()
    vex_images.attach(layout, image, vex_images.keyed(image))
    layout.write(tmp_path / "layout")
    index = json.loads((tmp_path / "layout" / "index.json").read_bytes())
    for entry, kind in zip(index["manifests"], ("image", "atts"), strict=True):
        entry["annotations"] = {"kind": f"dev.cosignproject.cosign/{kind}"}
    (tmp_path / "layout" / "index.json").write_text(json.dumps(index))
    keypair(effects)
    assert statuses(vex_pull.pull(effects, ALICE, "acme", layout=str(tmp_path / "layout"))) == ["verified"]
    vex_providers.configure(effects, ALICE, "acme", {"images": (APP, "reg.test/acme/web:v1")})
    with pytest.raises(LayoutNameMissing):
        vex_pull.pull(effects, ALICE, "acme", layout=str(tmp_path / "layout"))


def test_an_offline_provider_asks_no_registry(effects, tmp_path):
    asked = []
    keypair(effects, offline=True)
    watched = replace(effects, images=lambda location: asked.append(location) or layouts(location))
    with pytest.raises(ProviderOffline):
        vex_pull.pull(watched, ALICE, "acme")
    assert asked == []
    _, layout = written(tmp_path, vex_images.keyed)
    assert statuses(vex_pull.pull(watched, ALICE, "acme", layout=layout)) == ["verified"]
    assert asked == [f"oci:{layout}"]


def test_its_registry_is_asked_as_the_record_says_and_others_as_ever(effects):
    layout = Layout()
    layout.name("v1", layout.image({"app": b"x"}))
    asked = []

    def images(location):
        if isinstance(location, Registry):
            lies = Path(location.ca_file)
            modes = [stat.S_IMODE(each.stat().st_mode) for each in (lies.parent, lies)]
            asked.append((location.host, location.allow_private, location.also, location.credential(), modes))
            seen.append((lies, lies.read_bytes()))
        else:
            asked.append(location)
        return LayoutImages(layout)

    seen = []
    authority = Authority("a registry's").pem.encode()
    keypair(effects, images=(APP, "elsewhere.test/x:v1"), registry="reg.test", allow_private=True, also="auth.test",
            credential="env:REGISTRY", ca=hand(effects, "ca", authority))  # fmt: skip
    secret = {"env:REGISTRY": "robot:hunter2"}
    vex_pull.pull(replace(effects, images=images, secret=secret.__getitem__), ALICE, "acme")
    assert asked == ["elsewhere.test", ("reg.test", True, ("auth.test",), ("robot", "hunter2"), [0o700, 0o600])]
    [(lies, data)] = seen
    assert data == authority
    assert not lies.parent.exists(), "the folder goes with the pull"
    assert not [name for name in effects.store.digests() if b"hunter2" in effects.store.get(name)]


def test_a_credential_that_is_not_there_or_no_pair_is_told_without_its_value(effects):
    keypair(effects, registry="reg.test", credential="env:REGISTRY")
    images = lambda location: location.credential()  # noqa: E731
    with pytest.raises(SecretMissing):
        vex_pull.pull(replace(effects, images=images), ALICE, "acme")
    with pytest.raises(CredentialInvalid) as caught:
        vex_pull.pull(replace(effects, images=images, secret=lambda _: "hunter2"), ALICE, "acme")
    assert "hunter2" not in repr(caught.value.fields) + caught.value.detail()


def test_artifacts_are_bounded_public_and_kept_once(effects):
    one = hand(effects, "keys", pem(VENDOR))
    assert hand(effects, "keys", pem(VENDOR)) == one
    assert [(each.id, each.artifact.size) for each in vex_artifacts.every(effects, "acme")] == [(one, len(pem(VENDOR)))]
    with pytest.raises(ArtifactTooLarge):
        hand(effects, "keys", b"x" * (vex_artifacts.MAX_ARTIFACT + 1))
    for key, data in (
        ("colour", b"x"),
        ("keys", b""),
        ("keys", b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nx\n-----END"),
    ):
        with pytest.raises(ArtifactRefused):
            hand(effects, key, data)
    for at in range(vex_artifacts.MAX_ARTIFACTS - 1):
        hand(effects, "keys", b"%d" % at)
    with pytest.raises(ArtifactQuota):
        hand(effects, "keys", b"one too many")
    hand(effects, "keys", b"another's quota", provider="other")


def test_the_bytes_of_artifacts_have_a_quota_together(effects):
    for at in range(4):
        hand(effects, "keys", bytes([at]) * vex_artifacts.MAX_ARTIFACT)
    with pytest.raises(ArtifactQuota):
        hand(effects, "keys", b"x")


def test_an_artifact_that_a_configuration_names_is_not_deleted(effects):
    used = keypair(effects).provider.keys[0].artifact
    with pytest.raises(ArtifactInUse) as caught:
        vex_artifacts.delete(effects, ALICE, "acme", used)
    assert caught.value.fields["fields"] == "keys"
    vex_providers.configure(effects, ALICE, "acme", {"mode": "none"}, ["keys"])
    vex_artifacts.delete(effects, ALICE, "acme", used)
    assert vex_artifacts.every(effects, "acme") == ()
    with pytest.raises(EntryMissing):
        vex_artifacts.delete(effects, ALICE, "acme", used)


def before_append(effects, act):
    """Have somebody else act right before the next append."""
    append = effects.log.append

    def racing(entries, expect):
        effects.log.append = append
        act()
        return append(entries, expect)

    effects.log.append = racing


def test_an_artifact_is_not_deleted_under_a_configuration_that_takes_it_meanwhile(effects):
    key = hand(effects, "keys", pem(VENDOR))
    before_append(effects, lambda: keypair(effects))
    with pytest.raises(ArtifactInUse):
        vex_artifacts.delete(effects, BOB, "acme", key)
    spare = hand(effects, "keys", pem(OTHER))
    before_append(effects, lambda: vex_artifacts.delete(effects, BOB, "acme", spare))
    with pytest.raises(ExpectationFailed):
        vex_providers.configure(effects, ALICE, "acme", {"keys": spare})


def test_a_pull_that_lost_a_race_is_noted_once_with_its_documents(effects, tmp_path):
    keypair(effects)
    image, layout = written(tmp_path, vex_images.keyed)
    other = vex_images.bare(image, "CVE-2024-9")[1]
    before_append(effects, lambda: submit(effects, BOB, [Submission(other, image)]))
    pulled = vex_pull.pull(effects, ALICE, "acme", layout=layout)
    assert statuses(pulled) == ["verified"]
    assert [entry.record for _, entry in effects.log.read() if entry.event == "vex.pulled"] == [pulled.digest]


def test_two_who_hand_over_at_once_both_have_theirs_kept(effects):
    before_append(effects, lambda: hand(effects, "keys", pem(OTHER)))
    hand(effects, "keys", pem(VENDOR))
    assert len(vex_artifacts.every(effects, "acme")) == 2


def test_a_folder_of_artifacts_is_closed_once_or_twice_and_is_gone():
    folder = Materialised({"ca.pem": b"x"})
    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.path("ca.pem").stat().st_mode) == 0o600
    folder.close()
    folder.close()
    assert not folder.folder.exists()
    with pytest.raises(FileNotFoundError):
        Materialised({"no/such/folder": b"x"})
