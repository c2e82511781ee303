"""The shortest way from a denial to an answer: which upgrades, VEX statements, waivers or documents turn every gate.

What blocks becomes demands (so many of these findings must be closed); what may be done becomes steps (each closes some
of them). An upgrade counts one; a VEX statement or waiver counts two, and is proposed only where no upgrade helps. The
smallest set is searched exactly (branch and bound), within a bound on the work; beyond it a greedy set stands, and it
says so. Verified: the gates are asked again about a picture in which the steps were taken. Must not know any gate by
name, nor how versions are ordered (``later`` is handed in).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from cas import digest
from cas.records.base import Part
from cas.records.picture import AnyFinding, AnyPicture
from cas.records.verdict import Finding, GateResult, Outcome, Verdict
from policy.counting import SEVERITIES
from policy.evaluate import outcome_of
from policy.explain import decided

NODES: Final = 2_000
"""So many steps of search before the set that was found stands unproven."""
_ACCEPTS: Final = frozenset({"file_vex", "grant_waiver"})
DEEPEST: Final = 300
"""So many steps beyond which nobody looks for a smaller set."""
_TAKEN: Final = digest.of_bytes(b"a waiver that was never granted: only what if")

Later = Callable[[AnyFinding, str, str], bool | None]
"""Is the second version the first, or later, in the order of the finding's ecosystem? None when nobody knows."""
Item = tuple[str, str, str]  # component, purl, vulnerability; or gate, flip code, argument


class Fix(Part, frozen=True, kw_only=True):
    """One step. ``upgrade``: the package to ``to``; ``accept``: a VEX statement or a waiver; ``act``: what a flip says.

    ``closes`` are the vulnerabilities it closes, or for ``act`` what it is about.
    """

    kind: Literal["upgrade", "accept", "act"]
    component: str
    purl: str
    to: str
    code: str  # of act: the flip's code; its gate beside it
    gate: str
    closes: tuple[str, ...]


class Fixes(Part, frozen=True, kw_only=True):
    """The steps, sorted. ``minimal``: no smaller set does. ``verified``: the gates were asked again, and said ``then``.

    Where a step is a document that is still to come, nobody can ask: ``verified`` is false and ``then`` undecided.
    """

    fixes: tuple[Fix, ...]
    minimal: bool
    verified: bool
    then: Outcome


@dataclass(frozen=True, slots=True)
class _Demand:
    """Of these items, so many must be closed."""

    items: frozenset[Item]
    need: int


@dataclass(slots=True)
class _Step:
    """Something that may be done; ``closes`` of what is demanded."""

    fix: Fix
    closes: frozenset[Item]
    cost: int


@dataclass(slots=True)
class _Search:
    """Branch and bound over steps: the demand with the fewest ways is served first."""

    steps: tuple[_Step, ...]
    ways: Mapping[Item, tuple[int, ...]]
    best: frozenset[int]
    price: int
    left: int = NODES
    seen: set[frozenset[int]] = field(default_factory=set)

    def run(self, demands: tuple[_Demand, ...], chosen: frozenset[int], price: int, closed: frozenset[Item]) -> None:
        """Look for a cheaper set that holds ``chosen``, which costs ``price`` and closes ``closed``."""
        if chosen in self.seen or self.left <= 0:
            return
        self.left -= 1
        self.seen.add(chosen)
        open_ = [one for one in demands if len(one.items & closed) < one.need]
        if not open_ and price < self.price:
            self.best, self.price = chosen, price
            return
        if price + max((self._least(one, closed) for one in open_), default=0) >= self.price:
            return
        if len(chosen) > DEEPEST:
            self.left = 0
            return
        choices = [(self._ways(one, closed), one) for one in open_]
        ways, _ = min(choices, key=lambda pair: (len(pair[0]), sorted(pair[1].items)))
        for at in ways:
            self.run(demands, chosen | {at}, price + self.steps[at].cost, closed | self.steps[at].closes)

    def _least(self, demand: _Demand, closed: frozenset[Item]) -> int:
        """Give what a demand costs at least: the best steps for it, as if none closed what another does."""
        open_ = demand.items - closed
        missing = demand.need - (len(demand.items) - len(open_))
        every = {at for one in open_ for at in self.ways.get(one, ())}
        gains = sorted((len(self.steps[at].closes & open_) for at in every), reverse=True)
        count = 0
        for gain in gains:
            if missing <= 0:
                break
            missing -= gain
            count += 1
        return count

    def _ways(self, demand: _Demand, closed: frozenset[Item]) -> tuple[int, ...]:
        """Give the steps that close something of a demand, those that close most first.

        When all that is open is needed, one item is enough to branch on: each must be closed by someone.
        """
        open_ = demand.items - closed
        if demand.need - (len(demand.items) - len(open_)) == len(open_):
            item = min(open_, key=lambda one: (len(self.ways.get(one, ())), one))
            return self.ways.get(item, ())
        every = {at for one in open_ for at in self.ways.get(one, ())}
        return tuple(sorted(every, key=lambda at: (-len(self.steps[at].closes & open_), self.steps[at].cost, at)))


