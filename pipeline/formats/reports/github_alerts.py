"""GitHub code scanning alerts, as its interface lists them (``gh api …/code-scanning/alerts``): findings in code.

Dismissed alerts are kept, marked suppressed with their reason, and so are fixed ones. A listing says what was found up
to now in one repository, page by page: submit every page. An empty page may be any tool's: it is taken when the format
is declared.
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result

NAME: Final = "github-alerts-json"


class _Rule(msgspec.Struct, gc=False):
    id: str | None = ""
    severity: str | None = ""
    security: str | None = msgspec.field(default="", name="security_severity_level")
    description: str | None = ""


class _Tool(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""


class _Message(msgspec.Struct, gc=False):
    text: str | None = ""


class _Location(msgspec.Struct, gc=False):
    path: str | None = ""
    start_line: int | None = 0


class _Instance(msgspec.Struct, gc=False):
    message: _Message | None = None
    location: _Location | None = None


class _Alert(msgspec.Struct, gc=False):
    number: int = 0
    state: str | None = ""
    dismissed_reason: str | None = ""
    dismissed_comment: str | None = ""
    rule: _Rule = msgspec.field(default_factory=_Rule)
    tool: _Tool | None = None
    instance: _Instance | None = msgspec.field(default=None, name="most_recent_instance")


_REPORT: Final = msgspec.json.Decoder(tuple[_Alert, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the alerts.

    Raises: evidence.unreadable, cas.too_large
    """
    alerts = typed(data, _REPORT, NAME)
    tools = sorted({each.tool.name for each in alerts if each.tool and each.tool.name})
    versions = {each.tool.version or "" for each in alerts if each.tool}
    return report(
        f"{NAME}/{version}",
        ", ".join(tools) or "GitHub code scanning",
        (_finding(each, at(place)) for place, each in enumerate(alerts)),
        tool_version=versions.pop() if len(versions) == 1 else "",
    )


def _finding(alert: _Alert, pointer: str) -> ReportedFinding:
    instance = alert.instance or _Instance()
    where = instance.location or _Location()
    told = (instance.message.text if instance.message else "") or alert.rule.description
    said = filter(None, (alert.dismissed_reason, alert.dismissed_comment))
    why = ": ".join((alert.state or "", *said)) if alert.state in ("dismissed", "fixed") else ""
    return result(
        "code",
        pointer,
        rule=alert.rule.id,
        severity=words.severity(alert.rule.security or alert.rule.severity),
        path=where.path,
        line=where.start_line,
        message=told,
        suppressed=why,
        fingerprint=str(alert.number),
    )


def _alert(value: Any) -> bool:
    return holds(value, number=int, state=str, rule=dict, tool=dict, most_recent_instance=dict)


def _detects(content: Content) -> bool:
    found = listed(content) if content.syntax == "json" else ()
    return bool(found) and all(map(_alert, found))


GITHUB_ALERTS: Final[Format] = report_format(NAME, _detects, read, blanks=([],), about=__doc__)
