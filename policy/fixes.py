"""The shortest way from a denial to an answer: which upgrades, VEX statements, waivers or documents turn every gate.

What blocks becomes demands (so many of these findings must be closed); what may be done becomes steps (each closes some
of them). An upgrade counts one; a VEX statement or waiver counts two, and is proposed only where no upgrade helps.
Verified: the gates are asked again about a picture in which the steps were taken. What a custom rule speaks of nobody
here understands, so the rule is asked: first whether what turns the other gates turns it too, then whether closing all
that it names does; what still denies then is a step of its own. Must not know any gate by name, nor how versions are
ordered (``later`` is handed in).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from cas import digest
from cas.records.base import Part
from cas.records.picture import AnyFinding, AnyPicture, AssessedFinding2
from cas.records.verdict import Finding, GateResult, Outcome, Verdict
from policy.counting import SEVERITIES
from policy.evaluate import outcome_of
from policy.explain import decided
from policy.fix_search import Demand, Fix, Item, Step, smallest

_ACCEPTS: Final = frozenset({"file_vex", "grant_waiver"})
_RULED: Final = "satisfy_rule"
_TAKEN: Final = digest.of_bytes(b"a waiver that was never granted: only what if")

Later = Callable[[AnyFinding, str, str], bool | None]
"""Is the second version the first, or later, in the order of the finding's ecosystem? None when nobody knows."""
Ask = Callable[[AnyPicture], tuple[GateResult, ...]]
Plan = Mapping[str, Literal["leave", "close", "act"]]
"""What is made of a custom rule's denial: nothing, all that it names is to be closed, or a step of its own."""


class Fixes(Part, frozen=True, kw_only=True):
    """The steps, sorted. ``minimal``: no smaller set does. ``verified``: the gates were asked again, and said ``then``.

    Where a step is a document that is still to come, nobody can ask: ``verified`` is false and ``then`` undecided.
    """

    fixes: tuple[Fix, ...]
    minimal: bool
    verified: bool
    then: Outcome


def fixes(verdict: Verdict, picture: AnyPicture, later: Later, ask: Ask) -> Fixes | None:
    """Propose the shortest set of steps; None when nothing blocks, or when a demand cannot be met by any step.

    ``ask`` asks the verdict's gates about another picture, custom rules included.
    """
    rules = _rules(verdict.gates)
    best, stubborn = None, rules
    plans: list[Plan] = [dict.fromkeys(rules, "leave"), dict.fromkeys(rules, "close")]
    for plan in plans if rules else plans[:1]:
        found, results = _attempt(verdict, picture, later, ask, plan)
        if found is not None and found.then == "allow":
            return found
        best, stubborn = found or best, rules if found is None else _rules(results)
    if stubborn:
        found, _ = _attempt(verdict, picture, later, ask, {**plans[1], **dict.fromkeys(sorted(stubborn), "act")})
        best = found or best
    return best


def _rules(results: Iterable[GateResult]) -> frozenset[str]:
    """Give the custom rules that keep a verdict from being allow."""
    findings = (one for result in results if decided(result) for one in result.findings)
    return frozenset(rule for one in findings if (rule := _rule_of(one)))


def _rule_of(one: Finding) -> str:
    """Give the rule that denied, or nothing: what a rule only warns of turns nothing."""
    return next((argument for code, argument in one.flips if code == _RULED and one.code != "warned"), "")


def _attempt(
    verdict: Verdict, picture: AnyPicture, later: Later, ask: Ask, plan: Plan
) -> tuple[Fixes | None, tuple[GateResult, ...]]:
    """Search under a plan, and ask the gates about the picture that the steps leave."""
    demands = tuple(_demands(verdict, picture, plan))
    steps = tuple(_steps(verdict, picture, demands, later)) if demands else ()
    chosen = smallest(demands, steps) if demands else None
    if chosen is None:
        return None, ()
    wanted = frozenset().union(*(one.items for one in demands))
    done = tuple(sorted((_least(one, wanted, picture, later) for one in chosen[0]), key=_key))
    verified = all(one.kind != "act" for one in done)
    results = ask(after(picture, done, later)) if verified else ()
    minimal = chosen[1] and all(each == "leave" for each in plan.values())
    then = outcome_of(results) if verified else "undecided"
    return Fixes(fixes=done, minimal=minimal, verified=verified, then=then), results


