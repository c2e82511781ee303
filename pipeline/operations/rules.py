"""Custom rules: checked, stored, found, asked. Must not know what a rule says.

A rule is checked twice: its text, by us, with every fault and its place; and compiled by the engine, in a process of
its own, whose plan may call nothing but what is allowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cas.digest import Digest
from cas.problems import Category, Fault, ObjectMissing, Problem
from cas.records.policy import PolicyPack
from cas.records.rego import RegoInput, RegoRule
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.engines import EngineAbsent, EngineProblem
from pipeline.operations.work import Work
from pipeline.stages.rego import ENGINE, REGO
from policy import rego
from policy.evaluate import judged_gates
from policy.gates import rego_rules
from policy.rego_check import Fit, RuleInvalid, check


class RuleMissing(Problem):
    """A pack names a rule that this instance did not store."""

    code = "rego.rule_missing"
    category = Category.MISSING
    title = "No such rule"
    remedy = "Store the rule first: stella policy rule add; then name the digest it prints."


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule by digest and value. ``existed``: it had been stored before."""

    digest: Digest
    rule: RegoRule
    existed: bool


def check_rule(effects: Effects, source: bytes) -> Fit:
    """Check a module as storing it would.

    Raises: rego.rule_invalid with all faults, stage.engine_absent, rego.stopped, rego.silent
    """
    fit = check(source)
    engine = effects.engines.get(ENGINE)
    if engine is None:
        raise EngineAbsent(engine=ENGINE)
    held = rego.compiles(engine.answer(rego.request(source, fit.asks, None)))
    if held:
        raise RuleInvalid(faults=(Fault("", "rego.compile", f"the engine does not take it: {held[:2000]}"),))
    return fit


def store_rule(effects: Effects, caller: Caller, source: bytes) -> StoredRule:
    """Check a module and store it; packs name the digest of the record.

    Raises: as check_rule
    """
    fit = check_rule(effects, source)
    work = Work(effects, caller)
    rule = RegoRule(source=effects.store.put(source), package=fit.package, asks=fit.asks, reads=fit.reads)
    name = work.save(rule)
    if effects.log.admitted(name) is not None:
        return StoredRule(name, rule, existed=True)
    work.note("rule.stored", name, beside=(rule.source,))
    work.commit()
    return StoredRule(name, rule, existed=False)


def rules_of(pack: PolicyPack, environment: str) -> tuple[Digest, ...]:
    """List the rules that a pack asks in an environment, sorted.

    Raises: policy.gate_unknown, policy.params_invalid
    """
    asked = (one.params for one in judged_gates(pack, environment))
    return tuple(sorted({rule for params in asked if isinstance(params, rego_rules.Params) for rule in params.rules}))


def require_rules(effects: Effects, pack: PolicyPack) -> None:
    """Refuse a pack that names a rule nobody stored here.

    Raises: rego.rule_missing
    """
    for environment in sorted({"", *(override.environment for override in pack.overrides)}):
        for rule in rules_of(pack, environment):
            if effects.log.admitted(rule) is None:
                raise RuleMissing(digest=rule)
            load(effects.store, rule, RegoRule)


def ask_rules(
    work: Work, rules: Iterable[Digest], *, release: Digest, environment: Digest, picture: Digest
) -> tuple[Digest, ...]:
    """Ask rules about a picture, and give the answers that came, sorted.

    A rule that is missing, erred, was stopped or answered in another form gives no answer: the gate that asks for it
    says unknown.
    """
    asked = (RegoInput(rule=rule, release=release, environment=environment, picture=picture) for rule in rules)
    return tuple(sorted(filter(None, (_asked(work, one) for one in asked))))


def _asked(work: Work, asked: RegoInput) -> Digest | None:
    try:
        return work.run(REGO, asked).digest
    except (rego.NoAnswer, rego.AnswerInvalid, EngineProblem, ObjectMissing):
        return None
