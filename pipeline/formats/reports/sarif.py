"""SARIF 2.1.0: results of any analyser, one log with any number of runs of any tools.

Read by the standard (rules by index, id and extension; levels; kinds; suppressions; code flows; fingerprints), with
what CodeQL, Semgrep, Trivy, Grype, Snyk, Checkmarx, osv-scanner and Docker Scout put beside it. Severity is
``security-severity`` where a rule gives it, else the level: error is high, warning medium, note low, none negligible.
A run without results, with results kept elsewhere, or whose invocation failed is incomplete. Judged by OASIS' schema
with two leniencies, because real logs break it there without losing meaning: prose of rules may lack ``text``, and
links and paths need not be URIs. A log whose tools all search secrets is evidence of type secrets.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from cas.digest import Digest
from cas.problems import Fault
from cas.records.evidence import EvidenceKind
from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.problems import DocumentUnreadable
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, identity, references, report, result, subjects, unreadable
from pipeline.formats.reports.sarif_flavours import SECRET_TOOLS, category, concerned, names_of
from pipeline.formats.reports.sarif_log import (
    BrokenReferenceError,
    Invocation,
    Location,
    Log,
    Message,
    Result,
    Rule,
    Rules,
    Run,
    faults,
    steps_of,
    uri_of,
)

NAME: Final = "sarif"
_LEVELS: Final = {"error": "high", "warning": "medium", "note": "low", "none": "none"}
_WITHHELD: Final = "requires login"  # Semgrep, without an account
_NO_FINDING: Final = frozenset({"pass", "notApplicable"})
_LOG: Final = msgspec.json.Decoder(Log)


def log_of(data: bytes) -> Log:
    """Decode a log.

    Raises: evidence.unreadable, cas.too_large
    """
    return typed(data, _LOG, NAME)


def results_of(log: Log) -> Iterator[tuple[Run, Result, Rule, str, str]]:
    """Give every result that says something was found: run, result, rule, the rule's configured level, pointer.

    Raises: evidence.unreadable
    """
    for number, run in enumerate(log.runs or ()):
        rules = Rules(run)
        for place, each in enumerate(run.results or ()):
            if each.kind in _NO_FINDING:
                continue
            try:
                rule = rules.of(each) or Rule(id=each.rule_id or "")
            except BrokenReferenceError as error:
                raise unreadable(NAME, str(error)) from error
            yield run, each, rule, rules.levels.get(rule.id, ""), at("runs", number, "results", place)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what a log reports.

    Raises: evidence.unreadable, cas.too_large
    """
    log = log_of(data)
    runs = log.runs or ()
    drivers = [run.tool.driver for run in runs]
    versions = {each.semantic_version or each.version or "" for each in drivers}
    began = sorted(_times(runs))
    return report(
        f"{NAME}/{version}",
        ", ".join(sorted({each.name for each in drivers})),
        (finding(*each) for each in results_of(log)),
        tool_version=versions.pop() if len(versions) == 1 else "",
        created_at=began[-1] if began else "",
        subjects=images_of(runs),
        complete=bool(runs) and all(map(_complete, runs)),
    )


def finding(run: Run, given: Result, rule: Rule, configured: str, pointer: str) -> ReportedFinding:
    """Turn one result into a fact.

    Raises: evidence.unreadable
    """
    driver = run.tool.driver.name
    own = concerned(driver, given, rule)
    names = names_of(driver, given, rule, own)
    about = category(driver, given, rule, names)
    score = _score(given, rule)
    path, line = place_of(run, given)
    secret = about == "secret"
    return result(
        about,
        pointer,
        rule=given.rule_id or rule.id,
        names=names,
        severity="unknown"
        if score is not None
        else words.severity(_LEVELS.get(_level(given, rule, configured, secret=secret), "")),
        score=score,
        purl=own.purl,
        package=own.package,
        version=own.version,
        fixed_in=(own.fixed,),
        path=path,
        line=line,
        message=_prose(rule) if secret else _said(given, rule),
        suppressed=_suppressed(given),
        flow=() if secret else flow_of(run, given),
        fingerprint=identity(driver, given.rule_id or rule.id, path, line) if secret else _fingerprint(given),
    )


def _score(given: Result, rule: Rule) -> int | None:
    bags = (given.properties, rule.properties)
    scores = (words.tenths(bag.security_severity) for bag in bags if bag)
    return next((each for each in scores if each is not None), None)


def _level(given: Result, rule: Rule, configured: str, *, secret: bool) -> str:
    """Say the level (3.27.10): its own, else as configured, else warning; an unrated secret's is error."""
    if given.level:
        return given.level
    if given.kind not in (None, "", "fail"):
        return "none" if given.kind == "informational" else "warning"
    default = rule.default_configuration.level if rule.default_configuration else None
    return configured or default or ("error" if secret else "warning")


