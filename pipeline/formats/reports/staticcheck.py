"""Staticcheck JSON lines (``-f json``): findings in Go code; those that a directive ignores are marked suppressed.

Clean code leaves an empty file: it is taken when the format is declared.
"""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.content import values
from pipeline.formats.decode import bound
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result, unreadable

NAME: Final = "staticcheck-json"


class _Position(msgspec.Struct, gc=False):
    file: str | None = ""
    line: int | None = 0


class _Finding(msgspec.Struct, gc=False):
    code: str = ""
    severity: str | None = ""
    location: _Position | None = None
    message: str | None = ""


_FINDING: Final = msgspec.json.Decoder(_Finding)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Staticcheck found; code that does not compile was not checked.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    try:
        findings = [_FINDING.decode(each) for each in values(data)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(NAME, str(error)) from error
    return report(
        f"{NAME}/{version}",
        "Staticcheck",
        (
            result(
                "code",
                at(place),
                rule=each.code,
                severity=words.severity(each.severity),
                path=each.location.file if each.location else "",
                line=each.location.line if each.location else 0,
                message=each.message,
                suppressed="ignored" if each.severity == "ignored" else "",
            )
            for place, each in enumerate(findings)
        ),
        complete=all(each.code != "compile" for each in findings),
    )


def _detects(content: Content) -> bool:
    found = (content.object,) if content.object else listed(content) if content.syntax == "json-lines" else ()
    return bool(found) and all(
        holds(each, code=str, severity=str, location=dict, end=dict, message=str) for each in found
    )


STATICCHECK: Final[Format] = report_format(NAME, _detects, read, blanks=("",), about=__doc__)
