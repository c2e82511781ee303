"""detect-secrets baseline: secrets by file. The hash of a secret is not kept: short secrets can be guessed from one.

A secret that an audit called a false positive is kept, marked suppressed.
"""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, identity, report, report_format, result

NAME: Final = "detect-secrets-json"


class _Secret(msgspec.Struct, gc=False):
    type: str = ""
    filename: str | None = ""
    line_number: int | None = 0
    is_verified: bool | None = False
    is_secret: bool | None = None


class _Report(msgspec.Struct, gc=False):
    version: str | None = ""
    generated_at: str | None = ""
    results: dict[str, tuple[_Secret, ...]] | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the secrets.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "detect-secrets",
        (
            result(
                "secret",
                at("results", path, place),
                rule=each.type,
                severity="critical" if each.is_verified else "high",
                path=each.filename or path,
                line=each.line_number,
                message=("verified: " if each.is_verified else "") + each.type,
                suppressed="audited: no secret" if each.is_secret is False else "",
                fingerprint=identity(each.type, path, each.line_number or 0),
            )
            for path, secrets in (document.results or {}).items()
            for place, each in enumerate(secrets)
        ),
        tool_version=document.version,
        created_at=document.generated_at,
    )


def _detects(content: Content) -> bool:
    return holds(content.object, plugins_used=list, results=dict)


DETECT_SECRETS: Final[Format] = report_format(NAME, _detects, read, "secrets", about=__doc__)
