"""Package identity: package URLs, read and written canonically (purl-spec). Must not know feeds or documents.

``pkg:alpine/x`` (as syft writes it) is ``pkg:apk/alpine/x``. Names are lower-cased for the types whose definition says
so; Python names take ``-`` for ``_``. What cannot be read is no purl: the caller keeps the package without one.
"""

import functools
import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

MAX_PURL = 4096
_TYPE: Final = re.compile(r"[a-z][a-z0-9.+-]*\Z")
_KEY: Final = re.compile(r"[a-z][a-z0-9._-]*\Z")
_PLAIN: Final = re.compile(
    r"pkg:(golang|maven|npm|pypi|gem|cargo|rpm|deb|apk)"
    r"((?:/[A-Za-z0-9._~-]+)*)/([A-Za-z0-9._~-]+)@([A-Za-z0-9._~:-]+)\Z"
)
_WRITTEN: Final = re.compile(  # most of what canonical purls look like
    r"pkg:([a-z][a-z0-9.+-]*)/((?:[A-Za-z0-9._~:-]+/)*)([A-Za-z0-9._~:-]+)(?:@([A-Za-z0-9._~:%-]+))?(?:\?([^#\s]+))?\Z"
)
_SAFE: Final = re.compile(r"[A-Za-z0-9._~:-]*\Z")
_LOWER: Final = frozenset(
    {
        "alpm", "apk", "bitbucket", "bitnami", "composer", "deb", "github", "gitlab", "hex", "luarocks", "otp", "pub",
        "vscode-extension",
    }
)  # fmt: skip
_LOWER_NAME: Final = _LOWER | {"oci", "pypi", "brew"}
_LOWER_NAMESPACE: Final = _LOWER | {"rpm", "qpkg", "yocto", "brew"}
LOWER_VERSION: Final = frozenset({"huggingface", "oci", "pypi", "vscode-extension"})


class PurlInvalidError(ValueError):
    """The text is not a package URL."""


class Purl(NamedTuple):
    """A package URL in parts; ``qualifiers`` sorted by key."""

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: tuple[tuple[str, str], ...] = ()
    subpath: str = ""

    def qualifier(self, key: str) -> str:
        """Give a qualifier's value, or the empty text."""
        for name, value in self.qualifiers:
            if name == key:
                return value
        return ""

    def text(self) -> str:
        """Write the canonical form."""
        out = [f"pkg:{self.type}/"]
        out += [f"{_quoted(part)}/" for part in self.namespace.split("/") if part]
        out.append(_quoted(self.name))
        if self.version:
            out.append(f"@{_quoted(self.version)}")
        if self.qualifiers:
            out.append("?" + "&".join(f"{key}={_quoted(value)}" for key, value in self.qualifiers))
        if self.subpath:
            out.append("#" + "/".join(map(_quoted, self.subpath.split("/"))))
        return "".join(out)


def _quoted(text: str) -> str:
    return text if _SAFE.match(text) else quote(text, safe=":~.-_")


@functools.lru_cache(maxsize=1 << 12)  # the packages of an image share theirs
def _qualifiers(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for pair in text.split("&"):
        key, _, value = pair.partition("=")
        if not _KEY.match(key) and not _KEY.match(key := key.lower()):
            raise PurlInvalidError("qualifier")
        if key in found:
            raise PurlInvalidError("qualifier given twice")
        if value:
            found[key] = unquote(value) if "%" in value else value
    return tuple(sorted(found.items()))


def _typed(kind: str, namespace: str, name: str, version: str) -> tuple[str, str, str, str]:
    """Apply the rules of the type's definition."""
    if kind == "alpine":
        kind, namespace = "apk", namespace or "alpine"
    if kind in _LOWER_NAMESPACE:
        namespace = namespace.lower()
    if kind in _LOWER_NAME:
        name = name.lower()
    if kind in LOWER_VERSION:
        version = version.lower()
    if kind == "pypi":
        name = name.replace("_", "-")
    return kind, namespace, name, version


def make(
    kind: str,
    namespace: str,
    name: str,
    version: str = "",
    *,
    qualifiers: tuple[tuple[str, str], ...] = (),
    subpath: str = "",
) -> Purl:
    """Build a purl from parts, by the rules of its type.

    Raises: PurlInvalidError
    """
    kind = kind.lower()
    if not _TYPE.match(kind) or not name:
        raise PurlInvalidError("type or name")
    namespace = "/".join(part for part in namespace.split("/") if part)
    pairs = _qualifiers("&".join(f"{key}={quote(value, safe='')}" for key, value in qualifiers)) if qualifiers else ()
    path = "/".join(part for part in subpath.split("/") if part not in ("", ".", ".."))
    return Purl(*_typed(kind, namespace, name, version), pairs, path)


def parse(text: str) -> Purl:
    """Read a package URL.

    Raises: PurlInvalidError
    """
    if len(text) > MAX_PURL:
        raise PurlInvalidError("too long")
    found = _WRITTEN.match(text)
    if found is None:
        return _parse(text)
    kind, space, name, version, query = found.groups("")
    pairs = _qualifiers(query) if query else ()
    return Purl(*_typed(kind, space[:-1], name, unquote(version) if "%" in version else version), pairs)


def _parse(text: str) -> Purl:
    scheme, colon, rest = text.strip().partition(":")
    if not colon or scheme.lower() != "pkg":
        raise PurlInvalidError("scheme")
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    kind, slash, rest = rest.lstrip("/").partition("/")
    if not slash or not _TYPE.match(kind.lower()):
        raise PurlInvalidError("type")
    rest = rest.strip("/")
    at = rest.rfind("@")
    if at > 0 and rest[at - 1] != "/" and "/" not in rest[at:]:  # the @ of @scope opens a segment, it closes no name
        rest, version = rest[:at], unquote(rest[at + 1 :])
    else:
        version = ""
    space, _, name = rest.rpartition("/")
    namespace = "/".join(unquote(part) for part in space.split("/") if part)
    name = unquote(name)
    if not name:
        raise PurlInvalidError("name")
    path = "/".join(unquote(part) for part in fragment.split("/") if part not in ("", ".", ".."))
    pairs = _qualifiers(query) if query else ()
    return Purl(*_typed(kind.lower(), namespace, name, version), pairs, path)


def canonical(text: str) -> str:
    """Give the canonical form of a purl; empty when the text is none."""
    found = _PLAIN.match(text)
    if found and found.group(1) in ("golang", "maven", "npm", "gem", "cargo"):
        return text  # these types change nothing, and nothing here needs quoting
    try:
        return parse(text).text()
    except PurlInvalidError:
        return ""
