"""OWASP ZAP JSON: alerts of a web scan, one result for each instance. Alerts are findings of category other.

The XML report of the same scans is [zap-xml](zap-xml.md).
"""

from typing import Final

import msgspec

from cas.records.report import ReportFacts, Severity
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import at, holds, identity, report, report_format, result

NAME: Final = "zap-json"
RISK: Final[dict[str, Severity]] = {"3": "high", "2": "medium", "1": "low", "0": "negligible"}
FALSE_POSITIVE: Final = "0"


class _Instance(msgspec.Struct, gc=False):
    uri: str | None = ""
    method: str | None = ""
    param: str | None = ""


class _Alert(msgspec.Struct, gc=False):
    pluginid: str = ""
    alert: str | None = ""
    name: str | None = ""
    riskcode: str | None = ""
    confidence: str | None = ""
    instances: tuple[_Instance, ...] | None = ()


class _Site(msgspec.Struct, gc=False):
    name: str | None = msgspec.field(default="", name="@name")
    alerts: tuple[_Alert, ...] | None = ()


class _Report(msgspec.Struct, gc=False):
    version: str | None = msgspec.field(default="", name="@version")
    created: str | None = ""
    site: tuple[_Site, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the alerts; a scan of no site at all is incomplete.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "OWASP ZAP",
        (
            result(
                "other",
                at("site", number, "alerts", place) + (at("instances", spot) if alert.instances else ""),
                rule=alert.pluginid,
                severity=RISK.get(alert.riskcode or "", "unknown"),
                path=each.uri or site.name,
                message=alert.alert or alert.name,
                suppressed="false positive" if alert.confidence == FALSE_POSITIVE else "",
                fingerprint=identity(alert.pluginid, each.method or "", each.uri or "", each.param or ""),
            )
            for number, site in enumerate(document.site or ())
            for place, alert in enumerate(site.alerts or ())
            for spot, each in enumerate(alert.instances or (_Instance(),))
        ),
        tool_version=document.version,
        created_at=document.created,
        complete=bool(document.site),
    )


def _detects(content: Content) -> bool:
    document = content.object
    return holds(document, site=list) and ("@version" in document or "@programName" in document)


ZAP: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
