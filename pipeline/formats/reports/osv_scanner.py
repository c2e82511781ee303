"""osv-scanner JSON: packages of each source with their OSV records, grouped by vulnerability.

One result for each group of aliases in each package; its score is the group's ``max_severity``. Version 0 is a report
of an osv-scanner that did not write that yet: the severity is then the worst that the records' databases give. Call
analysis that says a vulnerable symbol is not called is kept as the tool's own word, as suppressed.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts, Severity
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, references, report, report_format, result

NAME: Final = "osv-scanner-json"


class _Source(msgspec.Struct, gc=False):
    path: str | None = ""
    type: str | None = ""


class _Package(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""
    ecosystem: str | None = ""


class _Event(msgspec.Struct, gc=False):
    fixed: str | None = ""


class _Range(msgspec.Struct, gc=False):
    events: tuple[_Event, ...] | None = ()


class _Affected(msgspec.Struct, gc=False):
    package: _Package | None = None
    ranges: tuple[_Range, ...] | None = ()


class _Vulnerability(msgspec.Struct, gc=False):
    id: str = ""
    aliases: tuple[str, ...] | None = ()
    summary: str | None = ""
    affected: tuple[_Affected, ...] | None = ()
    database_specific: Any = None


class _Analysis(msgspec.Struct, gc=False):
    called: bool | None = None
    unimportant: bool | None = None


class _Group(msgspec.Struct, gc=False):
    ids: tuple[str, ...] | None = ()
    aliases: tuple[str, ...] | None = ()
    max_severity: str | None = ""
    experimental_analysis: dict[str, _Analysis] | None = msgspec.field(default=None, name="experimentalAnalysis")


class _Found(msgspec.Struct, gc=False):
    package: _Package = msgspec.field(default_factory=_Package)
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()
    groups: tuple[_Group, ...] | None = ()


class _Result(msgspec.Struct, gc=False):
    source: _Source = msgspec.field(default_factory=_Source)
    packages: tuple[_Found, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    results: tuple[_Result, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what osv-scanner found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "osv-scanner",
        (
            found
            for number, each in enumerate(document.results or ())
            for place, package in enumerate(each.packages or ())
            for found in _findings(each.source, package, at("results", number, "packages", place), told=version == "0")
        ),
        subjects=references(*(each.source.path for each in document.results or ())),
    )


def _findings(source: _Source, found: _Found, pointer: str, *, told: bool) -> Iterator[ReportedFinding]:
    by_id = {each.id: (place, each) for place, each in enumerate(found.vulnerabilities or ())}
    groups = found.groups or tuple(_Group(ids=(each.id,)) for each in found.vulnerabilities or ())
    for group in groups:
        listed = [by_id[name] for name in group.ids or () if name in by_id]
        if listed:
            one = _finding(source, found.package, group, listed, pointer)
            yield msgspec.structs.replace(one, severity=_told(listed)) if told else one


def _finding(
    source: _Source, package: _Package, group: _Group, listed: list[tuple[int, _Vulnerability]], pointer: str
) -> ReportedFinding:
    place, shown = listed[0]
    names = [name for _, each in listed for name in (each.id, *(each.aliases or ()))]
    analysed = tuple((group.experimental_analysis or {}).values())
    why = "not called" if analysed and all(each.called is False for each in analysed) else ""
    kind = words.purl_type(package.ecosystem or "")
    return result(
        "vulnerability",
        pointer + at("vulnerabilities", place),
        rule=shown.id,
        names=words.named(*names, *(group.aliases or ())),
        score=words.tenths(group.max_severity),
        purl=words.package_url(kind, package.name or "", package.version or ""),
        package=package.name,
        version=package.version,
        fixed_in=_fixed(shown, package),
        path=source.path,
        message=shown.summary,
        suppressed=why or ("unimportant" if analysed and all(each.unimportant for each in analysed) else ""),
    )


def _told(listed: list[tuple[int, _Vulnerability]]) -> Severity:
    """Give the worst severity that the databases of the records say in their own words."""
    own = [each.database_specific for _, each in listed if isinstance(each.database_specific, dict)]
    return words.worst(words.severity(each["severity"]) for each in own if isinstance(each.get("severity"), str))


def _fixed(given: _Vulnerability, package: _Package) -> Iterator[str]:
    for affected in given.affected or ():
        about = affected.package
        if about is not None and about.name == package.name and about.ecosystem == package.ecosystem:
            for event in (event for each in affected.ranges or () for event in each.events or ()):
                yield event.fixed or ""


def _detects(content: Content) -> bool:
    results = content.object.get("results")
    if not isinstance(results, list):
        return False
    if not results:
        return "experimental_config" in content.object
    return all(holds(each, source=dict, packages=list) for each in results)


def _version(content: Content) -> str:
    packages = [found for each in content.object["results"] for found in each["packages"] if isinstance(found, dict)]
    groups = [group for each in packages for group in each.get("groups") or () if isinstance(group, dict)]
    return "0" if packages and not any("max_severity" in each for each in groups) else "1"


OSV_SCANNER: Final[Format] = report_format(
    NAME, _detects, read, version=_version, versions=("0", "1"), blanks=({"results": []},), about=__doc__
)
