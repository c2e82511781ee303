"""Safety JSON (version 2 and 3 of the tool): vulnerabilities of Python packages, ignored ones marked suppressed."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "safety-json"


class _Cvss(msgspec.Struct, gc=False):
    base_score: float | None = None


class _Severity(msgspec.Struct, gc=False):
    cvssv3: _Cvss | None = None


class _Vulnerability(msgspec.Struct, gc=False, rename={"cve": "CVE"}):
    vulnerability_id: str = ""
    package_name: str | None = ""
    analyzed_version: str | None = ""
    fixed_versions: tuple[str, ...] | None = ()
    advisory: str | None = ""
    cve: str | None = None
    severity: _Severity | None = None
    ignored: bool | None = False
    ignored_reason: str | None = ""


class _Meta(msgspec.Struct, gc=False):
    safety_version: str | None = ""


class _Report(msgspec.Struct, gc=False):
    report_meta: _Meta | None = None
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()
    ignored_vulnerabilities: Any = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Safety found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    ignored = document.ignored_vulnerabilities
    listed = msgspec.convert(ignored, tuple[_Vulnerability, ...]) if isinstance(ignored, list) else ()
    return report(
        f"{NAME}/{version}",
        "Safety",
        (
            *_findings(document.vulnerabilities or (), "vulnerabilities", ignored=False),
            *_findings(listed, "ignored_vulnerabilities", ignored=True),
        ),
        tool_version=document.report_meta.safety_version if document.report_meta else "",
    )


def _findings(given: tuple[_Vulnerability, ...], member: str, *, ignored: bool) -> Iterator[ReportedFinding]:
    for place, each in enumerate(given):
        scored = each.severity.cvssv3 if each.severity else None
        yield result(
            "vulnerability",
            at(member, place),
            rule=each.vulnerability_id,
            names=words.named(each.cve),
            score=words.tenths(scored.base_score) if scored else None,
            purl=words.package_url("pypi", each.package_name or "", each.analyzed_version or ""),
            package=each.package_name,
            version=each.analyzed_version,
            fixed_in=each.fixed_versions or (),
            message=each.advisory,
            suppressed=(each.ignored_reason or "ignored") if ignored or each.ignored else "",
        )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, report_meta=dict, vulnerabilities=list) and "safety_version" in document["report_meta"]


SAFETY: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
