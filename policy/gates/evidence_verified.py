"""Is every piece of evidence verified, and none bad?"""

from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.evidence import EvidenceKind
from cas.records.picture import EvidenceRow2, Picture
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.demanded import status_of
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches


class Params(Part, frozen=True, kw_only=True):
    """Types whose every document must be verified. A bad signature on a document of any type blocks, named or not."""

    types: Annotated[tuple[EvidenceKind, ...], msgspec.Meta(min_length=1)] = ("sbom", "provenance")
    platforms: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail where a document is unsigned or bad; unknown where there is none, or nobody says how evidence stands."""
    picture = view.assessment
    if not isinstance(picture, Picture):
        return Answer("unknown", (finding("no_picture"),))
    asked = [each for each in picture.components if any_matches(params.platforms, each.platform)]
    failures: list[Finding] = []
    unknown: list[Finding] = [] if asked else [finding("no_components")]
    for component in asked:
        rows = _rows(picture, component)
        failures += [_told("evidence_bad", row) for row in rows if row.standing == "bad"]
        failures += [_told("evidence_unsigned", row) for row in rows if row.type in params.types and _unsigned(row)]
        unknown += [
            finding(
                "evidence_missing",
                (("type", kind), ("platform", component.platform)),
                component=component.component,
                flips=(("submit_signed", kind),),
            )
            for kind in params.types
            if not any(row.type == kind for row in rows)
        ]
    status = status_of(bool(failures), bool(unknown))
    return Answer(status, (*failures, *unknown), (("failed", len(failures)), ("missing", len(unknown))))


def _rows(picture: Picture, component: ComponentRow) -> list[EvidenceRow2]:
    return [
        row for row in picture.evidence if (row.component, row.platform) == (component.component, component.platform)
    ]


def _unsigned(row: EvidenceRow2) -> bool:
    return row.standing == "unsigned"


def _told(code: str, row: EvidenceRow2) -> Finding:
    return finding(
        code,
        (("type", row.type), ("format", row.format), ("platform", row.platform)),
        component=row.component,
        evidence=(EvidenceRef(digest=row.raw, pointer=""),),
        flips=(("submit_signed", row.type),),
    )


GATE = Gate(
    "evidence_verified",
    1,
    Params,
    check,
    asks="Is every piece of evidence verified, and none bad?",
    remedy="Sign the evidence with a key or identity that is known here, over the image's digest, and submit it.",
    sentences=(
        ("evidence_bad", "A signature on the {type} ({format}) on {platform} does not hold."),
        ("evidence_unsigned", "The {type} ({format}) on {platform} carries no signature that counts for this image."),
        ("evidence_missing", "There is no {type} about this component on {platform}."),
        ("no_components", "No component on the demanded platforms is in the release."),
        ("no_picture", "This question was asked before the standing of evidence was told; ask again."),
    ),
    flips=(("submit_signed", "Submit a {argument} that is signed by a known key or identity over the image."),),
)
