"""Deltas between two releases: signed as a statement about the newer images, kept, verified, refused when changed."""

import base64
import dataclasses
import json

import pytest

from api.reports.delta import statement
from api.routes.verdicts import compared
from cas import refs
from cas.records.delta import Delta
from pipeline.adapters.keys import generate
from pipeline.attest import delta as attested
from pipeline.attest import envelope, signatures, statements
from pipeline.operations import deltas, promote
from replay import verify
from replay.bundle import export
from tests.replay.scenes import FINGERPRINT
from tests.support.judging import ALICE, SERVER, Scene, a_resolution, osv, sbom


@pytest.fixture
def scene():
    made = Scene()
    made.feed(osv("CVE-2026-0001", "requests"))
    made.submit(sbom(("requests", "2.0.0")))
    made.old = made.evaluate()
    made.resolution = a_resolution("web2")
    made.add_release("app-2", made.resolution, ("linux/amd64",))
    made.submit(sbom(("requests", "1.0.0")))
    made.new = promote.evaluate(made.effects, ALICE, "app-2", "production")
    return made


def signed(scene):
    return deltas.sign(scene.effects, ALICE, scene.old.digest, scene.new.digest)


def good(data):
    read = envelope.parse(data)
    (one,) = read.signatures
    return signatures.verify(SERVER.key, envelope.pae(read.payload_type, read.payload), one.signature)


def test_the_statement_says_what_changed_about_the_newer_images_and_is_signed_by_the_server(scene):
    made = signed(scene)
    assert good(made.envelope)
    said = statements.parse(envelope.parse(made.envelope).payload)
    assert said.predicate_type == "https://stella-ops.org/attestations/delta/v1"
    assert said.subjects == (("web", scene.resolution.root),)
    assert attested.read(said) == (made.digest, made.delta)
    told = made.delta
    assert (told.before, told.after, told.old_release, told.new_release) == ("allow", "deny", "app-1", "app-2")
    assert [(one.rule, one.code, one.vulnerability, one.gates) for one in told.changes] == [
        ("R3", "entered", "CVE-2026-0001", ("severity_budget",)),
        ("R4", "decision", "", ("severity_budget",)),
    ]


def test_it_is_kept_once_with_its_envelope(scene):
    made, again = signed(scene), signed(scene)
    assert (made.existed, again.existed) == (False, True)
    assert (made.digest, made.envelope, made.position) == (again.digest, again.envelope, again.position)
    (entry,) = [one for _, one in scene.effects.log.read() if one.event == "delta.signed"]
    assert entry.record == made.digest
    assert [scene.store.get(one) for one in entry.envelopes] == [made.envelope]
    assert scene.load(made.digest, Delta) == made.delta


@pytest.mark.parametrize("at", [0, 40, 200, -2])
def test_a_changed_byte_of_the_statement_is_refused(scene, at):
    data = json.loads(signed(scene).envelope)
    payload = bytearray(base64.b64decode(data["payload"]))
    payload[at] ^= 1
    assert not good(json.dumps(data | {"payload": base64.b64encode(payload).decode()}).encode())


def test_another_record_than_the_statement_names_is_refused(scene):
    said = json.loads(envelope.parse(signed(scene).envelope).payload)
    said["predicate"]["content"]["after"] = "allow"
    with pytest.raises(statements.StatementInvalid):
        attested.read(statements.parse(json.dumps(said).encode()))


def test_a_bundle_of_it_is_verified_without_us_and_a_changed_byte_of_it_is_named(scene, tmp_path):
    made, path = signed(scene), tmp_path / "delta.tar"
    export(scene.store, scene.effects.log, scene.effects.server, [made.digest], path)
    assert verify.main([str(path), "--root", FINGERPRINT, "--quiet"]) == 0
    data = bytearray(path.read_bytes())
    at = data.find(made.envelope[:200])
    assert at > 0, "the envelope travels as it is"
    data[at + 150] ^= 1
    path.write_bytes(data)
    assert verify.main([str(path), "--root", FINGERPRINT, "--quiet"]) == 2


def test_what_is_printed_unsigned_is_byte_for_byte_what_would_be_signed(scene):
    class Visit:
        effects = scene.effects

    found = compared(Visit, scene.old.digest, scene.new.digest)
    payload = envelope.parse(signed(scene).envelope).payload
    assert statement(found, (("web", scene.resolution.root),)) == payload
    assert scene.effects.log.ref(refs.release("app-2")) is not None


def test_an_envelope_by_a_key_that_is_not_the_instances_is_refused_in_a_bundle(scene, tmp_path, capsys):
    stranger = dataclasses.replace(scene.effects, server=generate("ed25519", purposes=("server",)))
    made, path = deltas.sign(stranger, ALICE, scene.old.digest, scene.new.digest), tmp_path / "delta.tar"
    export(scene.store, scene.effects.log, scene.effects.server, [made.digest], path)
    assert verify.main([str(path), "--root", FINGERPRINT]) == 2
    assert "neither verified nor signed by the instance" in "".join(capsys.readouterr())
