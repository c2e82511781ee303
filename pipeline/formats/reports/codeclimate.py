"""Code Climate issues, as GitLab's Code Quality takes them: an array of issues with severity, place and fingerprint."""

from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "codeclimate-json"


class _Position(msgspec.Struct, gc=False):
    line: int | None = 0


class _Positions(msgspec.Struct, gc=False):
    begin: _Position | int | None = None


class _Lines(msgspec.Struct, gc=False):
    begin: int | None = 0


class _Location(msgspec.Struct, gc=False):
    path: str | None = ""
    lines: _Lines | None = None
    positions: _Positions | None = None


class _Issue(msgspec.Struct, gc=False):
    check_name: str | None = ""
    description: str | None = ""
    fingerprint: str | None = ""
    severity: str | None = ""
    location: _Location | None = None


_REPORT: Final = msgspec.json.Decoder(tuple[_Issue, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the issues.

    Raises: evidence.unreadable, cas.too_large
    """
    issues = typed(data, _REPORT, NAME)
    return report(f"{NAME}/{version}", "Code Climate", (_finding(each, at(place)) for place, each in enumerate(issues)))


def _finding(issue: _Issue, pointer: str) -> ReportedFinding:
    where = issue.location or _Location()
    begin = where.positions.begin if where.positions else None
    line = where.lines.begin if where.lines else begin.line if isinstance(begin, _Position) else begin
    return result(
        "code",
        pointer,
        rule=issue.check_name,
        severity=words.severity(issue.severity),
        path=where.path,
        line=line,
        message=issue.description,
        fingerprint=issue.fingerprint,
    )


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(holds(each, description=str, location=dict, fingerprint=str) for each in found)


CODECLIMATE: Final[Format] = report_format(NAME, _detects, read, blanks=([],), about=__doc__)
