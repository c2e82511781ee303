"""Which names look like secrets, and which values are plainly secret. Knows words; must not know where they stand."""

import re
from itertools import pairwise
from typing import Final

from targets.compose.interpolate import Variable, literal, references

_WORDS: Final = frozenset(
    {
        "password", "passwd", "passphrase", "pass", "pwd", "secret", "secrets", "token", "tokens", "apikey", "apitoken",
        "credential", "credentials", "privatekey", "secretkey", "accesskey", "authkey", "passcode", "bearer", "hmac",
    }
)  # fmt: skip
_KEY_BEFORE: Final = frozenset(
    {"api", "access", "private", "secret", "encryption", "signing", "hmac", "auth", "master", "session", "jwt", "ssh"}
)
_GLUED: Final = re.compile(r"(password|passwd|secret|apikey|privatekey|hmackey|camokey)$")
_ABOUT: Final = frozenset(
    {
        "file", "path", "dir", "type", "name", "id", "ttl", "expiry", "expires", "length", "algorithm", "enabled",
        "enable", "disable", "disabled", "realm", "header", "policy", "min", "max", "count", "prefix", "size",
        "rotation", "issuer", "audience", "endpoint", "url", "uri", "host", "format",
        "method", "required", "cache", "mode",
    }
)  # fmt: skip
_HARMLESS: Final = frozenset({"", "yes", "no", "true", "false", "on", "off", "0", "1", "none", "null"})
_SEGMENTS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_USERINFO: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:?#]*:(?P<word>[^\s/@]+)@")
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|PRIVATE\+KEY\+")


def secret_like(name: str) -> bool:
    """Tell whether a variable of this name usually holds a secret; ``…_FILE`` and ``…_ID`` only speak about one."""
    words = [word.lower() for word in _SEGMENTS.findall(name)]
    if not words or (words[-1] in _ABOUT and "_secret_access_key_" not in f"_{'_'.join(words)}_"):
        return False
    if any(word in _WORDS or _GLUED.search(word) for word in words):
        return True
    return any(word == "key" and before in _KEY_BEFORE for before, word in pairwise(words))


def literal_secret(name: str, source: str) -> bool:
    """Tell whether a value, as Compose source text, puts a secret into the file under this name."""
    if plainly_secret(source):
        return True
    if defaults_hold_secret(source):
        return True
    if not secret_like(name):
        return False
    text = literal(source)
    if text is None:
        return any(_has_default(found) for found in references(source))
    return text.strip().lower() not in _HARMLESS


def defaults_hold_secret(source: str) -> bool:
    """Tell whether a variable under a secret-like name has a literal default: that is a secret in the file."""
    return any(secret_like(found.name) and _has_default(found) for found in references(source))


def plainly_secret(source: str) -> bool:
    """Tell whether text holds a private key, or a URL with a password in it, whatever its name."""
    if _PRIVATE_KEY.search(source):
        return True
    return any("$" not in found["word"] for found in _USERINFO.finditer(source))


def _has_default(variable: Variable) -> bool:
    """A default, or an alternative, is a literal value too."""
    if not variable.operator.endswith(("-", "+")):
        return False
    texts = [part for part in variable.argument if isinstance(part, str)]
    return "".join(texts).strip().lower() not in _HARMLESS
