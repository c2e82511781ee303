"""What changed between two verdicts, and between what they rest on. Knows records; must not know prose.

Material changes of findings carry the rule that makes them material: R1 the vulnerable code became reachable or ceased
to be, R2 the VEX state flipped, R3 the affected range was entered or left, R4 intelligence or policy moved (KEV,
severity, EPSS across a whole tenth, a waiver, what a gate decides).
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from cas.records.base import Part
from cas.records.picture import AnyFinding, AnyPicture, AnyRow, AssessedFinding2
from cas.records.verdict import Finding, GateStatus, Outcome, Verdict
from policy.reachability import REACHABLE, UNREACHABLE

Rule = Literal["R1", "R2", "R3", "R4"]


class GateChange(Part, frozen=True, kw_only=True):
    """A gate that answers differently; None where only one verdict asked it."""

    id: str
    before: GateStatus | None
    after: GateStatus | None
    appeared: tuple[Finding, ...]
    gone: tuple[Finding, ...]


class FindingChange(Part, frozen=True, kw_only=True):
    """A material change of one vulnerability in one package of one component."""

    rule: Rule
    code: str  # reach, vex, entered, left, opened, closed, kev, severity, epss; of a gate: decision
    component: str
    package: str
    vulnerability: str
    before: str
    after: str
    gates: tuple[str, ...] = ()  # ids of gates that answer differently because of it


class EvidenceChange(Part, frozen=True, kw_only=True):
    """Evidence that only one of two pictures rests on, or that stands differently; empty where it is not there."""

    component: str
    platform: str
    type: str
    format: str
    raw: str
    before: str  # binding and standing
    after: str


class Difference(Part, frozen=True, kw_only=True):
    """All that changed. ``inputs`` are (what, before, after) of releases, environments and policies."""

    before: Outcome
    after: Outcome
    inputs: tuple[tuple[str, str, str], ...]
    gates: tuple[GateChange, ...]


def between(before: Verdict, after: Verdict) -> Difference:
    """Compare two verdicts gate by gate, by the ids their packs give."""
    old, new = ({result.id: result for result in verdict.gates} for verdict in (before, after))
    changes = []
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        earlier, later = was.findings if was else (), now.findings if now else ()
        change = GateChange(
            id=name,
            before=was.status if was else None,
            after=now.status if now else None,
            appeared=_without(later, earlier),
            gone=_without(earlier, later),
        )
        if change.before != change.after or change.appeared or change.gone:
            changes.append(change)
    pairs = (
        ("release", before.release, after.release),
        ("environment", before.environment, after.environment),
        ("policy", before.policy or "", after.policy or ""),
    )
    return Difference(
        before=before.outcome,
        after=after.outcome,
        inputs=tuple(pair for pair in pairs if pair[1] != pair[2]),
        gates=tuple(changes),
    )


def _without(these: tuple[Finding, ...], those: tuple[Finding, ...]) -> tuple[Finding, ...]:
    known = {_identity(one) for one in those}
    return tuple(one for one in these if _identity(one) not in known)


def _identity(one: Finding) -> tuple[str, str, str, str]:
    return (one.code, one.component, one.purl, one.vulnerability or repr(one.arguments))


def material(before: AnyPicture, after: AnyPicture) -> tuple[FindingChange, ...]:
    """List material changes of findings, sorted; packages are compared without their version."""
    old, new = _by_key(before.findings), _by_key(after.findings)
    changes: list[FindingChange] = []
    for key in sorted({*old, *new}):
        was, now = old.get(key), new.get(key)
        if was is None or now is None:
            left, right = (was.version if was else ""), (now.version if now else "")
            changes.append(_change("R3", "entered" if now else "left", key, (left, right)))
        else:
            changes.extend(_flips(key, was, now))
    return tuple(changes)


def with_impact(changes: Iterable[FindingChange], difference: Difference) -> tuple[FindingChange, ...]:
    """Name at each change the gates whose findings came or went with it, and add what gates decide otherwise (R4)."""
    touched: dict[tuple[str, str, str], set[str]] = {}
    for gate in difference.gates:
        for one in (*gate.appeared, *gate.gone):
            touched.setdefault((one.component, _package(one.purl), one.vulnerability), set()).add(gate.id)
    told = [
        msgspec.structs.replace(
            one, gates=tuple(sorted(touched.get((one.component, one.package, one.vulnerability), ())))
        )
        for one in changes
    ]
    for gate in difference.gates:
        if gate.before != gate.after:
            before, after = gate.before or "not asked", gate.after or "not asked"
            told.append(
                msgspec.structs.replace(_change("R4", "decision", ("", "", ""), (before, after)), gates=(gate.id,))
            )
    return tuple(told)


def evidence(before: AnyPicture, after: AnyPicture) -> tuple[EvidenceChange, ...]:
    """List evidence that came, went, or stands differently, sorted."""
    old, new = _standings(before.evidence), _standings(after.evidence)
    return tuple(
        EvidenceChange(
            component=key[0],
            platform=key[1],
            type=key[2],
            format=key[3],
            raw=key[4],
            before=old.get(key, ""),
            after=new.get(key, ""),
        )
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )


def _standings(rows: Iterable[AnyRow]) -> dict[tuple[str, str, str, str, str], str]:
    found: dict[tuple[str, str, str, str, str], str] = {}
    for row in rows:
        standing = getattr(row, "standing", "verified" if row.verified else "unsigned")
        found[row.component, row.platform, row.type, row.format, row.raw] = f"{row.binding}, {standing}"
    return found


def _package(purl: str) -> str:
    return purl.partition("?")[0].rpartition("@")[0] or purl


def _side(state: str) -> str:
    """Tell on which side of reachability a state lies; a contested one counts as reachable."""
    if state in REACHABLE or state == "X":
        return "reachable"
    return "unreachable" if state in UNREACHABLE else "unknown"


def _flips(key: tuple[str, str, str], was: AnyFinding, now: AnyFinding) -> Iterable[FindingChange]:
    if isinstance(was, AssessedFinding2) and isinstance(now, AssessedFinding2):
        left, right = was.reach.state, now.reach.state
        if _side(left) != _side(right):
            yield _change("R1", "reach", key, (left, right))
    if was.vex != now.vex:
        yield _change("R2", "vex", key, (was.vex, now.vex))
    if was.open != now.open and was.vex == now.vex:
        yield _change("R4", "opened" if now.open else "closed", key, (str(was.open), str(now.open)))
    if bool(was.kev_due) != bool(now.kev_due):
        yield _change("R4", "kev", key, (was.kev_due, now.kev_due))
    if was.severity != now.severity:
        yield _change("R4", "severity", key, (was.severity, now.severity))
    if (was.epss or 0) // 100_000 != (now.epss or 0) // 100_000:
        yield _change("R4", "epss", key, (str(was.epss or 0), str(now.epss or 0)))


def _by_key(findings: tuple[AnyFinding, ...]) -> dict[tuple[str, str, str], AnyFinding]:
    found: dict[tuple[str, str, str], AnyFinding] = {}
    for one in findings:
        key = (one.component, _package(one.purl), one.vulnerability)
        if key not in found or (one.open and not found[key].open):
            found[key] = one
    return found


def _change(rule: Rule, code: str, key: tuple[str, str, str], values: tuple[str, str]) -> FindingChange:
    component, package, vulnerability = key
    return FindingChange(
        rule=rule,
        code=code,
        component=component,
        package=package,
        vulnerability=vulnerability,
        before=values[0],
        after=values[1],
    )
