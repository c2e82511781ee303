"""``trivy k8s`` JSON: what Trivy found in a cluster, resource by resource; secrets in a further reading.

Read are the lists ``Resources`` and, of the summary and of Trivy before 0.36, ``Findings``, ``Vulnerabilities`` and
``Misconfigurations``. A path begins with the resource: ``Namespace/Kind/Name``. A cluster is no image, and nothing in
the report tells which image a whole report is about: it names no subject, the submitter must. A resource that could not
be scanned makes the report incomplete.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cas.records.report import ReportedFinding, ReportFacts
from pipeline.formats.decode import fit, typed
from pipeline.formats.format import Content, Format
from pipeline.formats.reports.report import MAX_TEXT, at, holds, report, report_format
from pipeline.formats.reports.trivy import Result, findings, secrets

NAME: Final = "trivy-k8s-json"
SECRETS: Final = "trivy-k8s-secrets"
_LISTS: Final = ("Resources", "Findings", "Vulnerabilities", "Misconfigurations")


class _Resource(msgspec.Struct, gc=False, rename="pascal"):
    namespace: str | None = ""
    kind: str | None = ""
    name: str | None = ""
    results: tuple[Result, ...] | None = ()
    error: str | None = ""


class _Report(msgspec.Struct, gc=False, rename="pascal"):
    resources: tuple[_Resource, ...] | None = ()
    findings: tuple[_Resource, ...] | None = ()
    vulnerabilities: tuple[_Resource, ...] | None = ()
    misconfigurations: tuple[_Resource, ...] | None = ()


_REPORT: Final = msgspec.json.Decoder(_Report)


def _resources(document: _Report) -> Iterator[tuple[str, _Resource]]:
    held = (document.resources, document.findings, document.vulnerabilities, document.misconfigurations)
    for name, listed in zip(_LISTS, held, strict=True):
        for place, each in enumerate(listed or ()):
            yield at(name, place), each


def _placed(resource: _Resource, found: ReportedFinding) -> ReportedFinding:
    where = "/".join(filter(None, (resource.namespace, resource.kind, resource.name)))
    return msgspec.structs.replace(found, path=fit(f"{where} {found.path}".strip(), MAX_TEXT))


def _read(data: bytes, format_: str, *, secret: bool) -> ReportFacts:
    listed = list(_resources(typed(data, _REPORT, NAME)))
    of = secrets if secret else findings
    return report(
        format_,
        "Trivy",
        (
            _placed(each, found)
            for pointer, each in listed
            for place, target in enumerate(each.results or ())
            for found in of(target, pointer + at("Results", place))
        ),
        complete=not any(each.error for _, each in listed),
    )


def read(data: bytes, version: str) -> ReportFacts:
    """Give vulnerabilities and misconfigurations.

    Raises: evidence.unreadable, cas.too_large
    """
    return _read(data, f"{NAME}/{version}", secret=False)


def read_secrets(data: bytes, version: str) -> ReportFacts:
    """Give secrets.

    Raises: evidence.unreadable, cas.too_large
    """
    return _read(data, f"{SECRETS}/{version}", secret=True)


def _held(content: Content) -> list[Any]:
    lists = [content.object.get(name) for name in _LISTS]
    return [each for listed in lists if isinstance(listed, list) for each in listed]


def _detects(content: Content) -> bool:
    held = _held(content)
    return (
        holds(content.object, ClusterName=str)
        and any(name in content.object for name in _LISTS)
        and all(holds(each, Kind=str, Name=str) for each in held)
    )


def _has_secrets(content: Content) -> bool:
    targets = (each.get("Results") or () for each in _held(content))
    return any(isinstance(each, dict) and bool(each.get("Secrets")) for listed in targets for each in listed)


TRIVY_K8S: Final[Format] = report_format(NAME, _detects, read, about=__doc__)
TRIVY_K8S_SECRETS: Final[Format] = report_format(
    SECRETS, _has_secrets, read_secrets, "secrets", within=NAME, about=__doc__
)
