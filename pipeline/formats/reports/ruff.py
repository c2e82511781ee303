"""Ruff JSON: findings in Python code. A finding without a code is a syntax error: that file was not checked."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "ruff-json"
_SYNTAX: Final = frozenset({None, "", "E999", "invalid-syntax"})


class _Position(msgspec.Struct, gc=False):
    row: int | None = 0


class _Finding(msgspec.Struct, gc=False):
    code: str | None = None
    message: str | None = ""
    filename: str | None = ""
    location: _Position | None = None


_REPORT: Final = msgspec.json.Decoder(tuple[_Finding, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Ruff found; it knows no severities: security rules (``S``) are medium, all others low.

    Raises: evidence.unreadable, cas.too_large
    """
    findings = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Ruff",
        (
            result(
                "code",
                at(place),
                rule=each.code,
                severity="medium" if (each.code or "")[:1] == "S" and (each.code or "")[1:2].isdigit() else "low",
                path=each.filename,
                line=each.location.row if each.location else 0,
                message=each.message,
            )
            for place, each in enumerate(findings)
        ),
        complete=all(each.code not in _SYNTAX for each in findings),
    )


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(holds(each, filename=str, location=dict, end_location=dict) for each in found)


RUFF: Final[Format] = report_format(NAME, _detects, read, blanks=([],), about=__doc__)
