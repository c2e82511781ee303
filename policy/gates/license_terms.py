"""Do the licences of all packages keep to the terms?"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from cas.records.base import Part
from cas.records.evidence import Binding, SbomFacts
from cas.records.report import ReportFacts
from cas.records.verdict import EvidenceRef, Finding
from policy.demanded import MISSING_FLIPS, MISSING_SENTENCES, MORE_SENTENCE, SHOWN, Demand, every, missing, status_of
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches
from policy.spdx import Terms

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_NO_PACKAGES: Final = frozenset({"operating-system", "file", "device", "data", "container"})


class Params(Part, frozen=True, kw_only=True):
    """Globs over SPDX ids (``GPL-*``, ``LGPL-2.1-only WITH *``). With ``allow`` everything else is denied.

    ``unknown`` says what a package without a licence, or with one that nobody can read, means. ``exempt`` are globs
    over purls that are not asked, such as the company's own. ``reports`` adds what licence scanners found.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    unknown: Literal["unknown", "fail", "ignore"] = "unknown"
    exempt: tuple[str, ...] = ()
    reports: bool = True
    binding: Binding = "attested"
    platforms: _Globs = ("*",)


class _Stated(NamedTuple):
    """A licence as a document states it of a package."""

    component: str
    purl: str
    package: str
    licence: str
    evidence: EvidenceRef


def check(params: Params, view: FactView) -> Answer:
    """Fail for each package whose licence is denied; unknown without an SBOM, or where a licence is not known."""
    if not params.allow and not params.deny:
        return Answer("unknown", (finding("no_terms"),))
    terms = Terms(params.allow, params.deny)
    sboms = Demand(SbomFacts, ("sbom",), params.binding, ("*",), params.platforms, "SBOM")
    stated = _merged(_stated(params, view, sboms))
    denied = [each for each in stated if terms.standing(each.licence) == "denied"]
    unclear = [each for each in stated if terms.standing(each.licence) == "unknown"]
    unknown = tuple(missing(view, sboms))
    fails = bool(denied) or (params.unknown == "fail" and bool(unclear))
    unsure = bool(unknown) or (params.unknown == "unknown" and bool(unclear))
    findings = (*_told("license_denied", denied), *_told("license_unknown", unclear), *unknown)
    counted = (("packages", len(stated)), ("denied", len(denied)), ("unknown", len(unclear)))
    return Answer(status_of(fails, unsure), findings, counted)


def _stated(params: Params, view: FactView, sboms: Demand[SbomFacts]) -> Iterator[_Stated]:
    for one in every(view, sboms):
        for package in one.facts.packages:
            if package.type in _NO_PACKAGES or any_matches(params.exempt, package.purl):
                continue
            ref = EvidenceRef(digest=one.row.raw, pointer=package.pointer)
            yield _Stated(one.row.component, package.purl, package.name, _joined(package.licenses), ref)
    if not params.reports:
        return
    reports = Demand(ReportFacts, ("licenses", "findings"), "asserted", ("*",), params.platforms)
    for report in every(view, reports):
        for each in report.facts.results:
            if each.category == "license" and not any_matches(params.exempt, each.purl):
                ref = EvidenceRef(digest=report.row.raw, pointer=each.pointer)
                yield _Stated(report.row.component, each.purl, each.package or each.path, each.rule, ref)


def _joined(licenses: tuple[str, ...]) -> str:
    """Join what a document lists side by side: all of it applies."""
    return licenses[0] if len(licenses) == 1 else " AND ".join(f"({each})" for each in licenses)


def _merged(stated: Iterator[_Stated]) -> list[_Stated]:
    """Count a package with a licence once, whoever states it; who says nothing is outvoted by who says something."""
    found: dict[tuple[str, str, str], _Stated] = {}
    for each in stated:
        found.setdefault((each.component, each.purl or each.package, each.licence), each)
    told = {(component, package) for component, package, licence in found if licence}
    return [each for key, each in sorted(found.items()) if key[2] or key[:2] not in told]


def _told(code: str, stated: list[_Stated]) -> Iterator[Finding]:
    for each in stated[:SHOWN]:
        yield finding(
            code,
            (("licence", each.licence or "none"), ("package", each.package)),
            component=each.component,
            purl=each.purl,
            evidence=[each.evidence],
            path=(each.component, each.purl or each.package),
            flips=(("replace_package", each.purl or each.package),)
            if code == "license_denied"
            else (("state_license", each.purl or each.package),),
        )
    if len(stated) > SHOWN:
        yield finding("more", (("count", len(stated) - SHOWN), ("of", code)))


GATE = Gate(
    "license_terms",
    1,
    Params,
    check,
    asks="Do the licences of all packages keep to the terms?",
    remedy="Replace the package, or have the terms changed by those who own the policy.",
    sentences=(
        ("license_denied", "{package} is under {licence}, which the terms do not allow."),
        ("license_unknown", "Nobody can tell the licence of {package}: {licence}."),
        ("no_terms", "The policy names neither allowed nor denied licences."),
        MORE_SENTENCE,
        *MISSING_SENTENCES,
    ),
    flips=(
        ("replace_package", "Replace {argument} by a package under an allowed licence."),
        ("state_license", "State the licence of {argument} as an SPDX expression in the SBOM."),
        *MISSING_FLIPS,
    ),
)
