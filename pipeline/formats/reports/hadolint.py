"""hadolint JSON: findings in Dockerfiles, as misconfigurations."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "hadolint-json"


class _Finding(msgspec.Struct, gc=False):
    code: str = ""
    level: str | None = ""
    file: str | None = ""
    line: int | None = 0
    message: str | None = ""


_REPORT: Final = msgspec.json.Decoder(tuple[_Finding, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give what hadolint found; a Dockerfile that it could not parse (DL1000) makes the report incomplete.

    Raises: evidence.unreadable, cas.too_large
    """
    findings = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "hadolint",
        (
            result(
                "misconfiguration",
                at(place),
                rule=each.code,
                severity=words.severity(each.level),
                path=each.file,
                line=each.line,
                message=each.message,
            )
            for place, each in enumerate(findings)
        ),
        complete=all(each.code != "DL1000" for each in findings),
    )


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(
        holds(each, code=str, level=str, file=str, line=int, column=int) and each["code"][:2] in ("DL", "SC")
        for each in found
    )


HADOLINT: Final[Format] = report_format(NAME, _detects, read, blanks=([],), about=__doc__)
