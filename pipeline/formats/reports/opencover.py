"""OpenCover XML: sequence points stand for lines, branch points for branches; files are told by their own points."""

from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import CoverageFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import Lines, coverage
from pipeline.formats.reports.report import count, report_format, tree

NAME: Final = "opencover-xml"


def read(data: bytes, version: str) -> CoverageFacts:
    """Give sequence points as lines, and branch points.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    files: dict[str, Lines] = {}
    branches = [0, 0]
    for module in root.iter():
        if xml.local(module) == "Module" and not module.get("skippedDueTo"):
            _module(module, files, branches)
    return coverage(
        f"{NAME}/{version}",
        "OpenCover",
        {path: lines.counts for path, lines in files.items()},
        (branches[0], branches[1]),
    )


def _module(module: Element, files: dict[str, Lines], branches: list[int]) -> None:
    paths = {each.get("uid") or "": each.get("fullPath") or "" for each in module.iter() if xml.local(each) == "File"}
    for each in module.iter():
        kind = xml.local(each)
        if kind == "BranchPoint":
            branches[0] += count(each.get("vc")) > 0
            branches[1] += 1
        elif kind == "SequencePoint":
            path = paths.get(each.get("fileid") or "", "")
            files.setdefault(path, Lines()).note(count(each.get("sl")), covered=count(each.get("vc")) > 0)


def _detects(content: Content) -> bool:
    return content.root == "CoverageSession"


OPENCOVER: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
