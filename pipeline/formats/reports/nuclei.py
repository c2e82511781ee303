"""Nuclei JSON lines (``-jsonl``), or one array (``-json-export``): matches of templates against a running service.

Nuclei before 2.5 called the members ``templateID`` and ``matched``: read too. A run without matches leaves an empty
file or array: it is taken when the format is declared.

Those that name a CVE are vulnerabilities, all others of category other.
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.content import values
from pipeline.formats.decode import bound
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, identity, listed, report, report_format, result, unreadable

NAME: Final = "nuclei-json"


class _Classification(msgspec.Struct, gc=False, rename="kebab"):
    cve_id: tuple[str, ...] | str | None = ()
    cvss_score: float | None = None


class _Info(msgspec.Struct, gc=False):
    name: str | None = ""
    severity: str | None = ""
    classification: _Classification | None = None


class _Match(msgspec.Struct, gc=False, rename="kebab"):
    template_id: str | None = ""
    template_old: str | None = msgspec.field(default="", name="templateID")
    info: _Info | None = None
    host: str | None = ""
    matched_at: str | None = ""
    matched: str | None = ""
    matcher_name: str | None = ""


_MATCH: Final = msgspec.json.Decoder(_Match)
_MATCHES: Final = msgspec.json.Decoder(tuple[_Match, ...])


def read(data: bytes, version: str) -> ReportFacts:
    """Give the matches; requests and responses are not read.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    try:
        many = data.lstrip()[:1] == b"["
        matches = _MATCHES.decode(data) if many else tuple(_MATCH.decode(each) for each in values(data))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(NAME, str(error)) from error
    return report(f"{NAME}/{version}", "Nuclei", (_finding(each, at(place)) for place, each in enumerate(matches)))


def _finding(match: _Match, pointer: str) -> ReportedFinding:
    info = match.info or _Info()
    about = info.classification or _Classification()
    told = (about.cve_id,) if isinstance(about.cve_id, str) else about.cve_id or ()
    names = words.named(*(each.upper() for each in told))
    where = match.matched_at or match.matched or match.host or ""
    rule = match.template_id or match.template_old or ""
    return result(
        "vulnerability" if names else "other",
        pointer,
        rule=rule,
        names=names,
        severity=words.severity(info.severity),
        score=words.tenths(about.cvss_score),
        path=where,
        message=info.name,
        fingerprint=identity(rule, match.matcher_name or "", where),
    )


def _match(value: Any) -> bool:
    return holds(value, info=dict) and ("template-id" in value or holds(value, templateID=str, host=str))


def _detects(content: Content) -> bool:
    found = (content.object,) if content.object else listed(content)
    return bool(found) and all(map(_match, found))


NUCLEI: Final[Format] = report_format(NAME, _detects, read, blanks=("", []), about=__doc__)
