"""pip-licenses JSON: Python packages with their licences. Classifiers joined by ``; `` all apply."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.licenses import licensed
from pipeline.formats.reports.report import at, holds, listed, report, report_format

NAME: Final = "pip-licenses-json"


class _Package(msgspec.Struct, gc=False, rename="pascal"):
    name: str = ""
    version: str | None = ""
    license: str | None = ""


_REPORT: Final = msgspec.json.Decoder(tuple[_Package, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the licences.

    Raises: evidence.unreadable, cas.too_large
    """
    packages = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "pip-licenses",
        (
            licensed(at(place), "pypi", each.name, each.version, (each.license or "").split(";"))
            for place, each in enumerate(packages)
        ),
    )


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(holds(each, Name=str, Version=str, License=str) for each in found)


PIP_LICENSES: Final[Format] = report_format(NAME, _detects, read, "licenses", blanks=([],), about=__doc__)
