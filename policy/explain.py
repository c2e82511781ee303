"""Why: a verdict or decision as a tree, from the rule down to the line it rests on and what would flip it.

Rule → finding → component → evidence {digest, pointer} → path → flips. Codes and arguments only; the sentences are
put in by ``policy.render`` at the doors. What VEX or a waiver closed is in the tree too: nothing disappears from view.
"""

from collections.abc import Iterable
from typing import Literal

from cas.records.base import Part
from cas.records.picture import AnyFinding, AnyPicture
from cas.records.verdict import Decision, Finding, GateResult, Verdict
from policy.counting import CLOSED_BY_VEX

Kind = Literal["answer", "rule", "finding", "component", "evidence", "path", "flip", "closed", "claim", "waiver"]


class Why(Part, frozen=True, kw_only=True):
    """A node. ``code`` names it within its kind ("severity_budget/1", "over_budget"); arguments are sorted."""

    kind: Kind
    code: str
    arguments: tuple[tuple[str, str], ...]
    children: tuple["Why", ...]


def _node(kind: Kind, code: str, children: Iterable[Why] = (), **arguments: object) -> Why:
    told = tuple(sorted((name, str(value)) for name, value in arguments.items()))
    return Why(kind=kind, code=code, arguments=told, children=tuple(children))


def explain(answer: Verdict | Decision, assessment: AnyPicture | None = None) -> Why:
    """Build the tree: rules that decided come first, then the others in the pack's order, then what is closed.

    A rule decided when it blocks and did not pass. Without gates the one child says so.
    """
    rules = sorted(answer.gates, key=lambda result: not decided(result))
    children = [_rule(result) for result in rules]
    if not answer.gates:
        policy = answer.policy if isinstance(answer, Verdict) else None
        children.append(_node("rule", "pack_empty" if policy else "policy_missing", decided="yes"))
    if assessment is not None:
        children.extend(_closed(one) for one in assessment.findings if not one.open)
    return _node("answer", answer.outcome, children, as_of=answer.as_of, valid_until=answer.valid_until)


def decided(result: GateResult) -> bool:
    """Tell whether a gate kept the answer from being allow."""
    return result.enforcement == "block" and result.status in {"fail", "unknown"}


def _rule(result: GateResult) -> Why:
    return _node(
        "rule",
        result.gate,
        (_finding(one) for one in result.findings),
        id=result.id,
        status=result.status,
        enforcement=result.enforcement,
        decided="yes" if decided(result) else "no",
    )


def _finding(one: Finding) -> Why:
    children = []
    if one.component or one.purl:
        children.append(_node("component", one.component, purl=one.purl))
    children.extend(_node("evidence", ref.digest, pointer=ref.pointer) for ref in one.evidence)
    if one.path:
        children.append(_node("path", " → ".join(one.path)))
    children.extend(_node("flip", code, argument=argument) for code, argument in one.flips)
    return Why(kind="finding", code=one.code, arguments=told(one), children=tuple(children))


def told(one: Finding) -> tuple[tuple[str, str], ...]:
    """Give what a finding's sentence may name: its own fields too; an argument of the same name counts more."""
    fields = {
        "severity": one.severity,
        "component": one.component,
        "purl": one.purl,
        "vulnerability": one.vulnerability,
        **dict(one.arguments),
    }
    return tuple(sorted(fields.items()))


def _closed(one: AnyFinding) -> Why:
    children = [
        _node(
            "claim",
            claim.status,
            evidence=claim.evidence,
            pointer=claim.pointer,
            author=claim.author,
            signer=claim.signer,
            score=claim.score,
            justification=claim.justification,
        )
        for claim in one.claims
    ]
    if one.waived_by is not None:
        children.append(_node("waiver", one.waived_by))
    return _node(
        "closed",
        one.vex if one.vex in CLOSED_BY_VEX else "waived",
        children,
        component=one.component,
        platform=one.platform,
        purl=one.purl,
        vulnerability=one.vulnerability,
        severity=one.severity,
    )
