"""golangci-lint JSON: findings of its linters in Go code; a linter's error makes the report incomplete."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, report, report_format, result

NAME: Final = "golangci-lint-json"


class _Position(msgspec.Struct, gc=False, rename="pascal"):
    filename: str | None = ""
    line: int | None = 0


class _Issue(msgspec.Struct, gc=False, rename="pascal"):
    from_linter: str = ""
    text: str | None = ""
    severity: str | None = ""
    pos: _Position | None = None


class _About(msgspec.Struct, gc=False, rename="pascal"):
    error: str | None = ""


class _Report(msgspec.Struct, gc=False, rename="pascal"):
    issues: tuple[_Issue, ...] | None = ()
    report: _About | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what the linters found; without a severity of its own an issue is medium, as a warning.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "golangci-lint",
        (
            result(
                "code",
                at("Issues", place),
                rule=each.from_linter,
                severity=words.severity(each.severity or "warning"),
                path=each.pos.filename if each.pos else "",
                line=each.pos.line if each.pos else 0,
                message=each.text,
            )
            for place, each in enumerate(document.issues or ())
        ),
        complete=not (document.report and document.report.error),
    )


def _detects(content: Content) -> bool:
    document = content.object
    return "Issues" in document and holds(document, Report=dict)


GOLANGCI_LINT: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
