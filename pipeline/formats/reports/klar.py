"""klar JSON: vulnerabilities of one image by severity, as Clair 2 knew them.

Clair 2 had a severity beyond critical, ``Defcon1``: it is critical here. What klar's allow list names is not in its
report. The report names no image: the submitter must.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts, Severity
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "klar-json"


class _Vulnerability(msgspec.Struct, gc=False, rename="pascal"):
    name: str = ""
    description: str | None = ""
    link: str | None = ""
    severity: str | None = ""
    fixed_by: str | None = ""
    feature_name: str | None = ""
    feature_version: str | None = ""


class _Report(msgspec.Struct, gc=False, rename="pascal"):
    vulnerabilities: dict[str, tuple[_Vulnerability, ...] | None] | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def severity(word: str | None) -> Severity:
    """Give a severity for a word of Clair 2."""
    return "critical" if (word or "").lower() == "defcon1" else words.severity(word)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities.

    Raises: evidence.unreadable, cas.too_large
    """
    return report(f"{NAME}/{version}", "klar", _findings(typed(data, _REPORT, NAME)))


def _findings(document: _Report) -> Iterator[ReportedFinding]:
    for level, listed in (document.vulnerabilities or {}).items():
        for place, each in enumerate(listed or ()):
            yield result(
                "vulnerability",
                at("Vulnerabilities", level, place),
                rule=each.name,
                names=words.names(each.name, each.link),
                severity=severity(each.severity or level),
                package=each.feature_name,
                version=each.feature_version,
                fixed_in=(each.fixed_by,),
                message=each.description,
            )


def _detects(content: Content) -> bool:
    return holds(content.object, LayerCount=int, Vulnerabilities=dict) and all(
        isinstance(each, list) for each in content.object["Vulnerabilities"].values()
    )


KLAR: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
