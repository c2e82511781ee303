"""Trivy JSON (schema 1 and 2): vulnerabilities; in further readings secrets and licences of the same report.

Misconfigurations stand beside the vulnerabilities, by their category. What Trivy itself left out
(``ExperimentalModifiedFindings``: ignored, or closed by VEX) is kept and marked suppressed. Subjects are the
image's repository digests and its id. Reports of schema 1 (a bare array of results) are read too; where there was no
result it is ``null``, which is taken when the format is declared. Reports about a cluster are
[trivy-k8s-json](trivy-k8s-json.md).
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.evidence import EvidenceKind
from cas.records.report import Category, ReportedFinding, ReportFacts
from pipeline.formats.decode import typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports import words
from pipeline.formats.reports.report import (
    at,
    first,
    holds,
    identity,
    references,
    report,
    report_format,
    result,
    unreadable,
)

NAME: Final = "trivy-json"
_LICENSES: Final = frozenset({"license", "license-file"})


class _Struct(msgspec.Struct, gc=False, rename="pascal"):
    """Trivy spells members in Pascal case."""


class _Identifier(_Struct, gc=False):
    purl: str | None = msgspec.field(default="", name="PURL")


class _Score(_Struct, gc=False):
    v3: float | None = msgspec.field(default=None, name="V3Score")
    v4: float | None = msgspec.field(default=None, name="V40Score")
    v2: float | None = msgspec.field(default=None, name="V2Score")


class _Vulnerability(_Struct, gc=False):
    vulnerability_id: str = msgspec.field(default="", name="VulnerabilityID")
    vendor_ids: tuple[str, ...] | None = msgspec.field(default=(), name="VendorIDs")
    pkg_name: str | None = ""
    pkg_path: str | None = ""
    pkg_identifier: _Identifier | None = None
    installed_version: str | None = ""
    fixed_version: str | None = ""
    severity: str | None = ""
    severity_source: str | None = ""
    title: str | None = ""
    cvss: dict[str, _Score] | None = msgspec.field(default=None, name="CVSS")
    fingerprint: str | None = ""


class _Cause(_Struct, gc=False):
    start_line: int | None = 0
    resource: str | None = ""


class _Misconfiguration(_Struct, gc=False):
    id: str = msgspec.field(default="", name="ID")
    avd: str | None = msgspec.field(default="", name="AVDID")
    title: str | None = ""
    message: str | None = ""
    severity: str | None = ""
    status: str | None = ""
    cause_metadata: _Cause | None = None


class _Secret(_Struct, gc=False):
    rule_id: str = msgspec.field(default="", name="RuleID")
    severity: str | None = ""
    title: str | None = ""
    start_line: int | None = 0


class _License(_Struct, gc=False):
    name: str = ""
    severity: str | None = ""
    category: str | None = ""
    pkg_name: str | None = ""
    file_path: str | None = ""


class _Modified(_Struct, gc=False):
    type: str | None = ""
    status: str | None = ""
    statement: str | None = ""
    source: str | None = ""
    finding: msgspec.Raw = msgspec.Raw()


class Result(_Struct, gc=False):
    """What was found in one target: a file, or the packages of an image."""

    target: str | None = ""
    klass: str | None = msgspec.field(default="", name="Class")
    type: str | None = ""
    vulnerabilities: tuple[_Vulnerability, ...] | None = ()
    misconfigurations: tuple[_Misconfiguration, ...] | None = ()
    secrets: tuple[_Secret, ...] | None = ()
    licenses: tuple[_License, ...] | None = ()
    experimental_modified_findings: tuple[_Modified, ...] | None = ()


class _Metadata(_Struct, gc=False):
    image_id: str | None = msgspec.field(default="", name="ImageID")
    repo_digests: tuple[str, ...] | None = ()


class _Tool(_Struct, gc=False):
    version: str | None = ""


class _Report(_Struct, gc=False):
    created_at: str | None = ""
    artifact_name: str | None = ""
    metadata: _Metadata | None = None
    results: tuple[Result, ...] | None = ()
    trivy: _Tool | None = None


_REPORT: Final = msgspec.json.Decoder(_Report)
_RESULTS: Final = msgspec.json.Decoder(tuple[Result, ...] | None)
_VULNERABILITY: Final = msgspec.json.Decoder(_Vulnerability)


def _decoded(data: bytes, version: str) -> _Report:
    if version == "1":
        return _Report(results=typed(data, _RESULTS, NAME))
    return typed(data, _REPORT, NAME)


def _score(given: _Vulnerability) -> int | None:
    """Take the score of the source that gave the severity, else the highest of the newest system."""
    scores = given.cvss or {}
    chosen = scores.get(given.severity_source or "")
    listed = [chosen] if chosen is not None else [scores[name] for name in sorted(scores)]
    for system in ("v4", "v3", "v2"):
        found = [tenths for each in listed if (tenths := words.tenths(getattr(each, system)))]
        if found:
            return max(found)
    return None


def _vulnerability(given: _Vulnerability, target: Result, pointer: str, suppressed: str = "") -> ReportedFinding:
    purl = (given.pkg_identifier.purl or "") if given.pkg_identifier else ""
    if not purl and target.klass == "lang-pkgs":
        purl = words.package_url(
            words.purl_type(target.type or ""), given.pkg_name or "", given.installed_version or ""
        )
    return result(
        "vulnerability",
        pointer,
        rule=given.vulnerability_id,
        names=words.named(given.vulnerability_id, *(given.vendor_ids or ())),
        severity=words.severity(given.severity),
        score=_score(given),
        purl=purl,
        package=given.pkg_name,
        version=given.installed_version,
        fixed_in=[each.strip() for each in (given.fixed_version or "").split(",")],
        path=given.pkg_path or target.target,
        message=given.title,
        suppressed=suppressed,
        fingerprint=given.fingerprint,
    )


def _modified(target: Result, pointer: str) -> Iterator[ReportedFinding]:
    for place, each in enumerate(target.experimental_modified_findings or ()):
        if each.type != "vulnerability" or not bytes(each.finding):
            continue
        try:
            given = _VULNERABILITY.decode(each.finding)
        except msgspec.DecodeError as error:
            raise unreadable(NAME, str(error)) from error
        said = ": ".join(filter(None, (each.status, each.statement, each.source)))
        here = f"{pointer}{at('ExperimentalModifiedFindings', place)}/Finding"
        yield _vulnerability(given, target, here, said or "left out by Trivy")


def _misconfigurations(target: Result, pointer: str) -> Iterator[ReportedFinding]:
    for place, each in enumerate(target.misconfigurations or ()):
        if (each.status or "FAIL").upper() == "PASS":
            continue
        yield result(
            "misconfiguration",
            pointer + at("Misconfigurations", place),
            rule=each.avd or each.id,
            severity=words.severity(each.severity),
            path=target.target,
            line=each.cause_metadata.start_line if each.cause_metadata else 0,
            message=each.message or each.title,
            suppressed="excepted in Trivy" if (each.status or "").upper() == "EXCEPTION" else "",
        )


def findings(target: Result, pointer: str) -> Iterator[ReportedFinding]:
    """Give the vulnerabilities and misconfigurations of a target."""
    for place, each in enumerate(target.vulnerabilities or ()):
        yield _vulnerability(each, target, pointer + at("Vulnerabilities", place))
    yield from _modified(target, pointer)
    yield from _misconfigurations(target, pointer)


def secrets(target: Result, pointer: str) -> Iterator[ReportedFinding]:
    """Give the secrets of a target, without what was found."""
    for place, each in enumerate(target.secrets or ()):
        yield result(
            "secret",
            pointer + at("Secrets", place),
            rule=each.rule_id,
            severity=words.severity(each.severity),
            path=target.target,
            line=each.start_line,
            message=each.title,
            fingerprint=identity(each.rule_id, target.target or "", each.start_line or 0),
        )


def _licenses(target: Result, pointer: str) -> Iterator[ReportedFinding]:
    for place, each in enumerate(target.licenses or ()):
        yield result(
            "license",
            pointer + at("Licenses", place),
            rule=each.name,
            severity=words.severity(each.severity),
            package=each.pkg_name,
            path=each.file_path or target.target,
            message=each.category,
        )


def _read(data: bytes, version: str, format_: str, category: Category) -> ReportFacts:
    document = _decoded(data, version)
    of = {"secret": secrets, "license": _licenses}.get(category, findings)
    metadata = document.metadata or _Metadata()
    return report(
        f"{format_}/{version}",
        "Trivy",
        (
            found
            for place, target in enumerate(document.results or ())
            for found in of(target, at(place) if version == "1" else at("Results", place))
        ),
        tool_version=document.trivy.version if document.trivy else "",
        created_at=document.created_at,
        subjects=references(metadata.image_id, *(metadata.repo_digests or ())),
    )


def read(data: bytes, version: str) -> ReportFacts:
    """Give vulnerabilities and misconfigurations.

    Raises: evidence.unreadable, cas.too_large
    """
    return _read(data, version, NAME, "vulnerability")


def read_secrets(data: bytes, version: str) -> ReportFacts:
    """Give secrets.

    Raises: evidence.unreadable, cas.too_large
    """
    return _read(data, version, "trivy-secrets", "secret")


def read_licenses(data: bytes, version: str) -> ReportFacts:
    """Give licences.

    Raises: evidence.unreadable, cas.too_large
    """
    return _read(data, version, "trivy-licenses", "license")


def _results(content: Content) -> list[Any]:
    listed = content.object.get("Results") if content.object else content.value
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _detects(content: Content) -> bool:
    if "SchemaVersion" in content.object:
        return holds(content.object, ArtifactType=str) or "ArtifactName" in content.object
    head = first(content) if content.syntax == "json" else {}
    return "Target" in head and bool({"Vulnerabilities", "Type", "Class"} & head.keys())


def _version(content: Content) -> str:
    return str(content.object.get("SchemaVersion", "")) if content.object else "1"


def _kind(content: Content) -> EvidenceKind | None:
    """Answer findings, unless the report holds nothing but results of secret or licence scanning."""
    classes = {str(each.get("Class")) for each in _results(content)}
    return None if classes and classes <= {"secret", *_LICENSES} else "findings"


def _has_secrets(content: Content) -> bool:
    return bool(content.object) and any(
        each.get("Class") == "secret" or each.get("Secrets") for each in _results(content)
    )


def _has_licenses(content: Content) -> bool:
    return bool(content.object) and any(
        each.get("Class") in _LICENSES or each.get("Licenses") for each in _results(content)
    )


TRIVY: Final[Format] = report_format(
    NAME, _detects, read, _kind, version=_version, versions=("1", "2"), blanks=(None,), about=__doc__
)
TRIVY_SECRETS: Final[Format] = report_format(
    "trivy-secrets",
    _has_secrets,
    read_secrets,
    "secrets",
    version=_version,
    versions=("2",),
    within=NAME,
    about=__doc__,
)
TRIVY_LICENSES: Final[Format] = report_format(
    "trivy-licenses",
    _has_licenses,
    read_licenses,
    "licenses",
    version=_version,
    versions=("2",),
    within=NAME,
    about=__doc__,
)
