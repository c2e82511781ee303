"""Identity tokens: what is taken, and everything that RFC 8725 warns of is refused."""

import base64
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pipeline.attest.identity_token import (
    MAX_TOKEN,
    IdentityInvalid,
    KeySetInvalid,
    check_claims,
    issuer_of,
    read_keys,
    text_of,
    verify,
)
from tests.support.identity import AUDIENCE, ISSUER, KEYS, SUBJECT, claims, identity, jwk, key_set

NOW = "2026-03-01T00:00:00Z"
AT = claims(NOW)["iat"]
KEYSET = read_keys(key_set())


def part(value):
    """A part of a JWT, from what it says."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_signed_by_the_providers_key_tells_its_claims(algorithm):
    said = verify(identity(NOW, algorithm=algorithm), KEYSET)
    assert (said["sub"], said["iss"]) == (SUBJECT, ISSUER)
    assert check_claims(said, ISSUER, AUDIENCE, AT) == AT + 300
    assert issuer_of(identity(NOW, algorithm=algorithm)) == ISSUER


def test_a_token_without_key_id_is_verified_where_one_key_can_be_meant():
    nameless = jwt.encode(claims(NOW), KEYS["ES256"], algorithm="ES256")
    assert verify(nameless, KEYSET)["sub"] == SUBJECT
    two = read_keys(key_set(jwk("ES256"), jwk("ES256", kid="other")))
    with pytest.raises(IdentityInvalid, match="several keys"):
        verify(nameless, two)


@pytest.mark.parametrize("algorithm", KEYS)
def test_each_changed_part_is_refused(algorithm):
    head, payload, signature = identity(NOW, algorithm=algorithm).split(".")
    forged = part({**claims(NOW), "sub": "repo:evil/shop:ref:refs/heads/main"})
    flipped = ("A" if signature[5] != "A" else "B").join((signature[:5], signature[6:]))
    for parts in ((head, forged, signature), (head, payload, flipped), (head, payload, signature[:-8])):
        with pytest.raises(IdentityInvalid):
            verify(".".join(parts), KEYSET)


def test_the_header_never_chooses_another_algorithm():
    _, payload, _ = identity(NOW).split(".")
    unsigned = f"{part({'alg': 'none', 'kid': 'ES256'})}.{payload}."
    public = KEYS["RS256"].public_key()
    spelled = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': 'RS256'})}.{payload}"
    mac = base64.urlsafe_b64encode(hmac.digest(spelled, signed.encode(), "sha256")).rstrip(b"=").decode()
    for text in (unsigned, unsigned + "AAAA", f"{signed}.{mac}"):
        with pytest.raises(IdentityInvalid):
            verify(text, KEYSET)


def test_another_providers_key_and_critical_extensions_are_refused():
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(IdentityInvalid, match="signature"):
        verify(identity(NOW, algorithm="RS256", key=stranger), KEYSET)
    with pytest.raises(IdentityInvalid, match="no key"):
        verify(identity(NOW, headers={"kid": "unknown"}), read_keys(key_set(jwk("ES256"))))
    with pytest.raises(IdentityInvalid, match="critical"):
        verify(identity(NOW, headers={"crit": ["exp"]}), KEYSET)


@pytest.mark.parametrize(
    "text", ["", "a.b", "a.b.c.d", "..", "é.b.c", "a b.c.d", "x" * (MAX_TOKEN + 1), "!.!.!", "e30.W10.AA"]
)
def test_what_is_no_token_is_refused(text):
    with pytest.raises(IdentityInvalid):
        issuer_of(text)
    with pytest.raises(IdentityInvalid):
        verify(text, KEYSET)


def test_a_claim_said_twice_is_refused():
    payload = (
        base64.urlsafe_b64encode(b'{"iss":"https://ci.example","iss":"https://evil.example"}').rstrip(b"=").decode()
    )
    with pytest.raises(IdentityInvalid, match="claims"):
        issuer_of(f"e30.{payload}.AA")


@pytest.mark.parametrize(
    ("others", "late", "reason"),
    [
        ({"iss": "https://other.example"}, 0, "issuer"),
        ({"aud": "https://other.example"}, 0, "audience"),
        ({"aud": ["a", "b"]}, 0, "audience"),
        ({"aud": None}, 0, "audience"),
        ({}, 300 + 61, "expired"),
        ({}, -61, "not valid yet"),
        ({"nbf": AT + 200}, 100, "not valid yet"),
        ({"exp": AT + 86_401}, 0, "longer than a day"),
        ({"exp": None}, 0, "exp"),
        ({"iat": None}, 0, "iat"),
        ({"exp": "soon"}, 0, "exp"),
        ({"exp": True}, 0, "exp"),
    ],
)
def test_whom_and_when_it_is_for_is_checked(others, late, reason):
    with pytest.raises(IdentityInvalid, match=reason):
        check_claims(claims(NOW, **others), ISSUER, AUDIENCE, AT + late)


def test_the_audience_may_be_one_of_several_and_clocks_may_differ_a_minute():
    assert check_claims(claims(NOW, aud=["other", AUDIENCE]), ISSUER, AUDIENCE, AT - 60) == AT + 300
    assert check_claims(claims(NOW), ISSUER, AUDIENCE, AT + 300 + 59) == AT + 300


def test_claims_are_compared_as_text():
    said = {"a": "x", "b": True, "c": 12, "d": ["x"], "e": None}
    assert [text_of(said, name) for name in "abcdef"] == ["x", "true", "12", None, None, None]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
        key_set(jwk("ES256", use="enc")),
        key_set(jwk("RS256", alg="RS512")),
        key_set(jwk("RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024))),
        key_set({**jwk("ES256"), "x": "AAAA"}),
        key_set(*[jwk("ES256")] * 33),
        b" " * 70_000 + key_set(),
    ],
)
def test_what_is_no_set_of_usable_keys_is_refused(data):
    with pytest.raises(KeySetInvalid):
        read_keys(data)


def test_keys_of_other_kinds_beside_a_usable_one_are_left_out():
    mixed = key_set(jwk("ES256"), {"kty": "oct", "k": "c2VjcmV0", "kid": "s"}, jwk("RS256", use="enc"))
    assert [key.kid for key in read_keys(mixed)] == ["ES256"]
