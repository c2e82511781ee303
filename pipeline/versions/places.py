"""From a purl to where feeds speak of it: ecosystems, package names, versions. What match/2 goes by; see ``ecosystem``.

Debian, Alpine and SUSE advisories name the *source* package: the ``upstream`` qualifier (it may carry ``@version``), or
what the document says beside the purl. Red Hat and its kin name what is installed, so both names are asked. ``distro``
(``debian-11``, ``alpine-3.16.2``, ``rhel-9.4``) picks the release; without it, the mark that a distribution leaves in
its versions does (``.el8``, ``+deb11u1``). An ecosystem with ``*`` stands for every one that fits.
"""

import functools
import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from pipeline.versions.orders import OUTER, inner
from pipeline.versions.purl import LOWER_VERSION, MAX_PURL, Purl, parse
from pipeline.versions.remembered import Remembered

LANGUAGES: Final = (
    ("bioconductor", "Bioconductor"),
    ("bitnami", "Bitnami"),
    ("brew", "Homebrew"),
    ("cargo", "crates.io"),
    ("composer", "Packagist"),
    ("conan", "ConanCenter"),
    ("cran", "CRAN"),
    ("gem", "RubyGems"),
    ("github", "GitHub Actions"),
    ("githubactions", "GitHub Actions"),
    ("golang", "Go"),
    ("hackage", "Hackage"),
    ("hex", "Hex"),
    ("julia", "Julia"),
    ("maven", "Maven"),
    ("npm", "npm"),
    ("nuget", "NuGet"),
    ("opam", "opam"),
    ("pub", "Pub"),
    ("pypi", "PyPI"),
    ("swift", "SwiftURL"),
    ("vcpkg", "vcpkg"),
    ("vscode-extension", "VSCode"),
)
"""purl types that name their ecosystem alone."""

DISTROS: Final = (
    ("apk", "alpaquita", "Alpaquita"),
    ("apk", "alpine", "Alpine"),
    ("apk", "bellsoft-hardened-containers", "BellSoft Hardened Containers"),
    ("apk", "chainguard", "Chainguard"),
    ("apk", "cleanstart", "CleanStart"),
    ("apk", "dhi", "Docker Hardened Images"),
    ("apk", "minimos", "MinimOS"),
    ("apk", "wolfi", "Wolfi"),
    ("deb", "debian", "Debian"),
    ("deb", "dhi", "Docker Hardened Images"),
    ("deb", "echo", "Echo"),
    ("deb", "ubuntu", "Ubuntu"),
    ("rpm", "almalinux", "AlmaLinux"),
    ("rpm", "azure-linux", "Azure Linux"),
    ("rpm", "mageia", "Mageia"),
    ("rpm", "openeuler", "openEuler"),
    ("rpm", "opensuse", "openSUSE"),
    ("rpm", "photon", "Photon OS"),
    ("rpm", "redhat", "Red Hat"),
    ("rpm", "rocky-linux", "Rocky Linux"),
    ("rpm", "suse", "SUSE"),
)
"""purl type and namespace, and the ecosystem whose release the ``distro`` qualifier picks."""

ROLLING: Final = ("Wolfi", "Chainguard", "MinimOS", "Echo", "CleanStart")
"""Distributions without releases."""

WITHOUT_TYPE: Final = ("Android", "FreeBSD", "GHC", "Kubernetes", "Linux", "OSS-Fuzz", "WordPress")
"""Ecosystems for which there is no purl type."""

_DISTRO: Final = re.compile(r"([a-z][a-z_-]*?)-v?([0-9][0-9A-Za-z.]*)(?:[-_].*)?\Z")
_HEAD: Final = re.compile(r"pkg:[^@?#\s]+(?<!/)\Z")
_QUERY: Final = re.compile(r"[^#\s]+\Z")
_PLAIN: Final = "0123456789.-_~:%abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What a version may be made of to be read without the purl around it."""
_FAMILIES: Final = {
    "alma": "almalinux", "azurelinux": "azure-linux", "centos": "redhat", "leap": "opensuse", "mariner": "azure-linux",
    "opensuse-leap": "opensuse", "rhel": "redhat", "rocky": "rocky-linux", "rockylinux": "rocky-linux", "sled": "suse",
    "sles": "suse", "bellsoft": "bellsoft-hardened-containers",
}  # fmt: skip
_CODENAMES: Final = {
    "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
}  # fmt: skip
_EL: Final = re.compile(r"[.+]el([0-9]+)")
_DEB: Final = re.compile(r"[+~](?:deb|bpo)([0-9]+)")
_BY_SOURCE: Final = frozenset({"Debian", "Ubuntu", "Alpine", "SUSE", "openSUSE", "Alpaquita", "Docker Hardened Images"})
_ANY_CASE: Final = frozenset({"Bitnami", "GitHub Actions", "Go", "NuGet", "Packagist", "SwiftURL", "VSCode"})
_LANGUAGE: Final = dict(LANGUAGES)
_ALONE: Final[dict[str, tuple[str, ...]]] = {ecosystem: (ecosystem,) for _, ecosystem in LANGUAGES}
"""One object for all packages of an ecosystem, since thousands are remembered."""
_DISTRO_OF: Final = {(kind, namespace): ecosystem for kind, namespace, ecosystem in DISTROS}
_SOURCE_RPM: Final = ".src.rpm"


