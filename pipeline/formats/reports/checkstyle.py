"""Checkstyle XML, the common output of linters (Checkstyle, PHP_CodeSniffer, ktlint, detekt, ShellCheck, ESLint, …)."""

from collections.abc import Iterator
from typing import Final

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import count, report, report_format, result, tree

NAME: Final = "checkstyle-xml"


def read(data: bytes, version: str) -> ReportFacts:
    """Give the problems; a file with an exception was not checked, and the report is incomplete.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    broken = any(xml.local(each) == "exception" for each in root.iter())
    results: Iterator[ReportedFinding] = (
        result(
            "code",
            place,
            rule=each.get("source"),
            severity=words.severity(each.get("severity")),
            path=file.get("name"),
            line=count(each.get("line")),
            message=each.get("message"),
        )
        for file, at in xml.children(root, "file", "/checkstyle")
        for each, place in xml.children(file, "error", at)
        if each.get("severity") != "ignore"
    )
    return report(f"{NAME}/{version}", "Checkstyle", results, complete=not broken)


def _detects(content: Content) -> bool:
    return content.root == "checkstyle"


CHECKSTYLE: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
