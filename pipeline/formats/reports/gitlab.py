"""GitLab security report JSON: the common schema of GitLab's analysers.

The report's ``scan.type`` says what it is evidence of; a scan whose status is not success is incomplete. Flags of
likely false positives are the tool's word, kept as suppressed.
"""

from typing import Any, Final

import msgspec

from cas.records.evidence import EvidenceKind
from cas.records.report import Category, ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, identity, references, report, report_format, result

NAME: Final = "gitlab-report-json"
_CATEGORIES: Final[dict[str, Category]] = {
    "sast": "code",
    "dast": "other",
    "api_fuzzing": "other",
    "coverage_fuzzing": "code",
    "dependency_scanning": "vulnerability",
    "container_scanning": "vulnerability",
    "cluster_image_scanning": "vulnerability",
    "secret_detection": "secret",
}


class _Named(msgspec.Struct, gc=False):
    name: str | None = ""
    type: str | None = ""
    value: str | None = ""


class _Dependency(msgspec.Struct, gc=False):
    package: _Named | None = None
    version: str | None = ""


class _Location(msgspec.Struct, gc=False):
    file: str | None = ""
    start_line: int | None = 0
    image: str | None = ""
    dependency: _Dependency | None = None


class _Flag(msgspec.Struct, gc=False):
    type: str | None = ""
    description: str | None = ""


class _Vulnerability(msgspec.Struct, gc=False):
    id: str | None = ""
    name: str | None = ""
    message: str | None = ""
    severity: str | None = ""
    identifiers: tuple[_Named, ...] | None = ()
    location: _Location | None = None
    flags: tuple[_Flag, ...] | None = ()


class _Scanner(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""


class _Scan(msgspec.Struct, gc=False):
    type: str | None = ""
    status: str | None = ""
    end_time: str | None = ""
    scanner: _Scanner | None = None


class _Report(msgspec.Struct, gc=False):
    scan: _Scan = msgspec.field(default_factory=_Scan)
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what the analyser found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    scanner = document.scan.scanner or _Scanner()
    listed = document.vulnerabilities or ()
    zone = "" if not document.scan.end_time or document.scan.end_time.endswith("Z") else "Z"
    return report(
        f"{NAME}/{version}",
        scanner.name or "GitLab",
        (_finding(document.scan, each, at("vulnerabilities", place)) for place, each in enumerate(listed)),
        tool_version=scanner.version,
        created_at=(document.scan.end_time or "") + zone,
        subjects=references(*(each.location.image for each in listed if each.location)),
        complete=document.scan.status == "success",
    )


def _finding(scan: _Scan, given: _Vulnerability, pointer: str) -> ReportedFinding:
    about = _CATEGORIES.get(scan.type or "", "other")
    where = given.location or _Location()
    package = where.dependency or _Dependency()
    identifiers = given.identifiers or ()
    rule = next((each.value for each in identifiers if each.value), given.id)
    secret = about == "secret"
    known = words.names(*(each.value for each in identifiers), *(each.name for each in identifiers))
    return result(
        about,
        pointer,
        rule=rule,
        names=known if about == "vulnerability" else (),
        severity=words.severity(given.severity),
        package=package.package.name if package.package else "",
        version=package.version,
        path=where.file or where.image,
        line=where.start_line,
        message=next((each.name for each in identifiers if each.name), "") if secret else given.name or given.message,
        suppressed="; ".join(filter(None, (each.description or each.type for each in given.flags or ()))),
        fingerprint=identity(rule or "", where.file or "", where.start_line or 0) if secret else given.id,
    )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, scan=dict, version=str, vulnerabilities=list) and holds(document["scan"], type=str)


def _kind(content: Content) -> EvidenceKind:
    scan: Any = content.object["scan"]
    return "secrets" if scan.get("type") == "secret_detection" else "findings"


GITLAB_REPORT: Final[Format] = report_format(NAME, _detects, read, _kind, about=__doc__)
