"""``llvm-cov export`` JSON (clang, cargo-llvm-cov): lines and branches of each file."""

from typing import Final

import msgspec

from cas.records.report import CoverageFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import coverage
from pipeline.formats.reports.report import count, report_format

NAME: Final = "llvm-cov-json"


class _Counts(msgspec.Struct, gc=False):
    count: int = 0
    covered: int = 0


class _Summary(msgspec.Struct, gc=False):
    lines: _Counts = msgspec.field(default_factory=_Counts)
    branches: _Counts = msgspec.field(default_factory=_Counts)


class _File(msgspec.Struct, gc=False):
    filename: str = ""
    summary: _Summary = msgspec.field(default_factory=_Summary)


class _Export(msgspec.Struct, gc=False):
    files: tuple[_File, ...] | None = ()
    totals: _Summary = msgspec.field(default_factory=_Summary)


class _Report(msgspec.Struct, gc=False):
    data: tuple[_Export, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches.

    Raises: evidence.unreadable, cas.too_large
    """
    exports = typed(data, _REPORT, NAME).data or ()
    totals = [each.totals.branches for each in exports]
    files = [(each.filename, each.summary.lines) for export in exports for each in export.files or ()]
    return coverage(
        f"{NAME}/{version}",
        "llvm-cov",
        [(path, (count(lines.covered), count(lines.count))) for path, lines in files],
        (sum(count(each.covered) for each in totals), sum(count(each.count) for each in totals)),
    )


def _detects(content: Content) -> bool:
    return content.object.get("type") == "llvm.coverage.json.export"


LLVM_COV: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
