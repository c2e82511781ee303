"""bundler-audit JSON: vulnerable gems, and insecure sources as misconfigurations."""

from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "bundler-audit-json"


class _Gem(msgspec.Struct, gc=False):
    name: str = ""
    version: str | None = ""


class _Advisory(msgspec.Struct, gc=False):
    id: str = ""
    title: str | None = ""
    cve: str | None = ""
    ghsa: str | None = ""
    criticality: str | None = ""
    cvss_v2: float | None = None
    cvss_v3: float | None = None
    patched_versions: tuple[str, ...] | None = ()


class _Result(msgspec.Struct, gc=False):
    type: str = ""
    source: str | None = ""
    gem: _Gem | None = None
    advisory: _Advisory | None = None


class _Report(msgspec.Struct, gc=False):
    version: str | None = ""
    created_at: str | None = ""
    results: tuple[_Result, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what bundler-audit found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "bundler-audit",
        (_finding(each, at("results", place)) for place, each in enumerate(document.results or ())),
        tool_version=document.version,
        created_at=(document.created_at or "").replace(" ", "T", 1),
    )


def _finding(given: _Result, pointer: str) -> ReportedFinding:
    gem, advisory = given.gem or _Gem(), given.advisory
    if advisory is None:
        said = f"insecure source {given.source}"
        return result("misconfiguration", pointer, rule=given.type, severity="medium", path=given.source, message=said)
    score = words.tenths(advisory.cvss_v3)
    return result(
        "vulnerability",
        pointer,
        rule=advisory.id,
        names=words.named(
            f"CVE-{advisory.cve}" if advisory.cve else "",
            f"GHSA-{advisory.ghsa}" if advisory.ghsa else "",
            *words.names(advisory.id),
        ),
        severity=words.severity(advisory.criticality),
        score=score if score is not None else words.tenths(advisory.cvss_v2),
        purl=words.package_url("gem", gem.name, gem.version or ""),
        package=gem.name,
        version=gem.version,
        fixed_in=[each.lstrip("~>= ") for each in advisory.patched_versions or ()],
        message=advisory.title,
    )


def _detects(content: Content) -> bool:
    document = content.object
    if not holds(document, version=str, created_at=str, results=list):
        return False
    return all(holds(each, type=str) and ("gem" in each or "source" in each) for each in document["results"])


BUNDLER_AUDIT: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
