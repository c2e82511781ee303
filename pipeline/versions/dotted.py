"""Orders of plain dotted numbers, and of what registries put around them. Each is as its registry documents it."""

import re
from collections.abc import Callable
from typing import Final

from pipeline.versions import deb, rpm, semver
from pipeline.versions.scheme import VersionInvalidError, bounded, number

_NUMBERS: Final = re.compile(r"v?[0-9]+(?:[.-][0-9]+)*\Z")
_ROOT: Final = re.compile(r"(.+?)[-+.]root\.io\.([0-9]+)\Z")
_ANDROID: Final = re.compile(r"([0-9A-Za-z.]+):(0|[0-9]{4}-[0-9]{2}-[0-9]{2})\Z")
_FREEBSD: Final = re.compile(r"([0-9A-Za-z.+]+)(?:_([0-9]+))?(?:,([0-9]+))?\Z")
_BITNAMI: Final = re.compile(r"(.+?)-r?([0-9]+)\Z")
_CONAN: Final = re.compile(r"(?:cci\.)?([0-9A-Za-z.-]+)(?:\+[0-9A-Za-z.-]*)?\Z")
_STEP: Final = b"\x02"
_END: Final = b"\x01"
_PLAIN: Final = "00"


def sort_numbers(version: str) -> str:
    """Give the key of an R or Haskell version: numbers between ``.`` and ``-``; more numbers come later.

    R (numeric_version) and Cabal (PVP) compare number by number, and a longer version is above its beginning.

    Raises: VersionInvalidError
    """
    text = bounded(version)
    if not _NUMBERS.match(text):
        raise VersionInvalidError("not dotted numbers")
    return (b"".join(_STEP + number(each) for each in re.split("[.-]", text.removeprefix("v"))) + _END).hex()


def sort_android(version: str) -> str:
    """Give the key of an Android release and security patch level: ``13:2023-01-05``, ``12L:0``.

    Raises: VersionInvalidError
    """
    found = _ANDROID.match(bounded(version))
    if not found:
        raise VersionInvalidError("not a release and a patch level")
    release, level = found.groups()
    return (rpm.part(release) + b"".join(number(each) for each in level.split("-"))).hex()


def sort_freebsd(version: str) -> str:
    """Give the key of a FreeBSD package: ``version_revision,epoch``; the epoch counts first, the revision last.

    Raises: VersionInvalidError
    """
    found = _FREEBSD.match(bounded(version))
    if not found:
        raise VersionInvalidError("not a FreeBSD version")
    text, revision, epoch = found.groups()
    return (number(epoch or "0") + rpm.part(_before_release(text)) + number(revision or "0")).hex()


def _before_release(text: str) -> str:
    """Put ``~`` before what pkg-version(8) sorts below a release: alpha, beta, pre, rc."""
    return re.sub(r"\.?(alpha|beta|pre|rc)(?=[0-9.]|\Z)", r"~\1", text)


def sort_bitnami(version: str) -> str:
    """Give the key of a Bitnami version: semantic, but a number alone behind the hyphen is a build of that release.

    Raises: VersionInvalidError
    """
    text = bounded(version)
    found = _BITNAMI.match(text)
    if found and "-" not in found.group(1):
        return semver.sort(found.group(1)) + number(found.group(2)).hex()
    return semver.sort(text) + _PLAIN


def sort_conan(version: str) -> str:
    """Give the key of a Conan version: dotted parts, numbers above words; ``cci.`` before a date says nothing.

    Raises: VersionInvalidError
    """
    found = _CONAN.match(bounded(version))
    if not found:
        raise VersionInvalidError("not a Conan version")
    release, _, stage = found.group(1).partition("-")
    return rpm.part(f"{release}~{stage}" if stage else release).hex()


def sort_vcpkg(version: str) -> str:
    """Give the key of a vcpkg version: any of its four schemes, then the port version behind ``#``.

    Raises: VersionInvalidError
    """
    text, _, port = bounded(version).partition("#")
    if port and not port.isdigit():
        raise VersionInvalidError("not a port version")
    release, _, stage = text.removeprefix("v").partition("-")
    dated = stage[:1].isdigit()  # 2023-01-05 is a date, not a release with a stage
    plain = text if dated or not stage else f"{release}~{stage}"
    if not re.fullmatch(r"[0-9A-Za-z._+~-]+", plain):
        raise VersionInvalidError("not a vcpkg version")
    return (rpm.part(plain) + number(port or "0")).hex()


def rebuilt(inner: Callable[[str], str]) -> Callable[[str], str]:
    """Give the order of what Root rebuilds: that of the origin, then ``root.io.N``, whatever joins it.

    Alpine packages carry their rebuild in the ``-r`` revision, which the inner order knows.
    """

    def sort(version: str) -> str:
        found = _ROOT.match(bounded(version))
        if found is None:
            return inner(version) + _PLAIN
        return inner(found.group(1)) + number(found.group(2)).hex()

    return sort


def sort_opam(version: str) -> str:
    """Give the key of an opam version: Debian's order without epochs.

    Raises: VersionInvalidError
    """
    text = bounded(version)
    if ":" in text:
        raise VersionInvalidError("opam knows no epochs")
    return deb.sort(text)
