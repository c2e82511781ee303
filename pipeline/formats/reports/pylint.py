"""Pylint JSON (``--output-format=json`` and ``json2``): messages. A fatal one means that Pylint did not finish."""

from typing import Any, Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "pylint-json"


class _Message(msgspec.Struct, gc=False, rename={"message_id": "messageId", "old_id": "message-id"}):
    type: str = ""
    symbol: str | None = ""
    message: str | None = ""
    message_id: str | None = ""
    old_id: str | None = ""
    path: str | None = ""
    line: int | None = 0


class _Report(msgspec.Struct, gc=False):
    messages: tuple[_Message, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report | tuple[_Message, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the messages.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    within = isinstance(document, _Report)
    messages = (document.messages or ()) if isinstance(document, _Report) else document
    return report(
        f"{NAME}/{version}",
        "Pylint",
        (
            result(
                "code",
                at("messages", place) if within else at(place),
                rule=each.message_id or each.old_id or each.symbol,
                severity=words.severity(each.type),
                path=each.path,
                line=each.line,
                message=each.message,
            )
            for place, each in enumerate(messages)
        ),
        complete=all(each.type != "fatal" for each in messages),
    )


def _message(value: Any) -> bool:
    return holds(value, type=str, module=str, symbol=str, path=str)


def _detects(content: Content) -> bool:
    if content.object:
        return (
            holds(content.object, messages=list, statistics=dict) and "messageTypeCount" in content.object["statistics"]
        )
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(map(_message, found))


PYLINT: Final[Format] = report_format(NAME, _detects, read, blanks=([],), about=__doc__)
