"""The smallest set of steps that meets demands, searched exactly within a bound on the work. Must not know gates.

Branch and bound: the demand with the fewest ways is served first; beyond the bound a greedy set stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from cas.records.base import Part

NODES: Final = 2_000
"""So many steps of search before the set that was found stands unproven."""
DEEPEST: Final = 300
"""So many steps beyond which nobody looks for a smaller set."""

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


@dataclass(frozen=True, slots=True)
class Demand:
    """Of these items, so many must be closed."""

    items: frozenset[Item]
    need: int


@dataclass(slots=True)
class Step:
    """Something that may be done; ``closes`` of what is demanded."""

    fix: Fix
    closes: frozenset[Item]
    cost: int


@dataclass(slots=True)
class Search:
    """Branch and bound over steps: the demand with the fewest ways is served first."""

    steps: tuple[Step, ...]
    ways: Mapping[Item, tuple[int, ...]]
    best: frozenset[int]
    price: int
    left: int = NODES
    seen: set[frozenset[int]] = field(default_factory=set)

    def run(self, demands: tuple[Demand, ...], chosen: frozenset[int], price: int, closed: frozenset[Item]) -> None:
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

    def _least(self, demand: Demand, closed: frozenset[Item]) -> int:
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

    def _ways(self, demand: Demand, closed: frozenset[Item]) -> tuple[int, ...]:
        """Give the steps that close something of a demand, those that close most first.

        When all that is open is needed, one item is enough to branch on: each must be closed by someone.
        """
        open_ = demand.items - closed
        if demand.need - (len(demand.items) - len(open_)) == len(open_):
            item = min(open_, key=lambda one: (len(self.ways.get(one, ())), one))
            return self.ways.get(item, ())
        every = {at for one in open_ for at in self.ways.get(one, ())}
        return tuple(sorted(every, key=lambda at: (-len(self.steps[at].closes & open_), self.steps[at].cost, at)))


def smallest(demands: tuple[Demand, ...], steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], bool] | None:
    """Give the cheapest set of steps that meets all demands, and whether no cheaper one does; None when none does."""
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
    search = Search(steps, found, greedy, sum(steps[at].cost for at in greedy))
    search.run(demands, forced, sum(steps[at].cost for at in forced), closed)
    return tuple(steps[at] for at in sorted(search.best)), search.left > 0


def _forced(demands: tuple[Demand, ...], ways: Mapping[Item, tuple[int, ...]]) -> frozenset[int]:
    """Give the steps that there is no way around: of what must all be closed, what only one step closes."""
    needed = frozenset().union(*(one.items for one in demands if one.need == len(one.items)))
    return frozenset(ways[item][0] for item in needed if len(ways.get(item, ())) == 1)


def _greedy(
    demands: tuple[Demand, ...], steps: tuple[Step, ...], forced: frozenset[int], closed: frozenset[Item]
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
