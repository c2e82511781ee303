"""Every order of versions, by OSV ecosystem: what match/2 and import_feed/2 go by. A newcomer adds a line.

``Root:npm``, ``TuxCare:Alpine:v3.16``, ``Docker Hardened Images:Debian:13`` and ``Echo:PyPI`` rebuild another
ecosystem's packages: the order is that ecosystem's. ``catalog`` is the table that match/1 goes by; it never changes.
"""

import functools
from collections.abc import Callable
from typing import Any, Final

from pipeline.versions import apk, brew, deb, dotted, gem, maven, nuget, packagist, pypi, rpm, semver
from pipeline.versions.remembered import Remembered
from pipeline.versions.scheme import Scheme


def _scheme(name: str, sort: Callable[[str], Any], *, exact: bool = True) -> Scheme:
    return Scheme(name, Remembered(sort).__getitem__, exact)


ORDERS: Final[tuple[Scheme, ...]] = (
    _scheme("deb", deb.sort),
    _scheme("apk", apk.sort),
    _scheme("rpm", rpm.sort),
    _scheme("golang", semver.sort_go),
    _scheme("semver", semver.sort),
    _scheme("pypi", pypi.sort),
    _scheme("maven", maven.sort, exact=False),
    _scheme("gem", gem.sort),
    _scheme("nuget", nuget.sort),
    _scheme("packagist", packagist.sort, exact=False),
    _scheme("numbers", dotted.sort_numbers),
    _scheme("android", dotted.sort_android),
    _scheme("bitnami", dotted.sort_bitnami),
    _scheme("conan", dotted.sort_conan),
    _scheme("freebsd", dotted.sort_freebsd),
    _scheme("opam", dotted.sort_opam),
    _scheme("vcpkg", dotted.sort_vcpkg),
    _scheme("brew", brew.sort, exact=False),
)

ECOSYSTEMS: Final[tuple[tuple[str, str], ...]] = (
    ("AlmaLinux", "rpm"),
    ("Alpaquita", "apk"),
    ("Alpine", "apk"),
    ("Android", "android"),
    ("Azure Linux", "rpm"),
    ("BellSoft Hardened Containers", "apk"),
    ("Bioconductor", "numbers"),
    ("Bitnami", "bitnami"),
    ("CRAN", "numbers"),
    ("Chainguard", "apk"),
    ("CleanStart", "apk"),
    ("ConanCenter", "conan"),
    ("Debian", "deb"),
    ("Echo", "deb"),
    ("FreeBSD", "freebsd"),
    ("GHC", "numbers"),
    ("GitHub Actions", "semver"),
    ("Go", "golang"),
    ("Hackage", "numbers"),
    ("Hex", "semver"),
    ("Homebrew", "brew"),
    ("Julia", "semver"),
    ("Kubernetes", "semver"),
    ("Linux", "semver"),
    ("Mageia", "rpm"),
    ("Maven", "maven"),
    ("MinimOS", "apk"),
    ("NuGet", "nuget"),
    ("Packagist", "packagist"),
    ("Photon OS", "rpm"),
    ("Pub", "semver"),
    ("PyPI", "pypi"),
    ("Red Hat", "rpm"),
    ("Rocky Linux", "rpm"),
    ("RubyGems", "gem"),
    ("SUSE", "rpm"),
    ("SwiftURL", "semver"),
    ("Ubuntu", "deb"),
    ("VSCode", "semver"),
    ("Wolfi", "apk"),
    ("WordPress", "packagist"),
    ("crates.io", "semver"),
    ("npm", "semver"),
    ("opam", "opam"),
    ("openEuler", "rpm"),
    ("openSUSE", "rpm"),
    ("vcpkg", "vcpkg"),
)

UNORDERED: Final = ("OSS-Fuzz",)
"""Ecosystems whose versions are names of commits and tags: what they list is matched as written."""

OUTER: Final = ("Docker Hardened Images", "Echo", "Root", "TuxCare")
"""Ecosystems that rebuild packages of the ecosystem named behind the colon."""

_BY_NAME: Final = {scheme.name: scheme for scheme in ORDERS}
_BY_ECOSYSTEM: Final = {ecosystem: _BY_NAME[name] for ecosystem, name in ECOSYSTEMS}
_REBUILT: Final = {
    name: Scheme(f"{name}-root", Remembered(dotted.rebuilt(scheme.sort)).__getitem__)
    for name, scheme in _BY_NAME.items()
    if scheme.exact
}


def inner(ecosystem: str) -> str:
    """Give the ecosystem whose packages are meant: ``npm`` for ``Root:npm``; any other is itself."""
    outer, _, rest = ecosystem.partition(":")
    return rest if outer in OUTER and rest.partition(":")[0] in _BY_ECOSYSTEM else ecosystem


@functools.lru_cache(maxsize=1 << 12)
def order_of(ecosystem: str) -> Scheme | None:
    """Give the order of an OSV ecosystem such as ``Debian:12``; None when we know none."""
    found = _BY_ECOSYSTEM.get(inner(ecosystem).partition(":")[0])
    if found is not None and ecosystem.startswith("Root:"):
        return _REBUILT.get(found.name, found)
    return found
