"""Do the pack's own rules, written in Rego, let the release through?"""

from typing import Annotated, Final

import msgspec

from cas.digest import Digest
from cas.records.base import Part
from cas.records.verdict import EvidenceRef, Finding, GateStatus
from policy.gate import Answer, FactView, Gate, finding
from policy.instants import plus

RETRY_SECONDS: Final = 300


class Params(Part, frozen=True, kw_only=True):
    """Digests of stored rules; each must have answered."""

    rules: Annotated[tuple[Digest, ...], msgspec.Meta(min_length=1, max_length=50)]


def check(params: Params, view: FactView) -> Answer:
    """Fail when a rule denies, else unknown when one gave no answer, else warn when one warns.

    A rule that was stopped, erred or was never asked is unknown, whatever the others say, unless one denies;
    it is worth asking again a little later.
    """
    wanted = frozenset(params.rules)
    given = [one for one in view.rego_answers if one.rule in wanted]
    silent = tuple(
        finding("no_answer", (("rule", rule),), flips=(("mend_rule", rule),))
        for rule in sorted(wanted - {one.rule for one in given})
    )
    denied = tuple(_of(rule.rule, one) for rule in given for one in rule.deny)
    warned = tuple(_of(rule.rule, one) for rule in given for one in rule.warn)
    status: GateStatus = "fail" if denied else "unknown" if silent else "warn" if warned else "pass"
    counts = (("rules", len(wanted)), ("denied", len(denied)), ("warned", len(warned)), ("silent", len(silent)))
    ends = (plus(view.question.as_of, RETRY_SECONDS),) if silent else ()
    return Answer(status, denied + warned + silent, counts, ends)


def _of(rule: Digest, one: Finding) -> Finding:
    """Put the rule beside what it said; it is the evidence where it names none."""
    return msgspec.structs.replace(
        one,
        evidence=one.evidence or (EvidenceRef(digest=rule, pointer=""),),
        arguments=tuple(sorted((*one.arguments, ("rule", rule)))),
        flips=(("satisfy_rule", rule),),
    )


GATE = Gate(
    "rego_rules",
    1,
    Params,
    check,
    asks="Do the policy's own rules, written in Rego, let the release through?",
    remedy="Change what the rule speaks of; or correct the rule, store it, and name its new digest in the pack.",
    sentences=(
        ("denied", "A rule denies ({code}): {message} [{rule}]"),
        ("warned", "A rule warns ({code}): {message} [{rule}]"),
        ("no_answer", "Rule {rule} gave no answer: it is not known here, failed, or was stopped at a limit."),
    ),
    flips=(
        ("satisfy_rule", "Change what the rule speaks of: {argument}."),
        ("mend_rule", "Store a rule that answers, and name it in the pack instead of {argument}."),
    ),
)
