import base64
import subprocess

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from cas import jcs
from cas.digest import uuid_of
from pipeline.adapters.keys import generate
from targets.render import checksums, documents, signed_json
from tests.support.rendering import Paper


@pytest.fixture(scope="module", params=["rsa", "ecdsa-p256", "ed25519"])
def signer(request):
    return generate(request.param, purposes=("server",), ref="sticker-key")


@pytest.fixture
def sealed(signer):
    paper = Paper(targets=("host1", "host2"))
    return paper, *paper.seal(signer)


def bytes_of(paper, name, artifacts):
    return paper.world.store.get(next(one.digest for one in artifacts if one.name == name))


def check_signature(signer, document):
    """With nothing but the public key and an RFC 8785 encoder: what any reader of the file can do."""
    raw = base64.b64decode(document["signature"], validate=True)
    message = jcs.of_value({key: value for key, value in document.items() if key != "signature"})
    public = signer.private.public_key()
    if document["signatureAlgorithm"] == "RS256":
        public.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    elif document["signatureAlgorithm"] == "ES256":
        assert len(raw) == 64
        public.verify(documents.to_raw("ES256", document["signature"]), message, ec.ECDSA(hashes.SHA256()))
    else:
        assert document["signatureAlgorithm"] == "EdDSA"
        public.verify(raw, message)


def test_a_sticker_says_who_what_and_when_and_its_signature_holds(sealed, signer):
    paper, _, listed, _ = sealed
    data = bytes_of(paper, "targets/host1/stella.version.json", listed.artifacts)
    sticker = msgspec.json.decode(data)
    assert list(sticker)[:7] == ["version", "generatedAt", "generator", "release", "deployment", "deployer", "previous"]
    assert sticker["version"] == "1.0"
    assert sticker["generator"] == "stella@0.1.0"
    assert sticker["release"]["name"] == "myapp-v2.3.1"
    assert set(sticker["release"]["components"][0]) == {"name", "digest", "semver", "tag"}
    assert sticker["deployment"]["id"] == uuid_of(paper.founded)
    assert sticker["deployment"]["targetName"] == "host1"
    assert set(sticker["deployment"]) == {
        "id", "promotionId", "environmentId", "environmentName", "targetId", "targetName", "strategy", "startedAt", "completedAt",
    }  # fmt: skip
    assert set(sticker["deployer"]) == {"userId", "userName", "agentId", "agentName"}
    assert sticker["previous"] is None
    assert sticker["signerKeyRef"] == "sticker-key"
    check_signature(signer, sticker)
    with pytest.raises(InvalidSignature):
        check_signature(signer, {**sticker, "generatedAt": "2026-03-01T12:31:01Z"})


def test_the_manifest_lists_every_file_but_itself_and_its_signature_holds(sealed, signer):
    paper, rendered, listed, done = sealed
    manifest = msgspec.json.decode(paper.world.store.get(done.manifest))
    check_signature(signer, manifest)
    names = [one["name"] for one in manifest["artifacts"]]
    assert names == sorted(names)
    assert {one.name for one in rendered.artifacts} < set(names)
    assert {"targets/host1/stella.version.json", "targets/host2/stella.version.json"} < set(names)
    assert not {"manifest.json", "checksums.sha256"} & set(names)
    assert manifest["totalSize"] == sum(one["size"] for one in manifest["artifacts"])
    assert manifest["deploymentId"] == uuid_of(paper.founded)
    assert {one["type"] for one in manifest["artifacts"]} == {
        "compose-lock",
        "config",
        "env",
        "script",
        "version-sticker",
    }
    assert listed.artifacts[0].digest == "sha256:" + manifest["artifacts"][0]["sha256"]


def test_sha256sum_accepts_the_checksums_of_the_folder_and_of_each_target(sealed, tmp_path):
    paper, _, listed, done = sealed
    store = paper.world.store
    files = {one.name: store.get(one.digest) for one in listed.artifacts} | {"manifest.json": store.get(done.manifest)}
    folders = {"all": (files, done.checksums)}
    for target, named in done.target_checksums:
        there = checksums.on_target({name: name for name in files}, target)
        folders[target] = ({short: files[full] for short, full in there.items()}, named)
    assert set(folders) == {"all", "host1", "host2"}
    for name, (content, named) in folders.items():
        root = tmp_path / name
        for path, data in content.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        (root / "checksums.sha256").write_bytes(store.get(named))
        done_check = subprocess.run(
            ["sha256sum", "-c", "--strict", "checksums.sha256"], cwd=root, capture_output=True, text=True, check=False
        )
        assert done_check.returncode == 0, done_check.stderr
        assert done_check.stdout.count(": OK") == len(content)
    (tmp_path / "host1" / "stella.version.json").write_text("{}")
    assert (
        subprocess.run(
            ["sha256sum", "-c", "checksums.sha256"], cwd=tmp_path / "host1", capture_output=True, check=False
        ).returncode
        == 1
    )


@pytest.mark.parametrize("name", ["plain", "with space", "a\\b", "a\nb", "ü"])
def test_names_that_sha256sum_escapes_are_escaped_as_it_does(name, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    expected = subprocess.run(["sha256sum", "--", name], cwd=tmp_path, capture_output=True, check=True).stdout
    assert checksums.text([(name, "sha256:" + __import__("hashlib").sha256(b"x").hexdigest())]) == expected


def test_a_signature_in_another_base64_spelling_is_refused():
    for text in ("YQ", "YR==", "YQ==\n", "Y Q==", "é", "-_=="):
        with pytest.raises(documents.DocumentInvalid):
            documents.to_raw("EdDSA", text)


def test_an_es256_signature_of_another_length_is_refused():
    with pytest.raises(documents.DocumentInvalid):
        documents.to_raw("ES256", base64.b64encode(bytes(63)).decode())


def test_sealed_files_are_indented_for_people_and_canonical_inside():
    data = signed_json.sealed(b'{"a":{"b":[1,{"c":"\xc3\xa9\\n"}]},"e":[],"z":{}}', "c2ln", ("z",))
    assert data.decode().splitlines()[:3] == ["{", '  "z": {},', '  "a": {']
    assert documents.signed_bytes(documents.read(data)) == b'{"a":{"b":[1,{"c":"\xc3\xa9\\n"}]},"e":[],"z":{}}'


def test_same_bodies_and_signatures_give_the_same_files(signer):
    if signer.key.algorithm == "ecdsa-p256":
        assert signer.sign(b"x") == signer.sign(b"x")  # RFC 6979
    one, two = Paper(), Paper()
    assert one.seal(signer)[2] == two.seal(signer)[2]
