"""Why, in words: the tree of a verdict or decision (policy/explain) with its sentences (policy/render), line by line.

Prose is made here and never kept: records hold codes and arguments only.
"""

from collections.abc import Iterable, Iterator

from api.calls.verdicts import GateLine, WhyLine
from cas.pictures import picture_of
from cas.records.verdict import Decision, GateResult, Verdict
from cas.store import Reader
from policy import render
from policy.explain import Why, explain

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
