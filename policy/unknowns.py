"""Unknowns: what we do not know about a release, as rows with reason codes and entropy. Must not know budgets."""

from collections.abc import Iterable
from typing import Final, Literal

from cas.digest import Digest
from cas.records.picture import AnyFinding
from cas.records.verdict import ComponentQuestion, Question, UnknownRow

CERTAIN: Final = 1_000_000  # nothing at all is known
HALF: Final = 500_000
QUARTER: Final = 250_000


def about_question(question: Question) -> tuple[UnknownRow, ...]:
    """Say what the question itself lacks: a feed, an image for a demanded platform."""
    rows = [] if question.feed else [_row("FeedGap", "feed_missing", "feed", CERTAIN)]
    rows.extend(
        _row("Identity", "platform_not_in_image", f"{one.component} {one.platform}", CERTAIN)
        for one in question.components
        if not one.subjects
    )
    return tuple(rows)


def about_component(component: ComponentQuestion, sboms: int) -> tuple[UnknownRow, ...]:
    """Say when nothing tells what is inside a component."""
    if sboms:
        return ()
    return (_row("Provenance", "sbom_missing", f"{component.component} {component.platform}", CERTAIN),)


def about_findings(findings: Iterable[tuple[AnyFinding, Digest]]) -> tuple[UnknownRow, ...]:
    """Say where VEX claims contradict each other, of findings with the documents that name their packages."""
    return tuple(
        UnknownRow(
            reason="VexConflict",
            code="vex_conflict",
            subject=one.purl,
            entropy=HALF,
            evidence=sbom,
            pointer=one.sbom_pointer,
        )
        for one, sbom in findings
        if one.vex == "conflict"
    )


def about_sbom(raw: Digest, packages: int) -> tuple[UnknownRow, ...]:
    """Say when an SBOM lists nothing: an empty inventory is no proof of an empty image."""
    if packages:
        return ()
    return (_line("Identity", "sbom_empty", raw, CERTAIN, raw, ""),)


def about_report(raw: Digest, tool: str, *, complete: bool) -> tuple[UnknownRow, ...]:
    """Say when a scanner itself says that it failed: then its silence means nothing."""
    if complete:
        return ()
    return (_line("AnalyzerLimit", "report_incomplete", tool or "a scanner", HALF, raw, ""),)


def about_result(raw: Digest, vulnerability: str, pointer: str, *, placed: bool) -> tuple[UnknownRow, ...]:
    """Say when a reported vulnerability names no package: nobody knows where it is."""
    if placed:
        return ()
    return (_line("Identity", "reported_without_package", vulnerability, HALF, raw, pointer),)


def about_signature(raw: Digest) -> UnknownRow:
    """Say that evidence carries a signature that is bad: somebody changed it, or is not who he says."""
    return _line("Provenance", "signature_bad", raw, HALF, raw, "")


def about_reach(one: AnyFinding, sbom: Digest) -> UnknownRow:
    """Say that reachability was analysed, and that this vulnerability is not answered."""
    return UnknownRow(
        reason="Reachability",
        code="reachability_not_answered",
        subject=one.purl or one.vulnerability,
        entropy=QUARTER,
        evidence=sbom,
        pointer=one.sbom_pointer,
    )


Tier = Literal["T1", "T2", "T3", "T4"]
Band = Literal["HOT", "WARM", "COLD", "NEGLIGIBLE"]


def tier(entropy: int) -> Tier:
    """Give the tier of an unknown by its entropy in millionths: T1 from 0.7, T2 from 0.4, T3 from 0.1, else T4."""
    return "T1" if entropy >= 700_000 else "T2" if entropy >= 400_000 else "T3" if entropy >= 100_000 else "T4"


def rank(entropy: int, pressure: int) -> int:
    """Give 50 parts of uncertainty and 50 of exploit pressure (both in millionths) as 0 to 100, floor."""
    return (entropy + pressure) * 50 // 1_000_000


def band(score: int) -> Band:
    """Give the band of a rank: HOT from 75, WARM from 50, COLD from 25."""
    return "HOT" if score >= 75 else "WARM" if score >= 50 else "COLD" if score >= 25 else "NEGLIGIBLE"


def pressure_of(findings: Iterable[AnyFinding]) -> int:
    """Give how much exploitation is known or likely among findings, in millionths: KEV is all, else the worst EPSS."""
    return max((1_000_000 if one.kev else one.epss or 0 for one in findings if one.open), default=0)


def in_order(rows: Iterable[UnknownRow]) -> tuple[UnknownRow, ...]:
    """Order rows totally, each once."""
    return tuple(sorted(set(rows), key=_key))


def _key(row: UnknownRow) -> tuple[str, str, str, str, str, int]:
    return (row.reason, row.code, row.subject, row.evidence or "", row.pointer, row.entropy)


def _line(  # noqa: PLR0917 - the fields of a row
    reason: Literal["Identity", "AnalyzerLimit", "Provenance"],
    code: str,
    subject: str,
    entropy: int,
    evidence: Digest,
    pointer: str,
) -> UnknownRow:
    return UnknownRow(reason=reason, code=code, subject=subject, entropy=entropy, evidence=evidence, pointer=pointer)


def _row(reason: Literal["FeedGap", "Identity", "Provenance"], code: str, subject: str, entropy: int) -> UnknownRow:
    return UnknownRow(reason=reason, code=code, subject=subject, entropy=entropy, evidence=None, pointer="")
