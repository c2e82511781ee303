"""DSSE v1 against the protocol's own vectors, a published library, and files from the field."""

import base64
import contextlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given as given_that
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as PeerEnvelope
from securesystemslib.signer import CryptoSigner

from cas import jcs
from cas.problems import Problem, TooLarge
from pipeline.adapters.keys import generate
from pipeline.attest import envelope, signatures
from pipeline.attest.problems import EnvelopeInvalid

DATA = Path(__file__).parents[2] / "data" / "attest"
VECTORS = json.loads((DATA / "dsse-vectors.json").read_text())
KEYS = {
    name: signatures.key_of(ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(given["public"])), ("submit",))
    for name, given in VECTORS["keys"].items()
}


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_the_protocols_vectors_hold(vector):
    read = envelope.parse(json.dumps(vector["envelope"]).encode())
    good = {
        name
        for name in vector["trustedKeys"]
        for each in read.signatures
        if signatures.verify(KEYS[name], read.pae(), each.signature)
    }
    assert (len(good) >= vector["threshold"]) == (vector["expect"] == "accept")
    if vector["expect"] == "accept":
        assert read.pae().hex() == vector["pae"]


@given_that(st.text(max_size=40), st.binary(max_size=200))
def test_the_encoding_agrees_with_a_published_library(kind, payload):
    peer = PeerEnvelope(payload, kind, {})
    assert envelope.pae(kind, payload) == peer.pae()


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256"])
def test_a_published_library_reads_and_verifies_what_we_write(algorithm):
    signer = generate(algorithm)
    payload = b'{"a":1}'
    ours = envelope.build(
        "application/x", payload, [(signer.key.id, signer.sign(envelope.pae("application/x", payload)))]
    )
    peer = PeerEnvelope.from_dict(json.loads(ours))
    key = CryptoSigner(signer.private).public_key
    key.keyid = signer.key.id
    assert peer.payload == payload
    assert set(peer.verify([key], 1)) == {signer.key.id}


def test_we_read_and_verify_what_a_published_library_writes():
    signer = generate("ed25519")
    peer = PeerEnvelope(b"payload", "application/x", {})
    peer.sign(CryptoSigner(signer.private))
    read = envelope.parse(json.dumps(peer.to_dict()).encode())
    assert signatures.verify(signer.key, read.pae(), read.signatures[0].signature)


@pytest.mark.parametrize("name", ["build", "fail", "invalid_payload", "package"])
def test_envelopes_from_the_field_are_read(name):
    data = (DATA / "dsse" / f"witness-{name}.dsse.json").read_bytes()
    read = envelope.parse(data)
    told = json.loads(data)
    assert read.payload == base64.b64decode(told["payload"])
    assert read.payload_type == "application/vnd.in-toto+json"
    assert [(each.key_id, base64.b64encode(each.signature).decode()) for each in read.signatures] == [
        (each["keyid"], each["sig"]) for each in told["signatures"]
    ]


def test_an_envelope_without_key_ids_is_read():
    bundle = json.loads((DATA / "intoto-in-dsse.sigstore.json").read_text())
    read = envelope.parse(json.dumps(bundle["dsseEnvelope"]).encode())
    assert [each.key_id for each in read.signatures] == [""]


def test_ours_is_canonical_and_comes_back_the_same():
    made = envelope.build("t", b"\xff\xfe\xfd" * 5, [("b", b"2"), ("a", b"1")])
    assert jcs.canonical(made) == made
    read = envelope.parse(made)
    assert read.payload == b"\xff\xfe\xfd" * 5
    assert [(each.key_id, each.signature) for each in read.signatures] == [("a", b"1"), ("b", b"2")]


@given_that(st.binary(max_size=64), st.booleans(), st.booleans())
def test_both_alphabets_padded_or_not_are_read(payload, url_safe, padded):
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(payload).decode()
    read = envelope.parse(
        json.dumps({"payload": text if padded else text.rstrip("="), "payloadType": "t", "signatures": []}).encode()
    )
    assert read.payload == payload


GOOD = {"payload": "e30=", "payloadType": "t", "signatures": [{"sig": "AAAA"}]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'{"payload":1,"payloadType":"t","signatures":[]}',
        b'{"payload":"e30=","payloadType":"t"}',
        b'{"payload":"e30=","payloadType":7,"signatures":[]}',
        b'{"payload":"e30=","payloadType":"","signatures":[]}',
        b'{"payload":"e30=","payload":"e31=","payloadType":"t","signatures":[]}',
        b'{"payload":"e30=","payloadType":"t","payloadType":"u","signatures":[]}',
        b'{"payload":"e30=","payloadType":"t","signatures":[{"sig":"AAAA","sig":"AAAB"}]}',
        b'{"payload":"e30=","payloadType":"t","signatures":{}}',
        b'{"payload":"e30=","payloadType":"t","signatures":["AAAA"]}',
        b'{"payload":"e30=","payloadType":"t","signatures":[{"keyid":"a"}]}',
        b'{"payload":"e30=","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"e31=","payloadType":"t","signatures":[]}',  # stray bits
        b'{"payload":"e30","payloadType":"t","signatures":[]}x',
        b'{"payload":"e3 0=","payloadType":"t","signatures":[]}',
        b'{"payload":"e30=\\n","payloadType":"t","signatures":[]}',
        b'{"payload":"+_==","payloadType":"t","signatures":[]}',
        b'{"payload":"e30=====","payloadType":"t","signatures":[]}',
        '{"payload":"é30=","payloadType":"t","signatures":[]}'.encode(),
        b'{"payload":"\\ud800","payloadType":"t","signatures":[]}',
        b"\xff\xfe{}",
        b'{"a":' * 5000,
    ],
)
def test_what_is_not_an_envelope_is_refused_with_a_code(data):
    with pytest.raises((EnvelopeInvalid, TooLarge)):
        envelope.parse(data)


def test_bounds_are_held_before_decoding():
    with pytest.raises(TooLarge):
        envelope.parse(json.dumps(GOOD).encode(), max_bytes=10)
    with pytest.raises(TooLarge):
        envelope.parse(json.dumps({**GOOD, "signatures": [{"sig": "AAAA"}] * 33}).encode())
    with pytest.raises((TooLarge, EnvelopeInvalid)):
        envelope.parse(json.dumps({**GOOD, "more": "x" * (300 << 10)}).encode())


def test_unknown_fields_are_ignored():
    read = envelope.parse(json.dumps({**GOOD, "more": [1], "signatures": [{"sig": "AAAA", "cert": "x"}]}).encode())
    assert read.signatures[0].signature == b"\0\0\0"


def test_a_payload_that_also_stands_elsewhere_confuses_nobody():
    data = b'{"copy":"e30=","payload":"e30=","payloadType":"e30=","signatures":[]}'
    read = envelope.parse(data)
    assert (read.payload, read.payload_type) == (b"{}", "e30=")


@given_that(st.binary(max_size=60))
def test_any_bytes_give_an_envelope_or_a_problem(data):
    for each in (data, b'{"payload":"e30=","payloadType":"t","signatures":[' + data + b"]}"):
        with contextlib.suppress(Problem):
            envelope.parse(each)
