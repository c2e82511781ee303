"""What changed in VEX between two rounds: claims that came, went or weigh otherwise, and states that flipped, with why.

Pure over two pictures; a finding is the same where component, platform, package and vulnerability are. Must not know
which verdicts the pictures belong to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cas.records.picture import AnyFinding, AnyPicture, AssessedFinding2
from cas.records.verdict import Claim

Kind: TypeAlias = Literal[
    "claim_appeared", "claim_gone", "weight_changed", "state_flipped", "finding_new", "finding_gone"
]
Key: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One thing that changed. ``old`` and ``new`` are states or weights; ``reasons`` are codes, sorted."""

    component: str
    platform: str
    purl: str
    vulnerability: str
    kind: Kind
    old: str
    new: str
    issuer: str = ""
    evidence: str = ""
    pointer: str = ""
    reasons: tuple[str, ...] = ()


def delta(before: AnyPicture, after: AnyPicture) -> tuple[Change, ...]:
    """List every change, sorted by finding."""
    old, new = _by_key(before.findings), _by_key(after.findings)
    changes: list[Change] = []
    for key in sorted(old.keys() | new.keys()):
        changes += _changes(key, old.get(key), new.get(key))
    return tuple(sorted(changes))


def _by_key(findings: Iterable[AnyFinding]) -> dict[Key, AnyFinding]:
    found: dict[Key, AnyFinding] = {}
    for one in findings:
        found.setdefault((one.component, one.platform, one.purl, one.vulnerability), one)
    return found


def _changes(key: Key, old: AnyFinding | None, new: AnyFinding | None) -> list[Change]:
    if old is None or new is None:
        told = new if old is None else old
        state = told.vex if told is not None else ""
        if old is None:
            return [Change(*key, "finding_new", "", state)]
        return [Change(*key, "finding_gone", state, "")]
    claims = _claims(key, old.claims, new.claims)
    if old.vex == new.vex:
        return claims
    reasons = {change.kind for change in claims}
    if _reach(old) != _reach(new):
        reasons.add("reach_changed")  # type: ignore[arg-type]  # reasons are wider than kinds
    if not claims:
        reasons.add("standing_changed")  # type: ignore[arg-type]  # the same claims: a table, a signature, a policy
    return [*claims, Change(*key, "state_flipped", old.vex, new.vex, reasons=tuple(sorted(reasons)))]


def _reach(one: AnyFinding) -> str:
    return one.reach.state if isinstance(one, AssessedFinding2) else ""


def _claims(key: Key, old: tuple[Claim, ...], new: tuple[Claim, ...]) -> list[Change]:
    before = {(one.evidence, one.pointer, one.status, one.signer): one for one in old}
    after = {(one.evidence, one.pointer, one.status, one.signer): one for one in new}
    changes = []
    for name in sorted(before.keys() | after.keys()):
        left, right = before.get(name), after.get(name)
        told = right if left is None else left
        if told is None or (left is not None and right is not None and left.score == right.score):
            continue
        kind: Kind = "claim_appeared" if left is None else "claim_gone" if right is None else "weight_changed"
        weights = (
            "" if left is None else f"{left.status} {left.score}",
            "" if right is None else f"{right.status} {right.score}",
        )
        issuer = told.signer or told.author
        changes.append(Change(*key, kind, *weights, issuer=issuer, evidence=told.evidence, pointer=told.pointer))
    return changes
