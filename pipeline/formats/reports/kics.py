"""KICS JSON: misconfigurations in infrastructure code, one result for each file of each query.

Reports of KICS before 1.4, which do not tell its version, are read too.
"""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, identity, report, report_format, result

NAME: Final = "kics-json"
_SECRETS: Final = "passwords and secrets"


class _File(msgspec.Struct, gc=False):
    file_name: str | None = ""
    line: int | None = 0
    similarity_id: str | None = ""
    issue_type: str | None = ""


class _Query(msgspec.Struct, gc=False):
    query_name: str | None = ""
    query_id: str = ""
    severity: str | None = ""
    description: str | None = ""
    files: tuple[_File, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    kics_version: str | None = ""
    end: str | None = ""
    files_failed_to_scan: int | None = 0
    queries_failed_to_execute: int | None = 0
    queries: tuple[_Query, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def _secret(query: _Query) -> bool:
    return (query.query_name or "").lower().startswith(_SECRETS)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what KICS found; files or queries that failed make the report incomplete.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "KICS",
        (
            result(
                "secret" if _secret(query) else "misconfiguration",
                at("queries", number, "files", place),
                rule=query.query_id,
                severity=words.severity(query.severity),
                path=each.file_name,
                line=each.line,
                message=query.query_name if _secret(query) else query.description or query.query_name,
                fingerprint=each.similarity_id or identity(query.query_id, each.file_name or "", each.line or 0),
            )
            for number, query in enumerate(document.queries or ())
            for place, each in enumerate(query.files or ())
        ),
        tool_version=document.kics_version,
        created_at=document.end,
        complete=not document.files_failed_to_scan and not document.queries_failed_to_execute,
    )


def _detects(content: Content) -> bool:
    document = content.object
    counted = holds(document, files_scanned=int, queries_total=int, queries=list)
    return counted or (holds(document, kics_version=str) and "queries" in document)


KICS: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
