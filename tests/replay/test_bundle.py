"""Bundles: the same bytes twice, each flipped byte named, an attacker's bundle never taken for ours."""

import io
import json
import shutil
import subprocess
import sys
import tarfile

import msgspec
import pytest
from oras.client import OrasClient

from cas import canon, digest, references, refs
from cas.problems import EntryMissing
from cas.records.proof import HeadSet, TrustRoot
from cas.records.verdict import Verdict
from cas.store import load, save
from pipeline.adapters.keys import generate
from pipeline.operations import trust
from pipeline.operations.work import Work
from replay import scope, verify
from replay.bundle import export
from replay.imports import import_bundle, replay_bundle, replay_claim
from replay.opened import OpenedBundle
from replay.problems import BundleExists, BundleInvalid, BundleUnsigned
from tests.pipeline.attest.test_signatures import point_record
from tests.replay.scenes import FINGERPRINT, approved, forged_run, founded
from tests.support.judging import ROOT, SERVER
from tests.support.registry import Registry
from tests.support.world import ALICE, BOB, World


@pytest.fixture(scope="module")
def instance():
    return approved()


@pytest.fixture(scope="module")
def bundle(instance, tmp_path_factory):
    scene, view = instance
    path = tmp_path_factory.mktemp("bundle") / "promotion.tar"
    bundle_of(scene.effects, scope.of_promotion(scene.effects.log, scene.store, view.id), path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    effects = founded()
    path = tmp_path_factory.mktemp("small") / "small.tar"
    bundle_of(effects, [effects.log.ref(refs.DIRECTORY)], path)
    return path


def bundle_of(effects, roots, path, **more):
    return export(effects.store, effects.log, effects.server, roots, path, **more)


def said(path, *arguments):
    done = subprocess.run(
        [sys.executable, "-I", "-S", verify.__file__, str(path), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


# ------------------------------------------------------------------ making


def test_built_twice_it_is_byte_for_byte_the_same(instance, bundle, tmp_path):
    scene, view = instance
    roots = scope.of_promotion(scene.effects.log, scene.store, view.id)
    size = scene.effects.log.head().size
    bundle_of(scene.effects, reversed(roots), tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()
    assert scene.effects.log.head().size == size


def test_exporting_leaves_nothing_else_behind_and_overwrites_nothing(bundle, instance, tmp_path):
    scene, view = instance
    roots = [view.status.verdict]
    bundle_of(scene.effects, roots, tmp_path / "one.tar")
    assert [each.name for each in tmp_path.iterdir()] == ["one.tar"]
    with pytest.raises(BundleExists):
        bundle_of(scene.effects, roots, tmp_path / "one.tar")


def test_it_holds_what_the_promotion_rests_on_and_nothing_of_anybody_else(instance, tmp_path):
    scene, view = approved()
    stranger = scene.store.put(b"somebody else's object")
    opened = exported(scene, [view.status.decision], tmp_path)
    assert opened.has(view.status.verdict)
    assert opened.has(view.status.promotion)
    assert not opened.has(stranger)
    assert opened.manifest.absent == ()


def exported(scene, roots, folder):
    bundle_of(scene.effects, roots, folder / "it.tar")
    return OpenedBundle(folder / "it.tar")


def test_many_small_packs_are_one_store(instance, tmp_path):
    scene, view = instance
    made = bundle_of(scene.effects, [view.status.decision], tmp_path / "many.tar", pack_bytes=8000)
    assert len(made.manifest.packs) > 3
    opened = OpenedBundle(tmp_path / "many.tar", FINGERPRINT)
    for name in opened.digests():
        assert opened.get(name) == scene.store.get(name)


def test_without_founding_there_is_no_bundle(tmp_path):
    with pytest.raises(trust.NotFounded):
        bundle_of(World().effects(server=SERVER), [], tmp_path / "x.tar")


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256", "rsa"])
def test_any_server_key_signs_bundles(algorithm, tmp_path):
    effects = founded(server=generate(algorithm, purposes=("server",)))
    bundle_of(effects, [effects.log.ref(refs.DIRECTORY)], tmp_path / "x.tar")
    assert said(tmp_path / "x.tar", "--root", FINGERPRINT)[0] == 0


def test_a_release_and_a_period_can_be_taken(instance, tmp_path):
    scene, view = instance
    log = scene.effects.log
    of_release = scope.of_release(log, scene.store, "app-1")
    assert {scene.release, view.status.verdict, view.status.promotion} <= set(of_release)
    of_period = scope.of_period(log, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
    assert {scene.release, view.status.verdict, view.status.decision} <= set(of_period)
    for roots in (of_release, of_period):
        path = tmp_path / f"{len(roots)}.tar"
        bundle_of(scene.effects, roots, path)
        assert said(path, "--root", FINGERPRINT)[0] == 0
    with pytest.raises(EntryMissing):
        scope.of_period(log, "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z")
    with pytest.raises(EntryMissing):
        scope.of_release(log, scene.store, "none")


# ------------------------------------------------------------------ reading by others


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="missing: skopeo (apt-get install skopeo)")
def test_skopeo_reads_and_copies_it_and_the_copy_names_the_same_manifest(bundle, tmp_path):
    def skopeo(*arguments):
        return subprocess.run(["skopeo", *arguments], capture_output=True, check=True).stdout

    raw = skopeo("inspect", "--raw", f"oci-archive:{bundle}")
    assert json.loads(raw)["artifactType"] == verify.TYPE_BUNDLE
    skopeo("copy", f"oci-archive:{bundle}", f"oci:{tmp_path}/layout:bundle")
    assert skopeo("inspect", "--raw", f"oci:{tmp_path}/layout:bundle") == raw
    copied = {each.name for each in (tmp_path / "layout" / "blobs" / "sha256").iterdir()}
    assert copied == {name[13:] for name in names(bundle) if name.startswith("blobs/")}


@pytest.mark.live
@pytest.mark.skipif(
    not (shutil.which("skopeo") and shutil.which("docker-registry") and shutil.which("setpriv")),
    reason="missing: one of skopeo, docker-registry, setpriv (apt-get install skopeo docker-registry util-linux)",
)
def test_oras_pulls_it_from_a_registry_that_skopeo_pushed_it_to(bundle, tmp_path):
    registry = Registry(tmp_path / "registry").start()
    try:
        target = f"{registry.address}/audit/bundle:1"
        copy = ["skopeo", "copy", "--dest-tls-verify=false", f"oci-archive:{bundle}", f"docker://{target}"]
        subprocess.run(copy, capture_output=True, check=True)
        client = OrasClient(hostname=registry.address, insecure=True)
        client.pull(target, outdir=str(tmp_path / "pulled"))
        manifest = client.get_manifest(target)
    finally:
        registry.stop()
    for each in manifest["layers"]:
        data = (tmp_path / "pulled" / each["annotations"]["org.opencontainers.image.title"]).read_bytes()
        assert digest.of_bytes(data) == each["digest"]
    assert verify.canonical(manifest) in bundle.read_bytes()


def test_python_and_tar_read_it_as_a_plain_archive(bundle, tmp_path):
    assert names(bundle)[:2] == ["oci-layout", "index.json"]
    assert names(bundle)[2:] == sorted(names(bundle)[2:])
    with tarfile.open(bundle) as archive:
        index = json.load(archive.extractfile("index.json"))
        for layer in json.load(archive.extractfile(blob(index["manifests"][0]["digest"])))["layers"]:
            data = archive.extractfile(blob(layer["digest"])).read()
            assert (digest.of_bytes(data), len(data)) == (layer["digest"], layer["size"])


def blob(name):
    return f"blobs/sha256/{name[7:]}"


def names(path):
    with tarfile.open(path) as archive:
        return archive.getnames()


def test_its_own_verifier_travels_inside_and_checks_it(bundle, tmp_path):
    with tarfile.open(bundle) as archive:
        index = json.load(archive.extractfile("index.json"))
        image = json.load(archive.extractfile(blob(index["manifests"][0]["digest"])))
        title = "org.opencontainers.image.title"
        layer = next(each for each in image["layers"] if each["annotations"][title] == "verify.py")
        (tmp_path / "verify.py").write_bytes(archive.extractfile(blob(layer["digest"])).read())
    isolated = ["unshare", "-rn"] if subprocess.run(["unshare", "-rn", "true"], check=False).returncode == 0 else []
    done = subprocess.run(
        [*isolated, sys.executable, "-I", "-S", "verify.py", str(bundle), "--root", FINGERPRINT],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "GOOD" in done.stdout


# ------------------------------------------------------------------ verifying


def test_the_signer_is_established_only_by_a_root_from_outside(bundle, instance):
    scene, _ = instance
    assert said(bundle)[0] == 4
    assert said(bundle, "--root", FINGERPRINT)[0] == 0
    assert said(bundle, "--root", scene.effects.log.ref(refs.TRUST_ROOT))[0] == 0
    status, text = said(bundle, "--root", "sha256:" + "0" * 64)
    assert (status, "another instance" in text) == (2, True)


@pytest.mark.parametrize(
    "arguments", [[], ["a", "b"], ["--root"], ["x.tar", "--root", "nonsense"], ["/nowhere/at/all.tar"], ["--help"]]
)
def test_what_cannot_be_checked_is_three_never_one(arguments):
    done = subprocess.run([sys.executable, "-I", "-S", verify.__file__, *arguments], capture_output=True, check=False)
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr


def test_an_empty_file_cannot_be_checked(tmp_path):
    (tmp_path / "empty.tar").write_bytes(b"")
    assert said(tmp_path / "empty.tar")[0] in (2, 3)


def test_every_flipped_byte_of_a_small_bundle_is_named(small):
    data = bytearray(small.read_bytes())
    verify.check(bytes(data), FINGERPRINT)
    unnoticed = []
    for at in range(len(data)):
        data[at] ^= 1 << at % 8
        try:
            verify.check(data)
            reason = ""
        except verify.Bad as bad:
            reason = str(bad)
        if not reason:
            unnoticed.append(at)
        data[at] ^= 1 << at % 8
    assert not unnoticed
    verify.check(data, FINGERPRINT)


def test_a_flipped_byte_exits_two_and_says_where(small, tmp_path):
    data = bytearray(small.read_bytes())
    with tarfile.open(small) as archive:
        places = {member.offset_data + 5: member.name for member in archive.getmembers()}
    for at, name in {**places, 100: "oci-layout", len(data) - 5: "zero blocks"}.items():
        changed = bytes(data[:at]) + bytes([data[at] ^ 0x20]) + bytes(data[at + 1 :])
        (tmp_path / "flipped.tar").write_bytes(changed)
        status, text = said(tmp_path / "flipped.tar")
        assert status == 2, name
        assert text.startswith("BAD: ")
        with pytest.raises(BundleInvalid):
            OpenedBundle(tmp_path / "flipped.tar")


@pytest.mark.parametrize("cut", [1, 511, 512, 1024, 1536, 20_000])
def test_a_cut_or_prolonged_bundle_is_bad(small, cut):
    data = small.read_bytes()
    for changed in (data[:-cut], data + bytes(cut)):
        with pytest.raises(verify.Bad):
            verify.check(changed)


def rebuilt(path, change):
    """Unpack a bundle, let somebody change it, and pack it again as we would: the framing is right, the rest is his."""
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}
    change(files)
    out = io.BytesIO()
    for name in ["oci-layout", "index.json", *sorted(each for each in files if each.startswith("blobs/"))]:
        out.write(verify.tar_header(name, len(files[name])) + files[name] + bytes(-len(files[name]) % 512))
    return out.getvalue() + bytes(1024)


def test_rebuilding_without_a_change_gives_the_same_bytes(small):
    assert rebuilt(small, lambda _: None) == small.read_bytes()


def test_a_blob_more_or_less_is_bad(small):
    def more(files):
        files[blob(digest.of_bytes(b"smuggled"))] = b"smuggled"

    def less(files):
        del files[next(name for name in files if name.startswith("blobs/"))]

    for change in (more, less):
        with pytest.raises(verify.Bad):
            verify.check(rebuilt(small, change))


def renamed(files, old, new):
    """Put other bytes in a blob's place and carry the new digest and size through image manifest and index."""
    old_name, new_name = digest.of_bytes(old), digest.of_bytes(new)
    del files[blob(old_name)]
    files[blob(new_name)] = new
    index = json.loads(files["index.json"])
    image_name = index["manifests"][0]["digest"]
    image = json.loads(files.pop(blob(image_name)))
    for part in (image["config"], *image["layers"]):
        if part["digest"] == old_name:
            part.update(digest=new_name, size=len(new))
    written = verify.canonical(image)
    files[blob(digest.of_bytes(written))] = written
    index["manifests"][0].update(digest=digest.of_bytes(written), size=len(written))
    files["index.json"] = verify.canonical(index)


def layer(files, kind):
    image = json.loads(files[blob(json.loads(files["index.json"])["manifests"][0]["digest"])])
    found = next(each for each in [image["config"], *image["layers"]] if each["mediaType"] == kind)
    return files[blob(found["digest"])]


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        (verify.TYPE_MANIFEST, lambda data: data.replace(b'"log_size":2', b'"log_size":3'), "root|size"),
        (verify.TYPE_MANIFEST, lambda data: data.replace(b'"objects":', b'"objects":1'), "number of objects"),
        (verify.TYPE_VERIFIER, lambda data: data + b"\n# friendly\n", "verify.py"),
        (verify.TYPE_LOG, lambda data: data.replace(b'"when":"2026', b'"when":"2025'), "log"),
        (verify.TYPE_CHECKPOINT, lambda data: data.replace(b"\n2\n", b"\n3\n"), "checkpoint"),
        (verify.TYPE_CHECKPOINT, lambda data: data + "— x AAAA\n".encode(), "checkpoint"),
        (verify.TYPE_ENVELOPE, lambda data: data[:-6] + b'A="}]}', "base64|bad|spell"),
        (verify.TYPE_ENVELOPE, lambda data: data.replace(b'"payloadType":', b' "payloadType":'), "spell"),
    ],
)
def test_what_is_changed_with_all_hashes_set_right_still_is_bad(small, kind, change, reason):
    def swap(files):
        old = layer(files, kind)
        assert change(old) != old
        renamed(files, old, change(old))

    with pytest.raises(verify.Bad, match=reason):
        verify.check(rebuilt(small, swap))


def test_a_bundle_signed_anew_by_an_attacker_is_only_consistent_and_bad_with_the_root(tmp_path):
    """Everything the same but every key: whoever does not bring the fingerprint cannot tell, and is told so."""
    theirs = founded(*(generate("ed25519", purposes=(one,)) for one in ("root", "server", "server")))
    bundle_of(theirs, [theirs.log.ref(refs.DIRECTORY)], tmp_path / "forged.tar")
    assert said(tmp_path / "forged.tar")[0] == 4
    status, text = said(tmp_path / "forged.tar", "--root", FINGERPRINT)
    assert (status, "another instance" in text) == (2, True)


def test_an_attacker_who_keeps_our_origin_cannot_continue_our_chain(tmp_path):
    """Our first root is public; a second one of the attacker's own making lacks our root key's signature."""
    effects = founded()
    thief = generate("ed25519", purposes=("server",))
    first = effects.log.ref(refs.TRUST_ROOT)
    root = load(effects.store, first, TrustRoot)
    keys = tuple(sorted((*root.keys, thief.key), key=lambda key: key.id))
    second = TrustRoot(version=2, origin=root.origin, threshold=1, keys=keys, previous=first)
    work = Work(effects, ALICE)
    name = work.save(second)
    envelope = effects.store.put(trust.sign_record("trust-root", second, [thief]))
    work.note("trust.changed", name, (work.move(refs.TRUST_ROOT, name),), envelopes=(envelope,))
    work.commit()
    export(effects.store, effects.log, thief, [name], tmp_path / "stolen.tar")
    status, text = said(tmp_path / "stolen.tar")
    assert (status, "not signed by the root before it" in text) == (2, True), text


def test_a_root_with_a_small_order_key_is_bad(tmp_path):
    weak = msgspec.structs.replace(point_record(1), purposes=("server",))
    effects = World().effects(server=SERVER)
    keys = tuple(sorted((ROOT.key, SERVER.key, weak), key=lambda key: key.id))
    root = TrustRoot(version=1, origin=ROOT.key.id, threshold=1, keys=keys, previous=None)
    work = Work(effects, ALICE)
    name = work.save(root)
    envelope = effects.store.put(trust.sign_record("trust-root", root, [ROOT]))
    moves = (work.move(refs.TRUST_ROOT, name), work.move(refs.DIRECTORY, work.save(HeadSet(members=()))))
    work.note("trust.founded", name, moves, envelopes=(envelope,))
    work.commit()
    bundle_of(effects, [name], tmp_path / "weak.tar")
    status, text = said(tmp_path / "weak.tar")
    assert (status, "small order" in text) == (2, True), text


def test_a_rotated_root_and_server_key_are_followed_through_the_chain(tmp_path):
    effects = founded()
    second = generate("ecdsa-p256", purposes=("root",))
    fresh = generate("rsa", purposes=("server",))
    trust.rotate(effects, ALICE, ROOT.key.id, second.key, [ROOT])
    trust.rotate(effects, ALICE, SERVER.key.id, fresh.key, [second])
    roots = [effects.log.ref(refs.TRUST_ROOT)]
    export(effects.store, effects.log, fresh, roots, tmp_path / "new.tar")
    assert said(tmp_path / "new.tar", "--root", FINGERPRINT)[0] == 0
    export(effects.store, effects.log, SERVER, roots, tmp_path / "old.tar")  # the key of before, revoked since
    status, text = said(tmp_path / "old.tar", "--root", FINGERPRINT)
    assert (status, "counts for the instance" in text) == (2, True), text


def test_a_verification_that_claims_more_than_was_signed_is_bad(tmp_path):
    scene, view = approved()
    from cas.records.promotion import AdmittedApproval, PromotionStatus
    from cas.records.proof import SignatureCheck, Verification

    status = load(scene.store, scene.effects.log.ref(refs.promotion(view.id)), PromotionStatus)
    admitted = load(scene.store, status.approvals[0], AdmittedApproval)
    told = load(scene.store, admitted.verification, Verification)
    check = SignatureCheck(key_id=ROOT.key.id, algorithm="ed25519", signer="carol", status="verified")
    lie = msgspec.structs.replace(told, signatures=(check,))
    work = Work(scene.effects, ALICE)
    name = work.save(msgspec.structs.replace(admitted, verification=save(scene.store, lie), login="carol"))
    work.note("approval.admitted", name, verifications=(save(scene.store, lie),), envelopes=(admitted.envelope,))
    work.commit()
    bundle_of(scene.effects, [name], tmp_path / "lie.tar")
    status, text = said(tmp_path / "lie.tar", "--root", FINGERPRINT)
    assert (status, "does not come out the same" in text) == (2, True), text


# ------------------------------------------------------------------ importing


def elsewhere():
    return founded(*(generate("ed25519", purposes=(one,)) for one in ("root", "server", "server")))


def test_an_imported_bundle_is_a_claim_under_its_origin_and_moves_nothing_else(bundle, instance):
    _, view = instance
    effects = elsewhere()
    before = effects.log.refs()
    came = import_bundle(effects, BOB, bundle, root=FINGERPRINT)
    assert (came.established, came.known) == (True, False)
    assert set(effects.log.refs()) - set(before) == {
        (f"remote/{ROOT.key.id}", digest.of_bytes(canon.of_record(HeadSet(members=(came.claim_digest,)))))
    }
    assert effects.store.has(view.status.verdict)
    assert effects.log.admitted(view.status.verdict) is None
    assert effects.log.run_of(view.status.verdict) is None
    *_, (_, entry) = effects.log.read()
    assert (entry.event, entry.record) == ("bundle.imported", came.claim_digest)


def test_what_came_in_refers_to_nothing_that_stayed_out(bundle):
    """Else fsck would name a fault, and no backup would be sound, ever after."""
    here = founded()
    claim = import_bundle(here, BOB, bundle).claim
    for name in (claim.manifest, *claim.roots):
        found = references.of_bytes(here.store.get(name))
        assert found is None or not here.store.missing(found.needed)


def test_the_same_bundle_twice_is_imported_once(bundle):
    effects = elsewhere()
    first = import_bundle(effects, BOB, bundle)
    size = effects.log.head().size
    again = import_bundle(effects, BOB, bundle)
    assert (again.claim_digest, again.known) == (first.claim_digest, True)
    assert effects.log.head().size == size
    assert not first.established


def test_an_unestablished_signer_is_refused_where_one_is_demanded(bundle):
    with pytest.raises(BundleUnsigned):
        import_bundle(elsewhere(), BOB, bundle, demand_root=True)
    with pytest.raises(BundleInvalid, match="another instance"):
        import_bundle(elsewhere(), BOB, bundle, root="sha256:" + "0" * 64)


def test_a_bad_bundle_leaves_nothing(small, tmp_path):
    data = bytearray(small.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.tar").write_bytes(data)
    effects = elsewhere()
    before, objects = effects.log.head(), list(effects.store.digests())
    with pytest.raises(BundleInvalid):
        import_bundle(effects, BOB, tmp_path / "bad.tar")
    assert (effects.log.head(), list(effects.store.digests())) == (before, objects)


def test_imported_runs_are_rerun_here_and_equal(bundle):
    effects = elsewhere()
    came = import_bundle(effects, BOB, bundle)
    report = replay_claim(effects, came.claim_digest)
    assert report.result == "equal"
    assert report.runs >= 10
    assert replay_bundle(bundle).result == "equal"


def test_a_changed_outcome_in_an_imported_run_is_named_and_changes_nothing(tmp_path):
    scene, view = approved()
    true = load(scene.store, view.status.verdict, Verdict)
    forged = forged_run(scene, view.status.verdict, msgspec.structs.replace(true, outcome="deny"))
    bundle_of(scene.effects, [forged], tmp_path / "cheat.tar")
    assert said(tmp_path / "cheat.tar", "--root", FINGERPRINT)[0] == 0  # soundly signed by the cheat
    effects = elsewhere()
    came = import_bundle(effects, BOB, tmp_path / "cheat.tar")
    state = effects.log.refs()
    report = replay_claim(effects, came.claim_digest)
    assert report.result == "different"
    assert [(each.stage, each.pointer, each.recorded, each.recomputed) for each in report.differences] == [
        ("judge", "/outcome", '"deny"', '"allow"')
    ]
    assert effects.log.refs() == state


def test_what_was_never_imported_cannot_be_replayed_as_a_claim():
    with pytest.raises(EntryMissing):
        replay_claim(elsewhere(), "sha256:" + "0" * 64)
