"""Why, in words: the tree of a verdict or decision (policy/explain) with its sentences (policy/render), line by line.

Prose is made here and never kept: records hold codes and arguments only.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from api.calls.verdicts import FixLine, GateChangeLine, GateLine, MaterialChange, WhyLine
from cas.pictures import picture_of
from cas.records.verdict import Decision, GateResult, Verdict
from cas.store import Reader
from policy import render
from policy.explain import Why, explain, slots

if TYPE_CHECKING:
    from policy.diff import Difference, FindingChange
    from policy.fix_search import Fix

_SHOWN = 20_000


def gate_lines(results: Iterable[GateResult]) -> tuple[GateLine, ...]:
    """Give each gate's answer in short."""
    return tuple(
        GateLine(
            id=one.id,
            gate=one.gate,
            status=one.status,
            enforcement=one.enforcement,
            findings=len(one.findings),
            asks=render.asks(one.gate),
            remedy="" if one.status in {"pass", "not_applicable"} else render.remedy(one.gate),
        )
        for one in results
    )


def warned(results: Iterable[GateResult]) -> bool:
    """Tell whether anything short of a block was found."""
    return any(
        one.status == "warn" or (one.status in {"fail", "unknown"} and one.enforcement != "block") for one in results
    )


def why_lines(answer: Verdict | Decision, reader: Reader) -> tuple[WhyLine, ...]:
    """Give the why tree as indented lines: rule → finding → component → evidence line → what would flip it.

    What blocks comes first; what VEX or a waiver closed is in it too. Very long trees are cut, and say so.
    """
    assessment = picture_of(answer.assessment, reader.get) if isinstance(answer, Verdict) else None
    lines = list(_tree(explain(answer, assessment)))
    if len(lines) > _SHOWN:
        more = len(lines) - _SHOWN
        lines = [*lines[:_SHOWN], WhyLine(depth=0, kind="more", text=f"and {more} more lines: read the record itself")]
    return tuple(lines)


def _tree(root: Why) -> Iterator[WhyLine]:
    for child in sorted(root.children, key=_rank):
        told = dict(child.arguments)
        if child.kind == "closed":
            yield from _closed(child, told)
        elif child.code in {"policy_missing", "pack_empty"}:
            yield WhyLine(depth=0, kind="rule", text=f"No gates ({child.code}): nothing is allowed.", code=child.code)
        elif told["status"] not in {"pass", "not_applicable"}:
            yield from _rule(child, told)


def _rank(child: Why) -> int:
    """Order: what blocks, then what is only told, then what VEX or a waiver closed."""
    if child.kind == "closed":
        return 2
    return 0 if dict(child.arguments).get("enforcement", "block") == "block" else 1


def _rule(rule: Why, told: dict[str, str]) -> Iterator[WhyLine]:
    text = f"{told['id']} ({rule.code}, {told['enforcement']}): {told['status']}. {render.asks(rule.code)}"
    yield WhyLine(
        depth=0,
        kind="rule",
        text=text,
        code=rule.code,
        rule=told["id"],
        enforcement=told["enforcement"],
        status=told["status"],
    )
    for finding in rule.children:
        said = render.sentence(rule.code, finding.code, finding.arguments)
        yield WhyLine(depth=1, kind="finding", text=said, code=finding.code)
        for child in finding.children:
            yield _detail(rule.code, child, dict(child.arguments))
    if render.remedy(rule.code):
        yield WhyLine(depth=1, kind="remedy", text=render.remedy(rule.code))


def _detail(gate: str, node: Why, told: dict[str, str]) -> WhyLine:
    if node.kind == "component":
        text = " ".join(part for part in (node.code, told["purl"]) if part)
        return WhyLine(depth=2, kind="component", text=text)
    if node.kind == "evidence":
        pointer = told["pointer"]
        return WhyLine(
            depth=2, kind="evidence", text=f"{node.code} {pointer or '/'}", digest=node.code, pointer=pointer
        )
    if node.kind in {"said", "reach", "claim", "waiver"}:
        digest, pointer = told.get("evidence", ""), told.get("pointer", "")
        for ref in node.children:
            digest, pointer = ref.code, dict(ref.arguments)["pointer"]
        digest = node.code if node.kind == "waiver" else digest
        return WhyLine(depth=2, kind=node.kind, text=render.known(node), code=node.code, digest=digest, pointer=pointer)
    if node.kind == "path":
        return WhyLine(depth=2, kind="path", text=node.code)
    return WhyLine(depth=2, kind="flip", text=render.flip(gate, node.code, told["argument"]), code=node.code)


def _closed(node: Why, told: dict[str, str]) -> Iterator[WhyLine]:
    text = f"{told['vulnerability']} ({told['severity']}) in {told['purl']}, {told['component']}: {node.code}"
    yield WhyLine(depth=0, kind="closed", text=text, code=node.code)
    for child in node.children:
        more = dict(child.arguments)
        if child.kind == "waiver":
            yield WhyLine(depth=1, kind="waiver", text=f"waived by {child.code}", digest=child.code)
        else:
            who = more["signer"] or f"{more['author'] or 'nobody named'}, not verified"
            yield WhyLine(
                depth=1,
                kind="claim",
                text=f"{child.code}, says {who} (weight {more['score']} millionths)",
                digest=more["evidence"],
                pointer=more["pointer"],
            )


def fix_lines(fixes: "Iterable[Fix]") -> tuple[FixLine, ...]:
    """Say each step in words."""
    return tuple(
        FixLine(kind=one.kind, text=_step(one), component=one.component, purl=one.purl, to=one.to, closes=one.closes)
        for one in fixes
    )


def _step(one: "Fix") -> str:
    about = ", ".join(one.closes)
    if one.kind == "upgrade":
        return f"Upgrade {one.purl} in {one.component} to {one.to}: closes {about}."
    if one.kind == "accept":
        return f"Submit a signed VEX statement about {about} in {one.component}, or grant a waiver with an end."
    said = render.flip(one.gate, one.code, about)
    return f"{one.component}: {said}" if one.component else said


def change_lines(found: "Difference", verdicts: Iterable[Verdict]) -> tuple[GateChangeLine, ...]:
    """Say for each gate that answers differently what came and what went."""
    kinds = {result.id: result.gate for verdict in verdicts for result in verdict.gates}
    return tuple(
        GateChangeLine(
            id=one.id,
            before=one.before or "",
            after=one.after or "",
            appeared=tuple(render.sentence(kinds[one.id], each.code, slots(each)) for each in one.appeared),
            gone=tuple(render.sentence(kinds[one.id], each.code, slots(each)) for each in one.gone),
        )
        for one in found.gates
    )


_CHANGES: Final = {
    "reach": "reachability went from {before} to {after}",
    "vex": "VEX went from {before} to {after}",
    "entered": "the affected range was entered, in version {after}",
    "left": "the affected range was left, from version {before}",
    "opened": "it is open again",
    "closed": "it was closed",
    "kev": "the KEV listing changed ({before} to {after})",
    "severity": "the severity went from {before} to {after}",
    "epss": "EPSS went from {before} to {after} millionths",
    "decision": "gate {gates} went from {before} to {after}",
}


def material_line(one: "FindingChange") -> MaterialChange:
    """Say a material change in words."""
    where = " ".join(filter(None, (one.vulnerability, one.package and f"in {one.package}", one.component)))
    words = {"before": one.before or "none", "after": one.after or "none", "gates": ", ".join(one.gates)}
    said = _CHANGES[one.code].format_map(words)
    return MaterialChange(text=f"{where}: {said}" if where else said, **msgspec.structs.asdict(one))
