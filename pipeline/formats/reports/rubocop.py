"""RuboCop JSON: offences in Ruby code by file."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "rubocop-json"


class _Place(msgspec.Struct, gc=False):
    start_line: int | None = 0
    line: int | None = 0


class _Offense(msgspec.Struct, gc=False):
    severity: str | None = ""
    message: str | None = ""
    cop_name: str = ""
    location: _Place | None = None


class _File(msgspec.Struct, gc=False):
    path: str = ""
    offenses: tuple[_Offense, ...] | None = ()


class _Metadata(msgspec.Struct, gc=False):
    rubocop_version: str | None = ""


class _Report(msgspec.Struct, gc=False):
    metadata: _Metadata | None = None
    files: tuple[_File, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the offences; a fatal one means that a file could not be checked.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    files = document.files or ()
    return report(
        f"{NAME}/{version}",
        "RuboCop",
        (
            result(
                "code",
                at("files", number, "offenses", place),
                rule=each.cop_name,
                severity=words.severity(each.severity),
                path=file.path,
                line=(each.location.start_line or each.location.line) if each.location else 0,
                message=each.message,
            )
            for number, file in enumerate(files)
            for place, each in enumerate(file.offenses or ())
        ),
        tool_version=document.metadata.rubocop_version if document.metadata else "",
        complete=all(each.severity != "fatal" for file in files for each in file.offenses or ()),
    )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, metadata=dict, files=list) and "rubocop_version" in document["metadata"]


RUBOCOP: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
