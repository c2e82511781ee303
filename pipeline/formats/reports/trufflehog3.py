"""trufflehog3 JSON (version 3 of that tool): secrets by rule and place. It is not TruffleHog 3 of Truffle Security.

The secret, its context, author and commit message are not read. A run that found nothing writes an empty array: it is
taken when the format is declared. Earlier reports of the tool are [trufflehog-2-json](trufflehog-2-json.md).
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, count, holds, identity, listed, report, report_format, result

NAME: Final = "trufflehog3-json"


class _Rule(msgspec.Struct, gc=False):
    id: str = ""
    message: str | None = ""
    severity: str | None = ""


class _Issue(msgspec.Struct, gc=False):
    rule: _Rule
    path: str | None = ""
    line: str | int | None = ""
    id: str | None = ""
    commit: str | None = ""


_REPORT: Final = msgspec.json.Decoder(tuple[_Issue, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the secrets.

    Raises: evidence.unreadable, cas.too_large
    """
    issues = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "trufflehog3",
        (
            result(
                "secret",
                at(place),
                rule=each.rule.id,
                severity=words.severity(each.rule.severity),
                path=each.path,
                line=count(each.line),
                message=each.rule.message,
                fingerprint=each.id or identity(each.commit or "", each.path or "", each.rule.id, count(each.line)),
            )
            for place, each in enumerate(issues)
        ),
    )


def _issue(value: Any) -> bool:
    return holds(value, rule=dict, path=str, secret=str) and holds(value["rule"], id=str, severity=str)


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(map(_issue, found))


TRUFFLEHOG3: Final[Format] = report_format(NAME, _detects, read, "secrets", blanks=([],), about=__doc__)
