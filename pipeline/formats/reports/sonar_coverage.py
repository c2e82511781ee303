"""SonarQube's generic coverage XML, which gcovr and others write: lines and branches of each file."""

from typing import Final

from cas.records.report import CoverageFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.covered import Lines, coverage
from pipeline.formats.reports.report import count, report_format, tree

NAME: Final = "sonar-coverage-xml"


def read(data: bytes, version: str) -> CoverageFacts:
    """Give lines and branches.

    Raises: evidence.unreadable, cas.too_large
    """
    files: dict[str, Lines] = {}
    covered = total = 0
    for file, _ in xml.children(tree(data, NAME), "file"):
        lines = files.setdefault(file.get("path") or "", Lines())
        for line, _ in xml.children(file, "lineToCover"):
            lines.note(count(line.get("lineNumber")), covered=line.get("covered") == "true")
            covered += count(line.get("coveredBranches"))
            total += count(line.get("branchesToCover"))
    counts = {path: lines.counts for path, lines in files.items()}
    return coverage(f"{NAME}/{version}", "SonarQube", counts, (covered, total))


def _detects(content: Content) -> bool:
    if content.root != "coverage" or "line-rate" in content.value.attrib:
        return False
    return content.value.get("version") == "1" and all(xml.local(each) == "file" for each in content.value)


SONAR_COVERAGE: Final[Format] = report_format(NAME, _detects, read, "coverage", about=__doc__)
