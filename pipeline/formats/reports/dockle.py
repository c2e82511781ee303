"""Dockle JSON: checks of an image against container best practices. Passed and skipped checks are no findings."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, references, report, report_format, result

NAME: Final = "dockle-json"
_NOTHING: Final = frozenset({"PASS", "SKIP"})


class _Detail(msgspec.Struct, gc=False):
    code: str = ""
    title: str | None = ""
    level: str | None = ""


class _Report(msgspec.Struct, gc=False):
    image: str | None = ""
    details: tuple[_Detail, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the checks that did not pass; alerts may quote credentials and are not read.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Dockle",
        (
            result(
                "misconfiguration",
                at("details", place),
                rule=each.code,
                severity=words.severity(each.level),
                message=each.title,
                suppressed="ignored" if (each.level or "").upper() == "IGNORE" else "",
            )
            for place, each in enumerate(document.details or ())
            if (each.level or "").upper() not in _NOTHING
        ),
        subjects=references(document.image),
    )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, summary=dict) and {"fatal", "warn", "info", "pass"} <= document["summary"].keys()


DOCKLE: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
