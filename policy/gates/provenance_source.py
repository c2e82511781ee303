"""Was each component built from an allowed repository, ref and commit, by an allowed builder, from pinned materials?"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from cas.records.attest import ProvenanceFacts
from cas.records.base import Part
from cas.records.evidence import Binding
from cas.records.verdict import ComponentRow, EvidenceRef, Finding
from policy.demanded import MISSING_SENTENCES, Demand, Held, bound, components, held, missing, status_of
from policy.gate import Answer, FactView, Gate, finding
from policy.globs import any_matches

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_SHOWN: Final = 20


class Params(Part, frozen=True, kw_only=True):
    """Globs of what provenance must say. ``*`` also fits what it does not say; ``?*`` demands that it says it."""

    repositories: _Globs  # without git+ and .git: https://github.com/acme/*
    refs: _Globs = ("*",)  # refs/heads/main, refs/tags/*
    commits: _Globs = ("?*",)
    builders: _Globs = ("?*",)
    entry_points: _Globs = ("*",)
    pinned: bool = True  # every material carries a digest, and there is at least one
    binding: Binding = "attested"
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail where provenance that counts says otherwise, each of it: the worst counts; unknown without any."""
    demand = Demand(
        ProvenanceFacts, ("attestation",), params.binding, ("slsa-provenance/*",), params.platforms, "SLSA provenance"
    )
    failures: list[Finding] = []
    documents = 0
    for component in components(view, params.platforms):
        found = bound(held(view, component, demand), params.binding)
        documents += len(found)
        failures += [one for each in found for one in _told(params, component, each)]
    unknown = [msgspec.structs.replace(each, flips=(("submit_provenance", ""),)) for each in missing(view, demand)]
    status = status_of(bool(failures), bool(unknown))
    return Answer(status, (*failures, *unknown), (("documents", documents), ("failed", len(failures))))


def _told(params: Params, component: ComponentRow, one: Held[ProvenanceFacts]) -> Iterator[Finding]:
    facts = one.facts
    where = (EvidenceRef(digest=one.row.raw, pointer=""),)
    said = (
        ("repository", facts.repository, params.repositories),
        ("ref", facts.ref, params.refs),
        ("commit", facts.commit, params.commits),
        ("builder", facts.builder, params.builders),
        ("entry point", facts.entry_point, params.entry_points),
    )
    for what, value, allowed in said:
        if not any_matches(allowed, value):
            yield finding(
                "source_not_allowed",
                (
                    ("what", what),
                    ("found", value[:500] or "nothing"),
                    ("demanded", ",".join(allowed)),
                    ("platform", component.platform),
                ),
                component=component.component,
                evidence=where,
                flips=(("rebuild_from", f"{what} {','.join(allowed)}"),),
            )
    if params.pinned:
        yield from _unpinned(component, one)


def _unpinned(component: ComponentRow, one: Held[ProvenanceFacts]) -> Iterator[Finding]:
    loose = [each for each in one.facts.materials if not each.digest]
    flips = (("pin_materials", ""),)
    if not one.facts.materials:
        yield finding(
            "materials_missing",
            (("platform", component.platform),),
            component=component.component,
            evidence=(EvidenceRef(digest=one.row.raw, pointer=""),),
            flips=flips,
        )
    for each in loose[:_SHOWN]:
        yield finding(
            "material_unpinned",
            (("material", each.uri[:500] or each.name or "unnamed"), ("platform", component.platform)),
            component=component.component,
            evidence=(EvidenceRef(digest=one.row.raw, pointer=each.pointer),),
            flips=flips,
        )
    if len(loose) > _SHOWN:
        yield finding("more", (("count", len(loose) - _SHOWN),), component=component.component)


GATE = Gate(
    "provenance_source",
    1,
    Params,
    check,
    asks="Was each component built from an allowed source by an allowed builder, from pinned materials?",
    remedy="Build from the demanded repository and ref with a builder that pins its materials; submit its provenance.",
    sentences=(
        ("source_not_allowed", "The provenance on {platform} names {found} as {what}; {demanded} is demanded."),
        ("material_unpinned", "Material {material} on {platform} carries no digest."),
        ("materials_missing", "The provenance on {platform} names no material."),
        ("more", "{count} more materials carry no digest."),
        *MISSING_SENTENCES,
    ),
    flips=(
        ("rebuild_from", "Build the image again from {argument}."),
        ("pin_materials", "Build with a builder that lists every material with its digest."),
        ("submit_provenance", "Submit SLSA provenance, signed by a known key or identity over the image."),
    ),
)
