"""license-checker JSON (npm): packages by ``name@version``; a licence guessed from a text file (``*``) counts."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.licenses import licensed
from pipeline.formats.reports.report import at, holds, report, report_format

NAME: Final = "license-checker-json"


class _Package(msgspec.Struct, gc=False):
    licenses: str | tuple[str, ...] | None = ""
    path: str | None = ""


_REPORT: Final = msgspec.json.Decoder(dict[str, _Package])


def _listed(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    told = (given,) if isinstance(given, str) else given or ()
    return tuple(each.rstrip("*") for each in told)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the licences.

    Raises: evidence.unreadable, cas.too_large
    """
    return report(
        f"{NAME}/{version}",
        "license-checker",
        (
            licensed(at(key), "npm", *_named(key), _listed(each.licenses))
            for key, each in typed(data, _REPORT, NAME).items()
        ),
    )


def _named(key: str) -> tuple[str, str]:
    """Take ``@scope/name@version`` apart."""
    name, sign, version = key.rpartition("@")
    return (name, version) if sign and name else (key, "")


def _detects(content: Content) -> bool:
    document = content.object
    if not document:
        return False
    entries = all("@" in key[1:] and isinstance(each, dict) for key, each in document.items())
    return entries and all("licenses" in each or holds(each, path=str, licenseFile=str) for each in document.values())


LICENSE_CHECKER: Final[Format] = report_format(NAME, _detects, read, "licenses", blanks=({},), about=__doc__)
