"""JUnit XML as Ant, Surefire, pytest, gotestsum, jest-junit and many others write it.

The dialects agree on ``testcase`` with ``failure``, ``error`` or ``skipped`` inside, however deep suites nest. A test
that passed on a later run (Surefire's ``flakyFailure``) passed. Failures and errors that a suite counts without
listing them (a suite that broke before its tests) count. Output of tests is not read.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import TestFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.outcomes import Outcome, Status, outcomes
from pipeline.formats.reports.report import count, report_format, tree

NAME: Final = "junit-xml"
_STATUSES: Final[tuple[tuple[str, Status], ...]] = (("error", "error"), ("failure", "failed"), ("skipped", "skipped"))


def read(data: bytes, version: str) -> TestFacts:
    """Give the results of a test run.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    suites = list(_suites(root, f"/{xml.local(root)}"))
    top = [root] if xml.local(root) == "testsuite" else [each for each, _ in xml.children(root, "testsuite")]
    return outcomes(
        f"{NAME}/{version}",
        _tool(root, top),
        (outcome for suite, pointer in suites for outcome in _outcomes(suite, pointer)),
        created_at=next((stamp for each in (root, *top) if (stamp := each.get("timestamp"))), ""),
        failed_at_least=sum(count(each.get("failures")) for each in top),
        errors_at_least=sum(count(each.get("errors")) for each in top),
    )


def _suites(root: Element, pointer: str) -> Iterator[tuple[Element, str]]:
    pending = [(root, pointer)]
    while pending:
        here, place = pending.pop()
        yield here, place
        pending += xml.children(here, "testsuite", place)


def _outcomes(suite: Element, pointer: str) -> Iterator[Outcome]:
    for case, place in xml.children(suite, "testcase", pointer):
        status, message = _status(case)
        name = case.get("classname") or suite.get("name") or ""
        yield status, name, case.get("name") or "", message, place


def _status(case: Element) -> tuple[Status, str]:
    for tag, status in _STATUSES if len(case) else ():
        found = xml.child(case, tag)
        if found is not None:
            return status, found.get("message") or xml.text(found)
    if case.get("status") in ("skipped", "notrun", "disabled") or case.get("result") in ("skipped", "suppressed"):
        return "skipped", ""
    return "passed", ""


def _tool(root: Element, suites: list[Element]) -> str:
    names = {each.get("name") or "" for each in (root, *suites)}
    if "pytest" in names or "pytest tests" in names:
        return "pytest"
    if any("surefire" in value for each in (root, *suites) for value in each.attrib.values()):
        return "Surefire"
    properties = (each for suite in suites for holder, _ in xml.children(suite, "properties") for each in holder)
    if any(each.get("name") == "go.version" for each in properties):
        return "gotestsum"
    return "jest" if "jest tests" in names else "JUnit"


def _detects(content: Content) -> bool:
    return content.root in ("testsuites", "testsuite") and not content.namespace


JUNIT: Final[Format] = report_format(NAME, _detects, read, "tests", about=__doc__)
