"""SLSA predicates read in full, bundles and envelopes as wrappings, documents that hold many: facts and refusals."""

import base64
import json
from pathlib import Path

import pytest

from cas.records.attest import ProvenanceFacts, SignatureFacts, VsaFacts
from cas.records.evidence import AttestationFacts
from pipeline.attest.predicates import label
from pipeline.formats.many import MAX_PARTS, parts
from pipeline.formats.opened import Refused, open_document
from pipeline.formats.slsa import split_source
from tests.support.sigstore import CASES, DATA

ATTEST = DATA.parent / "attest"
STATEMENTS = DATA.parent / "in_toto" / "statements"
IMAGE = "1" * 64


def facts(data, name):
    opened = open_document(data)
    reading = next(each for each in opened.readings if each.format.name == name)
    return reading.format.read(opened.raw, reading.version)


def statement(kind, predicate, digests=None):
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "web", "digest": digests or {"sha256": IMAGE}}],
            "predicateType": kind,
            "predicate": predicate,
        }
    ).encode()


def test_the_given_verification_summary_is_read_in_full():
    found = facts((ATTEST / "gke-gce-pre.bcid-vsa.jsonl").read_bytes(), "slsa-vsa")
    assert isinstance(found, VsaFacts)
    assert (found.result, found.levels, found.created_at) == (
        "PASSED",
        ("BCID_L1", "SLSA_BUILD_LEVEL_2"),
        "2024-06-12T07:24:34Z",
    )
    assert found.verifier == "https://bcid.corp.google.com/verifier/bcid_package_enforcer/v0.1"
    assert found.resource.startswith("gce_image://gke-node-images:gke-12615-gke1418000")
    assert found.subjects == ()  # named by an image id of its own, no digest


def test_a_summary_of_version_0_2_is_read():
    found = facts(
        statement(
            "https://slsa.dev/verification_summary/v0.2",
            {
                "verifier": {"id": "https://verify.example"},
                "time_verified": "2026-01-02T03:04:05Z",
                "timeVerified": "2026-01-02T03:04:05Z",
                "resourceUri": "pkg:oci/web",
                "policy": {"uri": "https://policy.example", "digest": {"sha256": "ab"}},
                "inputAttestations": [{"uri": "https://a.example", "digest": {"sha1": "cd"}}],
                "verificationResult": "FAILED",
                "policyLevel": "SLSA_LEVEL_3",
                "dependencyLevels": {"SLSA_LEVEL_1": 7},
                "slsaVersion": "0.2",
            },
        ),
        "slsa-vsa",
    )
    assert (found.result, found.levels, found.policy_digest) == ("FAILED", ("SLSA_LEVEL_3",), "sha256:ab")
    assert (found.inputs, found.dependency_levels) == ((("https://a.example", "sha1:cd"),), (("SLSA_LEVEL_1", 7),))
    assert found.subjects == (("web", "sha256:" + IMAGE),)


def test_provenance_of_github_names_repository_ref_commit_and_workflow():
    found = facts((STATEMENTS / "slsa-provenance-v1.statement-v1.json").read_bytes(), "slsa-provenance")
    assert isinstance(found, ProvenanceFacts)
    assert (found.repository, found.ref, found.commit, found.entry_point) == (
        "https://github.com/loosebazooka/aa-test",
        "refs/heads/main",
        "a9cd7bf0bbfd5732800b8196ce893ae9915b1e87",
        ".github/workflows/provenance.yaml",
    )
    assert [each.digest for each in found.materials] == ["gitCommit:a9cd7bf0bbfd5732800b8196ce893ae9915b1e87"]


