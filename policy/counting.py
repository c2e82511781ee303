"""Counting open findings, once each. Knows assessments; must not know any gate's limits."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from operator import attrgetter, itemgetter, lt
from typing import Final

from cas.records.picture import AnyFinding
from cas.records.verdict import Finding, SeverityLabel
from policy.gate import FactView, Groups, finding
from policy.lines import lines_of

SEVERITIES: Final[tuple[SeverityLabel, ...]] = ("critical", "high", "medium", "low", "negligible", "unknown")
_RANK: Final = {label: at for at, label in enumerate(SEVERITIES)}
_FLOOR: Final = {"critical": 90, "high": 70, "medium": 40, "low": 1, "negligible": 0}
_WORST: Final = itemgetter(0)
_SEVERITY: Final = attrgetter("severity")
CLOSED_BY_VEX: Final = frozenset({"not_affected", "fixed"})


def counts(one: AnyFinding, *, waived: bool, vexed: bool) -> bool:
    """Tell whether a finding counts: an open one always, a closed one when its way of being closed is counted too."""
    return one.open or (waived and one.waived_by is not None) or (vexed and one.vex in CLOSED_BY_VEX)


def distinct(findings: Iterable[AnyFinding]) -> Groups:
    """Group findings that are one vulnerability in one package of one component, the worst severity first.

    Several advisories, SBOMs and platforms may tell the same story; it is counted once.
    """
    listed = tuple(findings)
    keys = [(one.component, one.purl, one.vulnerability) for one in listed]
    if all(map(lt, keys, keys[1:])):  # in order, and each told once: most pictures of one platform
        return tuple(zip(listed))
    groups: dict[tuple[str, str, str], list[AnyFinding]] = {}
    for key, one in zip(keys, listed, strict=True):
        held = groups.get(key)
        if held is None:
            groups[key] = [one]
        else:
            held.append(one)
    ordered = sorted(groups.items(), key=itemgetter(0))
    return tuple([(held[0],) if len(held) == 1 else tuple(sorted(held, key=_worst_first)) for _, held in ordered])


def severities(groups: Iterable[tuple[AnyFinding, ...]]) -> tuple[tuple[SeverityLabel, int], ...]:
    """Count groups by the severity of their worst, every severity in its order."""
    found = Counter(map(_SEVERITY, map(_WORST, groups)))
    return tuple([(label, found[label]) for label in SEVERITIES])


def open_groups(view: FactView, chosen: Callable[[AnyFinding], bool] | None = None) -> Groups:
    """Group what is open and ``chosen``; equal to ``distinct`` of those, since choosing keeps the order in a group.

    What a field alone chooses is made once per picture, for all questions that share it.
    """
    groups = view.open_groups
    if groups is None:
        groups = distinct([one for one in view.assessment.findings if one.open])
    if chosen is None:
        return groups
    held = view.open_chosen
    if held is None or not isinstance(chosen, attrgetter):
        return _choose(groups, chosen)
    found = held.get(chosen)
    if found is None:
        found = held[chosen] = _choose(groups, chosen)
    return found


def _choose(groups: Groups, chosen: Callable[[AnyFinding], bool]) -> Groups:
    if not any(map(chosen, chain.from_iterable(groups))):
        return ()
    return tuple([kept for group in groups if (kept := tuple([one for one in group if chosen(one)]))])


def _worst_first(one: AnyFinding) -> tuple[int, str, str, str]:
    return (_RANK[one.severity], one.advisory, one.platform, one.sbom_pointer)


def score(one: AnyFinding) -> int | None:
    """Give a finding's score in tenths: its own, else the floor of its severity's band, None when unknown."""
    if one.score_tenths is not None:
        return one.score_tenths
    return _FLOOR.get(one.severity)


def missing_facts(view: FactView) -> tuple[Finding, ...]:
    """List what keeps anybody from knowing the vulnerabilities: no feed, or components without an SBOM."""
    found = [finding("feed_missing", flips=(("import_feed", ""),))] if view.question.feed is None else []
    for row in view.assessment.components:
        if not row.sboms:
            where, flip = (("platform", row.platform),), (("submit_sbom", row.component),)
            found.append(finding("sbom_missing", where, component=row.component, flips=flip))
    if not view.assessment.components:
        found.append(finding("no_components"))
    return tuple(found)


MISSING_SENTENCES: Final = (
    ("feed_missing", "No advisory feed has been imported, so vulnerabilities are not known."),
    ("sbom_missing", "No SBOM says what is inside this component on {platform}."),
    ("no_components", "The release has no components to judge."),
)
MISSING_FLIPS: Final = (
    ("import_feed", "Import an advisory feed."),
    ("submit_sbom", "Submit an SBOM for {argument}."),
)


def of_group(
    view: FactView, code: str, group: tuple[AnyFinding, ...], arguments: Iterable[tuple[str, str | int]]
) -> Finding:
    """Turn one counted vulnerability into a gate's finding, with every line it rests on and what would flip it."""
    worst = group[0]
    refs = [line for one in group for line in lines_of(one, view.assessment)]
    fixed = sorted({version for one in group for version in one.fixed_in})
    flips = [("file_vex", worst.vulnerability), ("grant_waiver", worst.vulnerability)]
    flips += [("upgrade", version) for version in fixed]
    platforms = ",".join(sorted({one.platform for one in group}))
    return finding(
        code,
        (*arguments, ("version", worst.version), ("platforms", platforms), ("vex", worst.vex)),
        severity=worst.severity,
        component=worst.component,
        purl=worst.purl,
        vulnerability=worst.vulnerability,
        evidence=refs,
        path=(worst.component, worst.purl),
        flips=flips,
    )


GROUP_FLIPS: Final = (
    ("file_vex", "Submit a signed VEX statement that says why {argument} does not affect this image."),
    ("grant_waiver", "Grant a waiver for {argument}, with an end."),
    ("upgrade", "Upgrade the package to {argument}."),
)
