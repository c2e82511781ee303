"""clair-scanner JSON: vulnerabilities of one image, as Clair 2 knew them.

The tool lists everything it found, and apart (``unapproved``) what its allow list does not name: the rest is kept,
marked suppressed. Clair 4's own report is [clair-json](clair-json.md), that of klar [klar-json](klar-json.md).
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.klar import severity
from pipeline.formats.reports.report import at, holds, references, report, report_format, result

NAME: Final = "clair-scanner-json"


class _Vulnerability(msgspec.Struct, gc=False):
    featurename: str | None = ""
    featureversion: str | None = ""
    vulnerability: str = ""
    description: str | None = ""
    link: str | None = ""
    severity: str | None = ""
    fixedby: str | None = ""


class _Report(msgspec.Struct, gc=False):
    image: str | None = ""
    unapproved: tuple[str, ...] | None = ()
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(f"{NAME}/{version}", "clair-scanner", _findings(document), subjects=references(document.image))


def _findings(document: _Report) -> Iterator[ReportedFinding]:
    unapproved = frozenset(document.unapproved or ())
    for place, each in enumerate(document.vulnerabilities or ()):
        yield result(
            "vulnerability",
            at("vulnerabilities", place),
            rule=each.vulnerability,
            names=words.names(each.vulnerability, each.link),
            severity=severity(each.severity),
            package=each.featurename,
            version=each.featureversion,
            fixed_in=(each.fixedby,),
            path=document.image,
            message=each.description,
            suppressed="" if each.vulnerability in unapproved else "on the allow list",
        )


def _detects(content: Content) -> bool:
    document = content.object
    if not holds(document, image=str, vulnerabilities=list) or not isinstance(document.get("unapproved"), list | None):
        return False
    return "unapproved" in document and all(
        holds(each, vulnerability=str, featurename=str) for each in document["vulnerabilities"]
    )


CLAIR_SCANNER: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
