"""Is nothing closed as not affected where too much is unknown?"""

from cas.records.base import Part
from cas.records.picture import AnyFinding
from cas.records.verdict import EvidenceRef, Finding, GateStatus, UnknownRow
from policy.counting import GROUP_FLIPS, distinct, of_group
from policy.gate import Answer, FactView, Gate, finding
from policy.lines import sbom_of
from policy.unknowns import Tier, tier


class Params(Part, frozen=True, kw_only=True):
    """At which tiers of uncertainty a claim of not affected fails, is warned of, is noted.

    Tiers by entropy: T1 from 0.7, T2 from 0.4, T3 from 0.1, T4 below.
    """

    block: tuple[Tier, ...] = ("T1",)
    warn: tuple[Tier, ...] = ("T2",)
    note: tuple[Tier, ...] = ("T3",)


def check(params: Params, view: FactView) -> Answer:
    """Fail where a vulnerability is closed as not affected, and something about that place is not known at all.

    An unknown is about a finding when it names its package or its vulnerability, its component on its platform, or the
    document that names the package; one that names nothing of these (no feed) is about all.
    """
    rows = view.assessment.unknowns
    closed = distinct(one for one in view.assessment.findings if one.vex == "not_affected" and one.waived_by is None)
    found: dict[str, list[Finding]] = {"fail": [], "warn": [], "note": []}
    for group in closed:
        about = [row for row in rows if any(_about(row, one, view) for one in group)]
        if not about:
            continue
        worst = min(about, key=lambda row: (-row.entropy, row.reason, row.code, row.subject, row.pointer))
        kind = _kind(params, tier(worst.entropy))
        if kind:
            found[kind].append(_told(view, kind, group, worst))
    status: GateStatus = "fail" if found["fail"] else "warn" if found["warn"] else "pass"
    every = tuple(one for kind in ("fail", "warn", "note") for one in found[kind])
    return Answer(status, every, (("closed", len(closed)), ("uncertain", len(every))))


def _about(row: UnknownRow, one: AnyFinding, view: FactView) -> bool:
    if row.subject in {one.purl, one.vulnerability, f"{one.component} {one.platform}", sbom_of(one, view.assessment)}:
        return True
    places = {f"{each.component} {each.platform}" for each in view.assessment.components}
    # what names a package or a place of its own is about that one only
    return not row.evidence and row.subject not in places and not row.subject.startswith("pkg:")


def _kind(params: Params, found: Tier) -> str:
    named = (("fail", params.block), ("warn", params.warn), ("note", params.note))
    return next((kind for kind, tiers in named if found in tiers), "")


def _told(view: FactView, kind: str, group: tuple[AnyFinding, ...], row: UnknownRow) -> Finding:
    code = {"fail": "too_uncertain", "warn": "uncertain", "note": "somewhat_uncertain"}[kind]
    told = of_group(
        view,
        code,
        group,
        (("tier", tier(row.entropy)), ("unknown", row.code), ("reason", row.reason), ("about", row.subject)),
    )
    refs = (EvidenceRef(digest=row.evidence, pointer=row.pointer),) if row.evidence else ()
    return finding(
        code,
        told.arguments,
        severity=told.severity,
        component=told.component,
        purl=told.purl,
        vulnerability=told.vulnerability,
        evidence=(*told.evidence, *refs),
        path=told.path,
        flips=(("learn", row.reason), ("grant_waiver", told.vulnerability)),
    )


_SAID = (
    "{vulnerability} in {purl} is closed as not affected, while {unknown} ({reason}, {tier}) is not known of {about}."
)

GATE = Gate(
    "uncertainty_tier",
    1,
    Params,
    check,
    asks="Is nothing closed as not affected where too much is unknown?",
    remedy="Have a person review the claim, and submit what is missing (stella unknowns list says what).",
    sentences=(("too_uncertain", _SAID), ("uncertain", _SAID), ("somewhat_uncertain", _SAID)),
    flips=(*GROUP_FLIPS, ("learn", "Submit evidence that removes unknowns counted as {argument}.")),
)
