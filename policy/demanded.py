"""Reports as gates ask for them: which count for a component, which are missing, incomplete or unreadable.

Knows rows of evidence and their facts; must not know any gate's limits. Every report counts, the worst with the best;
a pack may say ``newest``: then, of each tool, those of its latest submission count, apart for each binding, so that a
later scan that somebody merely asserts never hides what a signed one found. What is missing, weakly bound, incomplete
or unreadable is unknown, never good.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from cas.records.base import Record
from cas.records.evidence import Binding
from cas.records.picture import AnyRow
from cas.records.report import CoverageFacts, GenericFacts, ReportedFinding, ReportFacts, TestFacts
from cas.records.verdict import ComponentRow, EvidenceRef, Finding, GateStatus
from policy.gate import FactView, finding
from policy.globs import any_matches

F = TypeVar("F", bound=Record)
RANK: Final[dict[str, int]] = {"asserted": 0, "embedded": 1, "attested": 2}
History = Literal["all", "newest"]
SHOWN: Final = 100
"""So many findings of a sort are listed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Held(Generic[F]):
    """Facts with the row of evidence that brought them."""

    row: AnyRow
    facts: F


@dataclass(frozen=True, slots=True)
class Demand(Generic[F]):
    """What a gate asks for: evidence of ``types`` whose facts are of ``kind``, bound at least so, from such formats."""

    kind: type[F]
    types: tuple[str, ...]
    binding: Binding
    formats: tuple[str, ...] = ("*",)
    platforms: tuple[str, ...] = ("*",)
    noun: str = ""  # shown to people: what is missing
    history: History = "all"


def components(view: FactView, platforms: tuple[str, ...]) -> tuple[ComponentRow, ...]:
    """Give the components on the platforms that are asked for."""
    return tuple(each for each in view.assessment.components if any_matches(platforms, each.platform))


def held(view: FactView, component: ComponentRow, demand: Demand[F]) -> tuple[Held[F], ...]:
    """Give the facts that count for a component: all, or of each tool and binding those of its newest submission."""
    if view.facts is None:
        return ()
    groups: dict[tuple[str, str, int], list[Held[F]]] = {}
    for row in view.assessment.evidence:
        if (row.component, row.platform) != (component.component, component.platform) or row.type not in demand.types:
            continue
        facts = view.facts(row.facts)
        if isinstance(facts, demand.kind) and any_matches(demand.formats, row.format):
            key = (row.format.partition("/")[0], maker(facts), RANK[row.binding])
            groups.setdefault(key, []).append(Held(row, facts))
    newest = {key: max(each.row.admitted_at for each in group) for key, group in groups.items()}
    latest = demand.history == "newest"
    found = [
        each for key, group in groups.items() for each in group if not latest or each.row.admitted_at == newest[key]
    ]
    unique = {(each.row.raw, each.row.format): each for each in found}
    return tuple(unique[key] for key in sorted(unique))


def maker(facts: Record) -> str:
    """Say who made a report: its tool, or the kind that the user registered."""
    if isinstance(facts, GenericFacts):
        return facts.name
    return facts.tool if isinstance(facts, ReportFacts | TestFacts | CoverageFacts) else ""


def bound(found: Iterable[Held[F]], binding: Binding) -> tuple[Held[F], ...]:
    """Keep what is bound at least so."""
    return tuple(each for each in found if RANK[each.row.binding] >= RANK[binding])


def missing(view: FactView, demand: Demand[F]) -> Iterator[Finding]:
    """Say for each component and platform what keeps anybody from knowing: no report, weakly bound, incomplete."""
    asked = components(view, demand.platforms)
    if not asked:
        yield finding("no_components")
    for each in asked:
        every = held(view, each, demand)
        strong = bound(every, demand.binding)
        about = (("what", demand.noun), ("platform", each.platform), ("image", each.image))
        if not every:
            flips = (("submit_report", demand.types[0]),)
            yield finding("report_missing", about, component=each.component, flips=flips)
        elif not strong:
            best = max((one.row.binding for one in every), key=RANK.__getitem__)
            yield finding(
                "report_weak",
                (*about[:2], ("binding", best), ("demanded", demand.binding)),
                component=each.component,
                evidence=[EvidenceRef(digest=one.row.raw, pointer="") for one in every],
                flips=(("bind_report", demand.binding),),
            )
        yield from (_incomplete(one) for one in every if isinstance(one.facts, ReportFacts) and not one.facts.complete)


def _incomplete(one: Held[F]) -> Finding:
    return finding(
        "report_incomplete",
        (("tool", maker(one.facts)), ("platform", one.row.platform)),
        component=one.row.component,
        evidence=[EvidenceRef(digest=one.row.raw, pointer="")],
        flips=(("scan_again", maker(one.facts)),),
    )


def every(view: FactView, demand: Demand[F]) -> tuple[Held[F], ...]:
    """Give the facts that count for all components asked for; a document about several of them is given once each."""
    found = {
        (each.row.component, each.row.raw, each.row.format): each
        for component in components(view, demand.platforms)
        for each in held(view, component, demand)
    }
    return tuple(found[key] for key in sorted(found))


def status_of(failed: bool, unknown: bool) -> GateStatus:
    """Fold: what failed failed, whatever else is not known."""
    return "fail" if failed else "unknown" if unknown else "pass"


def shown(
    code: str,
    results: Iterable[tuple[Held[ReportFacts], ReportedFinding]],
    arguments: Callable[[ReportedFinding], tuple[tuple[str, str | int], ...]],
    flips: tuple[tuple[str, str], ...] = (),
) -> Iterator[Finding]:
    """List results as findings of a gate, so many, and say how many more there are."""
    listed = list(results)
    for one, each in listed[:SHOWN]:
        place = f"{each.path}:{each.line}" if each.line else each.path
        yield finding(
            code,
            (("rule", each.rule), ("place", place), ("tool", one.facts.tool), *arguments(each)),
            severity=each.severity,
            component=one.row.component,
            purl=each.purl,
            evidence=[EvidenceRef(digest=one.row.raw, pointer=each.pointer)],
            path=(one.row.component, *each.flow) if each.flow else (one.row.component, place),
            flips=flips,
        )
    if len(listed) > SHOWN:
        yield finding("more", (("count", len(listed) - SHOWN), ("of", code)))


MISSING_SENTENCES: Final = (
    ("report_missing", "There is no {what} about this component on {platform} (image {image})."),
    ("report_weak", "The {what} on {platform} is only {binding}; {demanded} is demanded."),
    ("report_incomplete", "{tool} itself says that it did not finish on {platform}."),
    ("no_components", "No component on the demanded platforms is in the release."),
)
MISSING_FLIPS: Final = (
    ("submit_report", "Submit evidence of type {argument} about the platform's manifest."),
    ("bind_report", "Submit the same document so that it is {argument}: signed by a known key over the image."),
    ("scan_again", "Run {argument} again until it finishes, and submit what it writes."),
)
MORE_SENTENCE: Final = ("more", "{count} more findings of this sort ({of}) are not listed here.")
