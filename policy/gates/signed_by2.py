"""Is the evidence signed by somebody who may: a person of the directory, or an identity that an issuer vouches for?

As signed_by/1, which matches whole signer texts; here issuer and identity are demanded apart, and a glob of logins
never lets an identity in.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from cas.records.base import Part
from cas.records.evidence import EvidenceKind
from cas.records.picture import AnyRow
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.gate import Answer, FactView, Gate, finding
from policy.signers import Identity, is_one_of, shown


class Params(Part, frozen=True, kw_only=True):
    """Who must have signed what. ``every`` holds each document to it instead of one of each type."""

    logins: tuple[str, ...] = ()  # globs of logins, server, root
    identities: tuple[Identity, ...] = ()
    types: Annotated[tuple[EvidenceKind, ...], msgspec.Meta(min_length=1)] = ("provenance",)
    minimum: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1  # distinct signers per document
    every: bool = False


def check(params: Params, view: FactView) -> Answer:
    """Fail for each component and platform without a document, verified and signed by enough of the named.

    Naming nobody lets nobody in.
    """
    findings = [
        found
        for component in view.assessment.components
        for kind in params.types
        for found in _of_kind(params, component, kind, _rows(view, component, kind))
    ]
    if not view.assessment.components:
        findings.append(finding("no_components"))
    return Answer("fail" if findings else "pass", tuple(findings), (("unsigned", len(findings)),))


def _rows(view: FactView, component: ComponentRow, kind: str) -> list[AnyRow]:
    return [
        row
        for row in view.assessment.evidence
        if (row.component, row.platform, row.type) == (component.component, component.platform, kind)
    ]


def _of_kind(params: Params, component: ComponentRow, kind: str, rows: list[AnyRow]) -> Iterator[Finding]:
    demanded = shown(params.logins, params.identities) or "nobody"
    bad = [row for row in rows if not _signed(params, row)]
    about = (("type", kind), ("platform", component.platform), ("demanded", demanded))
    flips = (("sign_evidence", demanded),)
    if not rows:
        yield finding("evidence_missing", about, component=component.component, flips=flips)
    elif len(bad) == len(rows) or (params.every and bad):
        signed = ",".join(sorted({name for row in bad if row.verified for name in row.signers})) or "nobody"
        yield finding(
            "not_signed_by",
            (*about, ("signed_by", signed)),
            component=component.component,
            evidence=[EvidenceRef(digest=row.raw, pointer="") for row in bad],
            flips=flips,
        )


def _signed(params: Params, row: AnyRow) -> bool:
    good = {name for name in row.signers if is_one_of(name, params.logins, params.identities)}
    return row.verified and len(good) >= params.minimum


GATE = Gate(
    "signed_by",
    2,
    Params,
    check,
    asks="Is the evidence signed by those who may, by login or by issuer and identity?",
    remedy="Have the evidence signed by one of the demanded signers, and submit the envelope or bundle.",
    sentences=(
        ("evidence_missing", "There is no {type} about this component on {platform}, signed by {demanded} or not."),
        ("not_signed_by", "The {type} on {platform} is not signed by {demanded} (verified signers: {signed_by})."),
        ("no_components", "The release has no components to judge."),
    ),
    flips=(("sign_evidence", "Submit an envelope or bundle over the image's digest signed by {argument}."),),
)
