"""PMD XML, what its Maven and Gradle plug-ins write: rule violations by file; suppressed ones are kept.

Errors in processing a file, or in the configuration of a rule, make the report incomplete. Facts are those of
[pmd-json](pmd-json.md).
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.pmd import PRIORITIES
from pipeline.formats.reports.report import count, report, report_format, result, tree

NAME: Final = "pmd-xml"
_ERRORS: Final = frozenset({"error", "configerror"})


def read(data: bytes, version: str) -> ReportFacts:
    """Give the violations.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    return report(
        f"{NAME}/{version}",
        "PMD",
        _findings(root),
        tool_version=root.get("version"),
        created_at=root.get("timestamp"),
        complete=not any(xml.local(each) in _ERRORS for each in root),
    )


def _findings(root: Element) -> Iterator[ReportedFinding]:
    for file, place in xml.children(root, "file", "/pmd"):
        for each, here in xml.children(file, "violation", place):
            rule, within = each.get("rule") or "", each.get("ruleset")
            yield result(
                "code",
                here,
                rule=f"{within}/{rule}" if within else rule,
                severity=PRIORITIES.get(count(each.get("priority")), "unknown"),
                path=file.get("name"),
                line=count(each.get("beginline")),
                message=xml.text(each),
            )
    for each, place in xml.children(root, "suppressedviolation", "/pmd"):
        why = ": ".join(filter(None, (each.get("suppressiontype"), each.get("usermsg"))))
        yield result("code", place, path=each.get("filename"), message=each.get("msg"), suppressed=why or "yes")


def _detects(content: Content) -> bool:
    if content.root != "pmd":
        return False
    return (
        "pmd" in content.namespace or xml.child(content.value, "file") is not None or "version" in content.value.attrib
    )


PMD_XML: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
