"""Stylelint JSON: problems in style sheets by file. A parse error means that a file was not checked."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "stylelint-json"


class _Warning(msgspec.Struct, gc=False):
    line: int | None = 0
    rule: str = ""
    severity: str | None = ""
    text: str | None = ""


class _File(msgspec.Struct, gc=False, rename="camel"):
    source: str | None = ""
    warnings: tuple[_Warning, ...] | None = ()
    parse_errors: tuple[_Warning, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(tuple[_File, ...])
_SYNTAX: Final = "CssSyntaxError"


def read(data: bytes, version: str) -> ReportFacts:
    """Give the problems.

    Raises: evidence.unreadable, cas.too_large
    """
    files = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Stylelint",
        (
            result(
                "code",
                at(number, "warnings", place),
                rule=each.rule,
                severity=words.severity(each.severity),
                path=file.source,
                line=each.line,
                message=each.text,
            )
            for number, file in enumerate(files)
            for place, each in enumerate(file.warnings or ())
        ),
        complete=not any(
            file.parse_errors or any(each.rule == _SYNTAX for each in file.warnings or ()) for file in files
        ),
    )


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(holds(each, warnings=list, invalidOptionWarnings=list) for each in found)


STYLELINT: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
