"""Unknowns ranked: how uncertain each is, and how much exploitation presses where it lies. Must not know budgets."""

from collections.abc import Iterable
from dataclasses import dataclass

from cas.records.picture import AnyFinding
from cas.records.verdict import UnknownRow
from policy.unknowns import Band, Tier, band, pressure_of, rank, tier


@dataclass(frozen=True, slots=True)
class Ranked:
    """An unknown with its tier, the pressure there (millionths), its rank (0 to 100) and band."""

    row: UnknownRow
    tier: Tier
    pressure: int
    rank: int
    band: Band


def ranked(rows: Iterable[UnknownRow], findings: Iterable[AnyFinding]) -> tuple[Ranked, ...]:
    """Rank unknowns, the most pressing first; equal ones in the order of what they are.

    The pressure is that of the findings in the package that is not known; where the unknown names no package that has
    findings, it may be about any, so the whole release presses.
    """
    findings = tuple(findings)
    whole = pressure_of(findings)
    by_purl: dict[str, list[AnyFinding]] = {}
    for one in findings:
        by_purl.setdefault(one.purl, []).append(one)
    out = []
    for row in rows:
        pressure = pressure_of(by_purl[row.subject]) if row.subject in by_purl else whole
        score = rank(row.entropy, pressure)
        out.append(Ranked(row, tier(row.entropy), pressure, score, band(score)))
    return tuple(sorted(out, key=_order))


def _order(one: Ranked) -> tuple[int, int, str, str, str, str, str]:
    row = one.row
    return (-one.rank, -row.entropy, row.reason, row.code, row.subject, row.evidence or "", row.pointer)
