"""Identity tokens of OpenID providers, as CI systems give them to jobs: JWT (RFC 7519), read as RFC 8725 advises.

Knows bytes, keys and claims; must not know what a token is exchanged for, nor fetch anything: the provider's keys are
those that were handed over. The algorithm has to be one that the key is for, never merely what the token says.
"""

import base64
import binascii
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from cas import jcs
from cas.problems import Category, Problem

MAX_TOKEN: Final = 16 << 10
MAX_KEYS: Final = 64 << 10
_MOST: Final = 32
_LEEWAY: Final = 60
_LONGEST: Final = 86_400
_RSA_BITS: Final = range(2048, 8193)
_ALGORITHMS: Final = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""What a key is for, by its type and curve. No symmetric algorithm: whoever could check could also forge."""
_PARTS: Final = 3


class KeySetInvalid(Problem):
    """A provider's key set cannot be used."""

    code = "attest.key_set_invalid"
    category = Category.INVALID
    title = "Not an acceptable JWK set"
    remedy = "Give the document behind the provider's jwks_uri: RSA (2048 bits and more), P-256 or Ed25519 keys."


class IdentityInvalid(Problem):
    """An identity token is malformed, not signed by its provider, out of date, or for somebody else."""

    code = "auth.identity_invalid"
    category = Category.DENIED
    title = "The identity token does not count here"
    remedy = "Ask the CI system for a fresh one with the audience that this instance expects."


class JsonWebKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a JWK set, as far as it matters here."""

    kty: str
    kid: str = ""
    alg: str = ""
    use: str = ""
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""


class _KeySet(msgspec.Struct, frozen=True, kw_only=True):
    keys: tuple[JsonWebKey, ...]


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    alg: str
    kid: str = ""
    crit: tuple[str, ...] | None = None


@functools.lru_cache(maxsize=64)  # asked by anybody who shows a token, for each provider it may be of
def read_keys(data: bytes) -> tuple[JsonWebKey, ...]:
    """Read a JWK set; keys of other uses and algorithms are left out, as RFC 7517 section 5 has it.

    Raises: attest.key_set_invalid when it is none, or no key is left
    """
    if len(data) > MAX_KEYS:
        raise KeySetInvalid(reason=f"more than {MAX_KEYS} bytes")
    try:
        listed = msgspec.convert(jcs.parse(data), _KeySet).keys
    except (Problem, msgspec.ValidationError) as error:
        raise KeySetInvalid(reason=str(error)[:200]) from error
    if len(listed) > _MOST:
        raise KeySetInvalid(reason=f"more than {_MOST} keys")
    found = tuple(key for key in listed if key.use in ("", "sig") and key.alg in ("", _ALGORITHMS.get(_sort(key))))
    usable = tuple(key for key in found if _sort(key) in _ALGORITHMS)
    if not usable:
        raise KeySetInvalid(reason="no key of it is for RS256, ES256 or EdDSA")
    for key in usable:
        _public(key)
    return usable


def _sort(key: JsonWebKey) -> tuple[str, str]:
    return (key.kty, "" if key.kty == "RSA" else key.crv)


def _public(key: JsonWebKey) -> Any:
    """Build the key.

    Raises: attest.key_set_invalid
    """
    from jwt import PyJWK  # noqa: PLC0415 - few commands need it
    from jwt.exceptions import PyJWTError  # noqa: PLC0415

    fields = {name: value for name, value in msgspec.to_builtins(key).items() if value}
    try:
        public = PyJWK(fields, algorithm=_ALGORITHMS[_sort(key)]).key
    except (PyJWTError, ValueError, TypeError) as error:
        raise KeySetInvalid(key=key.kid[:80], reason=str(error)[:200]) from error
    if key.kty == "RSA" and public.key_size not in _RSA_BITS:
        raise KeySetInvalid(key=key.kid[:80], reason=f"RSA of {public.key_size} bits")
    return public


def issuer_of(text: str) -> str:
    """Say whose token it claims to be, so that the keys can be looked up. Nothing is verified.

    Raises: auth.identity_invalid
    """
    return _string(_claims(_pieces(text)[1]), "iss")


def verify(text: str, keys: Sequence[JsonWebKey]) -> Mapping[str, Any]:
    """Give the claims of a token that one of the keys signed.

    (1) three parts of bounded size; (2) a header without critical extensions; (3) the one key it can be, by key id and
    algorithm; (4) the signature; (5) the claims, without any name twice.

    Raises: auth.identity_invalid
    """
    head, payload = _pieces(text)  # (1)
    try:
        header = msgspec.convert(jcs.parse(head), _Header)
    except (Problem, msgspec.ValidationError) as error:
        raise IdentityInvalid(reason="its header cannot be read") from error
    if header.crit is not None:  # (2) RFC 7515 section 4.1.11: what is not understood is refused
        raise IdentityInvalid(reason="it has critical extensions")
    fitting = [
        key
        for key in keys
        if _ALGORITHMS[_sort(key)] == header.alg and (not header.kid or not key.kid or key.kid == header.kid)
    ]
    exact = [key for key in fitting if key.kid and key.kid == header.kid] or fitting
    if len(exact) != 1:  # (3)
        raise IdentityInvalid(
            reason="no key of its provider fits" if not exact else "several keys fit: name one by kid"
        )
    _check_signature(text, exact[0])  # (4)
    return _claims(payload)  # (5)


def _check_signature(text: str, key: JsonWebKey) -> None:
    from jwt import PyJWS  # noqa: PLC0415
    from jwt.exceptions import PyJWTError  # noqa: PLC0415

    try:
        PyJWS().decode_complete(text, _public(key), algorithms=[_ALGORITHMS[_sort(key)]])
    except (PyJWTError, ValueError, TypeError) as error:
        raise IdentityInvalid(reason="its signature does not verify") from error


def check_claims(claims: Mapping[str, Any], issuer: str, audience: str, now: int) -> int:
    """Check whose it is, for whom, and that ``now`` (seconds since 1970) lies in its time; give its end.

    Raises: auth.identity_invalid
    """
    if _string(claims, "iss") != issuer:
        raise IdentityInvalid(reason="it is of another issuer")
    given = claims.get("aud")
    meant = given if isinstance(given, list) else [given]
    if audience not in meant:
        raise IdentityInvalid(reason="it is for another audience", expected=audience)
    begun, ends = _seconds(claims, "iat"), _seconds(claims, "exp")
    earliest = max(begun, _seconds(claims, "nbf")) if "nbf" in claims else begun
    if now < earliest - _LEEWAY:
        raise IdentityInvalid(reason="it is not valid yet")
    if now >= ends + _LEEWAY:
        raise IdentityInvalid(reason="it has expired")
    if ends - begun > _LONGEST:
        raise IdentityInvalid(reason="it is valid for longer than a day")
    return ends


def text_of(claims: Mapping[str, Any], name: str) -> str | None:
    """Give a claim as text that a glob is held against; None where it is absent or has no plain text."""
    value = claims.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _pieces(text: str) -> tuple[bytes, bytes]:
    parts = text.split(".")
    if len(text) > MAX_TOKEN or len(parts) != _PARTS or not text.isascii() or not all(parts):
        raise IdentityInvalid(reason="it is no signed JWT")
    return _decoded(parts[0]), _decoded(parts[1])


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise IdentityInvalid(reason="it is no signed JWT") from error


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        claims = jcs.parse(payload)
    except Problem as error:
        raise IdentityInvalid(reason="its claims cannot be read") from error
    if not isinstance(claims, dict):
        raise IdentityInvalid(reason="its claims cannot be read")
    return claims


def _string(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise IdentityInvalid(reason=f"it has no {name}")
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise IdentityInvalid(reason=f"it has no {name}")
    return int(value)
