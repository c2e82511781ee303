"""CycloneDX claims as facts: VEX from analyses, findings from vulnerabilities without one, uses from call stacks.

A vulnerability with an analysis is a claim about the component inside what the document describes; one without is a
scanner's finding; a call stack shows that a package is used. Must not know a syntax, nor weigh claims.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

import msgspec

from cas.digest import Digest
from cas.records.evidence import VexFacts, VexProduct, VexStatement, VexStatus
from cas.records.report import ReachFacts, ReachTarget, ReportedFinding, ReportFacts, Severity
from pipeline.formats.cyclonedx_analysis import (
    Affected,
    Analysis,
    Bom,
    Metadata,
    Opened,
    Part,
    Places,
    Rating,
    Tools,
    Version,
    Vulnerability,
    image_digests,
    opened,
    product,
    referred,
    url_of,
)
from pipeline.formats.decode import digest_in, fit
from pipeline.formats.instant import instant
from pipeline.versions import purl

TEXT: Final = 65536
JUSTIFIED: Final = "stella:justification"
"""The property in which our own export keeps a justification that CycloneDX has no word for."""

STATES: Final[dict[str, VexStatus]] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
JUSTIFICATIONS: Final = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "requires_configuration": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_dependency": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_environment": "vulnerable_code_cannot_be_controlled_by_adversary",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_at_perimeter": "inline_mitigations_already_exist",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}
_SEVERITIES: Final[dict[str, Severity]] = {
    "critical": "critical",
    "high": "high",
    "medium": "medium",
    "low": "low",
    "info": "negligible",
    "none": "negligible",
}
_RANK: Final = ("critical", "high", "medium", "low", "negligible", "unknown")
_USED: Final = 500_000
"""How sure a call stack makes of a use: it names the package, not the vulnerable function."""


def _versioned(identity: str, version: Version) -> str:
    """Narrow a package to a version or a range; what is no purl stays as it is."""
    if not identity.startswith("pkg:") or not (version.version or version.range):
        return identity
    head, _, query = identity.partition("#")[0].partition("?")
    bare = head.rpartition("@")[0] if "@" in head.rpartition("/")[2] else head
    if version.version:
        return purl.canonical(f"{bare}@{quote(version.version, safe='')}?{query}".rstrip("?")) or identity
    return purl.canonical(f"{bare}?{query}&vers={quote(version.range, safe='')}".replace("?&", "?")) or identity


def _meant(
    document: Opened, affected: Affected, status: VexStatus, at: str, places: Places
) -> Iterator[tuple[VexStatus, str, str]]:
    """Give (status, identity, place) of an affected entry: its versions may say otherwise than the analysis."""
    identity, itself = referred(document, affected.ref)
    if itself:
        yield status, "", at
    elif not affected.versions:
        yield status, identity, at
    for number, each in enumerate(() if itself else affected.versions):
        said = status
        if each.status == "unaffected" and status == "affected":
            said = "not_affected"
        elif each.status == "affected" and status in {"not_affected", "fixed"}:
            said = "affected"
        elif each.status == "unknown":
            said = "under_investigation"
        yield said, _versioned(identity, each), places.version(at, number)


def _products(document: Opened, identity: str) -> tuple[VexProduct, ...]:
    """Give the products of a claim: the component inside what is described, or alone where nothing is."""
    if not identity:
        return document.whole
    if not document.whole:
        alone = product(identity)
        inner = (("bom-ref", identity),) if document.bom.components else ()
        return (msgspec.structs.replace(alone, identifiers=inner),)
    return tuple(msgspec.structs.replace(each, components=(identity,)) for each in document.whole)


def subjects(facts: VexFacts) -> tuple[Digest, ...]:
    """List the image digests that claims speak of; a component of the document itself is no subject."""
    named = {
        digest_in(one.id)
        for statement in facts.statements
        for one in statement.products
        if "bom-ref" not in dict(one.identifiers)
    }
    return tuple(sorted(filter(None, named)))


def _names(vulnerability: Vulnerability) -> tuple[str, tuple[str, ...]]:
    every = [name for name in (vulnerability.id, *(each.id for each in vulnerability.references)) if name]
    first = fit(every[0], 255) if every else "unnamed"
    return first, tuple(sorted({fit(name, 255) for name in every} - {first}))


def _statements(document: Opened, at: int, places: Places, issued: str) -> Iterator[VexStatement]:
    vulnerability = document.bom.vulnerabilities[at]
    analysis = vulnerability.analysis or Analysis()
    name, aliases = _names(vulnerability)
    own = {each.name: each.value for each in vulnerability.properties}.get(JUSTIFIED, "")
    action = "; ".join(filter(None, (*analysis.response, vulnerability.recommendation, vulnerability.workaround)))
    here = places.vulnerability(at)
    groups: dict[VexStatus, dict[VexProduct, str]] = {}
    for number, affected in enumerate(vulnerability.affects):
        spot = places.affected(here, number)
        for status, identity, place in _meant(document, affected, STATES[analysis.state], spot, places):
            for one in _products(document, identity):
                groups.setdefault(status, {}).setdefault(one, place)
    if not vulnerability.affects:
        groups[STATES[analysis.state]] = dict.fromkeys(document.whole, here)
    for status, products in groups.items():
        closing = status == "not_affected"
        yield VexStatement(
            vulnerability=name,
            aliases=aliases,
            status=status,
            justification=own or JUSTIFICATIONS.get(analysis.justification, analysis.justification) if closing else "",
            impact=fit(analysis.detail, TEXT),
            action=fit(action, TEXT),
            products=tuple(products),
            issued_at=instant(analysis.last or analysis.first or vulnerability.updated) or issued,
            pointer=f"{here}/analysis" if status == STATES[analysis.state] else next(iter(products.values())),
        )


def claimed(vulnerability: Vulnerability) -> bool:
    """Tell whether a vulnerability carries a claim."""
    return vulnerability.analysis is not None and vulnerability.analysis.state in STATES


def _author(metadata: Metadata) -> str:
    names = [each.name for each in metadata.authors]
    names += [each.name for each in (metadata.supplier, metadata.manufacturer) if each is not None]
    return next((name for name in names if name), "")


def vex(bom: Bom, form: str, places: Places) -> VexFacts:
    """Give the claims of a document."""
    document = opened(bom)
    issued = instant(document.metadata.timestamp)
    return VexFacts(
        format=form,
        id=bom.serial,
        author=_author(document.metadata),
        role="",
        issued_at=issued,
        version=str(bom.version),
        statements=tuple(
            statement
            for at, vulnerability in enumerate(bom.vulnerabilities)
            if claimed(vulnerability)
            for statement in _statements(document, at, places, issued)
        ),
    )


def tool(metadata: Metadata) -> tuple[str, str]:
    """Name the tool that made a document, and its version."""
    listed = metadata.tools.components if isinstance(metadata.tools, Tools) else metadata.tools
    return (listed[0].name, listed[0].version) if listed else ("", "")


def _worst(ratings: Iterable[Rating]) -> tuple[Severity, int | None]:
    every = list(ratings)
    labels = sorted((_SEVERITIES.get(each.severity, "unknown") for each in every), key=_RANK.index)
    scores = [round(each.score * 10) for each in every if each.score is not None and 0 <= each.score <= 10]
    return (labels[0] if labels else "unknown"), max(scores, default=None)


def _findings(document: Opened, at: int, places: Places) -> Iterator[ReportedFinding]:
    vulnerability = document.bom.vulnerabilities[at]
    for number, affected in enumerate(vulnerability.affects):
        part = document.by_ref.get(affected.ref)
        identity, _ = referred(document, affected.ref)
        url = identity if identity.startswith("pkg:") else ""
        parsed = purl.parse(url) if url else None
        yield _finding(
            vulnerability,
            url,
            part.name if part is not None else parsed.name if parsed is not None else affected.ref,
            part.version if part is not None else parsed.version if parsed is not None else "",
            places.affected(places.vulnerability(at), number),
        )


def _unplaced(document: Opened, at: int, places: Places) -> ReportedFinding:
    vulnerability, about = document.bom.vulnerabilities[at], document.metadata.component
    name, version = (about.name, about.version) if about is not None else ("", "")
    return _finding(vulnerability, "", name, version, places.vulnerability(at))


def _finding(given: Vulnerability, url: str, package: str, version: str, pointer: str) -> ReportedFinding:
    name, aliases = _names(given)
    severity, score = _worst(given.ratings)
    return ReportedFinding(
        rule=name,
        names=tuple(sorted({name, *aliases})),
        category="vulnerability",
        severity=severity,
        score_tenths=score,
        purl=url,
        package=package,
        version=version,
        fixed_in=(),
        path="",
        line=0,
        message=fit(given.description or given.recommendation, TEXT),
        suppressed="",
        flow=(),
        fingerprint="",
        pointer=pointer,
    )


def findings(bom: Bom, form: str, places: Places) -> ReportFacts:
    """Give the vulnerabilities that nobody analysed, as a scanner's findings in what they affect."""
    document = opened(bom)
    every = (at for at, vulnerability in enumerate(bom.vulnerabilities) if not claimed(vulnerability))
    return _report(document, form, [finding for at in every for finding in _findings(document, at, places)])


