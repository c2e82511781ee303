"""gitleaks JSON: leaked secrets.

Version 1 is what gitleaks 8 writes, redacted or not; version 0 what gitleaks 2 to 7 wrote (``rule``, ``offender``).
Secret, match, line, author and e-mail are not read; gitleaks' own fingerprint is the identity, where there is one. A
clean run writes an empty array (gitleaks 7 wrote ``null``), which many tools do: it is taken when the format is
declared.
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, first, holds, identity, listed, report, report_format, result

NAME: Final = "gitleaks-json"


class _Leak(msgspec.Struct, gc=False, rename="pascal"):
    rule_id: str = msgspec.field(default="", name="RuleID")
    description: str | None = ""
    start_line: int | None = 0
    file: str | None = ""
    commit: str | None = ""
    fingerprint: str | None = ""


class _Old(msgspec.Struct, gc=False):
    rule: str = ""
    file: str | None = ""
    line: int | None = msgspec.field(default=0, name="lineNumber")
    commit: str | None = ""


_REPORT: Final = msgspec.json.Decoder(tuple[_Leak, ...] | None)
_OLD: Final = msgspec.json.Decoder(tuple[_Old, ...])


def _leaks(data: bytes, version: str) -> tuple[_Leak, ...]:
    if version == "1":
        return typed(data, _REPORT, NAME) or ()
    return tuple(
        _Leak(rule_id=each.rule, description=each.rule, start_line=each.line, file=each.file, commit=each.commit)
        for each in typed(data, _OLD, NAME)
    )


def read(data: bytes, version: str) -> ReportFacts:
    """Give the leaks.

    Raises: evidence.unreadable, cas.too_large
    """
    leaks = _leaks(data, version)
    return report(
        f"{NAME}/{version}",
        "gitleaks",
        (
            result(
                "secret",
                at(place),
                rule=each.rule_id,
                severity="high",
                path=each.file,
                line=each.start_line,
                message=each.description,
                fingerprint=each.fingerprint
                or identity(each.commit or "", each.file or "", each.rule_id, each.start_line or 0),
            )
            for place, each in enumerate(leaks)
        ),
    )


def _new(value: Any) -> bool:
    return holds(value, RuleID=str, File=str) and "Secret" in value


def _old(value: Any) -> bool:
    return holds(value, rule=str, file=str, commit=str) and {"offender", "line"} <= value.keys()


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and (all(map(_new, found)) or all(map(_old, found)))


def _version(content: Content) -> str:
    return "0" if _old(first(content)) else "1"


GITLEAKS: Final[Format] = report_format(
    NAME, _detects, read, "secrets", version=_version, versions=("0", "1"), blanks=([], None), about=__doc__
)
