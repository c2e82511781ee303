"""Why: a verdict or decision as a tree, from the rule down to the line it rests on and what would flip it.

Rule → finding → component → evidence {digest, pointer} → path → flips. Codes and arguments only; the sentences are
put in by ``policy.render`` at the doors. What VEX or a waiver closed is in the tree too: nothing disappears from view.
"""

from collections.abc import Iterable
from typing import Literal

from cas.records.base import Part
from cas.records.picture import AnyFinding, AnyPicture, AssessedFinding2
from cas.records.verdict import Decision, Finding, GateResult, Verdict
from policy.counting import CLOSED_BY_VEX

Kind = Literal[
    "answer",
    "rule",
    "finding",
    "component",
    "said",
    "reach",
    "evidence",
    "path",
    "flip",
    "closed",
    "claim",
    "waiver",
]


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
    known = _known(assessment)
    children = [_rule(result, known) for result in rules]
    if not answer.gates:
        policy = answer.policy if isinstance(answer, Verdict) else None
        children.append(_node("rule", "pack_empty" if policy else "policy_missing", decided="yes"))
    if assessment is not None:
        children.extend(_closed(one) for one in assessment.findings if not one.open)
    return _node("answer", answer.outcome, children, as_of=answer.as_of, valid_until=answer.valid_until)


def decided(result: GateResult) -> bool:
    """Tell whether a gate kept the answer from being allow."""
    return result.enforcement == "block" and result.status in {"fail", "unknown"}


Known = dict[tuple[str, str, str], AnyFinding]


def _known(picture: AnyPicture | None) -> Known:
    """Give the worst open finding of a picture by component, package and vulnerability: what gates speak of."""
    found: Known = {}
    for one in picture.findings if picture is not None else ():
        key = (one.component, one.purl, one.vulnerability)
        if key not in found or (one.open and not found[key].open):
            found[key] = one
    return found


def _rule(result: GateResult, known: Known) -> Why:
    return _node(
        "rule",
        result.gate,
        (_finding(one, known.get((one.component, one.purl, one.vulnerability))) for one in result.findings),
        id=result.id,
        status=result.status,
        enforcement=result.enforcement,
        decided="yes" if decided(result) else "no",
    )


def _finding(one: Finding, assessed: AnyFinding | None) -> Why:
    children = []
    if one.component or one.purl:
        children.append(_node("component", one.component, purl=one.purl))
    children.extend(_assessed(assessed) if isinstance(assessed, AssessedFinding2) else ())
    children.extend(_node("evidence", ref.digest, pointer=ref.pointer) for ref in one.evidence)
    if one.path:
        children.append(_node("path", " → ".join(one.path)))
    children.extend(_node("flip", code, argument=argument) for code, argument in one.flips)
    return Why(kind="finding", code=one.code, arguments=slots(one), children=tuple(children))


def slots(one: Finding) -> tuple[tuple[str, str], ...]:
    """Give what a finding's sentence may name: its own fields too; an argument of the same name counts more."""
    fields = {
        "severity": one.severity,
        "component": one.component,
        "purl": one.purl,
        "vulnerability": one.vulnerability,
        **dict(one.arguments),
    }
    return tuple(sorted(fields.items()))


def _assessed(one: AssessedFinding2) -> Iterable[Why]:
    """Say who said how bad it is, who reported it, whether the code is reached, what claims and waivers did to it."""
    source, raw = one.severity_source, one.raw_severity
    yield _node("said", one.origin, severity=one.severity, raw=raw, source=source, by=", ".join(one.reported_by))
    if one.reach.state != "U" or one.reach.path:
        refs = (_node("evidence", ref.digest, pointer=ref.pointer) for ref in one.reach.evidence)
        path, sure = " → ".join(one.reach.path), one.reach.confidence
        yield _node("reach", one.reach.state, refs, path=path, confidence=sure)
    yield from _claims(one)
    if one.waived_by is not None:
        until, control = one.waiver_until, one.control
        yield _node("waiver", one.waived_by, effect=one.waiver_effect, until=until, control=control)


def _closed(one: AnyFinding) -> Why:
    children = _claims(one)
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


def _claims(one: AnyFinding) -> list[Why]:
    return [
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
