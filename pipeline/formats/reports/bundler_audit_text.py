"""bundler-audit text, what ``bundle audit check`` prints by default: vulnerable gems, and insecure sources.

Facts are those of [bundler-audit-json](bundler-audit-json.md), as far as the text tells them: a score is not in it. The
last line says what the audit found; without it the audit did not end, and the report is incomplete. Other tools too
print ``No vulnerabilities found`` and nothing else: that is taken when the format is declared.
"""

import re
from collections.abc import Iterator
from typing import Final

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import lines, report, report_format, result

NAME: Final = "bundler-audit-text"
_COLOUR: Final = re.compile(r"\x1b\[[\d;]{0,16}m")
_SOURCE: Final = "Insecure Source URI found: "
_ENDS: Final = frozenset({"Vulnerabilities found!", "No vulnerabilities found", "Unpatched versions found!"})
_GEM: Final = re.compile(
    r"^Name: [^\n]{1,255}\nVersion: [^\n]{1,255}\n(?:Advisory|CVE|GHSA|Criticality): ", re.MULTILINE
)
_VERSIONS: Final = re.compile(r"(>=|~>|=)?\s*([0-9][0-9A-Za-z.\-]{0,254})")
_HEAD: Final = 4096


def read(data: bytes, version: str) -> ReportFacts:
    """Give what bundler-audit found.

    Raises: evidence.unreadable, cas.too_large
    """
    rows = [_COLOUR.sub("", row).strip() for row in lines(data, NAME)]
    return report(f"{NAME}/{version}", "bundler-audit", _findings(rows), complete=any(row in _ENDS for row in rows))


def _findings(rows: list[str]) -> Iterator[ReportedFinding]:
    told: dict[str, str] = {}
    begun = 1
    for number, row in enumerate((*rows, ""), 1):
        if row.startswith(_SOURCE):
            where = row.removeprefix(_SOURCE)
            yield result(
                "misconfiguration",
                f"#L{number}",
                rule="insecure_source",
                severity="medium",
                path=where,
                message=f"insecure source {where}",
            )
            continue
        name, parted, value = row.partition(": ")
        if told and (not row or name == "Name"):
            yield _gem(told, f"#L{begun}")
            told = {}
        if parted and (told or name == "Name"):
            begun = begun if told else number
            told.setdefault(name, value)


def _gem(told: dict[str, str], pointer: str) -> ReportedFinding:
    name, version = told.get("Name", ""), told.get("Version", "")
    given = [told.get(key, "") for key in ("CVE", "GHSA", "Advisory")]
    solution = told.get("Solution", "").removeprefix("upgrade to ").removeprefix("update to ")
    bounds = [_VERSIONS.match(part.strip(" '\"")) for part in solution.split(",")]
    return result(
        "vulnerability",
        pointer,
        rule=next(filter(None, given), ""),
        names=words.names(*given),
        severity=words.severity(told.get("Criticality")),
        purl=words.package_url("gem", name, version),
        package=name,
        version=version,
        fixed_in=[found[2] for found in bounds if found and found[1] != "="],
        message=told.get("Title"),
    )


def _detects(content: Content) -> bool:
    if content.syntax != "text":
        return False
    head = _COLOUR.sub("", content.value[:_HEAD]).lstrip().replace("\r\n", "\n")
    return head.startswith(_SOURCE) or _GEM.search(head) is not None


BUNDLER_AUDIT_TEXT: Final[Format] = report_format(
    NAME, _detects, read, blanks=("No vulnerabilities found",), about=__doc__
)
