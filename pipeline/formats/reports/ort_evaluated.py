"""ORT evaluated model (``evaluated-model.json``): packages with their declared licences, as ORT mapped them to SPDX.

Facts are those of ORT's analyzer result ([ort-json](ort-json.md)): the project's own modules are none. Declared texts
that ORT could not map stay in as they are. Issues of severity ERROR that nobody resolved make the report incomplete.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.licenses import licensed
from pipeline.formats.reports.report import at, holds, report, report_format

NAME: Final = "ort-evaluated-json"


class _License(msgspec.Struct, gc=False):
    number: int | None = msgspec.field(default=None, name="_id")
    id: str = ""


class _Processed(msgspec.Struct, gc=False):
    spdx_expression: str | None = ""
    unmapped_licenses: tuple[int, ...] | None = ()


class _Package(msgspec.Struct, gc=False):
    id: str = ""
    purl: str | None = ""
    is_project: bool | None = False
    declared_licenses_processed: _Processed | None = None


class _Issue(msgspec.Struct, gc=False):
    severity: str | None = ""
    resolutions: tuple[int, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    licenses: tuple[_License, ...] | None = ()
    packages: tuple[_Package, ...] | None = ()
    issues: tuple[_Issue, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the licences of packages.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "ORT",
        _findings(document),
        complete=all(each.severity != "ERROR" or each.resolutions for each in document.issues or ()),
    )


def _findings(document: _Report) -> Iterator[ReportedFinding]:
    texts = {each.number: each.id for each in document.licenses or ()}
    for place, each in enumerate(document.packages or ()):
        if each.is_project:
            continue
        told = each.declared_licenses_processed or _Processed()
        kind, _, rest = each.id.partition(":")
        name, _, version = rest.rpartition(":")
        licenses = (told.spdx_expression, *(texts.get(number, str(number)) for number in told.unmapped_licenses or ()))
        yield licensed(
            at("packages", place),
            kind.lower(),
            name.replace(":", "/").strip("/"),
            version,
            licenses,
            purl=each.purl or "",
        )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, packages=list, dependency_trees=list, licenses=list, issues=list) and all(
        holds(each, id=str, is_project=bool) for each in document["packages"]
    )


ORT_EVALUATED: Final[Format] = report_format(NAME, _detects, read, "licenses", about=__doc__)