def _said(given: Result, rule: Rule) -> str:
    """Give the message, message strings of the rule filled in (3.11.5)."""
    message = given.message or Message()
    text = message.text
    if not text and message.id:
        text = (rule.message_strings or {}).get(message.id, Message()).text or message.id
        for number, argument in enumerate(message.arguments or ()):
            text = text.replace("{" + str(number) + "}", argument)
    return text or message.markdown or _prose(rule)


def _prose(rule: Rule) -> str:
    found = (each.text for each in (rule.short_description, rule.full_description) if each and each.text)
    return next(found, rule.name or rule.id)


def _suppressed(given: Result) -> str:
    """Say why the tool does not count a result (3.27.23); empty when it does."""
    if given.baseline_state == "absent":
        return "absent: no longer found"
    listed = given.suppressions or ()
    if not listed or any(each.status in ("underReview", "rejected") for each in listed):
        return ""
    return "; ".join(f"{each.kind or 'external'}: {each.justification or 'no reason given'}" for each in listed)


def _fingerprint(given: Result) -> str:
    for found in (given.fingerprints, given.partial_fingerprints):
        if found:
            name = min(found)
            return "" if found[name] == _WITHHELD else f"{name}:{found[name]}"
    return given.guid or ""


def place_of(run: Run, given: Result) -> tuple[str, int]:
    """Give file and line of the first location.

    Raises: evidence.unreadable
    """
    for each in given.locations or ():
        where = each.physical_location
        if where is not None:
            try:
                return uri_of(run, where.artifact_location), (where.region.start_line or 0) if where.region else 0
            except BrokenReferenceError as error:
                raise unreadable(NAME, str(error)) from error
    return "", 0


def flow_of(run: Run, given: Result) -> tuple[str, ...]:
    """Give the steps that led to a result, entry first.

    Raises: evidence.unreadable
    """
    try:
        return tuple(filter(None, (_step(run, each) for each in steps_of(run, given))))
    except BrokenReferenceError as error:
        raise unreadable(NAME, str(error)) from error


def _step(run: Run, location: Location) -> str:
    symbol = symbol_of(location)
    where = location.physical_location
    path = uri_of(run, where.artifact_location) if where else ""
    line = f":{where.region.start_line}" if where and where.region and where.region.start_line else ""
    return f"{symbol} {path}{line}".strip()


def symbol_of(location: Location) -> str:
    """Give the name of the place in the program, when it has one."""
    for each in location.logical_locations or ():
        if each.fully_qualified_name or each.name:
            return each.fully_qualified_name or each.name or ""
    return ""


def _complete(run: Run) -> bool:
    outside = run.external_property_file_references
    return run.results is not None and not (outside and outside.results) and all(map(_ran, run.invocations or ()))


def _ran(invocation: Invocation) -> bool:
    told = (
        *(invocation.tool_execution_notifications or ()),
        *(invocation.tool_configuration_notifications or ()),
    )
    return invocation.execution_successful is not False and all(each.level != "error" for each in told)


def _times(runs: Iterable[Run]) -> Iterator[str]:
    for each in (each for run in runs for each in run.invocations or ()):
        if each.end_time_utc or each.start_time_utc:
            yield each.end_time_utc or each.start_time_utc or ""


def images_of(runs: Iterable[Run]) -> tuple[Digest, ...]:
    """List the image digests that runs name: as scanned image, or as artifact."""
    found: set[Digest] = set()
    for run in runs:
        found |= set(references(*(run.properties.images if run.properties else ())))
        found |= set(references(*(each.location.uri for each in run.artifacts or () if each.location)))
    return tuple(sorted(found))


def _detects(content: Content) -> bool:
    document = content.object
    return isinstance(document.get("runs"), list) and ("version" in document or "sarif" in str(document.get("$schema")))


def _version(content: Content) -> str:
    return str(content.object.get("version", ""))


def _kind(content: Content) -> EvidenceKind:
    drivers = {
        str(run["tool"]["driver"]["name"]).lower()
        for run in content.object["runs"]
        if run.get("tool", {}).get("driver")
    }
    return "secrets" if drivers and drivers <= SECRET_TOOLS else "findings"


def _faults(content: Content) -> Iterator[Fault]:
    try:
        yield from faults(log_of(content.data))
    except DocumentUnreadable as problem:
        yield Fault("", problem.code, problem.detail())


SARIF: Final = Format(
    name=NAME,
    media_types=("application/sarif+json",),
    schemas=(("2.1.0", "sarif-2.1.0"),),
    detects=_detects,
    version=_version,
    kind=_kind,
    read=read,
    subjects=subjects,
    faults=_faults,
    about=__doc__ or "",
)
