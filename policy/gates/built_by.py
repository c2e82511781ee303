"""Was each component built by a trusted builder, from a trusted source?"""

from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.picture import AnyRow
from cas.records.verdict import EvidenceRef, Finding
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches


class Params(Part, frozen=True, kw_only=True):
    """Globs of builders and sources, as SLSA provenance names them."""

    builders: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("*",)
    verified: bool = True  # provenance must be signed by a known key over the image


def check(params: Params, view: FactView) -> Answer:
    """Fail where no provenance fits, and where some provenance contradicts: the worst counts."""
    findings: list[Finding] = []
    for component in view.assessment.components:
        rows = [
            row
            for row in view.assessment.evidence
            if (row.component, row.platform, row.type) == (component.component, component.platform, "provenance")
        ]
        counted = [row for row in rows if row.verified or not params.verified]
        foreign = [row for row in counted if not _fits(params, row)]
        if foreign:
            findings.extend(
                finding(
                    "built_elsewhere",
                    (("platform", row.platform), ("builder", row.builder), ("source", row.source)),
                    component=row.component,
                    evidence=(EvidenceRef(digest=row.raw, pointer=""),),
                    flips=(("rebuild", ",".join(params.builders)),),
                )
                for row in foreign
            )
        elif not counted:
            findings.append(
                finding(
                    "provenance_missing",
                    (("platform", component.platform),),
                    component=component.component,
                    evidence=[EvidenceRef(digest=row.raw, pointer="") for row in rows],
                    flips=(("submit_provenance", ""),),
                )
            )
    if not view.assessment.components:
        findings.append(finding("no_components"))
    return Answer(status="fail" if findings else "pass", findings=tuple(findings))


def _fits(params: Params, row: AnyRow) -> bool:
    return any_matches(params.builders, row.builder) and any_matches(params.sources, row.source)


GATE = Gate(
    "built_by",
    1,
    Params,
    check,
    asks="Was each component built by a trusted builder from a trusted source?",
    remedy="Build with a trusted builder and submit its signed provenance.",
    sentences=(
        ("built_elsewhere", "Provenance on {platform} names builder {builder} and source {source}."),
        ("provenance_missing", "No provenance that counts says who built this component on {platform}."),
        ("no_components", "The release has no components to judge."),
    ),
    flips=(
        ("rebuild", "Build the image with one of {argument}."),
        ("submit_provenance", "Submit SLSA provenance signed by a known key over the image."),
    ),
)
