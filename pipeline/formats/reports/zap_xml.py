"""OWASP ZAP XML: alerts of a web scan, one result for each instance. Alerts are findings of category other.

Read as ZAP 2 writes it, the traditional report and the one with requests and responses (``traditional-xml-plus``),
which are passed over. ZAP before 2.4 told one place in the alert itself. A scan of no site at all is
incomplete.
"""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats import xml
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import identity, report, report_format, result, tree
from pipeline.formats.reports.zap import FALSE_POSITIVE, RISK

NAME: Final = "zap-xml"
_ROOT: Final = "OWASPZAPReport"


def read(data: bytes, version: str) -> ReportFacts:
    """Give the alerts.

    Raises: evidence.unreadable, cas.too_large
    """
    root = tree(data, NAME)
    sites = list(xml.children(root, "site", f"/{_ROOT}"))
    return report(
        f"{NAME}/{version}",
        "OWASP ZAP",
        (found for site, place in sites for found in _alerts(site, place)),
        tool_version=root.get("version"),
        created_at=root.get("created"),
        complete=bool(sites),
    )


def _alerts(site: Element, place: str) -> Iterator[ReportedFinding]:
    listed = xml.child(site, "alerts")
    if listed is None:
        return
    for alert, here in xml.children(listed, "alertitem", f"{place}/alerts"):
        instances = xml.child(alert, "instances")
        found = list(xml.children(instances, "instance", f"{here}/instances")) if instances is not None else []
        for each, pointer in found or [(alert, here)]:
            yield _finding(alert, each, pointer, site.get("name") or "")


def _finding(alert: Element, instance: Element, pointer: str, site: str) -> ReportedFinding:
    plugin, uri = xml.text(alert, "pluginid"), xml.text(instance, "uri")
    return result(
        "other",
        pointer,
        rule=plugin,
        severity=RISK.get(xml.text(alert, "riskcode"), "unknown"),
        path=uri or site,
        message=xml.text(alert, "alert") or xml.text(alert, "name"),
        suppressed="false positive" if xml.text(alert, "confidence") == FALSE_POSITIVE else "",
        fingerprint=identity(plugin, xml.text(instance, "method"), uri, xml.text(instance, "param")),
    )


def _detects(content: Content) -> bool:
    return content.root == _ROOT


ZAP_XML: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
