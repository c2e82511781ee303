"""A verdict as Markdown for a job's summary or a comment. Foreign text is escaped: it links and calls nobody."""

import re
from collections.abc import Iterator
from typing import Final

from api.calls.verdicts import VerdictView
from api.reports.shown import Files, Gate, Told, closed, gates, last_line, printable
from cas.records.verdict import EvidenceRef
from policy.render import marked

_MOST: Final = 50  # findings of one gate
_OUTCOMES: Final = {"allow": "Allowed", "deny": "Denied", "undecided": "Cannot decide"}
_CALLS: Final = re.compile(r"@|(?<=:)(?=//)|(?<=www)\.", re.IGNORECASE)


def summary(view: VerdictView, files: Files | None = None) -> str:
    """Write a verdict as a section of Markdown: outcome, gates, what blocks with its evidence, what was closed."""
    every = gates(view)
    warned = " (with warnings)" if view.warned and view.outcome == "allow" else ""
    out = [
        f"## {_OUTCOMES.get(view.outcome, view.outcome)}{warned}: {text(view.release)} to {text(view.environment)}",
        "",
        f"Policy {text(view.policy or 'none')}, as of {view.as_of}, valid until {view.valid_until}.",
        "",
        "| status | gate | enforcement | findings | asks |",
        "|---|---|---|--:|---|",
    ]
    out += [
        f"| {one.result.status.replace('_', ' ')} | {text(one.result.id)} | {one.result.enforcement} "
        f"| {len(one.result.findings)} | {text(one.asks)} |"
        for one in every
    ]
    where = (files or Files()).located(
        ref for one in every if one.blocks for each in one.findings[:_MOST] for ref in each.finding.evidence
    )
    places = {ref: f"{path}:{spot.line}" for ref, (path, spot) in where.items()}
    for one in every:
        if one.blocks:
            out += ["", f"### {text(one.result.id)} ({text(one.result.gate)}): {one.result.status}", ""]
            out += _blocking(one, places)
    shut = [*closed(view)]
    if shut:
        out += ["", f"<details><summary>Closed by VEX or a waiver: {len(shut)}</summary>", ""]
        out += [f"- {text(line)}" for line in shut[:_MOST]]
        out += [f"- and {len(shut) - _MOST} more"] if len(shut) > _MOST else []
        out += ["", "</details>"]
    return "\n".join([*out, "", f"`{last_line(view)}`", ""])


def text(foreign: str) -> str:
    """Escape foreign text for Markdown: no markup, no links made of bare addresses, nobody called by ``@``."""
    quiet = _CALLS.sub(lambda found: {"@": "&#64;", ".": "&#46;", "": "&#8203;"}[found[0]], marked(printable(foreign)))
    return quiet.replace("\\<", "&lt;").replace("\\>", "&gt;")


def _blocking(one: Gate, places: dict[EvidenceRef, str]) -> Iterator[str]:
    for each in one.findings[:_MOST]:
        yield f"- {text(each.sentence)}"
        yield from _detail(each, places)
    if len(one.findings) > _MOST:
        yield f"- and {len(one.findings) - _MOST} more findings"
    if one.remedy:
        yield f"- Next: {text(one.remedy)}"


def _detail(each: Told, places: dict[EvidenceRef, str]) -> Iterator[str]:
    for ref in each.finding.evidence:
        known = places.get(ref)
        yield f"  - evidence: {text(known) + ', ' if known else ''}{ref.digest} {text(ref.pointer or '/')}"
    if each.finding.path:
        yield f"  - by {text(' → '.join(each.finding.path))}"
    for flip in each.flips:
        yield f"  - flips when: {text(flip)}"
