"""ShellCheck JSON (``json1`` and the older array): findings in shell scripts."""

from typing import Any, Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "shellcheck-json"


class _Comment(msgspec.Struct, gc=False):
    file: str | None = ""
    line: int | None = 0
    level: str | None = ""
    code: int = 0
    message: str | None = ""


class _Report(msgspec.Struct, gc=False):
    comments: tuple[_Comment, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report | tuple[_Comment, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give what ShellCheck found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    within = isinstance(document, _Report)
    comments = (document.comments or ()) if isinstance(document, _Report) else document
    return report(
        f"{NAME}/{version}",
        "ShellCheck",
        (
            result(
                "code",
                at("comments", place) if within else at(place),
                rule=f"SC{each.code}",
                severity=words.severity(each.level),
                path=each.file,
                line=each.line,
                message=each.message,
            )
            for place, each in enumerate(comments)
        ),
    )


def _comment(value: Any) -> bool:
    return holds(value, file=str, endLine=int, level=str, code=int)


def _detects(content: Content) -> bool:
    document = content.object
    if document:
        found = document.get("comments")
        return document.keys() == {"comments"} and isinstance(found, list) and all(map(_comment, found))
    rows = listed(content) if content.syntax == "json" else ()
    return bool(rows) and all(map(_comment, rows))


SHELLCHECK: Final[Format] = report_format(NAME, _detects, read, blanks=([],), about=__doc__)
