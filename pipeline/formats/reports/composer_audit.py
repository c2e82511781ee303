"""``composer audit --format=json``: advisories by package; ignored ones marked, abandoned packages as other."""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, report, report_format, result

NAME: Final = "composer-audit-json"


class _Source(msgspec.Struct, gc=False, rename="camel"):
    remote_id: str | None = ""


class _Advisory(msgspec.Struct, gc=False, rename="camel"):
    advisory_id: str = ""
    package_name: str | None = ""
    affected_versions: str | None = ""
    title: str | None = ""
    cve: str | None = ""
    severity: str | None = ""
    sources: tuple[_Source, ...] | None = ()
    ignore_reason: str | None = ""


_Listed = tuple[_Advisory, ...] | dict[str, _Advisory]
_ByPackage = dict[str, _Listed] | tuple[_Advisory, ...] | None  # PHP writes an empty map as an empty list


class _Report(msgspec.Struct, gc=False, rename="kebab"):
    advisories: _ByPackage = None
    ignored_advisories: _ByPackage = None
    abandoned: dict[str, str | None] | tuple[str, ...] | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give advisories and abandoned packages.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    results = [
        *_findings(document.advisories, "advisories", ignored=False),
        *_findings(document.ignored_advisories, "ignored-advisories", ignored=True),
    ]
    for name, instead in document.abandoned.items() if isinstance(document.abandoned, dict) else ():
        said = f"abandoned, use {instead}" if instead else "abandoned"
        purl = words.package_url("composer", name)
        results.append(
            result(
                "other", at("abandoned", name), rule="abandoned", severity="low", purl=purl, package=name, message=said
            )
        )
    return report(f"{NAME}/{version}", "Composer", results)


def _findings(given: _ByPackage, member: str, *, ignored: bool) -> Iterator[ReportedFinding]:
    for name, listed in given.items() if isinstance(given, dict) else ():
        entries = listed.items() if isinstance(listed, dict) else enumerate(listed)
        for key, each in entries:
            package = each.package_name or name
            yield result(
                "vulnerability",
                at(member, name, key),
                rule=each.advisory_id,
                names=words.named(each.cve, *words.names(*(one.remote_id for one in each.sources or ()))),
                severity=words.severity(each.severity),
                purl=words.package_url("composer", package),
                package=package,
                version=each.affected_versions,
                message=each.title,
                suppressed=(each.ignore_reason or "ignored") if ignored else "",
            )


def _detects(content: Content) -> bool:
    document = content.object
    if "metadata" in document or not isinstance(document.get("advisories"), dict | list):
        return False
    known = {"advisories", "abandoned", "ignored-advisories", "filter"}
    return document.keys() <= known


COMPOSER_AUDIT: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
