"""From a purl to where feeds speak of it: ecosystem, package name, version, order. Must not know any feed's content.

Debian, Alpine and RPM advisories name the *source* package: the ``upstream`` qualifier (it may carry ``@version``), or
what the document says beside the purl. ``distro`` (``debian-11``, ``alpine-3.16.2``, ``rhel-9.4``) picks the release.
"""

import functools
import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from pipeline.versions.purl import LOWER_VERSION, MAX_PURL, Purl, parse

_DISTRO: Final = re.compile(r"([a-z]+)-v?([0-9][0-9A-Za-z.]*)\Z")
_VERSIONED: Final = re.compile(r"(pkg:[^@?#\s]+(?<!/))@([A-Za-z0-9._~:%-]+)(?:\?([^#\s]+))?\Z")
_LANGUAGES: Final = {
    "golang": "Go",
    "pypi": "PyPI",
    "npm": "npm",
    "maven": "Maven",
    "gem": "RubyGems",
    "cargo": "crates.io",
    "composer": "Packagist",
    "nuget": "NuGet",
    "hex": "Hex",
    "pub": "Pub",
    "cran": "CRAN",
    "swift": "SwiftURL",
    "bitnami": "Bitnami",
}
_RPM: Final = {"almalinux": "AlmaLinux", "rocky": "Rocky Linux", "opensuse": "openSUSE"}
_ROLLING: Final = {"wolfi": "Wolfi", "chainguard": "Chainguard"}
_CODENAMES: Final = {
    "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
}  # fmt: skip
DISTRO_TYPES: Final = ("apk", "deb", "rpm")


class Place(NamedTuple):
    """Where feeds speak of a package. ``ecosystems`` are tried in order; a ``::`` at the end means every one under it.

    ``reason`` is a code when there is no place: ``distro_missing``, ``type_without_feed``.
    """

    ecosystems: tuple[str, ...]
    name: str
    version: str
    reason: str = ""
    given: str = ""  # the version as the purl gives it


def _distro(given: str) -> tuple[str, str]:
    """Give (family, release) from a distro qualifier; for Debian also by code name."""
    given = given.lower()
    found = _DISTRO.match(given)
    if found:
        return found.group(1), found.group(2)
    return ("debian", _CODENAMES[given]) if given in _CODENAMES else ("", "")


@functools.lru_cache(maxsize=1 << 10)
def _of_distro(kind: str, namespace: str, distro: str) -> tuple[str, ...]:
    if kind == "apk" and namespace in _ROLLING:
        return (_ROLLING[namespace],)
    family, release = _distro(distro)
    major, _, rest = release.partition(".")
    if family == "debian":
        return (f"Debian:{major}",)
    if family == "alpine":
        return (f"Alpine:v{major}.{rest.partition('.')[0]}",)
    if family == "ubuntu":
        return (f"Ubuntu:{release}:LTS", f"Ubuntu:{release}")
    if family in _RPM:
        return (f"{_RPM[family]}:{major}",) if family != "opensuse" else ()
    if family in ("rhel", "redhat"):
        return (f"Red Hat:enterprise_linux:{major}::",)
    return ()


def _source(purl: Purl, source: str) -> tuple[str, str]:
    """Give name and version of the source package; an ``upstream`` without version shares the package's."""
    name, _, version = (purl.qualifier("upstream") or source).partition("@")
    if name.endswith(".src.rpm"):  # rpm writes its source as a file name: name-version-release.src.rpm
        parts = name[: -len(".src.rpm")].rsplit("-", 2)
        name, version = parts[0], "-".join(parts[1:])
    version = version or purl.version
    epoch = purl.qualifier("epoch")
    if epoch and ":" not in version:
        version = f"{epoch}:{version}"
    return name or purl.name, version


def _language_name(purl: Purl) -> str:
    if purl.type == "maven":
        return f"{purl.namespace}:{purl.name}"
    if purl.type == "pypi":
        return re.sub(r"[-_.]+", "-", purl.name).lower()
    return f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name


def place(purl: Purl, source: str = "") -> Place:
    """Say where feeds speak of this package. ``source`` is ``name@version`` as the document gives it, or empty."""
    if purl.type in DISTRO_TYPES:
        ecosystems = _of_distro(purl.type, purl.namespace, purl.qualifier("distro"))
        name, version = _source(purl, source)
        return Place(ecosystems, name, version, "" if ecosystems else "distro_missing", purl.version)
    ecosystem = _LANGUAGES.get(purl.type)
    if ecosystem is None:
        return Place((), purl.name, purl.version, "type_without_feed", purl.version)
    return Place((ecosystem,), _language_name(purl), purl.version, "", purl.version)


@functools.lru_cache(maxsize=1 << 16)
def _unversioned(head: str, query: str, source: str) -> tuple[Place, str, bool]:
    """Give the place of a purl without its version, the epoch, and whether its type writes lower case."""
    purl = parse(f"{head}?{query}" if query else head)
    one, other = (place(purl._replace(version=version), source) for version in ("0", "1"))
    fixed = one.version if one.version == other.version else ""
    epoch = purl.qualifier("epoch") if purl.type in DISTRO_TYPES else ""
    return one._replace(version=fixed), epoch, purl.type in LOWER_VERSION


def place_of(text: str, source: str = "") -> Place:
    """Say where feeds speak of a purl; images share packages, so what does not hang on the version is remembered.

    Raises: PurlInvalidError
    """
    found = _VERSIONED.match(text)
    if found is None or len(text) > MAX_PURL:
        return place(parse(text), source)
    head, version, query = found.groups("")
    (ecosystems, name, fixed, reason, _), epoch, lower = _unversioned(head, query, source)
    if "%" in version:
        version = unquote(version)
    if lower:
        version = version.lower()
    own = f"{epoch}:{version}" if epoch and ":" not in version else version
    return Place(ecosystems, name, fixed or own, reason, version)


def feed_name(ecosystem: str, name: str) -> str:
    """Give a package's name as feeds are keyed by it: Python names by PEP 503, all others as written."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name
