import json
import os
import subprocess

import msgspec
import pytest

from cas import digest, jcs, refs
from cas.problems import Problem
from cas.records.deploy import Deployment
from cas.records.proof import TrustRoot
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.operations import artifacts
from pipeline.operations.artifacts import ArtifactMissing, FolderTaken
from pipeline.operations.work import Work
from targets.render import documents, packet_pdf
from tests.support.delivery import ALICE, Delivery, Image, target
from tests.support.fake_target import Fleet
from tests.support.images import Layout

LAYOUT = Layout()
IMAGE = LAYOUT.image({"app": b"one"})


@pytest.fixture(scope="module")
def made():
    fleet = Fleet()
    hosts = tuple(target(name, "docker_host", url="unix:///x", directory="/srv") for name in ("alpha", "beta"))
    delivery = Delivery(targets=hosts, adapter=fleet.adapter)
    release = delivery.release("shop-1", {"web": Image("registry.example/shop/web", "v1", LAYOUT, IMAGE)})
    ended = delivery.deploy(release)
    return delivery, ended, artifacts.files_of(delivery.effects, digest.uuid_of(ended.deployment))


def test_every_file_of_a_deployment_is_listed_by_id_and_by_digest(made):
    delivery, ended, files = made
    assert artifacts.files_of(delivery.effects, ended.deployment) == files
    types = {one.name: one.type for one in files.files}
    assert types == {
        "checksums.sha256": "checksums",
        "compose.stella.lock.yml": "compose-lock",
        "conf/app.conf": "config",
        "deployment.evidence.json": "packet",
        "manifest.json": "manifest",
        "release.evidence.json": "evidence",
        "stella.env": "env",
        "targets/alpha/stella.version.json": "version-sticker",
        "targets/beta/stella.version.json": "version-sticker",
    }


def test_every_file_verifies(made):
    delivery, _, files = made
    for one in files.files:
        checked = artifacts.verify(delivery.effects, files, one.name)
        assert checked.valid, (one.name, checked)
        assert checked.checksum["valid"]
        assert checked.signature["valid"]


def test_one_changed_byte_of_any_file_is_noticed(made):
    delivery, _, files = made
    for one in files.files:
        data = artifacts.read(delivery.effects, files, one.name)
        for at in {0, len(data) // 2, len(data) - 1}:
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            assert not artifacts.verify(delivery.effects, files, one.name, changed).valid


def test_a_document_signed_by_somebody_else_is_refused(made):
    delivery, _, files = made
    name = "targets/alpha/stella.version.json"
    stranger = generate("rsa", purposes=("server",))
    document = documents.read(artifacts.read(delivery.effects, files, name))
    document["signerKeyId"] = stranger.key.id
    forged = documents.to_text("RS256", stranger.sign(documents.signed_bytes(document)))
    answer = artifacts.check_signature(delivery.effects, files, json.dumps({**document, "signature": forged}).encode())
    assert answer == {"valid": False, "reason": "signed by no key of this instance"}


def test_a_document_that_names_a_weaker_algorithm_is_refused(made):
    delivery, _, files = made
    document = documents.read(artifacts.read(delivery.effects, files, "manifest.json"))
    document["signatureAlgorithm"] = "none"
    answer = artifacts.check_signature(delivery.effects, files, json.dumps(document).encode())
    assert not answer["valid"]


@pytest.mark.parametrize("name", ["", "../manifest.json", "nothing", "targets/alpha", "/etc/passwd"])
def test_names_that_are_not_listed_are_missing(made, name):
    delivery, _, files = made
    with pytest.raises(ArtifactMissing):
        artifacts.read(delivery.effects, files, name)


@pytest.mark.parametrize("asked", ["", "x", "sha256:" + "0" * 64, "../x"])
def test_a_deployment_that_does_not_exist_is_missing(made, asked):
    with pytest.raises(ArtifactMissing):
        artifacts.files_of(made[0].effects, asked)


def test_a_release_is_no_deployment(made):
    with pytest.raises(ArtifactMissing):
        artifacts.files_of(made[0].effects, made[0].head()[0].release)


def test_the_folder_is_written_whole_and_sha256sum_accepts_it(made, tmp_path):
    delivery, ended, files = made
    folder = artifacts.write_folder(delivery.effects, files, tmp_path)
    assert folder == tmp_path / "artifacts" / "default" / digest.uuid_of(ended.deployment)
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "checksums.sha256"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert folder.stat().st_mode & 0o077 == 0
    assert artifacts.write_folder(delivery.effects, files, tmp_path) == folder
    assert os.listdir(folder.parent) == [folder.name]


def test_a_folder_that_holds_something_else_is_left_alone(made, tmp_path):
    delivery, _, files = made
    folder = artifacts.write_folder(delivery.effects, files, tmp_path)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(FolderTaken):
        artifacts.write_folder(delivery.effects, files, tmp_path)
    assert (folder / "manifest.json").read_text() == "{}"


def test_a_link_in_the_way_is_never_followed(made, tmp_path):
    delivery, _, files = made
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "artifacts").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderTaken):
        artifacts.write_folder(delivery.effects, files, tmp_path)
    assert not [path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()]


