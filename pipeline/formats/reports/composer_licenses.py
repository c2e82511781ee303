"""``composer licenses --format=json``: PHP packages with their licences; several of one package are a choice."""

from typing import Final

import msgspec

from cas.records.report import ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.licenses import licensed
from pipeline.formats.reports.report import at, holds, report, report_format

NAME: Final = "composer-licenses-json"


class _Package(msgspec.Struct, gc=False):
    version: str | None = ""
    license: tuple[str, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    dependencies: dict[str, _Package] | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the licences; Composer's schema says that a list of licences is disjunctive.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Composer",
        (
            licensed(at("dependencies", name), "composer", name, each.version, (" OR ".join(each.license or ()),))
            for name, each in (document.dependencies or {}).items()
        ),
    )


def _detects(content: Content) -> bool:
    document = content.object
    if not holds(document, name=str, license=list, dependencies=dict):
        return False
    return all(holds(each, license=list) for each in document["dependencies"].values())


COMPOSER_LICENSES: Final[Format] = report_format(NAME, _detects, read, "licenses", about=__doc__)
