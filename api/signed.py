"""Requests signed with a person's key: HTTP Message Signatures (RFC 9421), one fixed set of covered components.

Covered: method, path, query and Content-Digest (RFC 9530), so the body is covered too. ``alg`` is never read from the
request: it comes from the key's record. Knows strings and keys; must not know who a key belongs to.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cas import digest
from cas.digest import Digest
from cas.problems import Category, Problem

COVERED: Final = '("@method" "@path" "@query" "content-digest")'
LABEL: Final = "stella"
_INPUT: Final = re.compile(
    rf'{LABEL}={re.escape(COVERED)};created=(\d{{1,12}});keyid="([0-9a-f]{{64}})";nonce="([0-9a-f]{{32}})"'
)
_SIGNATURE: Final = re.compile(rf"{LABEL}=:([A-Za-z0-9+/=]{{1,2048}}):")
_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


class SignatureInvalid(Problem):
    """A request's signature is not one that counts here."""

    code = "auth.signature_invalid"
    category = Category.DENIED
    title = "The request's signature does not count"
    remedy = "Check that your key is in the instance's directory, and that both clocks agree within five minutes."


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a signed request says of itself, before anything is verified."""

    key_id: str
    created: int
    nonce: str
    signature: bytes
    base: bytes  # the signature base, RFC 9421, 2.5


def content_digest(name: Digest) -> str:
    """Spell a digest as a Content-Digest header (RFC 9530)."""
    return "sha-256=:" + base64.b64encode(digest.to_raw(name)).decode("ascii") + ":"


def digest_of_header(text: str) -> Digest | None:
    """Read a Content-Digest header; None when it names no SHA-256.

    Raises: auth.signature_invalid when it cannot be read
    """
    found = _DIGEST.search(text)
    return digest.from_raw(base64.b64decode(found[1])) if found else None


def sign(
    method: str,
    target: str,
    body: Digest,
    *,
    key_id: str,
    created: int,
    nonce: str,
    signer: Callable[[bytes], bytes],
) -> dict[str, str]:
    """Give the headers that make a request somebody's; ``target`` is the path with its query as sent."""
    params = f'{COVERED};created={created};keyid="{key_id}";nonce="{nonce}"'
    covered = content_digest(body)
    signature = base64.b64encode(signer(_base(method, target, covered, params))).decode("ascii")
    return {
        "Content-Digest": covered,
        "Signature-Input": f"{LABEL}={params}",
        "Signature": f"{LABEL}=:{signature}:",
    }


def read(method: str, target: str, covered: str, given: str, signature: str) -> Claimed:
    """Read the headers of a signed request.

    Raises: auth.signature_invalid
    """
    stated, bits = _INPUT.fullmatch(given), _SIGNATURE.fullmatch(signature)
    if stated is None or bits is None or not covered:
        raise SignatureInvalid(reason="not in the form that stella reads", covers=COVERED)
    try:
        raw = binascii.a2b_base64(bits[1], strict_mode=True)
    except binascii.Error as error:
        raise SignatureInvalid(reason="not base64") from error
    params = given[len(LABEL) + 1 :]
    return Claimed(stated[2], int(stated[1]), stated[3], raw, _base(method, target, covered, params))


def _base(method: str, target: str, covered: str, params: str) -> bytes:
    path, _, query = target.partition("?")
    lines = (
        f'"@method": {method}',
        f'"@path": {path}',
        f'"@query": ?{query}',
        f'"content-digest": {covered}',
        f'"@signature-params": {params}',
    )
    return "\n".join(lines).encode()
