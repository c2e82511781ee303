"""Every order of versions, by the name of the OSV ecosystem (before its first colon). A newcomer adds a line."""

import functools
from collections.abc import Callable
from typing import Any, Final

from pipeline.versions import apk, deb, gem, maven, pypi, rpm, semver
from pipeline.versions.scheme import Scheme

_REMEMBERED: Final = 1 << 15
"""Places remembered per order: images share packages, and so versions."""


def _scheme(name: str, sort: Callable[[str], Any], *, exact: bool = True) -> Scheme:
    return Scheme(name, functools.lru_cache(maxsize=_REMEMBERED)(sort), exact)


SCHEMES: Final[tuple[Scheme, ...]] = (
    _scheme("deb", deb.sort),
    _scheme("apk", apk.sort),
    _scheme("rpm", rpm.sort),
    _scheme("golang", semver.sort_go),
    _scheme("semver", semver.sort),
    _scheme("pypi", pypi.sort),
    _scheme("maven", maven.sort, exact=False),
    _scheme("gem", gem.sort),
)

ECOSYSTEMS: Final[tuple[tuple[str, str], ...]] = (
    ("AlmaLinux", "rpm"),
    ("Alpine", "apk"),
    ("Chainguard", "apk"),
    ("Debian", "deb"),
    ("Go", "golang"),
    ("Maven", "maven"),
    ("PyPI", "pypi"),
    ("Red Hat", "rpm"),
    ("Rocky Linux", "rpm"),
    ("RubyGems", "gem"),
    ("SUSE", "rpm"),
    ("Ubuntu", "deb"),
    ("Wolfi", "apk"),
    ("crates.io", "semver"),
    ("npm", "semver"),
    ("openSUSE", "rpm"),
)

_BY_NAME: Final = {scheme.name: scheme for scheme in SCHEMES}
_BY_ECOSYSTEM: Final = {ecosystem: _BY_NAME[name] for ecosystem, name in ECOSYSTEMS}


def scheme_of(ecosystem: str) -> Scheme | None:
    """Give the order of an OSV ecosystem such as ``Debian:12``; None when we know none."""
    return _BY_ECOSYSTEM.get(ecosystem.partition(":")[0])
