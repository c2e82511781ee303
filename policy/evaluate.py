"""Ask the gates of a pack, put their findings into one order, fold their statuses. Must not know any gate's meaning.

The same code serves judge and decide: what differs is the view the gates look at, and how the fold is read.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cas.problems import Category, Problem
from cas.records.base import Instant, Part
from cas.records.policy import Enforcement, GateUse, Override, Param, PolicyPack
from cas.records.verdict import Finding, GateResult, Outcome
from policy.gate import Answer, AnyGate, FactView, MomentView
from policy.gates.catalog import GATES
from policy.params import of_pairs

_BY_ID: Mapping[str, AnyGate] = {gate.id: gate for gate in GATES}


class GateUnknown(Problem):
    """A pack asks for a gate that this build does not have."""

    code = "policy.gate_unknown"
    category = Category.UNSUPPORTED
    title = "No such gate"
    remedy = "Write a gate of the catalog as name/version, or use a build that has this one."


@dataclass(frozen=True, slots=True)
class Asked:
    """A gate with its parameters bound: what a pack becomes once, per digest and environment."""

    id: str
    gate: AnyGate
    params: Part
    enforcement: Enforcement


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the gates answered, in the pack's order, and the instants at which an answer may change."""

    results: tuple[GateResult, ...]
    ends: tuple[Instant, ...]


def gate(name: str) -> AnyGate:
    """Give a gate by ``name/version``.

    Raises: policy.gate_unknown
    """
    found = _BY_ID.get(name)
    if found is None:
        raise GateUnknown(gate=name[:200])
    return found


def bind(uses: Iterable[GateUse], overrides: Iterable[Override], environment: str) -> tuple[Asked, ...]:
    """Bind a pack's gate uses for one environment: its overrides replace single parameters and the enforcement.

    Raises: policy.gate_unknown, policy.params_invalid
    """
    mine = {override.id: override for override in overrides if override.environment == environment}
    asked = []
    for use in uses:
        override = mine.get(use.id)
        params = {param.name: param for param in use.params}
        if override is not None:
            params.update({param.name: param for param in override.params})
        kind = gate(use.gate)
        asked.append(
            Asked(use.id, kind, of_pairs(kind, _sorted(params)), (override and override.enforcement) or use.enforcement)
        )
    return tuple(asked)


def _sorted(params: dict[str, Param]) -> tuple[Param, ...]:
    return tuple(params[name] for name in sorted(params))


def judged_gates(pack: PolicyPack, environment: str) -> tuple[Asked, ...]:
    """Bind what a pack asks of the evidence."""
    return bind(pack.gates, pack.overrides, environment)


def ask(asked: Iterable[Asked], view: FactView | MomentView) -> Evaluated:
    """Ask gates about a view. A Problem in a gate is no answer at all and is handed on.

    Raises: what a gate raises
    """
    results: list[GateResult] = []
    ends: set[Instant] = set()
    for one in asked:
        answer: Answer = one.gate.check(one.params, view)
        if answer.ends:
            ends.update(answer.ends)
        results.append(
            GateResult(
                id=one.id,
                gate=one.gate.id,
                enforcement=one.enforcement,
                status=answer.status,
                findings=in_order(answer.findings),
                counted=tuple(sorted(answer.counted)),
            )
        )
    return Evaluated(tuple(results), tuple(sorted(ends)))


def in_order(findings: Collection[Finding]) -> tuple[Finding, ...]:
    """Order findings totally, whatever the order they came in, each once."""
    return tuple(sorted(set(findings), key=_key)) if findings else ()


def _key(one: Finding) -> tuple[object, ...]:
    return (
        one.component,
        one.purl,
        one.vulnerability,
        one.code,
        one.severity,
        one.arguments,
        tuple((ref.digest, ref.pointer) for ref in one.evidence),
        one.path,
        one.flips,
    )


def outcome_of(results: tuple[GateResult, ...]) -> Outcome:
    """Fold gate results to an outcome.

    Denied when there are no gates or one that blocks failed; undecided when one that blocks does not know, or when no
    gate had anything to say; else allowed.
    """
    if not results:
        return "deny"  # all_of(()) denies
    blocking = [result.status for result in results if result.enforcement == "block"]
    if "fail" in blocking:
        return "deny"
    if "unknown" in blocking or all(result.status == "not_applicable" for result in results):
        return "undecided"
    return "allow"
