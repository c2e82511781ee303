"""Bandit JSON: security findings in Python code. A file that Bandit could not read makes the report incomplete."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, identity, report, report_format, result

NAME: Final = "bandit-json"
_PASSWORDS: Final = frozenset({"B105", "B106", "B107"})


class _Error(msgspec.Struct, gc=False):
    reason: str | None = ""


class _Result(msgspec.Struct, gc=False):
    test_id: str = ""
    test_name: str | None = ""
    filename: str | None = ""
    line_number: int | None = 0
    issue_severity: str | None = ""
    issue_text: str | None = ""


class _Report(msgspec.Struct, gc=False):
    generated_at: str | None = ""
    errors: tuple[_Error, ...] | None = ()
    results: tuple[_Result, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Bandit found; hard-coded passwords are of category secret, and the text that quotes them is not kept.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Bandit",
        (
            result(
                "secret" if each.test_id in _PASSWORDS else "code",
                at("results", place),
                rule=each.test_id,
                severity=words.severity(each.issue_severity),
                path=each.filename,
                line=each.line_number,
                message=each.test_name if each.test_id in _PASSWORDS else each.issue_text,
                fingerprint=identity(each.test_id, each.filename or "", each.line_number or 0),
            )
            for place, each in enumerate(document.results or ())
        ),
        created_at=document.generated_at,
        complete=not document.errors,
    )


def _detects(content: Content) -> bool:
    return holds(content.object, results=list, metrics=dict, generated_at=str)


BANDIT: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
