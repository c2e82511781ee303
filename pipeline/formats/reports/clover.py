"""Clover XML, which Istanbul and PHPUnit write too.

Statements stand for lines, conditionals for branches.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import CoverageFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import coverage
from pipeline.formats.reports.report import count, report_format, tree

NAME: Final = "clover-xml"


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    project = xml.child(root, "project")
    metrics = xml.child(project, "metrics") if project is not None else None
    branches = (0, 0)
    lines = (0, 0)
    if metrics is not None:
        branches = (count(metrics.get("coveredconditionals")), count(metrics.get("conditionals")))
        lines = _counts(metrics)
    return coverage(f"{NAME}/{version}", "Clover", _files(project), branches, lines=lines)


def _counts(metrics: Element) -> tuple[int, int]:
    return count(metrics.get("coveredstatements")), count(metrics.get("statements"))


def _files(project: Element | None) -> Iterator[tuple[str, tuple[int, int]]]:
    for file in project.iter() if project is not None else ():
        metrics = xml.child(file, "metrics") if xml.local(file) == "file" else None
        if metrics is not None:
            yield file.get("path") or file.get("name") or "", _counts(metrics)


def _detects(content: Content) -> bool:
    return content.root == "coverage" and "line-rate" not in content.value.attrib and (
        xml.child(content.value, "project") is not None
    )  # fmt: skip


CLOVER: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
