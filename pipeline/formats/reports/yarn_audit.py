"""``yarn audit --json`` of yarn 1 and ``yarn npm audit --json`` of yarn 2 and later: one JSON value for each advisory.

Yarn 1 ends its stream with a summary; without it the audit did not finish, and the report is incomplete. It repeats an
advisory for every path: one result for each version stays. What else yarn says in between is passed over. Yarn 4 writes
nothing when it found nothing: an empty file is taken when the format is declared.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.content import values
from pipeline.formats.decode import bound
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.npm_audit import Advisory, found_at
from pipeline.formats.reports.report import at, holds, listed, report, report_format, result, unreadable

NAME: Final = "yarn-audit-json"


class _Data(msgspec.Struct, gc=False):
    advisory: Advisory | None = None


class _One(msgspec.Struct, gc=False):
    type: str = ""
    data: _Data | str | None = None  # a text in what yarn only says


class _Children(msgspec.Struct, gc=False):
    id: int | str | None = msgspec.field(default=None, name="ID")
    issue: str | None = msgspec.field(default="", name="Issue")
    url: str | None = msgspec.field(default="", name="URL")
    severity: str | None = msgspec.field(default="", name="Severity")
    versions: tuple[str, ...] | None = msgspec.field(default=(), name="Tree Versions")
    dependents: tuple[str, ...] | None = msgspec.field(default=(), name="Dependents")


class _Two(msgspec.Struct, gc=False):
    value: str = ""
    children: _Children | None = None


_ONE: Final = msgspec.json.Decoder(_One)
_TWO: Final = msgspec.json.Decoder(_Two)


def read(data: bytes, version: str) -> ReportFacts:
    """Give the advisories that the audit found.

    Raises: evidence.unreadable, cas.too_large
    """
    bound(data)
    results: dict[tuple[str, str, str], ReportedFinding] = {}
    ended = version == "2"
    try:
        for place, value in enumerate(values(data)):
            if version == "2":
                found: Iterator[ReportedFinding] = _of_package(_TWO.decode(value), place)
            else:
                message = _ONE.decode(value)
                ended = ended or message.type == "auditSummary"
                advisory = message.data.advisory if isinstance(message.data, _Data) else None
                found = found_at(advisory, at(place, "data", "advisory")) if advisory is not None else iter(())
            for each in found:
                results.setdefault((each.rule, each.purl, each.version), each)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(NAME, str(error)) from error
    return report(f"{NAME}/{version}", "yarn audit", results.values(), complete=ended)


def _of_package(given: _Two, place: int) -> Iterator[ReportedFinding]:
    about = given.children or _Children()
    for version in about.versions or ("",):
        yield result(
            "vulnerability",
            at(place),
            rule=next(iter(words.names(about.url)), str(about.id or "")),
            names=words.names(about.url),
            severity=words.severity(about.severity),
            purl=words.package_url("npm", given.value, version),
            package=given.value,
            version=version,
            path=next(iter(about.dependents or ()), ""),
            message=about.issue,
        )


def _entries(content: Content) -> tuple[Any, ...]:
    return (content.object,) if content.object else listed(content) if content.syntax == "json-lines" else ()


def _of_two(each: Any) -> bool:
    return holds(each, value=str, children=dict) and "Tree Versions" in each["children"]


def _detects(content: Content) -> bool:
    found = _entries(content)
    old = [holds(each, type=str) and each["type"].startswith("audit") and "data" in each for each in found]
    return bool(found) and (any(old) or all(map(_of_two, found)))


def _version(content: Content) -> str:
    return "2" if all(map(_of_two, _entries(content))) else "1"


YARN_AUDIT: Final[Format] = report_format(
    NAME, _detects, read, version=_version, versions=("1", "2"), blanks=("",), about=__doc__
)
