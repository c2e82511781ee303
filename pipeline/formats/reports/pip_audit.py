"""pip-audit JSON: dependencies with their vulnerabilities.

Three forms are read: an object with ``dependencies`` and ``fixes``, one with ``dependencies`` alone, and a bare array
of dependencies, as older versions wrote it. One that lists no dependency at all (``[]``, ``{"dependencies": []}``) may
be any tool's: it is taken when the format is declared.

A dependency that pip-audit skipped was not looked at: the report is then incomplete.
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, first, holds, report, report_format, result

NAME: Final = "pip-audit-json"


class _Vulnerability(msgspec.Struct, gc=False):
    id: str = ""
    aliases: tuple[str, ...] | None = ()
    fix_versions: tuple[str, ...] | None = ()
    description: str | None = ""


class _Dependency(msgspec.Struct, gc=False):
    name: str = ""
    version: str | None = ""
    skip_reason: str | None = ""
    vulns: tuple[_Vulnerability, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    dependencies: tuple[_Dependency, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report | tuple[_Dependency, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the vulnerabilities of the dependencies; before pip-audit 2.6 these were the whole document.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    within = isinstance(document, _Report)
    dependencies = (document.dependencies or ()) if isinstance(document, _Report) else document
    return report(
        f"{NAME}/{version}",
        "pip-audit",
        (
            result(
                "vulnerability",
                (at("dependencies", number) if within else at(number)) + at("vulns", place),
                rule=each.id,
                names=words.named(each.id, *(each.aliases or ())),
                purl=words.package_url("pypi", dependency.name, dependency.version or ""),
                package=dependency.name,
                version=dependency.version,
                fixed_in=each.fix_versions or (),
                message=each.description,
            )
            for number, dependency in enumerate(dependencies)
            for place, each in enumerate(dependency.vulns or ())
        ),
        complete=all(not each.skip_reason for each in dependencies),
    )


def _dependency(value: Any) -> bool:
    return holds(value, name=str) and ("vulns" in value or "skip_reason" in value)


def _detects(content: Content) -> bool:
    document = content.object
    if not document:
        return content.syntax == "json" and _dependency(first(content)) and "fix_versions" not in first(content)
    listed = document.get("dependencies")
    told = "fixes" in document or (bool(listed) and len(document) == 1)
    return isinstance(listed, list) and told and all(map(_dependency, listed))


PIP_AUDIT: Final[Format] = report_format(NAME, _detects, read, blanks=([], {"dependencies": []}), about=__doc__)
