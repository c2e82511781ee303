"""From a directory to attested evidence by command: scan, submit, sign, compare."""

import json

import pytest

from cas import digest
from pipeline.attest import envelope, statements
from tests.api.test_cli import stella

IMAGE = "sha256:" + "1" * 64


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    stella("key", "generate", folder / "alice", home=folder, code=0)
    stella("init", "--login", "alice", "--key", folder / "alice", home=folder, code=0)
    words = ("trust", "directory", "add", "alice", folder / "alice.pub", "--purpose", "submit", "--purpose", "approve")
    stella(*words, home=folder, code=0)
    (folder / "web").mkdir()
    (folder / "web" / "requirements.txt").write_text("requests==2.31.0\n")
    return folder


def asked(*words, home, code=0):
    return json.loads(stella(*words, "-o", "json", home=home, code=code).stdout)


def listed(home, kind):
    return asked("evidence", "list", "--type", kind, home=home)["items"]


def test_a_scan_is_submitted_with_how_it_was_made_and_can_be_compared(home):
    out = home / "sbom.json"
    made = asked("scan", home / "web", "--subject", IMAGE, "--out", out, home=home)
    assert made["sbom"] == digest.of_bytes(out.read_bytes())
    assert [one["raw"] for one in listed(home, "sbom")] == [made["sbom"]]
    assert [one["format"] for one in listed(home, "attestation")] == ["in-toto/1"]
    (home / "web" / "requirements.txt").write_text("requests==2.31.0\nflask==2.0\n")
    other = asked("scan", "--compare", made["sbom"], home=home, code=2)
    assert (other["same"], other["removed"], other["settings"]) == (False, [], [])
    assert other["added"] == [["pkg:pypi/flask@2.0", "2.0"]]


def test_a_stored_sbom_is_signed_as_a_statement_and_becomes_attested_evidence(home):
    document = home / "given.json"
    document.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6",  "components": []}\n')
    image = "sha256:" + "2" * 64
    raw = asked("evidence", "submit", document, "--subject", image, home=home)[0]["raw"]
    out = home / "signed.json"
    key = ("--key", home / "alice")
    stella("evidence", "attest-sbom", raw, "--out", out, *key, home=home, code=0)
    said = statements.parse(envelope.parse(out.read_bytes()).payload)
    assert (said.predicate_type, said.subjects) == ("https://cyclonedx.org/bom", (("image", image),))
    found = [one for one in listed(home, "sbom") if one["subject"] == image]
    assert {one["binding"] for one in found} == {"asserted", "attested"}
    (attested,) = [one for one in found if one["binding"] == "attested"]
    assert attested["verified"] is True
    assert attested["raw"] == digest.of_bytes(document.read_bytes().strip()), "byte for byte"


def test_an_sbom_is_attested_for_the_images_that_are_named(home):
    document = home / "spdx.json"
    document.write_text(
        '{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","dataLicense":"CC0-1.0",'
        '"documentNamespace":"https://x.example/1","creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: t"]}}'
    )
    raw = asked("evidence", "submit", document, "--subject", IMAGE, home=home)[0]["raw"]
    out = home / "spdx.signed.json"
    words = ("--subject", "web=sha256:" + "3" * 64, "--out", out, "--no-submit", "--key", home / "alice")
    stella("evidence", "attest-sbom", raw, *words, home=home, code=0)
    said = statements.parse(envelope.parse(out.read_bytes()).payload)
    assert (said.predicate_type, said.subjects) == ("https://spdx.dev/Document", (("web", "sha256:" + "3" * 64),))


def test_what_cannot_be_attested_is_told(home):
    xml = home / "bom.xml"
    xml.write_text('<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><components/></bom>')
    raw = asked("evidence", "submit", xml, "--subject", IMAGE, home=home)[0]["raw"]
    key = ("--key", home / "alice")
    assert "[sbom.not_json]" in stella("evidence", "attest-sbom", raw, *key, home=home, code=2).stderr
    nothing = stella(
        "evidence", "attest-sbom", "sha256:" + "9" * 64, "--subject", f"x={IMAGE}", *key, home=home, code=4
    )
    assert "[cas.object_missing]" in nothing.stderr
    assert "--key" in stella("evidence", "attest-sbom", raw, home=home, code=2).stderr


def test_a_signed_scan_is_attested_and_a_directory_without_image_is_not_submitted(home):
    image = "sha256:" + "4" * 64
    stella("scan", home / "web", "--subject", image, "--sign", "--key", home / "alice", home=home, code=0)
    found = [one for kind in ("sbom", "attestation") for one in listed(home, kind) if one["subject"] == image]
    assert [one["binding"] for one in found] == ["attested", "attested"]
    assert "--subject" in stella("scan", home / "web", home=home, code=2).stderr
