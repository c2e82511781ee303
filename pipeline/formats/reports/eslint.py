"""ESLint JSON: problems by file; suppressed messages are kept with their justification.

A fatal message means that a file could not be parsed: the report is then incomplete.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "eslint-json"
_ERROR: Final = 2


class _Suppression(msgspec.Struct, gc=False):
    kind: str | None = ""
    justification: str | None = ""


class _Message(msgspec.Struct, gc=False, rename="camel"):
    rule_id: str | None = None
    severity: int = 0
    message: str | None = ""
    line: int | None = 0
    fatal: bool | None = False
    suppressions: tuple[_Suppression, ...] | None = ()


class _File(msgspec.Struct, gc=False, rename="camel"):
    file_path: str = ""
    messages: tuple[_Message, ...] | None = ()
    suppressed_messages: tuple[_Message, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(tuple[_File, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give what ESLint found.

    Raises: evidence.unreadable, cas.too_large
    """
    files = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "ESLint",
        (found for place, each in enumerate(files) for found in _findings(each, at(place))),
        complete=not any(each.fatal for file in files for each in file.messages or ()),
    )


def _findings(file: _File, pointer: str) -> Iterator[ReportedFinding]:
    for member, messages in (("messages", file.messages), ("suppressedMessages", file.suppressed_messages)):
        for place, each in enumerate(messages or ()):
            why = "; ".join(f"{one.kind}: {one.justification or 'no reason given'}" for one in each.suppressions or ())
            yield result(
                "code",
                pointer + at(member, place),
                rule=each.rule_id or ("fatal" if each.fatal else ""),
                severity="high" if each.severity >= _ERROR else "medium",
                path=file.file_path,
                line=each.line,
                message=each.message,
                suppressed=why if member == "suppressedMessages" else "",
            )


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(holds(each, filePath=str, messages=list, errorCount=int) for each in found)


ESLINT: Final[Format] = report_format(NAME, _detects, read, blanks=([],), about=__doc__)
