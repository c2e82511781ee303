"""truffleHog 2 JSON lines, and the array that trufflehog3 1 and 2 wrote of the same members: secrets by commit.

What was found (``stringsFound``, ``diff``, ``printDiff``) is not read. Every secret is high: the tool tells no
severity, and verifies nothing. A run that found nothing leaves an empty file or array: it is taken when the format is
declared.
TruffleHog 3 is [trufflehog-json](trufflehog-json.md), later trufflehog3 [trufflehog3-json](trufflehog3-json.md).
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.content import values
from pipeline.formats.decode import bound
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, identity, listed, report, report_format, result, unreadable

NAME: Final = "trufflehog-2-json"


class _Secret(msgspec.Struct, gc=False):
    reason: str = ""
    path: str | None = ""
    commit: str | None = msgspec.field(default="", name="commitHash")


_SECRET: Final = msgspec.json.Decoder(_Secret)
_SECRETS: Final = msgspec.json.Decoder(tuple[_Secret, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the secrets.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    try:
        many = data.lstrip()[:1] == b"["
        found = _SECRETS.decode(data) if many else tuple(map(_SECRET.decode, values(data)))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(NAME, str(error)) from error
    return report(f"{NAME}/{version}", "truffleHog", (_result(each, at(place)) for place, each in enumerate(found)))


def _result(given: _Secret, pointer: str) -> ReportedFinding:
    return result(
        "secret",
        pointer,
        rule=given.reason,
        severity="high",
        path=given.path,
        message=f"unverified: {given.reason}",
        fingerprint=identity(given.commit or "", given.path or "", given.reason),
    )


def _secret(value: Any) -> bool:
    if not holds(value, reason=str, stringsFound=list, path=str):
        return False
    return {"branch", "commitHash"} <= value.keys() and isinstance(value["commitHash"], str | None)


def _detects(content: Content) -> bool:
    found = (content.object,) if content.object else listed(content)
    return bool(found) and all(map(_secret, found))


TRUFFLEHOG_2: Final[Format] = report_format(NAME, _detects, read, "secrets", blanks=("", []), about=__doc__)
