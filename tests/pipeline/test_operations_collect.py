"""What is attached to an image is found in layouts and registries, and admitted as one; nothing is trusted for it."""

import base64
import json
from pathlib import Path

import httpx
import pytest

from cas.records.attest import SignatureFacts
from cas.store import load
from pipeline.adapters.keys import generate
from pipeline.adapters.oci_layout_source import OciLayoutSource
from pipeline.adapters.oci_registry import OciRegistry, RegistrySettings
from pipeline.attest import envelope
from pipeline.formats.problems import EvidenceRefused
from pipeline.operations import trust
from pipeline.operations.collect import TooMuchAttached, find
from pipeline.operations.images import BytesMismatch
from pipeline.operations.ingest import Submission, submit
from pipeline.operations.standing import shown, standing_of
from tests.support.images import CONFIG, MANIFEST, Layout
from tests.support.judging import sbom
from tests.support.world import ALICE, World

COSIGNED = Path(__file__).parents[1] / "data" / "cosigned-image"
IMAGE = "sha256:bb2863eb5a15ce3551748cd6aecd40db02c96c0276ae062354b415ad37330fee"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
ROOT = generate("ed25519", purposes=("root",))
SERVER = generate("ed25519", purposes=("server",))
STICKER = generate("rsa", purposes=("server",))
CI = generate("ecdsa-p256", purposes=("submit",))


def layouts(location):
    return OciLayoutSource(Path(location[4:]))


@pytest.fixture
def founded():
    world = World()
    effects = world.effects(server=SERVER, sticker=STICKER, images=layouts)
    trust.found(effects, ROOT, SERVER, STICKER, ALICE, owner_keys=(CI.key,))
    return effects


def simple(image, **optional):
    return json.dumps(
        {
            "critical": {
                "identity": {"docker-reference": "registry.test/web"},
                "image": {"docker-manifest-digest": image},
                "type": "cosign container image signature",
            },
            "optional": optional or None,
        }
    ).encode()


def artifact(layout, layers, subject=None):
    """Push an artifact manifest: (media type, bytes, annotations) layers."""
    listed = [
        {"mediaType": kind, "digest": layout.blob(data), "size": len(data), "annotations": notes}
        for kind, data, notes in layers
    ]
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": layout.blob(b"{}"), "size": 2},
        "layers": listed,
    }
    if subject:
        value["subject"] = {"mediaType": MANIFEST, "digest": subject, "size": 1}
    return layout.manifest(value)


def signature(image, signer=CI, **optional):
    payload = simple(image, **optional)
    return (SIMPLE, payload, {"dev.cosignproject.cosign/signature": base64.b64encode(signer.sign(payload)).decode()})


def statement(image, kind="https://in-toto.io/attestation/test-result/v0.1"):
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "web", "digest": {"sha256": image[7:]}}],
            "predicateType": kind,
            "predicate": {"result": "PASSED"},
        }
    ).encode()


def attestation(image, signer=CI):
    payload = statement(image)
    kind = "application/vnd.in-toto+json"
    return (DSSE, envelope.build(kind, payload, [("", signer.sign(envelope.pae(kind, payload)))]), {})


def signed_layout(tmp_path, *, tags=True):
    """Write a layout of one image with a signature and an attestation, by tags or as referrers."""
    layout = Layout()
    image = layout.image({"app": b"x"})
    layout.name("web:1", image)
    stem = image["digest"].replace(":", "-")
    for suffix, layer in ((".sig", signature(image["digest"], team="red")), (".att", attestation(image["digest"]))):
        made = artifact(layout, [layer], None if tags else image["digest"])
        layout.name(f"web:{stem}{suffix}" if tags else f"web:other{suffix}", made)
    layout.write(tmp_path / "layout")
    return image["digest"], f"oci:{tmp_path}/layout:1"


def collected(effects, found):
    return submit(effects, ALICE, [one.submission for one in found.documents]).receipts


def test_a_layout_of_cosign_save_gives_its_signature_and_its_provenance():
    found = find(layouts, f"oci:{COSIGNED}")
    assert found.image == IMAGE
    assert [one.media_type for one in found.documents] == [SIMPLE, DSSE]
    assert all(one.subject == IMAGE for one in found.documents)
    assert found.skipped == ()


def test_what_a_strange_instance_certified_is_admitted_as_unsigned(founded):
    receipts = collected(founded, find(layouts, f"oci:{COSIGNED}"))
    assert [(one.type, one.binding) for one in receipts] == [
        ("signature", "embedded"),
        ("provenance", "embedded"),
        ("attestation", "embedded"),
    ]
    assert {shown(founded, one.admission).standing.standing for one in receipts} == {"unsigned"}
    facts = load(founded.store, shown(founded, receipts[0].admission).admission.facts, SignatureFacts)
    assert (facts.keyless, facts.logged, facts.subjects) == (True, True, (IMAGE,))


@pytest.mark.parametrize("tags", [True, False], ids=["tags", "referrers"])
def test_signature_and_attestation_by_a_known_key_verify_and_say_by_whom(founded, tmp_path, tags):
    image, reference = signed_layout(tmp_path, tags=tags)
    receipts = collected(founded, find(layouts, reference))
    assert {(one.type, one.binding, one.subject) for one in receipts} == {
        ("signature", "attested", image),
        ("attestation", "attested", image),
    }
    for one in receipts:
        known = shown(founded, one.admission)
        assert (known.standing.standing, known.standing.signers) == ("verified", ("alice",))
    facts = load(founded.store, shown(founded, receipts[0].admission).admission.facts, SignatureFacts)
    assert (facts.reference, facts.annotations) == ("registry.test/web", (("team", "red"),))


