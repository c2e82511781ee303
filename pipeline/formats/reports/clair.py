"""Clair v4 vulnerability report: packages, vulnerabilities, and which of these each package has.

The manifest's hash is the image. A vulnerability id that the report does not hold is a broken reference. Reports of
Clair 2 come through other tools: [clair-scanner-json](clair-scanner-json.md), [klar-json](klar-json.md).
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.problems import Fault
from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, references, report, report_format, result, unreadable

NAME: Final = "clair-json"


class _Package(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""


class _Vulnerability(msgspec.Struct, gc=False):
    name: str = ""
    description: str | None = ""
    links: str | None = ""
    severity: str | None = ""
    normalized_severity: str | None = ""
    fixed_in_version: str | None = ""


class _Report(msgspec.Struct, gc=False):
    manifest_hash: str = ""
    packages: dict[str, _Package] | None = None
    vulnerabilities: dict[str, _Vulnerability] | None = None
    package_vulnerabilities: dict[str, tuple[str, ...] | None] | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of the packages.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(f"{NAME}/{version}", "Clair", _findings(document), subjects=references(document.manifest_hash))


def _findings(document: _Report) -> Iterator[ReportedFinding]:
    for number, listed in (document.package_vulnerabilities or {}).items():
        package = (document.packages or {}).get(number, _Package())
        for place, name in enumerate(listed or ()):
            given = (document.vulnerabilities or {}).get(name)
            if given is None:
                raise unreadable(NAME, f"vulnerability {name} of package {number} does not exist")
            yield result(
                "vulnerability",
                at("package_vulnerabilities", number, place),
                rule=given.name,
                names=words.names(given.name, given.links),
                severity=words.severity(given.normalized_severity or given.severity),
                package=package.name,
                version=package.version,
                fixed_in=(given.fixed_in_version,),
                message=given.description,
            )


def _faults(content: Content) -> Iterator[Fault]:
    document = content.object
    known = document["vulnerabilities"]
    for number, listed in document["package_vulnerabilities"].items():
        for place, name in enumerate(listed if isinstance(listed, list) else ()):
            if str(name) not in known:
                pointer = at("package_vulnerabilities", number, place)
                yield Fault(pointer, "evidence.reference_broken", f"vulnerability {str(name)[:80]} does not exist")


def _detects(content: Content) -> bool:
    return holds(content.object, manifest_hash=str, packages=dict, vulnerabilities=dict, package_vulnerabilities=dict)


CLAIR: Final[Format] = report_format(NAME, _detects, read, faults=_faults, about=__doc__)
