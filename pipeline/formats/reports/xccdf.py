"""XCCDF 1.1 and 1.2 test results (OpenSCAP and other SCAP tools), alone or inside an ARF: rules that did not pass.

Rules that were not checked, or ended in error or unknown, make the report incomplete: nobody knows their answer.

Version 2 is a result whose rules name CVEs, as a scan against a distributor's OVAL definitions gives it: a failed rule
that names any is a vulnerability of these names, and the rule's title is its message.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats import xml
from pipeline.formats.decode import fit
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import MAX_MESSAGE, report, report_format, result, tree

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
    found = _findings if version == "1" else partial(_named, _titles(root))
    times = sorted(run.get("end-time") or "" for run in runs)
    return report(
        f"{NAME}/{version}",
        "XCCDF",
        (one for number, run in enumerate(runs, 1) for one in found(run, f"//TestResult[{number}]")),
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


def _titles(root: Element) -> dict[str, str]:
    return {each.get("id", ""): xml.text(each, "title") for each in root.iter() if xml.local(each) == "Rule"}


def _named(titles: dict[str, str], run: Element, at: str) -> Iterator[ReportedFinding]:
    """Give the failed rules with the CVEs that they name, and their titles."""
    rows = (each for each, _ in xml.children(run, "rule-result") if xml.text(each, "result") == "fail")
    for each, finding in zip(rows, _findings(run, at), strict=True):
        names = _cves(each)
        yield msgspec.structs.replace(
            finding,
            category="vulnerability" if names else finding.category,
            names=names,
            message=finding.message or fit(titles.get(each.get("idref", ""), ""), MAX_MESSAGE),
        )


def _cves(rule: Element) -> tuple[str, ...]:
    return words.names(*(xml.text(ident) for ident, _ in xml.children(rule, "ident")))


def _version(content: Content) -> str:
    rules = (each for run in _runs(content.value) for each, _ in xml.children(run, "rule-result"))
    return "2" if any(map(_cves, rules)) else "1"


def _detects(content: Content) -> bool:
    if content.root == "TestResult":
        return "xccdf" in content.namespace
    return content.root in _WITHIN and bool(_runs(content.value))


XCCDF: Final[Format] = report_format(NAME, _detects, read, version=_version, versions=("1", "2"), about=__doc__)
