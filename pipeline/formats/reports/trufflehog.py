"""TruffleHog 3 JSON lines: secrets by detector and place, and whether the tool verified that they work.

What was found (``Raw``, ``RawV2``, ``Redacted``) is not read, nor is any digest of it kept: short secrets can be
guessed from one. A message begins with ``verified: `` or ``unverified: ``; a verified secret is critical, any other
high. A run that found nothing writes nothing: an empty file is taken when the format is declared.
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.content import values
from pipeline.formats.decode import bound
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import (
    at,
    count,
    holds,
    identity,
    listed,
    references,
    report,
    report_format,
    result,
    unreadable,
)

NAME: Final = "trufflehog-json"
_KEPT: Final = ("commit", "repository", "bucket", "image", "layer", "tag", "link", "file")


class _Metadata(msgspec.Struct, gc=False, rename="pascal"):
    data: dict[str, Any] | None = None


class _Secret(msgspec.Struct, gc=False, rename="pascal"):
    source_metadata: _Metadata | None = None
    detector_name: str = ""
    detector_description: str | None = ""
    verified: bool | None = False


_SECRET: Final = msgspec.json.Decoder(_Secret)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the secrets.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    results, images = [], set()
    for place, value in enumerate(values(data)):
        try:
            secret = _SECRET.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(NAME, f"value {place}: {error}") from error
        if not secret.detector_name:
            continue  # a line of its log
        source = _source(secret)
        results.append(_result(secret, source, at(place)))
        images |= set(references(_text(source, "image")))
    return report(f"{NAME}/{version}", "TruffleHog", results, subjects=images)


def _source(secret: _Secret) -> dict[str, Any]:
    held = (secret.source_metadata.data or {}) if secret.source_metadata else {}
    return next((each for each in held.values() if isinstance(each, dict)), {})


def _text(source: dict[str, Any], name: str) -> str:
    found = source.get(name)
    return found if isinstance(found, str) else ""


def _result(secret: _Secret, source: dict[str, Any], pointer: str) -> ReportedFinding:
    line = source.get("line")
    number = count(line) if isinstance(line, int) else 0
    return result(
        "secret",
        pointer,
        rule=secret.detector_name,
        severity="critical" if secret.verified else "high",
        path=_text(source, "file") or _text(source, "link"),
        line=number,
        message=("verified: " if secret.verified else "unverified: ") + (secret.detector_name or "secret"),
        fingerprint=identity(secret.detector_name, *(_text(source, name) for name in _KEPT), number),
    )


def _detects(content: Content) -> bool:
    found = (content.object,) if content.object else listed(content) if content.syntax == "json-lines" else ()
    secrets = [each for each in found if "DetectorName" in each]
    return bool(secrets) and all(holds(each, DetectorName=str, SourceMetadata=dict) for each in secrets)


TRUFFLEHOG: Final[Format] = report_format(NAME, _detects, read, "secrets", blanks=("",), about=__doc__)
