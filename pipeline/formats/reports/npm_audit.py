"""``npm audit --json`` of npm 7 and later (report version 2), of npm 6 and pnpm (version 1).

Version 2 lists vulnerable packages; each advisory in a package's ``via`` becomes one result, and a package that is
only vulnerable through others adds none. It names ranges, not versions. Version 1 lists advisories with the versions
and paths at which each was found. A report that carries an error is incomplete.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "npm-audit-json"


class Cvss(msgspec.Struct, gc=False):
    """A score of 0 where the registry knows none."""

    score: float | None = None


class _Via(msgspec.Struct, gc=False):
    source: int | str | None = None
    name: str | None = ""
    dependency: str | None = ""
    title: str | None = ""
    url: str | None = ""
    severity: str | None = ""
    cvss: Cvss | None = None
    range: str | None = ""


class _Fix(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""


class _Vulnerable(msgspec.Struct, gc=False, rename="camel"):
    name: str = ""
    via: tuple[_Via | str, ...] | None = ()
    nodes: tuple[str, ...] | None = ()
    fix_available: _Fix | bool | None = None


class _Two(msgspec.Struct, gc=False):
    vulnerabilities: dict[str, _Vulnerable] | None = None
    error: Any = None


class Found(msgspec.Struct, gc=False):
    """Where a package with an advisory was found."""

    version: str | None = ""
    paths: tuple[str, ...] | None = ()


class Advisory(msgspec.Struct, gc=False):
    """An advisory as the older audit reports of npm, pnpm and yarn write it."""

    id: int | str | None = None
    module_name: str | None = ""
    title: str | None = ""
    url: str | None = ""
    severity: str | None = ""
    cves: tuple[str, ...] | None = ()
    github_advisory_id: str | None = ""
    patched_versions: str | None = ""
    cvss: Cvss | None = None
    findings: tuple[Found, ...] | None = ()


class _One(msgspec.Struct, gc=False):
    advisories: dict[str, Advisory] | None = None
    error: Any = None


_TWO: Final = msgspec.json.Decoder(_Two)
_ONE: Final = msgspec.json.Decoder(_One)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the advisories that the audit found.

    Raises: evidence.unreadable, cas.too_large
    """
    document: _One | _Two = typed(data, _ONE, NAME) if version == "1" else typed(data, _TWO, NAME)
    results = of_advisories(document) if isinstance(document, _One) else _of_packages(document)
    return report(f"{NAME}/{version}", "npm audit", results, complete=document.error is None)


def of_advisories(document: _One) -> Iterator[ReportedFinding]:
    """Give a result for each version of a package at which an advisory was found."""
    for key, advisory in (document.advisories or {}).items():
        yield from found_at(advisory, at("advisories", key))


def found_at(advisory: Advisory, pointer: str) -> Iterator[ReportedFinding]:
    """Give a result for each version at which an advisory was found."""
    for place, found in enumerate(advisory.findings or ()):
        paths = found.paths or ("",)
        yield result(
            "vulnerability",
            f"{pointer}{at('findings', place)}",
            rule=advisory.github_advisory_id or str(advisory.id or ""),
            names=words.named(advisory.github_advisory_id, *(advisory.cves or ()), *words.names(advisory.url)),
            severity=words.severity(advisory.severity),
            score=_score(advisory.cvss),
            purl=words.package_url("npm", advisory.module_name or "", found.version or ""),
            package=advisory.module_name,
            version=found.version,
            fixed_in=(_patched(advisory.patched_versions or ""),),
            path=paths[0],
            message=advisory.title,
            flow=paths[0].split(">") if paths[0] else (),
        )


def _patched(given: str) -> str:
    return "" if given in ("<0.0.0", "") else given.removeprefix(">=")


def _score(given: Cvss | None) -> int | None:
    return (words.tenths(given.score) or None) if given else None


def _of_packages(document: _Two) -> Iterator[ReportedFinding]:
    for key, package in (document.vulnerabilities or {}).items():
        for place, via in enumerate(package.via or ()):
            if isinstance(via, str):
                continue
            name = via.dependency or via.name or package.name or key
            fix = package.fix_available
            own_fix = fix.version if isinstance(fix, _Fix) and fix.name == name else ""
            yield result(
                "vulnerability",
                at("vulnerabilities", key, "via", place),
                rule=next(iter(words.names(via.url)), str(via.source or "")),
                names=words.names(via.url, via.title),
                severity=words.severity(via.severity),
                score=_score(via.cvss),
                purl=words.package_url("npm", name),
                package=name,
                version=via.range,
                fixed_in=(own_fix,),
                path=next(iter(package.nodes or ()), ""),
                message=via.title,
            )


def _detects(content: Content) -> bool:
    document = content.object
    if "auditReportVersion" in document:
        return isinstance(document.get("vulnerabilities"), dict)
    return holds(document, advisories=dict, metadata=dict)


def _version(content: Content) -> str:
    return str(content.object.get("auditReportVersion", "1"))


NPM_AUDIT: Final[Format] = report_format(NAME, _detects, read, version=_version, versions=("1", "2"), about=__doc__)
