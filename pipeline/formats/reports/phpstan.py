"""PHPStan JSON: errors in PHP code by file. Errors outside of files mean that PHPStan did not finish."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "phpstan-json"


class _Message(msgspec.Struct, gc=False):
    message: str | None = ""
    line: int | None = 0
    identifier: str | None = ""


class _File(msgspec.Struct, gc=False):
    messages: tuple[_Message, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    files: dict[str, _File] | tuple[_File, ...] | None = None  # PHP writes an empty map as an empty list
    errors: tuple[str, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the errors; PHPStan knows no severities: each is medium.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    files = document.files if isinstance(document.files, dict) else {}
    return report(
        f"{NAME}/{version}",
        "PHPStan",
        (
            result(
                "code",
                at("files", path, "messages", place),
                rule=each.identifier,
                severity="medium",
                path=path,
                line=each.line,
                message=each.message,
            )
            for path, file in files.items()
            for place, each in enumerate(file.messages or ())
        ),
        complete=not document.errors,
    )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, totals=dict, errors=list) and "file_errors" in document["totals"]


PHPSTAN: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
