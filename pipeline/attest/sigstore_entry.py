"""What a transparency log's entry says: which signature, over what, by which key or certificate. Verifies no log.

An entry that is in the log but speaks of another signature proves nothing about this one (CVE-2022-36056). Kinds that
Rekor writes: hashedrekord 0.0.1 and 0.0.2, dsse 0.0.1, intoto 0.0.2.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from cas import jcs
from cas.problems import CanonInvalid, TooLarge
from pipeline.attest.envelope import pae

Content: TypeAlias = tuple[str, bytes] | bytes
"""(payload type, payload) of an envelope, or the SHA-256 under a message signature."""

_MAX: Final = 64 << 20
_KEYED: Final = ("-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----")


class EntryForeign(Exception):  # noqa: N818 - a finding, told by the caller
    """The entry speaks of something else."""


def speaks_of(body: bytes, content: Content, signature: bytes, verifier: bytes) -> None:
    """Hold an entry's body to content, signature and verifier (DER of the certificate, or of the public key).

    Raises: EntryForeign
    """
    try:
        entry = jcs.parse(body, max_bytes=_MAX, max_depth=32, max_nodes=50_000)
        kind = f"{entry['kind']}/{entry['apiVersion']}"
        check = _KINDS.get(kind)
        if check is None or not check(entry["spec"], content, signature, verifier):
            raise EntryForeign(kind)
    except (CanonInvalid, TooLarge, LookupError, TypeError, ValueError, AttributeError) as error:
        raise EntryForeign(str(error)[:100]) from error


def verifiers(body: bytes) -> tuple[bytes, ...]:
    """Give the certificates or public keys (DER) that an entry names: hints whose signature it is, no more.

    What cannot be read names nobody.
    """
    try:
        entry = jcs.parse(body, max_bytes=_MAX, max_depth=32, max_nodes=50_000)
        spec = entry["spec"]
        match f"{entry['kind']}/{entry['apiVersion']}":
            case "hashedrekord/0.0.1":
                return (_der(spec["signature"]["publicKey"]["content"]),)
            case "dsse/0.0.1":
                return tuple(_der(one["verifier"]) for one in spec["signatures"])
            case "intoto/0.0.2":
                return tuple(_der(one["publicKey"]) for one in spec["content"]["envelope"]["signatures"])
            case "hashedrekord/0.0.2":
                return (_held(spec["hashedRekordV002"]["signature"]["verifier"]),)
            case _:
                return ()
    except (CanonInvalid, TooLarge, LookupError, TypeError, ValueError, AttributeError):
        return ()


def _hashedrekord_1(spec: Any, content: Content, signature: bytes, verifier: bytes) -> bool:
    hashed = spec["data"]["hash"]
    return (
        isinstance(content, bytes)
        and hashed["algorithm"] == "sha256"
        and hashed["value"] == content.hex()
        and _plain(spec["signature"]["content"]) == signature
        and _der(spec["signature"]["publicKey"]["content"]) == verifier
    )


def _hashedrekord_2(spec: Any, content: Content, signature: bytes, verifier: bytes) -> bool:
    said = spec["hashedRekordV002"]
    hashed = content if isinstance(content, bytes) else hashlib.sha256(pae(*content)).digest()
    return (
        said["data"]["algorithm"] == "SHA2_256"
        and _plain(said["data"]["digest"]) == hashed
        and _plain(said["signature"]["content"]) == signature
        and _held(said["signature"]["verifier"]) == verifier
    )


def _dsse(spec: Any, content: Content, signature: bytes, verifier: bytes) -> bool:
    hashed, made = spec["payloadHash"], spec["signatures"]
    return (
        not isinstance(content, bytes)
        and (hashed["algorithm"], hashed["value"]) == ("sha256", hashlib.sha256(content[1]).hexdigest())
        and any(_plain(one["signature"]) == signature and _der(one["verifier"]) == verifier for one in made)
    )


def _intoto(spec: Any, content: Content, signature: bytes, verifier: bytes) -> bool:
    """Rekor wraps payload and signature of intoto 0.0.2 in one more layer of base64."""
    said = spec["content"]
    hashed, envelope = said["payloadHash"], said["envelope"]
    return (
        not isinstance(content, bytes)
        and envelope["payloadType"] == content[0]
        and (hashed["algorithm"], hashed["value"]) == ("sha256", hashlib.sha256(content[1]).hexdigest())
        and any(
            _plain(_plain(one["sig"]).decode("ascii")) == signature and _der(one["publicKey"]) == verifier
            for one in envelope["signatures"]
        )
    )


_KINDS: Final[dict[str, Callable[[Any, Content, bytes, bytes], bool]]] = {
    "hashedrekord/0.0.1": _hashedrekord_1,
    "hashedrekord/0.0.2": _hashedrekord_2,
    "dsse/0.0.1": _dsse,
    "intoto/0.0.2": _intoto,
}


def _held(verifier: Any) -> bytes:
    return _plain((verifier["x509Certificate"] if "x509Certificate" in verifier else verifier["publicKey"])["rawBytes"])


def _plain(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


def _der(text: str) -> bytes:
    """Give the DER inside a PEM inside base64."""
    pem = _plain(text).decode("ascii").strip()
    begin = next((each for each in _KEYED if pem.startswith(each)), None)
    if begin is None:
        raise ValueError("no certificate or public key")
    inner, end, rest = pem.removeprefix(begin).partition(begin.replace("BEGIN", "END"))
    if not end or rest.strip():
        raise ValueError("more than one certificate or key")
    return base64.b64decode("".join(inner.split()), validate=True)