class Asked(NamedTuple):
    """Where feeds speak of a package: ``ecosystems`` in order of asking, under each name with its version.

    ``reason`` is a code when there is no place: ``distro_missing``, ``type_without_feed``.
    """

    ecosystems: tuple[str, ...]
    names: tuple[tuple[str, str], ...]
    reason: str = ""
    given: str = ""  # the version as the purl gives it


@functools.lru_cache(maxsize=1 << 17)
def feed_name(ecosystem: str, name: str) -> str:
    """Give a package's name as feeds are keyed by it; spelled in one way where the registry takes several."""
    name = name.strip()
    kind = inner(ecosystem).partition(":")[0]
    if kind == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    if kind == "SwiftURL":
        name = name.removeprefix("https://").removesuffix(".git")
    return name.lower() if kind in _ANY_CASE else name


def _release(purl: Purl) -> tuple[str, str]:
    """Give the family, as a purl namespace, and the release of a distribution; either may be empty."""
    given = purl.qualifier("distro").lower()
    if given in _CODENAMES:
        return "debian", _CODENAMES[given]
    if "tumbleweed" in given:
        return "opensuse", "tumbleweed"
    if found := _DISTRO.match(given):
        family = found.group(1)
        return _FAMILIES.get(family, family), found.group(2)
    namespace = _FAMILIES.get(purl.namespace, purl.namespace)
    family, _, rest = given.partition("-")
    if rest in ("edge", "stream"):
        return family, rest
    if purl.type == "rpm" and (found := _EL.search(purl.version)):
        return namespace, found.group(1)
    if purl.type == "deb" and namespace == "debian" and (found := _DEB.search(purl.version)):
        return namespace, re.sub(r"0+\Z", "", found.group(1)) if len(found.group(1)) > 2 else found.group(1)
    return namespace, ""


@functools.lru_cache(maxsize=1 << 10)
def _of_distro(ecosystem: str, kind: str, release: str) -> tuple[str, ...]:
    """Give the ecosystems of a distribution's release."""
    if ecosystem in ROLLING:
        return (ecosystem,)
    if not release:
        return ()
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0]
    if ecosystem in ("Alpine", "Alpaquita"):
        text = f"v{major}.{minor}" if ecosystem == "Alpine" and minor else release
        return (f"{ecosystem}:{text}",)
    if ecosystem == "Docker Hardened Images":
        return (f"{ecosystem}:Alpine:{major}.{minor}",) if kind == "apk" else (f"{ecosystem}:Debian:{major}*",)
    return _of_release(ecosystem, release, major, minor)


def _of_release(ecosystem: str, release: str, major: str, minor: str) -> tuple[str, ...]:
    if ecosystem == "Ubuntu":
        return (f"Ubuntu:{release}:LTS", f"Ubuntu:{release}")
    if ecosystem == "Red Hat":
        return (f"Red Hat:enterprise_linux:{major}::*",)
    if ecosystem == "SUSE":
        return (f"SUSE:*{major} SP{minor}",) if minor and minor != "0" else (f"SUSE:*{major}",)
    if ecosystem == "openSUSE":
        return ("openSUSE:Tumbleweed",) if "tumbleweed" in release else (f"openSUSE:Leap {major}.{minor}",)
    if ecosystem == "Photon OS":
        return (f"Photon OS:{major}.{minor or '0'}",)
    if ecosystem == "openEuler":
        return (f"openEuler:{release}", f"openEuler:{release}-*")
    return (f"{ecosystem}:{major}",)


def _source(purl: Purl, source: str) -> tuple[str, str]:
    """Give name and version of the source package; an ``upstream`` without version shares the package's."""
    name, _, version = (purl.qualifier("upstream") or source).partition("@")
    if name.endswith(_SOURCE_RPM):  # rpm writes its source as a file name: name-version-release.src.rpm
        parts = name[: -len(_SOURCE_RPM)].rsplit("-", 2)
        name, version = parts[0], "-".join(parts[1:])
    return name or purl.name, _with_epoch(purl, version or purl.version)


def _with_epoch(purl: Purl, version: str) -> str:
    epoch = purl.qualifier("epoch")
    return f"{epoch}:{version}" if epoch and version and ":" not in version else version