def test_a_forged_signature_is_never_verified(founded, tmp_path):
    layout = Layout()
    image = layout.image({"app": b"x"})
    layout.name("web:1", image)
    stranger = generate("ecdsa-p256", purposes=("submit",))
    made = artifact(layout, [signature(image["digest"], stranger)])
    layout.name(f"web:{image['digest'].replace(':', '-')}.sig", made)
    layout.write(tmp_path / "layout")
    (receipt,) = collected(founded, find(layouts, f"oci:{tmp_path}/layout:1"))
    assert (receipt.binding, receipt.verified) == ("embedded", False)


def test_a_signature_over_another_image_is_told_and_not_taken(tmp_path):
    layout = Layout()
    image, other = layout.image({"app": b"x"}), layout.image({"app": b"y"})
    layout.name("web:1", image)
    stem = image["digest"].replace(":", "-")
    layout.name(f"web:{stem}.sig", artifact(layout, [signature(other["digest"])]))
    layout.name(f"web:{stem}.att", artifact(layout, [attestation(other["digest"]), ("text/plain", b"hello", {})]))
    layout.write(tmp_path / "layout")
    found = find(layouts, f"oci:{tmp_path}/layout:1")
    assert found.documents == ()
    assert [one.reason.partition(":")[0] for one in found.skipped] == [
        "it speaks of another digest",
        "it speaks of another digest",
        "no media type of a document",
    ]


def test_a_signature_submitted_for_another_digest_is_refused(founded, tmp_path):
    _, reference = signed_layout(tmp_path)
    (document, _) = find(layouts, reference).documents
    with pytest.raises(EvidenceRefused) as caught:
        submit(founded, ALICE, [Submission(document.data, "sha256:" + "9" * 64)])
    assert [each.code for each in caught.value.fields["faults"]] == ["evidence.subject_foreign"]


def test_statements_that_buildkit_puts_into_an_index_are_about_the_platform(tmp_path):
    layout = Layout()
    image = layout.image({"app": b"x"})
    made = artifact(layout, [("application/vnd.in-toto+json", statement(image["digest"]), {})])
    notes = {"vnd.docker.reference.digest": image["digest"], "vnd.docker.reference.type": "attestation-manifest"}
    layout.name("web:1", layout.index(image, {**made, "annotations": notes}))
    layout.write(tmp_path / "layout")
    found = find(layouts, f"oci:{tmp_path}/layout:1")
    assert [(one.subject, one.media_type) for one in found.documents] == [
        (image["digest"], "application/vnd.in-toto+json")
    ]


def test_bytes_that_are_not_what_their_digest_names_are_refused(tmp_path):
    _, reference = signed_layout(tmp_path)
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    path = next(path for path in blobs.iterdir() if b"docker-reference" in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"registry.test", b"registry.best"))
    with pytest.raises(BytesMismatch):
        find(layouts, reference)


def test_more_than_a_bounded_number_of_attachments_is_refused(tmp_path):
    layout = Layout()
    image = layout.image({"app": b"x"})
    layout.name("web:1", image)
    for at in range(257):
        layout.name(f"web:other{at}", artifact(layout, [("text/plain", b"%d" % at, {})], image["digest"]))
    layout.write(tmp_path / "layout")
    with pytest.raises(TooMuchAttached):
        find(layouts, f"oci:{tmp_path}/layout:1")


def served(data):
    return httpx.Response(200, stream=httpx.ByteStream(data), headers={"content-type": MANIFEST})


def registry(layout, tags, referrers):
    """Answer as a registry would, in this process; ``referrers`` None: it has no such API."""

    def answer(request):
        path = request.url.path
        reference = path.rpartition("/")[2]
        if "/manifests/" in path:
            name = tags.get(reference, reference)
            if name in layout.blobs:
                return served(layout.blobs[name])
        elif "/blobs/" in path and reference in layout.blobs:
            return served(layout.blobs[reference])
        elif "/referrers/" in path and referrers is not None:
            index = {"schemaVersion": 2, "manifests": referrers.get(reference, [])}
            return served(json.dumps(index).encode())
        return httpx.Response(404)

    settings = RegistrySettings("registry.test", resolve=lambda *_: ["93.184.216.34"])
    return OciRegistry(settings, transport=httpx.MockTransport(answer))


@pytest.mark.parametrize("api", [True, False], ids=["referrers_api", "tag_fallback"])
def test_a_registry_is_asked_for_referrers_and_for_cosigns_tags(founded, api):
    layout = Layout()
    image = layout.image({"app": b"x"})
    stem = image["digest"].replace(":", "-")
    by_tag = artifact(layout, [signature(image["digest"])])
    referring = artifact(layout, [attestation(image["digest"])], image["digest"])
    tags = {"1": image["digest"], f"{stem}.sig": by_tag["digest"]}
    if not api:
        listed = layout.blob(json.dumps({"schemaVersion": 2, "manifests": [referring]}).encode())
        tags[stem] = listed
    source = registry(layout, tags, {image["digest"]: [referring]} if api else None)
    found = find(lambda host: source if host == "registry.test" else None, "registry.test/web:1")
    assert {one.manifest for one in found.documents} == {by_tag["digest"], referring["digest"]}
    assert {one.binding for one in collected(founded, found)} == {"attested"}


def test_evidence_without_a_wrapping_stands_unsigned(founded):
    (receipt,) = submit(founded, ALICE, [Submission(sbom(("flask", "1.0")), IMAGE)]).receipts
    stands = standing_of(founded.store, shown(founded, receipt.admission).evidence)
    assert (stands.standing, stands.signature, stands.signers) == ("unsigned", "none", ())
