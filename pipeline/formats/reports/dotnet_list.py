"""``dotnet list package --vulnerable --format json`` (.NET SDK 8 and later): packages with known vulnerabilities.

The same listing with ``--deprecated`` or ``--outdated`` is no audit, and not known. A project with problems of level
error was not looked at: the report is then incomplete.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "dotnet-list-json"


class _Vulnerability(msgspec.Struct, gc=False):
    severity: str | None = ""
    url: str | None = msgspec.field(default="", name="advisoryurl")


class _Package(msgspec.Struct, gc=False, rename="camel"):
    id: str = ""
    resolved_version: str | None = ""
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()


class _Framework(msgspec.Struct, gc=False, rename="camel"):
    top_level_packages: tuple[_Package, ...] | None = ()
    transitive_packages: tuple[_Package, ...] | None = ()


class _Project(msgspec.Struct, gc=False):
    path: str | None = ""
    frameworks: tuple[_Framework, ...] | None = ()


class _Problem(msgspec.Struct, gc=False):
    level: str | None = ""


class _Report(msgspec.Struct, gc=False):
    projects: tuple[_Project, ...] | None = ()
    problems: tuple[_Problem, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of all projects.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "dotnet list package",
        (
            found
            for number, project in enumerate(document.projects or ())
            for place, each in enumerate(project.frameworks or ())
            for found in _findings(project, each, at("projects", number, "frameworks", place))
        ),
        complete=all((each.level or "").lower() != "error" for each in document.problems or ()),
    )


def _findings(project: _Project, given: _Framework, pointer: str) -> Iterator[ReportedFinding]:
    held = (("topLevelPackages", given.top_level_packages), ("transitivePackages", given.transitive_packages))
    for member, packages in held:
        for number, package in enumerate(packages or ()):
            for place, each in enumerate(package.vulnerabilities or ()):
                names = words.names(each.url)
                yield result(
                    "vulnerability",
                    f"{pointer}{at(member, number, 'vulnerabilities', place)}",
                    rule=next(iter(names), each.url),
                    names=names,
                    severity=words.severity(each.severity),
                    purl=words.package_url("nuget", package.id, package.resolved_version or ""),
                    package=package.id,
                    version=package.resolved_version,
                    path=project.path,
                    message=each.url,
                )


def _detects(content: Content) -> bool:
    document = content.object
    return (
        holds(document, version=int, parameters=str, projects=list)
        and "--vulnerable" in document["parameters"].split()
        and all(holds(each, path=str) for each in document["projects"])
    )


DOTNET_LIST: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
