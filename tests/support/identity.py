"""An OpenID provider in memory, a fake: keys of every kind it may sign with, its JWK set, tokens as CI systems give them."""

import json
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://ci.example"
AUDIENCE = "https://stella.example"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"
KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
_JWK = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def jwk(algorithm, key=None, **fields):
    """A public key as its provider lists it."""
    public = (key or KEYS[algorithm]).public_key()
    return {**json.loads(_JWK[algorithm].to_jwk(public)), "kid": algorithm, "use": "sig", **fields}


def key_set(*keys):
    """A JWK set."""
    return json.dumps({"keys": list(keys) or [jwk(name) for name in KEYS]}).encode()


def claims(now, **others):
    """What a job's token says, issued at ``now`` (an Instant) for five minutes; None leaves a claim out."""
    at = int(datetime.strptime(now, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "repository": "acme/shop",
        "jti": "job-1",
        "iat": at,
        "nbf": at,
        "exp": at + 300,
        **others,
    }
    return {name: value for name, value in said.items() if value is not None}


def identity(now, *, algorithm="ES256", key=None, headers=None, **others):
    """A signed token of a job."""
    headers = {"kid": algorithm} | (headers or {})
    return jwt.encode(claims(now, **others), key or KEYS[algorithm], algorithm=algorithm, headers=headers)
