"""GitLab security report JSON: the common schema of GitLab's analysers.

The report's ``scan.type`` says what it is evidence of; a scan whose status is not success is incomplete. Flags of
likely false positives are the tool's word, kept as suppressed.

Reports of schema 2 to 15 are read. Before schema 15 a report could come without ``scan``: then the category of each
vulnerability says what it is, and nothing says that the scan failed. Such a report without vulnerabilities tells no
category: it is taken when the format is declared. Without either the report breaks GitLab's schema and is not known.

Version 2 is a report of a web scan, or one whose vulnerabilities go without name and message: the address is then the
path, and the description the message.
"""

from typing import Any, Final

import msgspec

from cas.records.evidence import EvidenceKind
from cas.records.report import Category, ReportedFinding, ReportFacts
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import (
    MAX_MESSAGE,
    MAX_TEXT,
    at,
    holds,
    identity,
    references,
    report,
    report_format,
    result,
)

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


_WEB: Final = frozenset({"dast", "api_fuzzing"})


class _Named(msgspec.Struct, gc=False):
    name: str | None = ""
    type: str | None = ""
    value: str | int | None = ""  # some analysers write the number of a CWE as one


class _Dependency(msgspec.Struct, gc=False):
    package: _Named | None = None
    version: str | None = ""


class _Location(msgspec.Struct, gc=False):
    file: str | None = ""
    hostname: str | None = ""
    path: str | None = ""
    start_line: int | None = 0
    image: str | None = ""
    dependency: _Dependency | None = None


class _Flag(msgspec.Struct, gc=False):
    type: str | None = ""
    description: str | None = ""


class _Scanner(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""


class _Vulnerability(msgspec.Struct, gc=False):
    id: str | None = ""
    category: str | None = ""
    scanner: _Scanner | None = None
    name: str | None = ""
    message: str | None = ""
    severity: str | None = ""
    identifiers: tuple[_Named, ...] | None = ()
    description: str | None = ""
    location: _Location | None = None
    flags: tuple[_Flag, ...] | None = ()


class _Scan(msgspec.Struct, gc=False):
    type: str | None = ""
    status: str | None = ""
    end_time: str | None = ""
    scanner: _Scanner | None = None


class _Report(msgspec.Struct, gc=False):
    scan: _Scan | None = None
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what the analyser found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    listed = document.vulnerabilities or ()
    scan = document.scan or _Scan(status="success", scanner=next((each.scanner for each in listed), None))
    scanner = scan.scanner or _Scanner()
    zone = "" if not scan.end_time or scan.end_time.endswith("Z") else "Z"
    found = (
        (each, _finding(scan.type if document.scan else each.category, each, at("vulnerabilities", place)))
        for place, each in enumerate(listed)
    )
    return report(
        f"{NAME}/{version}",
        scanner.name or "GitLab",
        (_placed(each, one) if version == "2" else one for each, one in found),
        tool_version=scanner.version,
        created_at=(scan.end_time or "") + zone,
        subjects=references(*(each.location.image for each in listed if each.location)),
        complete=scan.status == "success",
    )


def _finding(scanned: str | None, given: _Vulnerability, pointer: str) -> ReportedFinding:
    about = _CATEGORIES.get(scanned or "", "other")
    where = given.location or _Location()
    package = where.dependency or _Dependency()
    identifiers = given.identifiers or ()
    values = [str(each.value) for each in identifiers if each.value]
    rule = next(iter(values), given.id)
    secret = about == "secret"
    known = words.names(*values, *(each.name for each in identifiers))
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


def _placed(given: _Vulnerability, found: ReportedFinding) -> ReportedFinding:
    """Give address and description to a finding that has no path and no message of its own."""
    where = given.location or _Location()
    address = fit(f"{where.hostname or ''}{where.path or ''}", MAX_TEXT)
    told = "" if found.category == "secret" else fit(given.description or "", MAX_MESSAGE).strip()
    return msgspec.structs.replace(found, path=found.path or address, message=found.message or told)


def _version(content: Content) -> str:
    scan, listed = content.object.get("scan") or {}, content.object["vulnerabilities"]
    bare = any(isinstance(each, dict) and not each.get("name") and not each.get("message") for each in listed)
    return "2" if bare or scan.get("type") in _WEB else "1"


def _detects(content: Content) -> bool:
    document = content.object
    if not holds(document, version=str, vulnerabilities=list):
        return False
    if "scan" in document:
        return holds(document["scan"], type=str)
    listed = document["vulnerabilities"]
    return bool(listed) and all(_without_scan(each) for each in listed)


def _without_scan(value: Any) -> bool:
    return holds(value, category=str, location=dict, identifiers=list) and value["category"] in _CATEGORIES


def _kind(content: Content) -> EvidenceKind:
    scan: Any = content.object.get("scan")
    listed = content.object["vulnerabilities"]
    told = {scan.get("type")} if scan is not None else {each.get("category") for each in listed}
    return "secrets" if told == {"secret_detection"} else "findings"


_EMPTY: Final[tuple[dict[str, Any], ...]] = (
    {"vulnerabilities": []},
    {"vulnerabilities": [], "remediations": []},
    {"vulnerabilities": [], "remediations": [], "dependency_files": []},
)
_BLANKS: Final = tuple(
    {"version": version, **each} for version in ("2.0", "2.1", "2.2", "2.3", "2.4", "3.0") for each in _EMPTY
)
GITLAB_REPORT: Final[Format] = report_format(
    NAME, _detects, read, _kind, version=_version, versions=("1", "2"), blanks=_BLANKS, about=__doc__
)
