"""JaCoCo XML. Files are ``package/sourcefile`` with their LINE counter; branches are the report's own counter.

Real reports begin with a document type that names ``report.dtd``: it is passed over, never fetched.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import CoverageFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import coverage
from pipeline.formats.reports.report import count, report_format, tree

NAME: Final = "jacoco-xml"


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    return coverage(f"{NAME}/{version}", "JaCoCo", _files(root), _counter(root, "BRANCH"), lines=_counter(root, "LINE"))


def _counter(element: Element, kind: str) -> tuple[int, int]:
    for each, _ in xml.children(element, "counter"):
        if each.get("type") == kind:
            covered = count(each.get("covered"))
            return covered, covered + count(each.get("missed"))
    return 0, 0


def _files(root: Element) -> Iterator[tuple[str, tuple[int, int]]]:
    for package in root.iter():
        if xml.local(package) != "package":
            continue
        for file, _ in xml.children(package, "sourcefile"):
            counts = _counter(file, "LINE")
            if counts[1]:
                yield f"{package.get('name') or ''}/{file.get('name') or ''}".lstrip("/"), counts


def _detects(content: Content) -> bool:
    if content.root != "report":
        return False
    return any(xml.local(each) in ("sessioninfo", "package", "group", "counter") for each in content.value)


JACOCO: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
