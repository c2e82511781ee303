"""Unknowns: what we do not know about a release, as rows with reason codes and entropy. Must not know budgets."""

from collections.abc import Iterable
from typing import Final, Literal

from cas.records.picture import AnyFinding
from cas.records.verdict import ComponentQuestion, Question, UnknownRow

CERTAIN: Final = 1_000_000  # nothing at all is known
HALF: Final = 500_000


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


def about_findings(findings: Iterable[AnyFinding]) -> tuple[UnknownRow, ...]:
    """Say where VEX claims contradict each other."""
    return tuple(
        UnknownRow(
            reason="VexConflict",
            code="vex_conflict",
            subject=one.purl,
            entropy=HALF,
            evidence=one.sbom,
            pointer=one.sbom_pointer,
        )
        for one in findings
        if one.vex == "conflict"
    )


def in_order(rows: Iterable[UnknownRow]) -> tuple[UnknownRow, ...]:
    """Order rows totally, each once."""
    return tuple(sorted(set(rows), key=_key))


def _key(row: UnknownRow) -> tuple[str, str, str, str, str, int]:
    return (row.reason, row.code, row.subject, row.evidence or "", row.pointer, row.entropy)


def _row(reason: Literal["FeedGap", "Identity", "Provenance"], code: str, subject: str, entropy: int) -> UnknownRow:
    return UnknownRow(reason=reason, code=code, subject=subject, entropy=entropy, evidence=None, pointer="")
