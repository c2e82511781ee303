"""ScanCode JSON: packages with their declared licence, and files with what was detected in them.

Errors of the scan make the report incomplete.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.licenses import licensed
from pipeline.formats.reports.report import at, holds, report, report_format

NAME: Final = "scancode-json"


class _Header(msgspec.Struct, gc=False):
    tool_version: str | None = ""
    end_timestamp: str | None = ""
    errors: tuple[Any, ...] | None = ()


class _Package(msgspec.Struct, gc=False):
    purl: str | None = ""
    type: str | None = ""
    name: str | None = ""
    version: str | None = ""
    declared_license_expression_spdx: str | None = ""


class _File(msgspec.Struct, gc=False):
    path: str = ""
    detected_license_expression_spdx: str | None = ""
    scan_errors: tuple[str, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    headers: tuple[_Header, ...] | None = ()
    packages: tuple[_Package, ...] | None = ()
    files: tuple[_File, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the licences of packages and files.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    header = next(iter(document.headers or ()), _Header())
    broken = bool(header.errors) or any(each.scan_errors for each in document.files or ())
    return report(
        f"{NAME}/{version}",
        "ScanCode",
        _findings(document),
        tool_version=header.tool_version,
        complete=not broken,
    )


def _findings(document: _Report) -> Iterator[ReportedFinding]:
    for place, each in enumerate(document.packages or ()):
        told = (each.declared_license_expression_spdx,)
        yield licensed(at("packages", place), each.type or "", each.name, each.version, told, purl=each.purl or "")
    for place, file in enumerate(document.files or ()):
        if file.detected_license_expression_spdx:
            told = (file.detected_license_expression_spdx,)
            yield licensed(at("files", place), "", "", "", told, path=file.path)


def _detects(content: Content) -> bool:
    headers = content.object.get("headers")
    head = headers[0] if isinstance(headers, list) and headers else None
    return holds(head, tool_name=str) and "scancode" in head["tool_name"]


SCANCODE: Final[Format] = report_format(NAME, _detects, read, "licenses", about=__doc__)