def _distro_place(purl: Purl, source: str) -> Asked:
    family, release = _release(purl)
    ecosystem = _DISTRO_OF.get((purl.type, purl.namespace if purl.namespace in ROLLING_NAMESPACES else family), "")
    ecosystems = _of_distro(ecosystem, purl.type, release) if ecosystem else ()
    names = [_source(purl, source)]
    if ecosystem and ecosystem not in _BY_SOURCE and names[0][0] != purl.name:
        names.insert(0, (purl.name, _with_epoch(purl, purl.version)))
    if purl.name.startswith("rootio"):
        ecosystems = (*_rooted(ecosystems), *ecosystems)
        names = [(purl.name, _with_epoch(purl, purl.version)), *(each for each in names if each[0] != purl.name)]
    return Asked(ecosystems, tuple(names), "" if ecosystems else "distro_missing", purl.version)


ROLLING_NAMESPACES: Final = frozenset(namespace for _, namespace, name in DISTROS if name in (*ROLLING, *OUTER))


def _rooted(ecosystems: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"Root:{each.replace(':v', ':').removesuffix(':LTS')}" for each in ecosystems)


def _language_name(purl: Purl) -> str:
    if purl.type == "maven":
        return f"{purl.namespace}:{purl.name}"
    return f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name


def place(purl: Purl, source: str = "") -> Asked:
    """Say where feeds speak of this package. ``source`` is ``name@version`` as the document gives it, or empty."""
    if purl.type in ("apk", "deb", "rpm"):
        return _distro_place(purl, source)
    ecosystem = _LANGUAGE.get(purl.type)
    if ecosystem is None:
        return Asked((), ((purl.name, purl.version),), "type_without_feed", purl.version)
    name = _language_name(purl)
    ecosystems = _ALONE[ecosystem]
    if "tuxcare" in purl.version or "rootio" in name:
        outer: tuple[str, ...] = ("TuxCare",) if "tuxcare" in purl.version else ()
        outer += ("Root",) if "rootio" in name else ()
        ecosystems = (*(f"{each}:{ecosystem}" for each in outer), ecosystem)
    names: tuple[tuple[str, str], ...] = ((name, purl.version),)
    if purl.type == "golang" and purl.subpath:  # generators cut module paths: a module below, or a package in this one
        names = ((f"{name}/{purl.subpath}", purl.version), *names)
    return Asked(ecosystems, names, "", purl.version)


def _unversioned(asked: tuple[str, str, str]) -> tuple[Asked, str, bool] | None:
    """Give the place of a purl without its version, its epoch, whether its type writes lower case; None: ask in full.

    A name's version is empty where it is the purl's own.

    Raises: PurlInvalidError
    """
    head, query, source = asked
    if not _HEAD.match(head) or (query and not _QUERY.match(query)) or "tuxcare" in head or "tuxcare" in query:
        return None
    purl = parse(f"{head}?{query}" if query else head)
    found = place(purl, source)
    if found.reason == "distro_missing":
        return None
    epoch = purl.qualifier("epoch") if purl.type in ("apk", "deb", "rpm") else ""
    return found, epoch, purl.type in LOWER_VERSION


_UNVERSIONED: Final = Remembered(_unversioned)


def placed(text: str, source: str = "") -> tuple[Asked, str, str]:
    """Say where feeds speak of a purl: the place, the version that stands for an empty one in it, the version given.

    Images share packages, so what does not hang on the version is remembered.

    Raises: PurlInvalidError
    """
    head, _, rest = text.partition("@")
    version, mark, query = rest.partition("?")
    if not version or version.strip(_PLAIN) or (mark and not query) or len(text) > MAX_PURL or "tuxcare" in version:
        return _in_full(text, source)
    found = _UNVERSIONED[head, query, source]
    if found is None:
        return _in_full(text, source)
    held, epoch, lower = found
    if "%" in version:
        version = unquote(version)
    if lower:
        version = version.lower()
    return held, f"{epoch}:{version}" if epoch and ":" not in version else version, version


def _in_full(text: str, source: str) -> tuple[Asked, str, str]:
    found = place(parse(text), source)
    return found, "", found.given


def place_of(text: str, source: str = "") -> Asked:
    """Say where feeds speak of a purl, its own version in its place.

    Raises: PurlInvalidError
    """
    held, own, given = placed(text, source)
    return held._replace(names=tuple((name, version or own) for name, version in held.names), given=given)


def purl_of(ecosystem: str, name: str) -> str:
    """Give the purl, without version, of a package as a feed names it; empty where there is no purl type.

    The inverse of ``place`` but for what a feed does not know: distro qualifiers, spelling.
    """
    kind = inner(ecosystem).partition(":")[0]
    for form, given in LANGUAGES:
        if given == kind:
            parts = name.rpartition(":" if form == "maven" else "/")
            return Purl(form, parts[0], parts[2], "").text()
    for form, namespace, given in DISTROS:
        if given == kind:
            return Purl(form, namespace, name, "").text()
    return ""


def fits(wanted: str, ecosystem: str) -> bool:
    """Tell whether an ecosystem of a feed is one that was asked for; ``*`` stands for anything."""
    head, star, tail = wanted.partition("*")
    if not star:
        return wanted == ecosystem
    return len(ecosystem) >= len(head) + len(tail) and ecosystem.startswith(head) and ecosystem.endswith(tail)
