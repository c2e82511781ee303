"""The words of reports in ours: severities, scores, names of vulnerabilities, package URLs. Must not know any format.

A score that a tool gives as a number counts; a bare CVSS vector is not evaluated here, because facts are computed with
nothing but our own code: the severity is then unknown, and the feed's advisory of the same name says it.
"""

import re
from collections.abc import Iterable
from typing import Final

from cas.records.report import Severity
from pipeline.versions import purl

_SEVERITIES: Final[dict[str, Severity]] = {
    "critical": "critical",
    "blocker": "critical",
    "fatal": "critical",
    "high": "high",
    "important": "high",
    "error": "high",
    "severe": "high",
    "danger": "high",
    "major": "medium",
    "medium": "medium",
    "moderate": "medium",
    "warning": "medium",
    "warn": "medium",
    "low": "low",
    "minor": "low",
    "note": "low",
    "negligible": "negligible",
    "none": "negligible",
    "unimportant": "negligible",
    "untriaged": "unknown",
    "info": "negligible",
    "informational": "negligible",
    "information": "negligible",
    "style": "negligible",
    "convention": "negligible",
    "refactor": "negligible",
    "trace": "negligible",
}
_RANK: Final[tuple[Severity, ...]] = ("unknown", "negligible", "low", "medium", "high", "critical")
_MAX_NAME: Final = 255
_NAME: Final = re.compile(
    r"(?<![A-Za-z0-9])("
    r"CVE-\d{4}-\d{4,19}"
    r"|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}"
    r"|(?:GO|PYSEC|RUSTSEC|OSV|MAL|BIT|CURL|HSEC|RSEC|EEF|JLSEC|DRUPAL)-(?:[A-Z]{2,10}-)?\d{4}-\d{1,9}"
    r"|(?:DSA|DLA|USN|ALAS2?)-\d{1,9}(?:-\d{1,9}){1,2}"
    r"|(?:RHSA|RHBA|ALSA|RLSA|ELSA|openSUSE-SU|SUSE-SU)-\d{4}[:-]\d{1,6}"
    r"|TEMP-\d{7}-[0-9A-F]{6}"
    r"|SNYK-[A-Z0-9]+-[A-Z0-9]+(?:-[A-Z0-9]+)?"
    r")(?![A-Za-z0-9])"
)


def severity(word: str | None) -> Severity:
    """Give a severity for a tool's word; what is no known word is unknown."""
    return _SEVERITIES.get((word or "").strip().lower(), "unknown")


def label(tenths: int | None) -> Severity:
    """Give CVSS's qualitative rating of a score; a score of nothing is negligible."""
    if tenths is None:
        return "unknown"
    if tenths == 0:
        return "negligible"
    return "low" if tenths < 40 else "medium" if tenths < 70 else "high" if tenths < 90 else "critical"


def tenths(score: float | str | None) -> int | None:
    """Give a score of 0 to 10 in tenths; None for anything else."""
    try:
        value = float(score) if score is not None and score != "" else -1.0
    except ValueError:
        return None
    return round(value * 10) if 0 <= value <= 10 else None


def worst(found: Iterable[Severity]) -> Severity:
    """Give the worst severity; unknown when there is none."""
    return max(found, key=_RANK.index, default="unknown")


def names(*texts: str | None) -> tuple[str, ...]:
    """Find the names of vulnerabilities that stand in texts, sorted."""
    return tuple(sorted({name for text in texts if text for name in _NAME.findall(text)}))


def named(*given: str | None) -> tuple[str, ...]:
    """Give names that a tool's own fields hold, known to us or not, sorted; what is no name is left out."""
    return tuple(sorted({name for name in given if name and len(name) <= _MAX_NAME and not name.isspace()}))


def package_url(kind: str, name: str, version: str = "", **qualifiers: str) -> str:
    """Build a canonical purl from a tool's spelling of a package; empty when there is none.

    ``@scope/name``, ``group/name`` and paths give the namespace by their last slash, ``group:artifact`` by the colon.
    """
    if not kind or not name:
        return ""
    space, _, last = name.rpartition(":" if kind == "maven" and ":" in name else "/")
    pairs = tuple(sorted((key, value) for key, value in qualifiers.items() if value))
    try:
        return purl.make(kind, space, last, version, qualifiers=pairs).text()
    except purl.PurlInvalidError:
        return ""


_TYPES: Final = {
    "npm": "npm", "yarn": "npm", "pnpm": "npm", "node-pkg": "npm", "javascript": "npm", "node": "npm",
    "pip": "pypi", "pypi": "pypi", "python": "pypi", "python-pkg": "pypi", "poetry": "pypi", "pipenv": "pypi",
    "uv": "pypi",
    "maven": "maven", "gradle": "maven", "jar": "maven", "pom": "maven", "java": "maven", "java-archive": "maven",
    "gomodules": "golang", "gomod": "golang", "gobinary": "golang", "go": "golang", "golang": "golang",
    "rubygems": "gem", "gem": "gem", "gemspec": "gem", "bundler": "gem", "ruby": "gem",
    "composer": "composer", "packagist": "composer", "php": "composer",
    "nuget": "nuget", "dotnet-core": "nuget", "dotnet": "nuget", "csharp": "nuget",
    "cargo": "cargo", "crates.io": "cargo", "rust": "cargo", "rustbinary": "cargo", "rust-crate": "cargo",
    "deb": "deb", "apk": "apk", "rpm": "rpm", "hex": "hex", "pub": "pub", "conan": "conan", "swift": "swift",
    "cocoapods": "cocoapods", "linux": "", "hackage": "hackage", "cran": "cran",
}  # fmt: skip


def purl_type(word: str) -> str:
    """Give the purl type for a tool's word for an ecosystem; empty when it has none."""
    return _TYPES.get(word.strip().lower(), "")
