"""Grype JSON: matches, and those that Grype's own rules ignored, marked suppressed.

Subjects are the digests under which the image is known: manifest, repository digests, image id. A report that was cut
down to its matches is read too; it names no subject.
"""

from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import at, holds, references, report, report_format, result

NAME: Final = "grype-json"


class _Metrics(msgspec.Struct, gc=False, rename="camel"):
    base_score: float | None = None


class _Cvss(msgspec.Struct, gc=False):
    version: str | None = ""
    metrics: _Metrics | None = None


class _Fix(msgspec.Struct, gc=False):
    versions: tuple[str, ...] | None = ()
    state: str | None = ""


class _Vulnerability(msgspec.Struct, gc=False, rename="camel"):
    id: str = ""
    severity: str | None = ""
    description: str | None = ""
    cvss: tuple[_Cvss, ...] | None = ()
    fix: _Fix | None = None


class _Related(msgspec.Struct, gc=False):
    id: str = ""
    cvss: tuple[_Cvss, ...] | None = ()


class _Place(msgspec.Struct, gc=False):
    path: str | None = ""


class _Artifact(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""
    purl: str | None = ""
    locations: tuple[_Place, ...] | None = ()


class _Ignored(msgspec.Struct, gc=False, rename="kebab"):
    vulnerability: str | None = ""
    reason: str | None = ""
    namespace: str | None = ""
    fix_state: str | None = ""


class _Match(msgspec.Struct, gc=False, rename="camel"):
    vulnerability: _Vulnerability = msgspec.field(default_factory=_Vulnerability)
    related_vulnerabilities: tuple[_Related, ...] | None = ()
    artifact: _Artifact = msgspec.field(default_factory=_Artifact)
    applied_ignore_rules: tuple[_Ignored, ...] | None = ()


class _Descriptor(msgspec.Struct, gc=False):
    name: str | None = ""
    version: str | None = ""
    timestamp: str | None = ""


class _Source(msgspec.Struct, gc=False):
    target: Any = None  # an object for images, a path for directories


class _Report(msgspec.Struct, gc=False, rename="camel"):
    matches: tuple[_Match, ...] | None = ()
    ignored_matches: tuple[_Match, ...] | None = ()
    source: _Source | None = None
    descriptor: _Descriptor | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)


def read(data: bytes, version: str) -> ReportFacts:
    """Give what Grype matched.

    Raises: evidence.unreadable, cas.too_large
    """
    document = typed(data, _REPORT, NAME)
    tool = document.descriptor or _Descriptor()
    results = [_finding(each, at("matches", place)) for place, each in enumerate(document.matches or ())]
    results += [
        _finding(each, at("ignoredMatches", place)) for place, each in enumerate(document.ignored_matches or ())
    ]
    return report(
        f"{NAME}/{version}",
        "Grype",
        results,
        tool_version=tool.version,
        created_at=tool.timestamp,
        subjects=references(*_images(document.source.target if document.source else None)),
    )


def _images(target: Any) -> list[str]:
    if not isinstance(target, dict):
        return []
    digests = target.get("repoDigests")
    named = [target.get("manifestDigest"), target.get("imageID"), *(digests if isinstance(digests, list) else [])]
    return [each for each in named if isinstance(each, str)]


def _finding(match: _Match, pointer: str) -> ReportedFinding:
    given, artifact = match.vulnerability, match.artifact
    related = match.related_vulnerabilities or ()
    scores = [_score(given.cvss)] + [_score(each.cvss) for each in related]
    why = "; ".join(_why(each) for each in match.applied_ignore_rules or ())
    return result(
        "vulnerability",
        pointer,
        rule=given.id,
        names=words.named(given.id, *(each.id for each in related)),
        severity=words.severity(given.severity),
        score=next((each for each in scores if each is not None), None),
        purl=artifact.purl or "",
        package=artifact.name,
        version=artifact.version,
        fixed_in=(given.fix.versions or ()) if given.fix else (),
        path=next((each.path for each in artifact.locations or ()), ""),
        message=given.description,
        suppressed=(why or "ignored by a rule") if pointer.startswith("/ignored") else "",
    )


def _score(given: tuple[_Cvss, ...] | None) -> int | None:
    """Give the highest score of the newest CVSS version."""
    scored = [
        (each.version or "", tenths)
        for each in given or ()
        if each.metrics and (tenths := words.tenths(each.metrics.base_score)) is not None
    ]
    return max(scored)[1] if scored else None


def _why(rule: _Ignored) -> str:
    said = (rule.reason, rule.vulnerability, rule.namespace, f"fix state {rule.fix_state}" if rule.fix_state else "")
    return " ".join(filter(None, said))


def _detects(content: Content) -> bool:
    document = content.object
    matches = document.get("matches")
    if not isinstance(matches, list):
        return False
    if len(document) == 1:  # cut down to its matches by somebody's filter
        return bool(matches) and all(holds(each, vulnerability=dict, artifact=dict) for each in matches)
    tool = document.get("descriptor")
    return "ignoredMatches" in document or (holds(tool, name=str) and tool["name"] == "grype")


GRYPE: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
