"""coverage.py JSON (``coverage json``): executable lines and branches of each file."""

from typing import Final

import msgspec

from cas.records.report import CoverageFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import coverage
from pipeline.formats.reports.report import count, holds, report_format

NAME: Final = "coverage-py-json"


class _Summary(msgspec.Struct, gc=False):
    covered_lines: int = 0
    num_statements: int = 0
    covered_branches: int | None = 0
    num_branches: int | None = 0


class _File(msgspec.Struct, gc=False):
    summary: _Summary = msgspec.field(default_factory=_Summary)


class _Meta(msgspec.Struct, gc=False):
    version: str | None = ""
    timestamp: str | None = ""


class _Report(msgspec.Struct, gc=False):
    meta: _Meta | None = None
    files: dict[str, _File] | None = None
    totals: _Summary | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    totals = document.totals or _Summary()
    return coverage(
        f"{NAME}/{version}",
        "coverage.py",
        {
            path: (count(each.summary.covered_lines), count(each.summary.num_statements))
            for path, each in (document.files or {}).items()
        },
        (count(totals.covered_branches), count(totals.num_branches)),
        created_at=document.meta.timestamp if document.meta else "",
        lines=(count(totals.covered_lines), count(totals.num_statements)),
    )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, meta=dict, files=dict, totals=dict) and "covered_lines" in document["totals"]


COVERAGE_PY: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
