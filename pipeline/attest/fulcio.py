"""What a Fulcio certificate says of its holder: issuer, identity, and the claims of the build that got it.

Judges nothing: who reads a certificate here has verified it, or shows that it was not.
"""

from typing import Any, Final

from cryptography import x509

from cas.records.base import Pairs

_ARC: Final = "1.3.6.1.4.1.57264.1."
_ISSUER: Final = (8, 1)  # the DER form counts before the raw one
_OTHER_NAME: Final = _ARC + "7"
_RAW: Final = range(1, 7)  # extensions whose bytes are the text itself; later ones hold a DER UTF8String
_CLAIMS: Final = {
    2: "github_workflow_trigger",
    3: "github_workflow_sha",
    4: "github_workflow_name",
    5: "github_workflow_repository",
    6: "github_workflow_ref",
    9: "build_signer_uri",
    10: "build_signer_digest",
    11: "runner_environment",
    12: "source_repository_uri",
    13: "source_repository_digest",
    14: "source_repository_ref",
    15: "source_repository_identifier",
    16: "source_repository_owner_uri",
    17: "source_repository_owner_identifier",
    18: "build_config_uri",
    19: "build_config_digest",
    20: "build_trigger",
    21: "run_invocation_uri",
    22: "source_repository_visibility",
}
_LONGEST: Final = 4096
_UTF8_STRING: Final = 0x0C


def holder(certificate: x509.Certificate) -> tuple[str, str, Pairs]:
    """Give issuer, identity and claims; what is not there is empty."""
    said: dict[int, str] = {}
    for each in certificate.extensions:
        name = each.oid.dotted_string
        if isinstance(each.value, x509.UnrecognizedExtension) and name.startswith(_ARC) and name[len(_ARC) :].isdigit():
            number = int(name[len(_ARC) :])
            said[number] = _text(each.value.value, raw=number in _RAW)
    issuer = next((said[number] for number in _ISSUER if said.get(number)), "")
    claims = sorted((name, said[number]) for number, name in _CLAIMS.items() if said.get(number))
    return issuer, _identity(certificate), tuple(claims)


def _identity(certificate: x509.Certificate) -> str:
    """Give the one subject alternative name: URI, e-mail address, or Fulcio's own name; none when there are several."""
    try:
        names: Any = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    found = [_named(each) for each in names]
    return found[0] if len(found) == 1 else ""


def _named(name: x509.GeneralName) -> str:
    if isinstance(name, x509.OtherName):
        return _text(name.value, raw=False) if name.type_id.dotted_string == _OTHER_NAME else ""
    return name.value if isinstance(name, x509.UniformResourceIdentifier | x509.RFC822Name) else ""


def _text(given: bytes, *, raw: bool) -> str:
    """Read text as its extension holds it; what is not UTF-8, or too long, is none."""
    held = given if raw else _utf8_string(given)
    try:
        return held.decode("utf-8") if len(held) <= _LONGEST else ""
    except UnicodeDecodeError:
        return ""


def _utf8_string(der: bytes) -> bytes:
    """Give the contents of a DER UTF8String (X.690, 8.1.3), or nothing."""
    if len(der) < 2 or der[0] != _UTF8_STRING:
        return b""
    size, at = der[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(der[2:at], "big")
    return der[at:] if len(der) - at == size else b""