def _key(one: Fix) -> tuple[object, ...]:
    return ({"upgrade": 0, "accept": 1, "act": 2}[one.kind], one.component, one.purl, one.code, one.closes)


def _item(one: AnyFinding | Finding) -> Item:
    return (one.component, one.purl, one.vulnerability)


def _demands(verdict: Verdict, picture: AnyPicture, plan: Plan) -> Iterator[Demand]:
    """Turn what blocks into demands; a finding that counts a budget says how many of its like must go."""
    for result in verdict.gates:
        if not decided(result):
            continue
        budgets: dict[tuple[int, str], set[Item]] = {}
        for one in result.findings:
            told = dict(one.arguments)
            if any(code == _RULED for code, _ in one.flips):
                yield from _ruled(result, one, picture, plan)
            elif one.vulnerability and "count" in told and "budget" in told:
                excess = int(told["count"]) - int(told["budget"])
                budgets.setdefault((excess, one.severity), set()).add(_item(one))
            elif one.vulnerability:
                yield Demand(frozenset({_item(one)}), 1)
            elif "limit" in told and told.get("what") in {*SEVERITIES, "total"}:
                yield from _limited(picture, told)
            elif one.flips:
                yield Demand(frozenset(_acts(result, one)), 1)
        for (excess, _), items in sorted(budgets.items()):
            yield Demand(frozenset(items), min(excess, len(items)))


def _limited(picture: AnyPicture, told: Mapping[str, str]) -> Iterator[Demand]:
    """Turn a limit of all together into a demand, when it is exceeded."""
    excess = int(told["count"]) - int(told["limit"])
    if excess > 0:
        counted = _counted(picture, told["what"])
        yield Demand(counted, min(len(counted), excess))


def _ruled(result: GateResult, one: Finding, picture: AnyPicture, plan: Plan) -> Iterator[Demand]:
    """Turn what a custom rule denies into a demand: all that is open and fits what it names, else the rule itself."""
    does = plan.get(_rule_of(one), "leave")
    items = frozenset(_item(each) for each in picture.findings if each.open and _named(one, each))
    if does == "close" and items:
        yield Demand(items, len(items))
    elif does != "leave":
        yield Demand(frozenset(_acts(result, one)), 1)


def _named(one: Finding, each: AnyFinding) -> bool:
    named = [pair for pair in zip(_item(one), _item(each), strict=True) if pair[0]]
    return bool(named) and all(left == right for left, right in named)


def _counted(picture: AnyPicture, what: str) -> frozenset[Item]:
    """Give the open vulnerabilities that a limit counts; each by its worst severity, as counting does."""
    worst: dict[Item, int] = {}
    for one in picture.findings:
        if one.open:
            worst[_item(one)] = min(worst.get(_item(one), len(SEVERITIES)), SEVERITIES.index(one.severity))
    return frozenset(item for item, at in worst.items() if what in {"total", SEVERITIES[at]})


def _acts(result: GateResult, one: Finding) -> Iterator[Item]:
    for code, argument in one.flips:
        yield (result.gate, code, f"{one.component}\0{argument}")


def _steps(verdict: Verdict, picture: AnyPicture, demands: Iterable[Demand], later: Later) -> Iterator[Step]:
    wanted = frozenset().union(*(one.items for one in demands))
    open_: dict[tuple[str, str], list[AnyFinding]] = {}
    for one in picture.findings:
        if _item(one) in wanted:
            open_.setdefault((one.component, one.purl), []).append(one)
    upgradable: set[Item] = set()
    for (component, purl), group in sorted(open_.items()):
        version = _highest(group, later)
        closes: frozenset[Item] = frozenset(_closed_by(group, version, later)) if version else frozenset()
        if closes:
            upgradable |= closes
            yield Step(_upgrade(component, purl, version, closes), closes, 1)
    for item in sorted(_acceptable(verdict, wanted) - upgradable):
        component, purl, name = item
        fix = Fix(kind="accept", component=component, purl=purl, to="", code="", gate="", closes=(name,))
        yield Step(fix, frozenset({item}), 2)
    for gate, code, argument in sorted(one for one in wanted if "\0" in one[2]):
        component, _, about = argument.partition("\0")
        fix = Fix(kind="act", component=component, purl="", to="", code=code, gate=gate, closes=(about,))
        yield Step(fix, frozenset({(gate, code, argument)}), 1)


