"""XCCDF 1.1 and 1.2 test results (OpenSCAP and other SCAP tools), alone or inside an ARF: rules that did not pass.

Rules that were not checked, or ended in error or unknown, make the report incomplete: nobody knows their answer.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import report, report_format, result, tree

NAME: Final = "xccdf-xml"
_UNKNOWN: Final = frozenset({"error", "unknown", "notchecked"})
_WITHIN: Final = frozenset({"Benchmark", "asset-report-collection"})


def read(data: bytes, version: str) -> ReportFacts:
    """Give the failed rules.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    runs = _runs(root)
    answers = {xml.text(each, "result") for run in runs for each, _ in xml.children(run, "rule-result")}
    times = sorted(run.get("end-time") or "" for run in runs)
    return report(
        f"{NAME}/{version}",
        "XCCDF",
        (one for number, run in enumerate(runs, 1) for one in _findings(run, f"//TestResult[{number}]")),
        created_at=times[-1] if times else "",
        complete=bool(answers) and not answers & _UNKNOWN,
    )


def _runs(root: Element) -> list[Element]:
    return [each for each in root.iter() if xml.local(each) == "TestResult"]


def _findings(run: Element, at: str) -> Iterator[ReportedFinding]:
    for each, place in xml.children(run, "rule-result", at):
        if xml.text(each, "result") == "fail":
            override = xml.child(each, "override")
            yield result(
                "misconfiguration",
                place,
                rule=each.get("idref"),
                severity=words.severity(each.get("severity")),
                message=xml.text(each, "message"),
                suppressed=xml.text(override, "remark") if override is not None else "",
            )


def _detects(content: Content) -> bool:
    if content.root == "TestResult":
        return "xccdf" in content.namespace
    return content.root in _WITHIN and bool(_runs(content.value))


XCCDF: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
