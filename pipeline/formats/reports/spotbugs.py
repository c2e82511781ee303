"""SpotBugs XML (FindBugs, Find Security Bugs): bugs in Java byte code. Classes that were missing make it incomplete."""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import ReportedFinding, ReportFacts, Severity
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import count, report, report_format, result, tree

NAME: Final = "spotbugs-xml"
_PRIORITIES: Final[dict[str, Severity]] = {"1": "high", "2": "medium", "3": "low"}


def read(data: bytes, version: str) -> ReportFacts:
    """Give the bugs.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    errors = xml.child(root, "Errors")
    broken = errors is not None and (count(errors.get("errors")) > 0 or count(errors.get("missingClasses")) > 0)
    return report(
        f"{NAME}/{version}", "SpotBugs", _findings(root), tool_version=root.get("version"), complete=not broken
    )


def _findings(root: Element) -> Iterator[ReportedFinding]:
    for bug, place in xml.children(root, "BugInstance", "/BugCollection"):
        line = xml.child(bug, "SourceLine")
        if line is None:
            line = next((each for each in bug.iter() if xml.local(each) == "SourceLine"), None)
        where = line.attrib if line is not None else {}
        yield result(
            "code",
            place,
            rule=bug.get("type"),
            severity=_PRIORITIES.get(bug.get("priority") or "", "unknown"),
            path=where.get("sourcepath") or where.get("classname"),
            line=count(where.get("start")),
            message=xml.text(bug, "LongMessage") or xml.text(bug, "ShortMessage") or bug.get("category"),
            fingerprint=bug.get("instanceHash"),
        )


def _detects(content: Content) -> bool:
    return content.root == "BugCollection"


SPOTBUGS: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