def unplaced(bom: Bom, form: str, places: Places) -> ReportFacts:
    """Give the vulnerabilities that nobody analysed and that affect nothing named: findings in what is described."""
    document = opened(bom)
    every = (at for at, each in enumerate(bom.vulnerabilities) if not each.affects and not claimed(each))
    return _report(document, form, [_unplaced(document, at, places) for at in every])


def _report(document: Opened, form: str, results: list[ReportedFinding]) -> ReportFacts:
    made_by, version = tool(document.metadata)
    results.sort(key=lambda each: (each.rule, each.names, each.purl, each.path, each.line, each.pointer))
    return ReportFacts(
        format=form,
        tool=made_by,
        tool_version=version,
        created_at=instant(document.metadata.timestamp),
        subjects=image_digests(document.metadata.component),
        complete=True,
        results=tuple(results),
    )


def _stacks(parts: Iterable[Part], above: str, places: Places) -> Iterator[ReachTarget]:
    for at, part in enumerate(parts):
        here = places.component(above, at)
        stack = part.evidence.callstack if part.evidence is not None else None
        if stack is not None and stack.frames and part.purl:
            yield ReachTarget(
                names=(),
                purl=url_of(part),
                symbol=stack.frames[0].function,
                said="reachable",
                path=tuple(frame.text() for frame in reversed(stack.frames)),
                confidence=_USED,
                pointer=f"{here}/evidence/callstack",
            )
        yield from _stacks(part.components, here, places)


def reached(bom: Bom, form: str, places: Places) -> ReachFacts:
    """Give the uses that call stacks show: of packages, by whatever called them."""
    document = opened(bom)
    made_by, version = tool(document.metadata)
    targets = sorted(
        _stacks(bom.components, places.root, places),
        key=lambda each: (each.names, each.purl, each.symbol, each.said, each.pointer),
    )
    return ReachFacts(
        format=form,
        tool=made_by,
        tool_version=version,
        created_at=instant(document.metadata.timestamp),
        subjects=image_digests(document.metadata.component),
        method="static",
        complete=False,
        graph=None,
        nodes=sum(len(each.path) for each in targets),
        edges=sum(len(each.path) - 1 for each in targets),
        targets=tuple(targets),
    )
