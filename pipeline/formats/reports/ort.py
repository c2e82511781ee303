"""ORT analyzer result (JSON): packages with their declared licences, as ORT mapped them to SPDX.

Declared texts that ORT could not map stay in as they are. Issues of severity ERROR make the report incomplete.
The evaluated model is [ort-evaluated-json](ort-evaluated-json.md).
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.licenses import licensed
from pipeline.formats.reports.report import at, holds, report, report_format

NAME: Final = "ort-json"


class _Processed(msgspec.Struct, gc=False):
    spdx_expression: str | None = ""
    unmapped: tuple[str, ...] | None = ()


class _Package(msgspec.Struct, gc=False):
    id: str = ""
    purl: str | None = ""
    declared_licenses_processed: _Processed | None = None


class _Issue(msgspec.Struct, gc=False):
    severity: str | None = ""


class _Result(msgspec.Struct, gc=False):
    packages: tuple[_Package, ...] | None = ()
    issues: dict[str, tuple[_Issue, ...]] | None = None


class _Analyzer(msgspec.Struct, gc=False):
    start_time: str | None = ""
    end_time: str | None = ""
    result: _Result = msgspec.field(default_factory=_Result)


class _Report(msgspec.Struct, gc=False):
    analyzer: _Analyzer = msgspec.field(default_factory=_Analyzer)


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the licences of packages.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME).analyzer
    issues = [each for listed in (document.result.issues or {}).values() for each in listed]
    return report(
        f"{NAME}/{version}",
        "ORT",
        _findings(document.result),
        created_at=document.end_time or document.start_time,
        complete=all(each.severity != "ERROR" for each in issues),
    )


def _findings(found: _Result) -> Iterator[ReportedFinding]:
    for place, each in enumerate(found.packages or ()):
        told = each.declared_licenses_processed or _Processed()
        kind, _, rest = each.id.partition(":")
        name, _, version = rest.rpartition(":")
        pointer = at("analyzer", "result", "packages", place)
        licenses = (told.spdx_expression, *(told.unmapped or ()))
        yield licensed(
            pointer, kind.lower(), name.replace(":", "/").strip("/"), version, licenses, purl=each.purl or ""
        )


def _detects(content: Content) -> bool:
    analyzer: Any = content.object.get("analyzer")
    return holds(analyzer, result=dict) and "packages" in analyzer["result"]


ORT: Final[Format] = report_format(NAME, _detects, read, "licenses", about=__doc__)