def test_provenance_0_2_names_its_config_source_and_every_material():
    path = next(iter(sorted((DATA / "slsa-github-container").iterdir())))
    found = facts(path.read_bytes(), "slsa-provenance")
    assert found.repository == "https://github.com/slsa-framework/example-package"
    assert found.ref.startswith("refs/")
    assert len(found.commit) == 40
    example = facts((STATEMENTS / "slsa-v0.2-spec-example.json").read_bytes(), "slsa-provenance")
    assert (example.repository, example.commit, example.entry_point) == (
        "https://example.com/example-1.2.3.tar.gz",
        "",
        "src:foo",
    )
    assert [each.pointer for each in example.materials] == ["/predicate/materials/0"]
    konflux = facts((STATEMENTS / "konflux-slsa-v0.2.json").read_bytes(), "slsa-provenance")
    assert konflux.repository == ""
    assert konflux.materials


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("git+https://github.com/acme/web@refs/heads/main", ("https://github.com/acme/web", "refs/heads/main")),
        ("git+https://github.com/acme/web.git@v1", ("https://github.com/acme/web", "v1")),
        ("git+ssh://git@github.com/acme/web.git", ("ssh://git@github.com/acme/web", "")),
        ("git+ssh://git@github.com/acme/web@refs/tags/v1", ("ssh://git@github.com/acme/web", "refs/tags/v1")),
        ("https://example.com/a.tar.gz", ("https://example.com/a.tar.gz", "")),
        ("", ("", "")),
    ],
)
def test_a_source_is_split_into_repository_and_ref(uri, expected):
    assert split_source(uri) == expected


@pytest.mark.parametrize("predicate", [{}, {"builder": None, "materials": None, "metadata": None, "invocation": None}])
def test_what_provenance_leaves_out_is_empty(predicate):
    raw = statement("https://slsa.dev/provenance/v0.2", predicate)
    from pipeline.formats.slsa import read_provenance

    found = read_provenance(raw, "1")
    assert (found.builder, found.repository, found.materials, found.complete) == ("", "", (), False)


@pytest.mark.parametrize(
    "kind",
    [
        "https://in-toto.io/attestation/test-result/v0.1",
        "https://in-toto.io/attestation/release/v0.1",
        "https://in-toto.io/attestation/scai/v0.3",
        "https://in-toto.io/attestation/runtime-trace/v0.1",
        "https://example.com/anything",
    ],
)
def test_any_predicate_is_carried_with_its_type(kind):
    found = facts(statement(kind, {"what": "ever"}), "in-toto")
    assert isinstance(found, AttestationFacts)
    assert found.predicate_type == kind
    assert bool(label(kind)) == ("in-toto.io" in kind)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_every_bundle_of_the_suite_is_opened_or_refused_in_words(path):
    data = (path / "bundle.sigstore.json").read_bytes()
    if "unknown-version" in path.name:
        with pytest.raises(Refused) as caught:
            open_document(data)
        assert [each.code for each in caught.value.faults] == ["evidence.version_unsupported"]
        return
    if path.name == "rekor2-dsse-happy-path":  # signed well, but its provenance lacks what SLSA's schema demands
        with pytest.raises(Refused, match="1"):
            open_document(data)
        return
    opened = open_document(data)
    assert opened.bundle
    assert opened.envelope == data
    assert opened.kind == ("provenance" if b"dsseEnvelope" in data else "signature")


def test_a_message_signature_is_evidence_about_the_file():
    data = (DATA / "bundle-verify" / "happy-path-v0.3" / "bundle.sigstore.json").read_bytes()
    found = facts(data, "sigstore-bundle")
    assert isinstance(found, SignatureFacts)
    assert found.subjects == ("sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf",)
    assert (found.keyless, found.logged) == (True, True)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda given: given.update(dsseEnvelope={}), ("", "evidence.bundle_invalid")),
        (lambda given: given["messageSignature"].update(signature="A+_A"), ("", "evidence.bundle_invalid")),
        (lambda given: given.pop("verificationMaterial"), ("", "evidence.bundle_invalid")),
        (lambda given: given.update(mediaType="application/vnd.dev.sigstore.bundle.v9+json"),
         ("", "evidence.version_unsupported")),
    ],
)  # fmt: skip
def test_a_bundle_that_is_not_whole_is_refused(change, fault):
    given = json.loads((DATA / "bundle-verify" / "happy-path-v0.3" / "bundle.sigstore.json").read_bytes())
    change(given)
    with pytest.raises(Refused) as caught:
        open_document(json.dumps(given).encode())
    assert [(each.pointer, each.code) for each in caught.value.faults] == [fault]


