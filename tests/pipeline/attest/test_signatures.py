"""Keys are judged by their record, signatures by the key's algorithm."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from cas import digest
from cas.records.proof import Key
from pipeline.adapters.keys import generate
from pipeline.attest import envelope, signatures
from pipeline.attest.problems import KeyInvalid

DATA = Path(__file__).parents[2] / "data" / "attest"
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def record(spki, algorithm="ed25519"):
    return Key(
        id=digest.of_bytes(spki)[7:],
        algorithm=algorithm,
        spki=base64.b64encode(spki).decode(),
        purposes=("approve",),
        revoked_at=None,
    )


def point_record(y, sign=0):
    return record(ED25519_SPKI + (y | sign << 255).to_bytes(32, "little"))


def add(one, other):
    (x1, y1), (x2, y2) = one, other
    k = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P,
    )


def x_of(y):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0
    return x


def small_order_ys():
    """Walk from a point of order eight: every y of the torsion group, computed, not copied."""
    y = 7
    while True:
        y += 1
        try:
            point = (x_of(y), y)
        except AssertionError:
            continue
        torsion = (0, 1)
        order = 2**252 + 27742317777372353535851937790883648493  # the prime order of the base point
        for bit in f"{order:b}":
            torsion = add(torsion, torsion)
            if bit == "1":
                torsion = add(torsion, point)
        walk, at = {torsion[1]}, add(torsion, torsion)
        for _ in range(7):
            walk.add(at[1])
            at = add(at, torsion)
        if len(walk) == 5:
            return sorted(walk)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", small_order_ys())
def test_small_order_points_are_refused(y, sign):
    with pytest.raises(KeyInvalid, match="small order"):
        signatures.load_key(point_record(y, sign))


@pytest.mark.parametrize("y", [P, P + 1, P + 2, 2**255 - 1])
def test_points_that_are_not_canonical_are_refused(y):
    with pytest.raises(KeyInvalid, match="not canonical"):
        signatures.load_key(point_record(y))


def test_points_off_the_curve_are_refused():
    with pytest.raises(KeyInvalid, match="not on the curve"):
        signatures.load_key(point_record(2))


def test_a_small_order_key_would_have_signed_anything():
    neutral = ed25519.Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    forged = (1).to_bytes(32, "little") + bytes(32)
    neutral.verify(forged, b"whatever an attacker likes")  # the library takes it: so we must not take the key
    with pytest.raises(KeyInvalid):
        signatures.verify(point_record(1), b"whatever an attacker likes", forged)


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256", "rsa"])
def test_each_algorithm_verifies_its_own_and_nothing_changed(algorithm):
    signer = generate(algorithm)
    made = signer.sign(b"message")
    assert signatures.verify(signer.key, b"message", made)
    assert not signatures.verify(signer.key, b"massage", made)
    assert not signatures.verify(signer.key, b"message", made[:-1] + bytes([made[-1] ^ 1]))
    assert not signatures.verify(signer.key, b"message", b"")
    assert not signatures.verify(signer.key, b"message", made + b"\0")


@pytest.mark.parametrize("said", ["ed25519", "ecdsa-p256", "rsa"])
@pytest.mark.parametrize("truly", ["ed25519", "ecdsa-p256", "rsa"])
def test_a_key_under_another_algorithms_name_is_refused(truly, said):
    key = generate(truly).key
    renamed = Key(id=key.id, algorithm=said, spki=key.spki, purposes=key.purposes, revoked_at=None)
    if said == truly:
        signatures.load_key(renamed)
    else:
        with pytest.raises(KeyInvalid, match="algorithm its record names"):
            signatures.load_key(renamed)


def test_the_key_id_is_the_hash_of_the_spki_and_nothing_else():
    key = generate("ed25519").key
    assert digest.of_bytes(base64.b64decode(key.spki))[7:] == key.id
    with pytest.raises(KeyInvalid, match="SHA-256"):
        signatures.load_key(Key(id="0" * 64, algorithm="ed25519", spki=key.spki, purposes=(), revoked_at=None))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: rsa.generate_private_key(65537, 1024).public_key(), "2048"),
        (lambda: rsa.generate_private_key(3, 2048).public_key(), "65537"),
        (lambda: ec.generate_private_key(ec.SECP384R1()).public_key(), "curve"),
        (lambda: ec.generate_private_key(ec.SECP256K1()).public_key(), "curve"),
    ],
)
def test_weak_keys_are_refused(make, reason):
    spki = make().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("rsa", "ecdsa-p256"):
        with pytest.raises(KeyInvalid):
            signatures.load_key(record(spki, algorithm))
    with pytest.raises(KeyInvalid, match=reason):
        signatures.read_public(spki, ("submit",))


def test_an_spki_with_other_encodings_of_the_same_key_is_refused():
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = signatures.spki_of(public)
    compressed = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    other = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + compressed
    for der in (other, spki + b"\0"):
        with pytest.raises(KeyInvalid):
            signatures.load_key(record(der, "ecdsa-p256"))


@pytest.mark.parametrize("data", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", b"\x30" * 99999])
def test_what_is_no_public_key_is_refused_with_a_code(data):
    with pytest.raises(KeyInvalid):
        signatures.read_public(data, ("submit",))


def test_pss_signatures_are_not_taken_for_pkcs1():
    private = rsa.generate_private_key(65537, 2048)
    key = signatures.key_of(private.public_key(), ("submit",))
    pss = private.sign(b"m", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert not signatures.verify(key, b"m", pss)
    sha1 = private.sign(b"m", padding.PKCS1v15(), hashes.SHA512())
    assert not signatures.verify(key, b"m", sha1)


def test_a_published_summary_with_a_jwa_signature_verifies_under_its_published_key():
    key = signatures.read_public((DATA / "vsa_signing_public_key.pem").read_bytes(), ("submit",))
    given = envelope.parse((DATA / "gke-gce-pre.bcid-vsa.jsonl").read_bytes())
    assert len(given.signatures[0].signature) == 64
    assert signatures.verify(key, given.pae(), given.signatures[0].signature)
    assert not signatures.verify(key, given.payload, given.signatures[0].signature)
