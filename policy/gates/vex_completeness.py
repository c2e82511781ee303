"""Does a claim of not affected come with the call graph and the path analysis that found it so?"""

from cas.records.base import Part
from cas.records.picture import AssessedFinding2, EvidenceRow2, Picture
from cas.records.report import ReachFacts
from cas.records.verdict import Finding
from policy.counting import GROUP_FLIPS
from policy.gate import Answer, FactView, Gate
from policy.globs import any_matches
from policy.witness import NO_PICTURE, REACH_FLIPS, Group, grouped, pictured, shown, unpictured


class Params(Part, frozen=True, kw_only=True):
    """Of which justifications it is demanded, as globs; ``*`` is every claim, also one without a justification."""

    justifications: tuple[str, ...] = ("*",)
    require_graph: bool = True
    require_path_analysis: bool = True


def check(params: Params, view: FactView) -> Answer:
    """Fail where a claim closes and no attested analysis of the vulnerability names its graph, or looked for paths."""
    findings = pictured(view)
    if findings is None or view.facts is None:
        return unpictured()
    closed = [one for one in findings if _demanded(params, one)]
    analyses = _analyses(view)
    missing: list[Finding] = []
    for group in grouped(closed):
        said = _said_of(group, analyses)
        if params.require_graph and not any(facts.graph is not None for facts in said):
            missing.append(shown(view, "graph_missing", group))
        if params.require_path_analysis and not any(facts.method == "static" and facts.complete for facts in said):
            missing.append(shown(view, "path_analysis_missing", group))
    counted = (("claims", len(grouped(closed))), ("incomplete", len({each.vulnerability for each in missing})))
    return Answer("fail" if missing else "pass", tuple(missing), counted)


def _demanded(params: Params, one: AssessedFinding2) -> bool:
    if one.vex != "not_affected" or one.waived_by is not None:
        return False
    closing = [claim for claim in one.claims if claim.status == "not_affected" and claim.score]
    return any(any_matches(params.justifications, claim.justification) for claim in closing)


def _analyses(view: FactView) -> list[tuple[EvidenceRow2, ReachFacts]]:
    """Give the attested analyses: what nobody signed for this image proves nothing."""
    if view.facts is None or not isinstance(view.assessment, Picture):
        return []
    rows = [row for row in view.assessment.evidence if row.type == "reachability" and row.binding == "attested"]
    loaded = [(row, view.facts(row.facts)) for row in rows]
    return [(row, facts) for row, facts in loaded if isinstance(facts, ReachFacts)]


def _said_of(group: Group, analyses: list[tuple[EvidenceRow2, ReachFacts]]) -> list[ReachFacts]:
    """Give the analyses that name the vulnerability of a group and count for its component."""
    raws = {ref.digest for one in group for ref in one.reach.evidence}
    names = {name for one in group for name in (one.vulnerability, one.advisory, *one.aliases)}
    component = group[0].component
    return [
        facts
        for row, facts in analyses
        if row.raw in raws and row.component == component and any(names & set(each.names) for each in facts.targets)
    ]


GATE = Gate(
    "vex_completeness",
    1,
    Params,
    check,
    asks="Does a claim of not affected come with the call graph and the path analysis that found it so?",
    remedy="Submit the signed reachability analysis that the claim rests on.",
    sentences=(
        ("graph_missing", "{vulnerability} in {purl} is closed as not affected, and no attested call graph shows it."),
        (
            "path_analysis_missing",
            "{vulnerability} in {purl} is closed as not affected, and no attested analysis looked for a path to it.",
        ),
        *NO_PICTURE,
    ),
    flips=GROUP_FLIPS + REACH_FLIPS,
)
