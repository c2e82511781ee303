"""Cobertura XML, which coverage.py, gcovr, Coverlet, gocover-cobertura and others write.

Lines are counted from the lines listed, a file's classes together; the rates in the attributes are not used. Only a
report that lists no class at all is read by its root's totals. Its document type, where it has one, is passed over.
"""

import re
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import CoverageFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import Lines, coverage
from pipeline.formats.reports.report import count, report_format, tree

NAME: Final = "cobertura-xml"
_CONDITIONS: Final = re.compile(r"\((\d{1,9})/(\d{1,9})\)")


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    files: dict[str, Lines] = {}
    branches: dict[tuple[str, int], tuple[int, int]] = {}
    for each in root.iter():
        if xml.local(each) == "class":
            path = each.get("filename") or each.get("name") or ""
            _class(each, path, files.setdefault(path, Lines()), branches)
    covered, total = sum(one for one, _ in branches.values()), sum(one for _, one in branches.values())
    if not files:
        covered, total = count(root.get("branches-covered")), count(root.get("branches-valid"))
    return coverage(
        f"{NAME}/{version}",
        "Cobertura",
        {path: lines.counts for path, lines in files.items()},
        (covered, total),
        lines=(count(root.get("lines-covered")), count(root.get("lines-valid"))),
    )


def _class(given: Element, path: str, lines: Lines, branches: dict[tuple[str, int], tuple[int, int]]) -> None:
    for line in given.iter():
        if xml.local(line) != "line":
            continue
        number = count(line.get("number"))
        lines.note(number, covered=count(line.get("hits")) > 0)
        found = _CONDITIONS.search(line.get("condition-coverage") or "")
        if found:
            told = (int(found[1]), int(found[2]))
            branches[path, number] = max(told, branches.get((path, number), (0, 0)))


def _detects(content: Content) -> bool:
    return content.root == "coverage" and "line-rate" in content.value.attrib


COBERTURA: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