def packets(made):
    delivery, _, files = made
    return [
        documents.read(artifacts.read(delivery.effects, files, f"{kind}.evidence.json"))
        for kind in ("release", "deployment")
    ]


def test_a_packet_says_who_what_why_how_and_when(made):
    delivery, ended, _ = made
    before, after = packets(made)
    for packet in (before, after):
        assert list(packet["content"]) == sorted(["who", "what", "why", "how", "when"])
        assert packet["contentHash"] == digest.of_bytes(jcs.of_value(packet["content"]))
        assert packet["version"] == "1.0"
        assert packet["tenantId"] == "default"
    assert (before["type"], after["type"]) == ("release_decision", "deployment")
    assert before["content"]["how"] is None
    assert before["id"] != after["id"]
    status = delivery.status(digest.uuid_of(load(delivery.world.store, ended.deployment, Deployment).promotion))
    assert after["content"]["why"]["scanVerdict"]["digest"] == status.verdict
    assert after["content"]["why"]["decision"]["digest"] == status.decision
    assert after["content"]["how"]["deployment"]["result"] == "deployed"
    assert after["content"]["how"]["manifest"] == delivery.head()[0].manifest
    assert [one["type"] for one in after["content"]["how"]["artifacts"]].count("version-sticker") == 2
    assert after["content"]["what"]["release"]["components"][0]["digest"] == IMAGE["digest"]
    assert set(after["content"]["when"]) == {"requestedAt", "judgedAt", "decidedAt", "startedAt", "completedAt"}


def test_the_packet_as_pdf_is_the_same_bytes_every_time(made):
    delivery, _, files = made
    one = artifacts.read(delivery.effects, files, artifacts.PDF_NAME)
    assert one.startswith(b"%PDF-")
    assert one == artifacts.read(delivery.effects, files, artifacts.PDF_NAME)


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "a\nb", "\u202eevil", "<script>", "é\U0001f600", "x" * 9000, ") Tj ET ("]
)
def test_hostile_text_in_a_packet_stays_text(text):
    assert packet_pdf.plain(text).isascii()
    assert "\n" not in packet_pdf.plain(text)
    packet = {"type": text, "generatedAt": "2026-03-01T00:00:00Z", "content": {"who": {text: [text, {text: None}]}}}
    assert packet_pdf.render(json.dumps(packet).encode()).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"content":{}}',
        b'{"content":{},"generatedAt":"x"}',
        b'{"content":1,"generatedAt":"2026-03-01T00:00:00Z"}',
    ],
)
def test_what_is_no_packet_gives_a_problem(data):
    with pytest.raises(Problem):
        packet_pdf.render(data)


@pytest.mark.parametrize(("after", "valid"), [(0, False), (10_000, True)])
def test_a_revoked_key_counts_for_what_ended_before_its_revocation(made, after, valid):
    delivery, _, files = made
    effects = delivery.effects
    work = Work(effects, ALICE)
    before = effects.log.ref(refs.TRUST_ROOT)
    root = load(effects.store, before, TrustRoot)
    revoked = tuple(msgspec.structs.replace(key, revoked_at=after) for key in root.keys)
    work.note(
        "trust.changed", None, [work.move(refs.TRUST_ROOT, work.save(msgspec.structs.replace(root, keys=revoked)))]
    )
    work.commit()
    try:
        assert artifacts.verify(effects, files, "manifest.json").valid is valid
    finally:
        back = Work(effects, ALICE)
        back.note("trust.changed", None, [back.move(refs.TRUST_ROOT, before)])
        back.commit()
