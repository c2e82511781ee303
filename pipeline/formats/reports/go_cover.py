"""Go cover profiles (``go test -coverprofile``): blocks with their number of statements; statements stand for lines.

A block that several packages' tests report is one block, covered when any of them ran it.
"""

import re
from typing import Final

from cas.records.report import CoverageFacts
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import coverage
from pipeline.formats.reports.report import lines, report_format, unreadable

NAME: Final = "go-cover"
_MODE: Final = re.compile(r"mode: (?:set|count|atomic)\r?(?:\n|\Z)")
_BLOCK: Final = re.compile(r"(.{1,4096}):(\d{1,9}\.\d{1,9},\d{1,9}\.\d{1,9}) (\d{1,9}) (\d{1,18})\Z")


def read(data: bytes, version: str) -> CoverageFacts:
    """Give statements as lines.

    Raises: evidence.unreadable, cas.too_large
    """
    blocks: dict[tuple[str, str], tuple[int, bool]] = {}
    for number, row in enumerate(lines(data, NAME), 1):
        text = row.strip()
        if not text or text.startswith("mode: "):
            continue
        found = _BLOCK.match(text)
        if found is None:
            raise unreadable(NAME, f"line {number} is no block")
        key = (found[1], found[2])
        blocks[key] = (int(found[3]), found[4].strip("0") != "" or blocks.get(key, (0, False))[1])
    files: dict[str, tuple[int, int]] = {}
    for (path, _), (statements, ran) in blocks.items():
        covered, total = files.get(path, (0, 0))
        files[path] = (covered + statements * ran, total + statements)
    return coverage(f"{NAME}/{version}", "go test", files)


def _detects(content: Content) -> bool:
    return content.syntax == "text" and _MODE.match(content.value) is not None


GO_COVER: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
