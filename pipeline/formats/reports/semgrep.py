"""Semgrep JSON: code, secrets, and supply chain findings with their reachability verdict as the tool gives it.

Matched lines are not read. Errors of level ``error`` (files that could not be analysed) make the report incomplete.
Supply chain results name a vulnerability and a dependency; code results carry the data-flow trace, source first.
What the web service of Semgrep answers (``findings``, ``vulns``) is another thing, and not read. A report of an old
Semgrep without results (``{"results": [], "errors": []}``) tells no tool: it is taken when the format is declared.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import Category, ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, identity, report, report_format, result

NAME: Final = "semgrep-json"
_VALIDATED: Final = frozenset({"CONFIRMED_VALID", "CONFIRMED_INVALID", "VALIDATION_ERROR"})
_WITHHELD: Final = "requires login"
_VERDICTS: Final = {"CONFIRMED_VALID": "verified: ", "CONFIRMED_INVALID": "unverified: "}


class _Position(msgspec.Struct, gc=False):
    line: int = 0


class _Dependency(msgspec.Struct, gc=False):
    package: str | None = ""
    version: str | None = ""
    ecosystem: str | None = ""


class _Match(msgspec.Struct, gc=False):
    found_dependency: _Dependency | None = None


class _Sca(msgspec.Struct, gc=False):
    reachable: bool | None = None
    dependency_match: _Match | None = None


class _Extra(msgspec.Struct, gc=False):
    message: str | None = ""
    severity: str | None = ""
    fingerprint: str | None = ""
    is_ignored: bool | None = False
    validation_state: str | None = ""
    metadata: Any = None
    sca_info: _Sca | None = None
    dataflow_trace: Any = None


class _Result(msgspec.Struct, gc=False):
    check_id: str = ""
    path: str | None = ""
    start: _Position | None = None
    extra: _Extra = msgspec.field(default_factory=_Extra)


class _Error(msgspec.Struct, gc=False):
    level: str | None = ""


class _Report(msgspec.Struct, gc=False):
    version: str | None = ""
    results: tuple[_Result, ...] | None = ()
    errors: tuple[_Error, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Semgrep found.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    return report(
        f"{NAME}/{version}",
        "Semgrep",
        (_finding(each, at("results", place)) for place, each in enumerate(document.results or ())),
        tool_version=document.version,
        complete=all(each.level != "error" for each in document.errors or ()),
    )


def _finding(given: _Result, pointer: str) -> ReportedFinding:
    extra = given.extra
    metadata = extra.metadata if isinstance(extra.metadata, dict) else {}
    names = _names(metadata) if extra.sca_info is not None else ()
    found = (extra.sca_info.dependency_match if extra.sca_info else None) or _Match()
    package = found.found_dependency or _Dependency()
    about = _category(extra, metadata, given.check_id)
    line = given.start.line if given.start else 0
    secret = about == "secret"
    return result(
        about,
        pointer,
        rule=given.check_id,
        names=names,
        severity=words.severity(extra.severity),
        purl=words.package_url(words.purl_type(package.ecosystem or ""), package.package or "", package.version or ""),
        package=package.package,
        version=package.version,
        path=given.path,
        line=line,
        message=_VERDICTS.get(extra.validation_state or "", "") + given.check_id.rpartition(".")[2]
        if secret
        else extra.message,
        suppressed="nosemgrep" if extra.is_ignored else "",
        flow=() if secret else _flow(extra.dataflow_trace),
        fingerprint=identity(given.check_id, given.path or "", line)
        if secret
        else ""
        if extra.fingerprint == _WITHHELD
        else extra.fingerprint,
    )


def _names(metadata: dict[str, Any]) -> tuple[str, ...]:
    told = [metadata.get(key) for key in ("sca-vuln-database-identifier", "cve", "ghsa")]
    flat = [text for each in told for text in (each if isinstance(each, list) else [each]) if isinstance(text, str)]
    return words.names(*flat)


def _category(extra: _Extra, metadata: dict[str, Any], rule: str) -> Category:
    if extra.sca_info is not None:
        return "vulnerability"
    secret = (
        extra.validation_state in _VALIDATED or metadata.get("technology") == ["secrets"] or ".secrets." in f".{rule}."
    )
    return "secret" if secret else "code"


def _flow(trace: Any) -> tuple[str, ...]:
    """Give places from taint source to sink, as file and line only."""
    if not isinstance(trace, dict):
        return ()
    middle = trace.get("intermediate_vars")
    places = [
        *_places(trace.get("taint_source")),
        *(place for each in (middle if isinstance(middle, list) else ()) for place in _places(each)),
        *_places(trace.get("taint_sink")),
    ]
    return tuple(dict.fromkeys(places))


def _places(step: Any) -> Iterator[str]:
    """Walk ``["CliLoc", [location, text]]``, ``["CliCall", [[location, text], steps, step]]`` and plain locations."""
    pending = [step]
    while pending:
        here = pending.pop()
        if isinstance(here, list):
            pending += reversed(here)
        elif isinstance(here, dict) and "location" in here:
            pending.append(here["location"])
        elif holds(here, path=str, start=dict):
            yield f"{here['path']}:{here['start'].get('line', 0)}"


def _detects(content: Content) -> bool:
    document = content.object
    if not holds(document, results=list, errors=list) or "generated_at" in document:
        return False
    results = document["results"]
    return all(holds(each, check_id=str, extra=dict) for each in results) and (
        bool(results) or "paths" in document or "interfile_languages_used" in document
    )


SEMGREP: Final[Format] = report_format(NAME, _detects, read, blanks=({"results": [], "errors": []},), about=__doc__)
