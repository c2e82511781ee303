"""Istanbul (nyc, Jest, Vitest) JSON summary: lines and branches of each file, and their total."""

from typing import Final

import msgspec

from cas.records.report import CoverageFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import coverage
from pipeline.formats.reports.report import count, holds, report_format

NAME: Final = "istanbul-json"
_TOTAL: Final = "total"


class _Counts(msgspec.Struct, gc=False):
    total: int = 0
    covered: int = 0


class _File(msgspec.Struct, gc=False):
    lines: _Counts = msgspec.field(default_factory=_Counts)
    branches: _Counts = msgspec.field(default_factory=_Counts)


_REPORT: Final = msgspec.json.Decoder(dict[str, _File])


def _pair(counts: _Counts) -> tuple[int, int]:
    return count(counts.covered), count(counts.total)


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches.

    Raises: evidence.unreadable, cas.too_large
    """
    files = typed(data, _REPORT, NAME)
    total = files.pop(_TOTAL, _File())
    return coverage(
        f"{NAME}/{version}",
        "Istanbul",
        {path: _pair(each.lines) for path, each in files.items()},
        _pair(total.branches),
        lines=_pair(total.lines),
    )


def _detects(content: Content) -> bool:
    total = content.object.get(_TOTAL)
    if not holds(total, lines=dict, statements=dict, branches=dict):
        return False
    return "pct" in total["lines"]


ISTANBUL: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
