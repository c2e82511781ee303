"""Findings that show what was said of reachability: its witness and its evidence. Must not know any gate's limits."""

from collections.abc import Iterable
from typing import Final

import msgspec

from cas.records.picture import AssessedFinding2, Picture
from cas.records.verdict import Finding
from policy.counting import distinct, of_group
from policy.gate import Answer, FactView, finding
from policy.reachability import REACHABLE

Group = tuple[AssessedFinding2, ...]

STATE_NAMES: Final = (
    ("U", "not known to be reachable or not"),
    ("SR", "reachable by static analysis"),
    ("SU", "unreachable by static analysis"),
    ("RO", "observed at run time"),
    ("RU", "not observed at run time"),
    ("CR", "reachable, confirmed by analysis and at run time"),
    ("CU", "unreachable, confirmed by analysis and at run time"),
    ("X", "contested: evidence speaks for both sides"),
)
REACH_FLIPS: Final = (
    ("submit_reachability", "Submit a signed reachability analysis that names {argument}."),
    ("resolve_contest", "Find out which reachability evidence about {argument} is wrong, and replace it."),
)
NO_PICTURE: Final = (("reachability_not_assessed", "This verdict's stages did not look at reachability."),)


def pictured(view: FactView) -> tuple[AssessedFinding2, ...] | None:
    """Give the findings with their reachability; None when the assessment has none."""
    return view.assessment.findings if isinstance(view.assessment, Picture) else None


def unpictured() -> Answer:
    """Answer for an assessment that knows nothing of reachability: unknown, never pass."""
    return Answer("unknown", (finding("reachability_not_assessed"),))


def grouped(findings: Iterable[AssessedFinding2]) -> tuple[Group, ...]:
    """Group findings that are one vulnerability in one package of one component: see ``counting.distinct``."""
    return tuple(tuple(one for one in group if isinstance(one, AssessedFinding2)) for group in distinct(findings))


def worst(group: Group) -> AssessedFinding2:
    """Give the member of a group that speaks for it: reachable before contested before unknown before the rest."""
    rank = {**dict.fromkeys(REACHABLE, 0), "X": 1, "U": 2}
    return min(group, key=lambda one: (rank.get(one.reach.state, 3), one.reach.state, one.platform, one.sbom_pointer))


def shown(view: FactView, code: str, group: Group, arguments: tuple[tuple[str, str | int], ...] = ()) -> Finding:
    """Build a gate's finding with the state of reachability, its witness and the documents it rests on."""
    one = worst(group)
    built = of_group(view, code, group, (*arguments, ("reach", one.reach.state), ("confidence", one.reach.confidence)))
    evidence = {*built.evidence, *(ref for each in group for ref in each.reach.evidence)}
    contested = (("resolve_contest", one.vulnerability),) if one.reach.state == "X" else ()
    unknown = (("submit_reachability", one.vulnerability),) if one.reach.state not in REACHABLE else ()
    return msgspec.structs.replace(
        built,
        evidence=tuple(sorted(evidence, key=lambda ref: (ref.digest, ref.pointer))),
        path=(one.component, *(one.reach.path or (one.purl,))),
        flips=tuple(sorted({*built.flips, *contested, *unknown})),
    )
