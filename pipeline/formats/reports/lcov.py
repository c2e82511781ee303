"""LCOV tracefiles (``.info``): DA lines give lines, BRDA lines branches; without them a record's own sums (LF, BRF)."""

import re
from dataclasses import dataclass, field
from typing import Final

from cas.records.report import CoverageFacts
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import Lines, coverage
from pipeline.formats.reports.report import count, lines, report_format, unreadable

NAME: Final = "lcov"
_HEAD: Final = re.compile(r"(?:TN:.*\n|#.*\n|\s)*SF:")


@dataclass(slots=True)
class _File:
    lines: Lines = field(default_factory=Lines)
    branches: dict[str, bool] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> tuple[int, int]:
        return self.lines.counts if self.lines.ran else (self.sums.get("LH", 0), self.sums.get("LF", 0))

    @property
    def branched(self) -> tuple[int, int]:
        if self.branches:
            return sum(self.branches.values()), len(self.branches)
        return self.sums.get("BRH", 0), self.sums.get("BRF", 0)


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches; a record that is not closed is cut off, and refused.

    Raises: evidence.unreadable, cas.too_large
    """
    files: dict[str, _File] = {}
    here: _File | None = None
    for number, row in enumerate(lines(data, NAME), 1):
        key, _, value = row.strip().partition(":")
        if key == "SF":
            here = files.setdefault(value, _File())
        elif key == "end_of_record":
            here = None
        elif here is not None:
            _note(here, key, value.split(","))
        elif key in ("DA", "BRDA"):
            raise unreadable(NAME, f"line {number} stands outside a record")
    if here is not None:
        raise unreadable(NAME, "the last record is not closed")
    branches = [each.branched for each in files.values()]
    return coverage(
        f"{NAME}/{version}",
        "LCOV",
        {path: each.counts for path, each in files.items()},
        (sum(one for one, _ in branches), sum(one for _, one in branches)),
    )


def _note(file: _File, key: str, values: list[str]) -> None:
    if key == "DA" and len(values) >= 2:
        file.lines.note(count(values[0]), covered=count(values[1]) > 0)
    elif key == "BRDA" and len(values) >= 4:
        place = ",".join(values[:3])
        file.branches[place] = file.branches.get(place, False) or count(values[3].strip("-")) > 0
    elif key in ("LF", "LH", "BRF", "BRH"):
        file.sums[key] = count(values[0])


def _detects(content: Content) -> bool:
    return content.syntax == "text" and _HEAD.match(content.value) is not None


LCOV: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
