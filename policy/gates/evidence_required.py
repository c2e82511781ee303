"""Is there evidence of each demanded type, for each component on each platform it may run on?"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from cas.records.base import Count, Part
from cas.records.evidence import Binding, EvidenceKind
from cas.records.picture import AnyRow
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches

RANK: Final[dict[str, int]] = {"asserted": 0, "embedded": 1, "attested": 2}


class Params(Part, frozen=True, kw_only=True):
    """What is demanded. ``platforms`` are globs; those a component lists and that fit are held to it."""

    types: Annotated[tuple[EvidenceKind, ...], msgspec.Meta(min_length=1)] = ("sbom",)
    binding: Binding = "attested"
    formats: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("*",)
    predicate_types: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("*",)
    platforms: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("*",)
    min_packages: Count = 1  # of an SBOM: an empty one says nothing


def check(params: Params, view: FactView) -> Answer:
    """Fail for each component and platform where a demanded type is absent, or bound more weakly than demanded."""
    assessment = view.assessment
    rows: dict[tuple[str, str], list[AnyRow]] = {}
    for row in assessment.evidence:
        rows.setdefault((row.component, row.platform), []).append(row)
    asked = [row for row in assessment.components if any_matches(params.platforms, row.platform)]
    findings = [
        found
        for component in asked
        for found in _of_component(params, component, rows.get((component.component, component.platform), []))
    ]
    if not asked:
        findings.append(finding("no_components"))
    return Answer(
        status="fail" if findings else "pass",
        findings=tuple(findings),
        counted=(("components", len(asked)), ("missing", len(findings))),
    )


def _of_component(params: Params, component: ComponentRow, rows: list[AnyRow]) -> Iterator[Finding]:
    for kind in params.types:
        fitting = [
            row
            for row in rows
            if row.type == kind
            and any_matches(params.formats, row.format)
            and any_matches(params.predicate_types, row.predicate_type)
        ]
        bound = [row for row in fitting if RANK[row.binding] >= RANK[params.binding]]
        if not fitting:
            yield finding(
                "evidence_missing",
                (("type", kind), ("platform", component.platform), ("image", component.image)),
                component=component.component,
                flips=(("submit_evidence", kind),),
            )
        elif not bound:
            best = max((row.binding for row in fitting), key=RANK.__getitem__)
            yield finding(
                "binding_too_weak",
                (("type", kind), ("platform", component.platform), ("binding", best), ("demanded", params.binding)),
                component=component.component,
                evidence=[EvidenceRef(digest=row.raw, pointer="") for row in fitting],
                flips=(("bind_evidence", params.binding),),
            )
        elif kind == "sbom" and component.packages < params.min_packages:
            yield finding(
                "sbom_too_small",
                (("platform", component.platform), ("packages", component.packages), ("demanded", params.min_packages)),
                component=component.component,
                evidence=[EvidenceRef(digest=row.raw, pointer="") for row in bound],
                flips=(("submit_evidence", kind),),
            )


GATE = Gate(
    "evidence_required",
    1,
    Params,
    check,
    asks="Is there evidence of each demanded type for every component on every platform?",
    remedy="Submit the missing evidence about the platform's manifest, or about the index above it.",
    sentences=(
        ("evidence_missing", "There is no {type} about this component on {platform} (image {image})."),
        ("binding_too_weak", "The {type} on {platform} is only {binding}; {demanded} is demanded."),
        ("sbom_too_small", "The SBOM on {platform} lists {packages} packages; at least {demanded} are demanded."),
        ("no_components", "No component on the demanded platforms is in the release."),
    ),
    flips=(
        ("submit_evidence", "Submit evidence of type {argument} whose subject is the platform's manifest."),
        ("bind_evidence", "Submit the same document so that it is {argument}: signed by a known key over the image."),
    ),
)
