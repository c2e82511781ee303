"""gitleaks JSON: leaked secrets.

Secret, match, author and e-mail are not read; gitleaks' own fingerprint is the identity. A clean run writes an empty
array, which many tools do: it is taken when the format is declared.
"""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, identity, listed, report, report_format, result

NAME: Final = "gitleaks-json"


class _Leak(msgspec.Struct, gc=False, rename="pascal"):
    rule_id: str = msgspec.field(default="", name="RuleID")
    description: str | None = ""
    start_line: int | None = 0
    file: str | None = ""
    commit: str | None = ""
    fingerprint: str | None = ""


_REPORT: Final = msgspec.json.Decoder(tuple[_Leak, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the leaks.

    Raises: evidence.unreadable, cas.too_large
    """
    leaks = typed(data, _REPORT, NAME)
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


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(holds(each, RuleID=str, File=str) and "Secret" in each for each in found)


GITLEAKS: Final[Format] = report_format(NAME, _detects, read, "secrets", blanks=([],), about=__doc__)
