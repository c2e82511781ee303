"""cargo-audit JSON: vulnerabilities of Rust crates, and its warnings (unmaintained, unsound, yanked) as category other.

The advisory gives a CVSS vector only, so the severity is left to the feed that knows the same name.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "cargo-audit-json"


class _Advisory(msgspec.Struct, gc=False):
    id: str = ""
    title: str | None = ""
    aliases: tuple[str, ...] | None = ()
    withdrawn: str | None = None


class _Versions(msgspec.Struct, gc=False):
    patched: tuple[str, ...] | None = ()


class _Package(msgspec.Struct, gc=False):
    name: str = ""
    version: str | None = ""


class _Found(msgspec.Struct, gc=False):
    kind: str | None = ""
    advisory: _Advisory | None = None
    versions: _Versions | None = None
    package: _Package = msgspec.field(default_factory=_Package)


class _Vulnerabilities(msgspec.Struct, gc=False):
    list: tuple[_Found, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    vulnerabilities: _Vulnerabilities | None = None
    warnings: dict[str, tuple[_Found, ...]] | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give vulnerabilities and warnings.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(f"{NAME}/{version}", "cargo-audit", _findings(document))


def _findings(document: _Report) -> Iterator[ReportedFinding]:
    for place, each in enumerate((document.vulnerabilities.list or ()) if document.vulnerabilities else ()):
        yield _finding(each, at("vulnerabilities", "list", place), "")
    for kind, found in (document.warnings or {}).items():
        for place, each in enumerate(found):
            yield _finding(each, at("warnings", kind, place), kind)


def _finding(given: _Found, pointer: str, warning: str) -> ReportedFinding:
    advisory = given.advisory or _Advisory()
    return result(
        "other" if warning else "vulnerability",
        pointer,
        rule=advisory.id or warning,
        names=() if warning else words.named(advisory.id, *(advisory.aliases or ())),
        severity="low" if warning else "unknown",
        purl=words.package_url("cargo", given.package.name, given.package.version or ""),
        package=given.package.name,
        version=given.package.version,
        fixed_in=_fixed(given.versions),
        message=advisory.title or warning,
        suppressed=f"withdrawn {advisory.withdrawn}" if advisory.withdrawn else "",
    )


def _fixed(given: _Versions | None) -> tuple[str, ...]:
    return tuple(each.lstrip("^>=~ ") for each in (given.patched or ())) if given else ()


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, database=dict, lockfile=dict, vulnerabilities=dict) and "list" in document["vulnerabilities"]


CARGO_AUDIT: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
