"""Test results of .NET: xUnit.net v2 XML, NUnit 3 XML, and Visual Studio's TRX. One reading, three kinds of root.

The format's version names the dialect: ``xunit``, ``nunit`` or ``trx``.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import TestFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Outcome, Status, outcomes
from pipeline.formats.reports.report import count, report_format, tree

NAME: Final = "dotnet-tests-xml"
_ROOTS: Final = {"assemblies": "xunit", "assembly": "xunit", "test-run": "nunit", "TestRun": "trx"}
_TOOLS: Final = {"xunit": "xUnit.net", "nunit": "NUnit", "trx": "VSTest"}
_CASES: Final = {"xunit": "test", "nunit": "test-case", "trx": "UnitTestResult"}
_STATUSES: Final[dict[str, Status]] = {
    "pass": "passed",
    "passed": "passed",
    "warning": "passed",
    "passedbutrunaborted": "error",
    "fail": "failed",
    "failed": "failed",
    "skip": "skipped",
    "skipped": "skipped",
    "inconclusive": "skipped",
    "notexecuted": "skipped",
    "notrunnable": "skipped",
    "notrun": "skipped",
    "pending": "skipped",
}  # whatever else there is (Error, Timeout, Aborted, Disconnected, …) is an error


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    errors = sum(count(each.get("errors")) for each in root.iter() if xml.local(each) == "assembly")
    times = xml.child(root, "Times")
    return outcomes(
        f"{NAME}/{version}",
        _TOOLS.get(version, ""),
        _outcomes(root, version),
        created_at=(root.get("start-time") or "").replace(" ", "T")
        or (times.get("finish") if times is not None else ""),
        errors_at_least=errors,
    )


def _outcomes(root: Element, version: str) -> Iterator[Outcome]:
    tag = _CASES.get(version, "")
    number = 0
    for case in root.iter():
        if xml.local(case) != tag:
            continue
        number += 1
        said = (case.get("result") or case.get("outcome") or "").lower()
        status = _STATUSES.get(said, "error")
        name = case.get("fullname") or case.get("testName") or case.get("name") or ""
        message = _message(case) if status != "passed" else ""
        yield status, case.get("classname") or case.get("type") or "", name, message, f"//{tag}[{number}]"


def _message(case: Element) -> str:
    for each in case.iter():
        if xml.local(each).lower() in ("message", "reason") and (each.text or "").strip():
            return xml.text(each)
    return ""


def _detects(content: Content) -> bool:
    kind = _ROOTS.get(content.root)
    if kind == "trx":
        return "TeamTest" in content.namespace
    if kind == "xunit":
        return any(xml.local(each) in ("assembly", "collection") for each in content.value)
    return kind == "nunit"


def _version(content: Content) -> str:
    return _ROOTS.get(content.root, "")


DOTNET_TESTS: Final[Format] = report_format(
    NAME, _detects, read, "tests", version=_version, versions=("xunit", "nunit", "trx"), about=__doc__
)