def fixes(
    verdict: Verdict, picture: AnyPicture, later: Later, ask: Callable[[AnyPicture], tuple[GateResult, ...]]
) -> Fixes | None:
    """Propose the shortest set of steps; None when nothing blocks, or when a demand cannot be met by any step.

    ``ask`` asks the verdict's gates about another picture.
    """
    demands = tuple(_demands(verdict, picture))
    if not demands:
        return None
    steps = tuple(_steps(verdict, picture, demands, later))
    ways: dict[Item, list[int]] = {}
    for at, step in enumerate(steps):
        for item in step.closes:
            ways.setdefault(item, []).append(at)
    found = {item: tuple(each) for item, each in ways.items()}
    forced = _forced(demands, found)
    closed = frozenset().union(*(steps[at].closes for at in forced))
    greedy = _greedy(demands, steps, forced, closed)
    if greedy is None:
        return None
    search = _Search(steps, found, greedy, sum(steps[at].cost for at in greedy))
    search.run(demands, forced, sum(steps[at].cost for at in forced), closed)
    chosen = [steps[at] for at in sorted(search.best)]
    wanted = frozenset().union(*(one.items for one in demands))
    done = tuple(sorted((_least(one, wanted, picture, later) for one in chosen), key=_key))
    verified = all(one.kind != "act" for one in done)
    then = outcome_of(ask(after(picture, done, later))) if verified else "undecided"
    return Fixes(fixes=done, minimal=search.left > 0, verified=verified, then=then)


def _forced(demands: tuple[_Demand, ...], ways: Mapping[Item, tuple[int, ...]]) -> frozenset[int]:
    """Give the steps that there is no way around: of what must all be closed, what only one step closes."""
    needed = frozenset().union(*(one.items for one in demands if one.need == len(one.items)))
    return frozenset(ways[item][0] for item in needed if len(ways.get(item, ())) == 1)


def _key(one: Fix) -> tuple[object, ...]:
    return ({"upgrade": 0, "accept": 1, "act": 2}[one.kind], one.component, one.purl, one.code, one.closes)


def _item(one: AnyFinding | Finding) -> Item:
    return (one.component, one.purl, one.vulnerability)


def _demands(verdict: Verdict, picture: AnyPicture) -> Iterator[_Demand]:
    """Turn what blocks into demands; a finding that counts a budget says how many of its like must go."""
    for result in verdict.gates:
        if not decided(result):
            continue
        budgets: dict[tuple[int, str], set[Item]] = {}
        for one in result.findings:
            told = dict(one.arguments)
            if one.vulnerability and "count" in told and "budget" in told:
                excess = int(told["count"]) - int(told["budget"])
                budgets.setdefault((excess, one.severity), set()).add(_item(one))
            elif one.vulnerability:
                yield _Demand(frozenset({_item(one)}), 1)
            elif "limit" in told and told.get("what") in {*SEVERITIES, "total"}:
                if int(told["count"]) > int(told["limit"]):
                    counted = _counted(picture, told["what"])
                    yield _Demand(counted, min(len(counted), int(told["count"]) - int(told["limit"])))
            elif one.flips:
                yield _Demand(frozenset(_acts(result, one)), 1)
        for (excess, _), items in sorted(budgets.items()):
            yield _Demand(frozenset(items), min(excess, len(items)))


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


def _steps(verdict: Verdict, picture: AnyPicture, demands: Iterable[_Demand], later: Later) -> Iterator[_Step]:
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
            yield _Step(_upgrade(component, purl, version, closes), closes, 1)
    for item in sorted(_acceptable(verdict, wanted) - upgradable):
        component, purl, name = item
        fix = Fix(kind="accept", component=component, purl=purl, to="", code="", gate="", closes=(name,))
        yield _Step(fix, frozenset({item}), 2)
    for gate, code, argument in sorted(wanted - frozenset(map(_item, picture.findings))):
        component, _, about = argument.partition("\0")
        fix = Fix(kind="act", component=component, purl="", to="", code=code, gate=gate, closes=(about,))
        yield _Step(fix, frozenset({(gate, code, argument)}), 1)


def _acceptable(verdict: Verdict, wanted: frozenset[Item]) -> frozenset[Item]:
    """Give what a VEX statement or a waiver would close, by the gates' own word; a limit counts what is open."""
    named = [one for result in verdict.gates if decided(result) for one in result.findings if one.vulnerability]
    refused = {_item(one) for one in named if not _ACCEPTS & {code for code, _ in one.flips}}
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


def _greedy(
    demands: tuple[_Demand, ...], steps: tuple[_Step, ...], forced: frozenset[int], closed: frozenset[Item]
) -> frozenset[int] | None:
    """Add to what is forced the step that closes most for its cost, again and again; then leave out what is idle."""
    chosen: list[int] = []
    left = sorted(frozenset(range(len(steps))) - forced)
    first = closed
    while open_ := [one for one in demands if len(one.items & closed) < one.need]:
        missing = frozenset().union(*(one.items for one in open_)) - closed
        gain, at = max(((len(steps[at].closes & missing) / steps[at].cost, -at) for at in left), default=(0, 0))
        if not gain:
            return None
        chosen.append(-at)
        left.remove(-at)
        closed |= steps[-at].closes
    for at in list(chosen):
        rest = first.union(*(steps[other].closes for other in chosen if other != at))
        if all(len(one.items & rest) >= one.need for one in demands):
            chosen.remove(at)
    return forced | frozenset(chosen)


def _least(step: _Step, wanted: frozenset[Item], picture: AnyPicture, later: Later) -> Fix:
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
            left.append(msgspec.structs.replace(one, open=False, waived_by=_TAKEN))
        else:
            left.append(one)
    return msgspec.structs.replace(picture, findings=tuple(left))
