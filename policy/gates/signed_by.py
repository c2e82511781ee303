"""Is the evidence signed by somebody who may?"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.evidence import EvidenceKind
from cas.records.picture import AnyRow
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches


class Params(Part, frozen=True, kw_only=True):
    """Who must have signed what. ``every`` holds each document to it instead of one of each type."""

    signers: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]  # globs of verified signers
    types: Annotated[tuple[EvidenceKind, ...], msgspec.Meta(min_length=1)] = ("provenance",)
    minimum: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1  # distinct signers per document
    every: bool = False


def check(params: Params, view: FactView) -> Answer:
    """Fail for each component and platform without a document, verified and signed by enough of the named."""
    findings = [
        found
        for component in view.assessment.components
        for kind in params.types
        for found in _of_kind(
            params,
            component,
            kind,
            [
                row
                for row in view.assessment.evidence
                if (row.component, row.platform, row.type) == (component.component, component.platform, kind)
            ],
        )
    ]
    if not view.assessment.components:
        findings.append(finding("no_components"))
    return Answer(
        status="fail" if findings else "pass", findings=tuple(findings), counted=(("unsigned", len(findings)),)
    )


def _of_kind(params: Params, component: ComponentRow, kind: str, rows: list[AnyRow]) -> Iterator[Finding]:
    good = [row for row in rows if _signed(params, row)]
    bad = [row for row in rows if not _signed(params, row)]
    if not rows:
        yield finding(
            "evidence_missing",
            (("type", kind), ("platform", component.platform)),
            component=component.component,
            flips=(("sign_evidence", ",".join(params.signers)),),
        )
    elif not good or (params.every and bad):
        yield finding(
            "not_signed_by",
            (
                ("type", kind),
                ("platform", component.platform),
                ("demanded", ",".join(params.signers)),
                ("signed_by", ",".join(sorted({name for row in bad if row.verified for name in row.signers}))),
            ),
            component=component.component,
            evidence=[EvidenceRef(digest=row.raw, pointer="") for row in bad],
            flips=(("sign_evidence", ",".join(params.signers)),),
        )


def _signed(params: Params, row: AnyRow) -> bool:
    named = {name for name in row.signers if any_matches(params.signers, name)}
    return row.verified and len(named) >= params.minimum


GATE = Gate(
    "signed_by",
    1,
    Params,
    check,
    asks="Is the evidence signed by those who may?",
    remedy="Have the evidence signed by one of the demanded signers, and submit the envelope.",
    sentences=(
        ("evidence_missing", "There is no {type} about this component on {platform}, signed or not."),
        ("not_signed_by", "The {type} on {platform} is not signed by {demanded} (verified signers: {signed_by})."),
        ("no_components", "The release has no components to judge."),
    ),
    flips=(("sign_evidence", "Submit an envelope over the image's digest signed by {argument}."),),
)
