"""Do several SBOMs of one image name the same packages?

What an image holds does not change, so two lists of it that differ show that one of them is wrong, made of something
else, or made by a tool that sees less. Must not know who made them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from cas.records.base import Count, Part
from cas.records.evidence import Binding, Package, SbomFacts
from cas.records.verdict import EvidenceRef, Finding, GateStatus
from policy.demanded import (
    MISSING_FLIPS,
    MISSING_SENTENCES,
    MORE_SENTENCE,
    RANK,
    SHOWN,
    Demand,
    Held,
    components,
    held,
    missing,
)
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches

Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
Named = dict[str, tuple[Package, ...]]
_KINDS: Final = ("added", "removed", "changed")


class Params(Part, frozen=True, kw_only=True):
    """How many packages may be added, removed or stand in another version; an absent limit is none.

    ``types``: globs of purl types that are compared, for tools that see less than others. ``over``: what more than a
    limit means. ``single``: what it means that there is only one SBOM to compare. ``binding``: what at least one SBOM
    of each image must have.
    """

    max_added: Count | None = 0
    max_removed: Count | None = 0
    max_changed: Count | None = 0
    types: Globs = ("*",)
    platforms: Globs = ("*",)
    binding: Binding = "attested"
    over: Literal["fail", "warn"] = "fail"
    single: Literal["unknown", "not_applicable"] = "unknown"


@dataclass(frozen=True, slots=True)
class _Drift:
    """What one SBOM says otherwise than the one it is held to: purl without version → packages here, packages there."""

    reference: Held[SbomFacts]
    other: Held[SbomFacts]
    differing: dict[str, dict[str, tuple[tuple[Package, ...], tuple[Package, ...]]]]  # by kind

    def count(self, kind: str) -> int:
        return len(self.differing[kind])


def check(params: Params, view: FactView) -> Answer:
    """Fail, or warn where the pack says so, for each SBOM that differs from the others of its image beyond a limit.

    Each is held to the one that is bound most strongly, of these the one admitted first. Packages are told apart by
    their purl without version, qualifiers and subpath; what has no purl cannot be compared, and is only counted.
    Unknown where there is no SBOM, or (unless the pack says otherwise) only one.
    """
    demand = Demand(SbomFacts, ("sbom",), params.binding, ("*",), params.platforms, "SBOM")
    unknown = list(missing(view, demand))
    drifts: list[_Drift] = []
    for component in components(view, params.platforms):
        sboms = _documents(held(view, component, demand))
        if len(sboms) == 1 and params.single == "unknown":
            unknown.append(_single(sboms[0]))
        drifts += [_drift(sboms[0], other, params.types) for other in sboms[1:]]
    over = [one for one in drifts if any(one.count(kind) > limit for kind, limit in _limits(params))]
    found = [each for one in over for each in _told(params, one)]
    counted = (("compared", len(drifts)), *((kind, sum(one.count(kind) for one in drifts)) for kind in _KINDS))
    status: GateStatus = "unknown" if unknown else "pass" if drifts else "not_applicable"
    if over:
        status = "fail" if params.over == "fail" else status if unknown else "warn"
    return Answer(status, (*found, *unknown), counted)


def _documents(given: Iterable[Held[SbomFacts]]) -> list[Held[SbomFacts]]:
    """Give each document once, the one that the others are held to first."""
    ordered = sorted(given, key=lambda one: (-RANK[one.row.binding], one.row.admitted_at, one.row.raw))
    return list({one.row.raw: one for one in reversed(ordered)}.values())[::-1]


def _limits(params: Params) -> Iterator[tuple[str, int]]:
    limits = (params.max_added, params.max_removed, params.max_changed)
    return ((kind, limit) for kind, limit in zip(_KINDS, limits, strict=True) if limit is not None)


def _drift(reference: Held[SbomFacts], other: Held[SbomFacts], types: tuple[str, ...]) -> _Drift:
    here, there = _named(reference.facts, types), _named(other.facts, types)
    both = sorted(here.keys() & there.keys())
    return _Drift(
        reference,
        other,
        {
            "added": {name: ((), there[name]) for name in sorted(there.keys() - here.keys())},
            "removed": {name: (here[name], ()) for name in sorted(here.keys() - there.keys())},
            "changed": {
                name: (here[name], there[name]) for name in both if _versions(here[name]) != _versions(there[name])
            },
        },
    )


def _named(facts: SbomFacts, types: tuple[str, ...]) -> Named:
    found: dict[str, list[Package]] = {}
    for package in facts.packages:
        if package.purl and any_matches(types, package.purl[4:].partition("/")[0]):
            found.setdefault(_identity(package.purl), []).append(package)
    return {name: tuple(sorted(each, key=lambda one: (one.version, one.pointer))) for name, each in found.items()}


def _identity(purl: str) -> str:
    """Take version, qualifiers and subpath off a canonical purl: an @ within a name is written %40 there."""
    return purl.partition("#")[0].partition("?")[0].partition("@")[0]


def _versions(packages: tuple[Package, ...]) -> str:
    return ", ".join(sorted({one.version for one in packages}))


def _told(params: Params, drift: _Drift) -> Iterator[Finding]:
    """Tell the sums, then packages of every kind that is over its limit, so many of each."""
    limits = dict(_limits(params))
    raws = (drift.reference.row.raw, drift.other.row.raw)
    component = drift.other.row.component
    platform = ("platform", drift.other.row.platform)
    told = [(kind, drift.count(kind)) for kind in _KINDS]
    allowed = [(f"max_{kind}", limits.get(kind, "any")) for kind in _KINDS]
    nameless = sum(not one.purl for each in (drift.reference, drift.other) for one in each.facts.packages)
    yield finding(
        "sbom_drifted",
        (*told, *allowed, platform, ("unnamed", nameless)),
        component=component,
        evidence=[EvidenceRef(digest=raw, pointer="") for raw in raws],
        flips=(("submit_same_sbom", component),),
    )
    for kind, limit in limits.items():
        differing = drift.differing[kind]
        if len(differing) <= limit:
            continue
        for here, there in list(differing.values())[:SHOWN]:
            sides = tuple(zip(raws, (here, there), strict=True))
            yield finding(
                f"package_{kind}",
                (("before", _versions(here)), ("after", _versions(there)), platform),
                component=component,
                purl=(there or here)[0].purl,
                evidence=[EvidenceRef(digest=raw, pointer=one.pointer) for raw, each in sides for one in each],
                flips=(("submit_same_sbom", component),),
            )
        if len(differing) > SHOWN:
            yield finding("more", (("count", len(differing) - SHOWN), ("of", f"package_{kind}")), component=component)


def _single(only: Held[SbomFacts]) -> Finding:
    return finding(
        "nothing_to_compare",
        (("platform", only.row.platform),),
        component=only.row.component,
        evidence=[EvidenceRef(digest=only.row.raw, pointer="")],
        flips=(("submit_second_sbom", only.row.component),),
    )


GATE = Gate(
    "sbom_drift",
    1,
    Params,
    check,
    asks="Do several SBOMs of one image name the same packages?",
    remedy="Find out which SBOM is wrong or made of something else; build the release again, or submit what is right.",
    sentences=(
        (
            "sbom_drifted",
            (
                "Two SBOMs on {platform} differ: {added} packages added ({max_added} allowed), {removed} removed "
                "({max_removed}), {changed} in another version ({max_changed}); {unnamed} have no purl to compare."
            ),
        ),
        ("package_added", "{purl} ({after}) stands in one SBOM on {platform} and not in the one it is held to."),
        ("package_removed", "{purl} ({before}) is missing in an SBOM on {platform}."),
        ("package_changed", "{purl} stands as {after} in one SBOM on {platform}, as {before} in the other."),
        ("nothing_to_compare", "There is only one SBOM about this component on {platform}: nothing to compare."),
        MORE_SENTENCE,
        *MISSING_SENTENCES,
    ),
    flips=(
        ("submit_same_sbom", "Release an image of {argument} whose SBOMs agree."),
        ("submit_second_sbom", "Submit a second SBOM of {argument}, made by another tool or at another time."),
        *MISSING_FLIPS,
    ),
)
