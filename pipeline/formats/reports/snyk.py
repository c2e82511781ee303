"""Snyk ``test --json``: open source and container tests, one project or an array of them.

Issues of licence policy are results of category license. What a ``.snyk`` policy or the user filtered out is kept and
marked suppressed. A test that ended in an error is incomplete.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.evidence import EvidenceKind
from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import bound, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, first, holds, references, report, report_format, result

NAME: Final = "snyk-json"


class _Identifiers(msgspec.Struct, gc=False, rename="upper"):
    cve: tuple[str, ...] | None = ()
    ghsa: tuple[str, ...] | None = ()


class _Issue(msgspec.Struct, gc=False, rename="camel"):
    id: str = ""
    title: str | None = ""
    type: str | None = ""
    license: str | None = ""
    severity: str | None = ""
    cvss_score: float | None = None
    identifiers: _Identifiers | None = None
    package_name: str | None = ""
    name: str | None = ""
    version: str | None = ""
    fixed_in: tuple[str, ...] | None = ()
    nearest_fixed_in_version: str | None = ""
    from_: tuple[str, ...] | None = msgspec.field(default=(), name="from")
    purl: str | None = ""
    package_manager: str | None = ""
    docker_base_image: str | None = ""
    filtered: Any = None


class _Filtered(msgspec.Struct, gc=False):
    ignore: tuple[_Issue, ...] | None = ()
    patch: tuple[_Issue, ...] | None = ()


class _Project(msgspec.Struct, gc=False, rename="camel"):
    vulnerabilities: tuple[_Issue, ...] | None = None
    filtered: _Filtered | None = None
    package_manager: str | None = ""
    display_target_file: str | None = ""
    target_file: str | None = ""
    error: str | None = ""
    docker: Any = None
    path: str | None = ""
    applications: tuple["_Project", ...] | None = ()


_ONE: Final = msgspec.json.Decoder(_Project)
_MANY: Final = msgspec.json.Decoder(tuple[_Project, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Snyk's tests found.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    many = data.lstrip()[:1] == b"["
    projects = typed(data, _MANY, NAME) if many else (typed(data, _ONE, NAME),)
    placed = [(at(place) if many else "", each) for place, each in enumerate(projects)]
    placed += [
        (pointer + at("applications", place), each)
        for pointer, project in tuple(placed)
        for place, each in enumerate(project.applications or ())
    ]
    return report(
        f"{NAME}/{version}",
        "Snyk",
        (found for pointer, project in placed for found in _findings(project, pointer)),
        subjects=references(*(text for _, project in placed for text in _images(project))),
        complete=all(not each.error and each.vulnerabilities is not None for _, each in placed),
    )


def _images(project: _Project) -> Iterator[str]:
    yield project.path or ""
    if isinstance(project.docker, dict) and isinstance(project.docker.get("imageId"), str):
        yield project.docker["imageId"]


def _findings(project: _Project, pointer: str) -> Iterator[ReportedFinding]:
    for place, each in enumerate(project.vulnerabilities or ()):
        yield _finding(project, each, pointer + at("vulnerabilities", place), "")
    left = project.filtered or _Filtered()
    for place, each in enumerate(left.ignore or ()):
        yield _finding(project, each, pointer + at("filtered", "ignore", place), _why(each))
    for place, each in enumerate(left.patch or ()):
        yield _finding(project, each, pointer + at("filtered", "patch", place), "patched")


def _why(issue: _Issue) -> str:
    told = issue.filtered if isinstance(issue.filtered, dict) else {}
    ignored = told.get("ignored")
    reasons = [each.get("reason") for each in ignored if isinstance(each, dict)] if isinstance(ignored, list) else []
    return "ignored: " + ("; ".join(each for each in reasons if isinstance(each, str)) or "no reason given")


def _finding(project: _Project, issue: _Issue, pointer: str, suppressed: str) -> ReportedFinding:
    named = issue.identifiers or _Identifiers()
    licence = issue.type == "license" or bool(issue.license)
    package = issue.package_name or issue.name or ""
    manager = issue.package_manager or project.package_manager or ""
    return result(
        "license" if licence else "vulnerability",
        pointer,
        rule=issue.license or issue.id if licence else issue.id,
        names=() if licence else words.named(issue.id, *(named.cve or ()), *(named.ghsa or ())),
        severity=words.severity(issue.severity),
        score=None if licence else words.tenths(issue.cvss_score),
        purl=issue.purl or words.package_url(words.purl_type(manager), package, issue.version or ""),
        package=package,
        version=issue.version,
        fixed_in=(*(issue.fixed_in or ()), issue.nearest_fixed_in_version),
        path=project.display_target_file or project.target_file,
        message=issue.title,
        suppressed=suppressed,
        flow=(issue.from_ or ()),
    )


def _project(value: Any) -> bool:
    if holds(value, ok=bool, error=str, path=str) and "vulnerabilities" not in value:
        return True
    marks = {"dependencyCount", "packageManager", "projectName", "displayTargetFile", "uniqueCount"}
    return holds(value, vulnerabilities=list, ok=bool) and bool(marks & value.keys())


def _detects(content: Content) -> bool:
    return _project(content.object or (first(content) if content.syntax == "json" else {}))


def _kind(_content: Content) -> EvidenceKind:
    return "findings"


SNYK: Final[Format] = report_format(NAME, _detects, read, _kind, about=__doc__)