def _acceptable(verdict: Verdict, wanted: frozenset[Item]) -> frozenset[Item]:
    """Give what a VEX statement or a waiver would close, by the gates' own word; a limit counts what is open."""
    named = [one for result in verdict.gates if decided(result) for one in result.findings if one.vulnerability]
    refused = {_item(one) for one in named if not (_ACCEPTS | {_RULED}) & {code for code, _ in one.flips}}
    return frozenset(one for one in wanted if one[2] and one not in refused and "\0" not in one[2])


def _upgrade(component: str, purl: str, version: str, closes: Iterable[Item]) -> Fix:
    names = tuple(sorted({item[2] for item in closes}))
    return Fix(kind="upgrade", component=component, purl=purl, to=version, code="", gate="", closes=names)


def _highest(group: list[AnyFinding], later: Later) -> str:
    """Give the version that closes most; of those, the first in their order."""
    versions = sorted({version for one in group for version in one.fixed_in})
    best = ""
    for version in versions:
        mine, other = set(_closed_by(group, version, later)), set(_closed_by(group, best, later)) if best else set()
        if len(mine) > len(other) or (len(mine) == len(other) and later(group[0], version, best) is True):
            best = version
    return best


def _closed_by(group: Iterable[AnyFinding], version: str, later: Later) -> Iterator[Item]:
    """Give what an upgrade closes: every advisory about it must be fixed in that version or an earlier one."""
    fixed: dict[Item, bool] = {}
    for one in group:
        done = version in one.fixed_in or any(later(one, each, version) is True for each in one.fixed_in)
        fixed[_item(one)] = fixed.get(_item(one), True) and done
    return (item for item, done in sorted(fixed.items()) if done)


def _least(step: Step, wanted: frozenset[Item], picture: AnyPicture, later: Later) -> Fix:
    """Give an upgrade to the earliest version that still closes all that it was chosen for."""
    if step.fix.kind != "upgrade":
        return step.fix
    group = [one for one in picture.findings if (one.component, one.purl) == (step.fix.component, step.fix.purl)]
    asked = [one for one in group if _item(one) in wanted]
    version = step.fix.to
    for each in sorted({each for one in asked for each in one.fixed_in}):
        if later(asked[0], each, version) is True and frozenset(_closed_by(asked, each, later)) >= step.closes:
            version = each
    return _upgrade(step.fix.component, step.fix.purl, version, step.closes)


def after(picture: AnyPicture, done: Iterable[Fix], later: Later) -> AnyPicture:
    """Give the picture in which these steps were taken: upgraded findings gone, accepted ones marked as waived."""
    upgrades = {(one.component, one.purl): one.to for one in done if one.kind == "upgrade"}
    accepted = {(one.component, one.purl, name) for one in done if one.kind == "accept" for name in one.closes}
    left = []
    for one in picture.findings:
        to = upgrades.get((one.component, one.purl))
        if to is not None and next(iter(_closed_by([one], to, later)), None):
            continue
        if _item(one) in accepted:
            left.append(_accepted(one))
        else:
            left.append(one)
    return msgspec.structs.replace(picture, findings=tuple(left))


def _accepted(one: AnyFinding) -> AnyFinding:
    if isinstance(one, AssessedFinding2):
        return msgspec.structs.replace(one, open=False, waived_by=_TAKEN, waiver_effect="suppress")
    return msgspec.structs.replace(one, open=False, waived_by=_TAKEN)
