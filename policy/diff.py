"""What changed between two verdicts, and between what they rest on. Knows records; must not know prose.

Material changes of findings carry the rule that makes them material: R2 the VEX state flipped, R3 the affected range
was entered or left, R4 intelligence moved (KEV, severity, EPSS across a whole tenth). R1 (reachability) has no facts
yet.
"""

from collections.abc import Iterable
from typing import Literal

from cas.records.base import Part
from cas.records.picture import AnyFinding, AnyPicture
from cas.records.verdict import Finding, GateStatus, Outcome, Verdict

Rule = Literal["R2", "R3", "R4"]


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
    code: str  # entered, left, opened, closed, vex, kev, severity, epss
    component: str
    package: str
    vulnerability: str
    before: str
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


def _flips(key: tuple[str, str, str], was: AnyFinding, now: AnyFinding) -> Iterable[FindingChange]:
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
        package = one.purl.partition("?")[0].rpartition("@")[0] or one.purl
        key = (one.component, package, one.vulnerability)
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
