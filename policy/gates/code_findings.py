"""Do the findings of code analysers fit the budget of each severity?"""

from typing import Annotated

import msgspec

from cas.records.base import Count, Part
from cas.records.evidence import Binding
from cas.records.report import Category, ReportedFinding, ReportFacts
from cas.records.verdict import Finding
from policy.counting import SEVERITIES
from policy.demanded import (
    MISSING_FLIPS,
    MISSING_SENTENCES,
    MORE_SENTENCE,
    Demand,
    Held,
    History,
    every,
    missing,
    shown,
    status_of,
)
from policy.gate import Answer, FactView, Gate
from policy.globs import any_matches

_Globs = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Params(Part, frozen=True, kw_only=True):
    """How many findings of each severity may remain; absent means any number.

    Vulnerabilities of packages and secrets are left to the gates that judge them. A severity that no tool told is held
    to ``unknown``. Only reports of such ``formats`` count as the demanded analysis. ``history`` says whether every
    report counts, or the newest of each tool.
    """

    critical: Count | None = 0
    high: Count | None = 0
    medium: Count | None = None
    low: Count | None = None
    negligible: Count | None = None
    unknown: Count | None = 0
    categories: Annotated[tuple[Category, ...], msgspec.Meta(min_length=1)] = ("code", "misconfiguration", "other")
    formats: _Globs = ("*",)
    rules: _Globs = ("*",)
    count_suppressed: bool = False
    history: History = "all"
    binding: Binding = "attested"
    platforms: _Globs = ("*",)


def check(params: Params, view: FactView) -> Answer:
    """Fail when a severity holds more than its budget; unknown without a complete report for every component."""
    demand = Demand(
        ReportFacts,
        ("findings",),
        params.binding,
        params.formats,
        params.platforms,
        "report of findings",
        params.history,
    )
    chosen = [
        (one, each)
        for one in every(view, demand)
        for each in one.facts.results
        if each.category in params.categories and any_matches(params.rules, each.rule)
    ]
    counted = [(one, each) for one, each in chosen if params.count_suppressed or not each.suppressed]
    left_out = [(one, each) for one, each in chosen if each.suppressed and not params.count_suppressed]
    over = tuple(found for severity in SEVERITIES for found in _over(params, severity, counted))
    unknown = tuple(missing(view, demand))
    told = tuple(
        shown("suppressed", left_out, lambda each: (("why", each.suppressed), ("message", each.message[:200])))
    )
    counts = [(severity, sum(each.severity == severity for _, each in counted)) for severity in SEVERITIES]
    return Answer(
        status_of(bool(over), bool(unknown)), (*over, *unknown, *told), (*counts, ("suppressed", len(left_out)))
    )


def _over(
    params: Params, severity: str, counted: list[tuple[Held[ReportFacts], ReportedFinding]]
) -> tuple[Finding, ...]:
    budget: int | None = getattr(params, severity)
    found = [pair for pair in counted if pair[1].severity == severity]
    if budget is None or len(found) <= budget:
        return ()
    told = (("count", len(found)), ("budget", budget))
    flips = (("correct_code", severity),)
    return tuple(shown("over_budget", found, lambda each: (("message", each.message[:200]), *told), flips))


GATE = Gate(
    "code_findings",
    1,
    Params,
    check,
    asks="Do the findings of code analysers fit the budget of each severity?",
    remedy="Correct the code, run the analyser again, and submit its report.",
    sentences=(
        ("over_budget", "{tool} reports {rule} ({severity}) at {place}: {message} - {count} such, {budget} allowed."),
        ("suppressed", "{tool} does not count {rule} ({severity}) at {place}: {why}. {message}"),
        MORE_SENTENCE,
        *MISSING_SENTENCES,
    ),
    flips=(("correct_code", "Correct findings of severity {argument} until they fit the budget."), *MISSING_FLIPS),
)