def wrapped(payload, kind, signatures=({"sig": "c2ln"},)):
    return json.dumps(
        {"payload": base64.b64encode(payload).decode(), "payloadType": kind, "signatures": list(signatures)}
    ).encode()


def test_a_payload_that_nobody_here_reads_is_carried_with_its_type():
    opened = open_document(wrapped(b"\x00\x01binary", "application/vnd.acme.thing"))
    assert (opened.name, opened.kind, opened.covered) == ("dsse/1", "attestation", ())
    found = facts(wrapped(b"hello", "text/plain"), "dsse")
    assert found.predicate_type == "text/plain"


def test_json_that_nobody_recognises_is_still_refused_inside_an_envelope():
    with pytest.raises(Refused):
        open_document(wrapped(b'{"what": 1}', "application/json"))
    with pytest.raises(Refused):
        open_document(wrapped(b"hello", "application/vnd.in-toto+json"))


def cosign(payload, **others):
    return json.dumps({"Base64Signature": "c2ln", "Payload": base64.b64encode(payload).decode()} | others).encode()


SIMPLE = {
    "critical": {
        "identity": {"docker-reference": "r/web"},
        "image": {"docker-manifest-digest": "sha256:" + IMAGE},
        "type": "cosign container image signature",
    },
    "optional": None,
}


def test_a_cosign_signature_names_its_image():
    found = facts(cosign(json.dumps(SIMPLE).encode()), "cosign-signature")
    assert (found.subjects, found.reference, found.keyless) == (("sha256:" + IMAGE,), "r/web", False)


@pytest.mark.parametrize(
    "data",
    [
        cosign(b"{}"),
        cosign(b"not json"),
        cosign(json.dumps(SIMPLE | {"critical": {**SIMPLE["critical"], "type": "atomic"}}).encode()),
        cosign(json.dumps(SIMPLE | {"critical": {**SIMPLE["critical"], "image": {}}}).encode()),
        cosign(json.dumps(SIMPLE).encode(), Cert="no pem"),
        cosign(json.dumps(SIMPLE).encode(), Bundle={"Payload": 1}),
        cosign(json.dumps(SIMPLE).encode(), Base64Signature="%"),
    ],
)
def test_a_cosign_signature_that_is_not_whole_is_refused(data):
    with pytest.raises(Refused) as caught:
        open_document(data)
    assert [each.code for each in caught.value.faults] == ["evidence.bundle_invalid"]


def test_documents_that_hold_many_are_split_and_others_are_left_whole():
    listed = parts((DATA / "npm" / "supreme-googles-cli-v02-tag.tgz.json").read_bytes())
    assert [pointer for pointer, _ in listed] == ["/attestations/0/bundle", "/attestations/1/bundle"]
    two = wrapped(b"a", "t") + b"\n" + wrapped(b"b", "t") + b"\n"
    assert [json.loads(data)["payload"] for _, data in parts(two)] == ["YQ==", "Yg=="]
    for whole in (
        b'{"a": 1}\n{"b": 2}',
        wrapped(b"a", "t"),
        b'{"attestations": 3}',
        b'{"attestations": []}',
        b"<xml/>",
        b"",
        b"\n".join([wrapped(b"a", "t")] * (MAX_PARTS + 1)),
    ):
        assert parts(whole) == (("", whole),)


def test_every_format_of_an_attestation_has_a_page_that_says_what_is_verified():
    for name in ("dsse", "sigstore-bundle", "cosign-signature"):
        page = (Path(__file__).parents[3] / "docs" / "reference" / "formats" / f"{name}.md").read_text()
        assert "attestations.md" in page
