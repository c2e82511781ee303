"""gosec JSON: security findings in Go code. Packages that gosec could not load make the report incomplete."""

from typing import Any, Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, count, holds, report, report_format, result

NAME: Final = "gosec-json"
_CREDENTIALS: Final = "G101"


class _Suppression(msgspec.Struct, gc=False):
    kind: str | None = ""
    justification: str | None = ""


class _Issue(msgspec.Struct, gc=False):
    severity: str | None = ""
    rule_id: str = ""
    details: str | None = ""
    file: str | None = ""
    line: str | None = ""
    nosec: bool | None = False
    suppressions: tuple[_Suppression, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    errors: Any = msgspec.field(default=None, name="Golang errors")
    issues: tuple[_Issue, ...] | None = msgspec.field(default=(), name="Issues")
    version: str | None = msgspec.field(default="", name="GosecVersion")


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what gosec found; credentials in code are of category secret.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "gosec",
        (
            result(
                "secret" if each.rule_id == _CREDENTIALS else "code",
                at("Issues", place),
                rule=each.rule_id,
                severity=words.severity(each.severity),
                path=each.file,
                line=count((each.line or "").partition("-")[0]),
                message="Potential hardcoded credentials" if each.rule_id == _CREDENTIALS else each.details,
                suppressed=_why(each),
            )
            for place, each in enumerate(document.issues or ())
        ),
        tool_version=document.version,
        complete=not document.errors,
    )


def _why(issue: _Issue) -> str:
    said = "; ".join(f"{each.kind}: {each.justification or 'no reason given'}" for each in issue.suppressions or ())
    return said or ("nosec" if issue.nosec else "")


def _detects(content: Content) -> bool:
    return "Issues" in content.object and holds(content.object, Stats=dict)


GOSEC: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
