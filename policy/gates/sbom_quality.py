"""Do SBOMs say enough of their packages: identity, version, licence?"""

from typing import Annotated, Final

import msgspec

from cas.records.base import Count, Millionths, Part
from cas.records.evidence import Binding, SbomFacts
from cas.records.verdict import EvidenceRef, Finding
from policy.demanded import MISSING_FLIPS, MISSING_SENTENCES, Demand, every, missing, status_of
from policy.gate import Answer, FactView, Gate, finding

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
WEIGHTS: Final = (("purl", 400_000), ("version", 300_000), ("license", 300_000))
_NO_LICENSE: Final = frozenset({"", "NOASSERTION", "NONE"})


class Params(Part, frozen=True, kw_only=True):
    """What an SBOM must score, in millionths, and how many packages it must name.

    The score is the share of packages with a purl (400,000), a version (300,000) and a licence (300,000).
    """

    minimum_millionths: Millionths = 700_000
    min_packages: Count = 1
    binding: Binding = "attested"
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail for each SBOM below the score; one that names no package scores nothing. Unknown without any."""
    demand = Demand(SbomFacts, ("sbom",), params.binding, ("*",), params.platforms, "SBOM")
    found = [(one, score(one.facts), counts(one.facts)) for one in every(view, demand)]
    failures: list[Finding] = [
        finding(
            "sbom_poor",
            (
                ("score", total),
                ("demanded", params.minimum_millionths),
                ("packages", len(one.facts.packages)),
                ("min_packages", params.min_packages),
                *((f"with_{name}", number) for name, number in counted),
            ),
            component=one.row.component,
            evidence=[EvidenceRef(digest=one.row.raw, pointer="")],
            flips=(("enrich_sbom", _weakest(counted)),),
        )
        for one, total, counted in found
        if total < params.minimum_millionths or len(one.facts.packages) < params.min_packages
    ]
    unknown = tuple(missing(view, demand))
    lowest = min((total for _, total, _ in found), default=0)
    return Answer(
        status_of(bool(failures), bool(unknown)),
        (*failures, *unknown),
        (("sboms", len(found)), ("lowest_score", lowest)),
    )


def counts(facts: SbomFacts) -> tuple[tuple[str, int], ...]:
    """Count the packages that have each of what is weighed."""
    return (
        ("purl", sum(bool(each.purl) for each in facts.packages)),
        ("version", sum(bool(each.version) for each in facts.packages)),
        ("license", sum(not _NO_LICENSE.issuperset(each.licenses) for each in facts.packages)),
    )


def score(facts: SbomFacts) -> int:
    """Weigh what is there, in millionths: products taken in full, divided once, floor; nothing for no packages."""
    whole = len(facts.packages)
    if not whole:
        return 0
    weighed = sum(weight * number for (_, weight), (_, number) in zip(WEIGHTS, counts(facts), strict=True))
    return weighed // whole


def _weakest(counted: tuple[tuple[str, int], ...]) -> str:
    return min(counted, key=lambda pair: pair[1])[0]


GATE = Gate(
    "sbom_quality",
    1,
    Params,
    check,
    asks="Do SBOMs say enough of their packages?",
    remedy="Make the SBOM with a generator that states purl, version and licence, and submit it.",
    sentences=(
        (
            "sbom_poor",
            (
                "The SBOM scores {score} millionths ({demanded} demanded): of {packages} packages ({min_packages} "
                "demanded) {with_purl} have a purl, {with_version} a version, {with_license} a licence."
            ),
        ),
        *MISSING_SENTENCES,
    ),
    flips=(("enrich_sbom", "State the {argument} of more packages."), *MISSING_FLIPS),
)
