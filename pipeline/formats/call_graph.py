"""Reachability over a call graph: which sinks can be reached from which entry point, and by the shortest way.

Breadth first from every root at once, neighbours in order of their ids: the same graph gives the same witness however
it was written. Bounded by the size of the graph; a way is told in 512 steps at most. Must not know documents.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

MAX_PATH: Final = 512
FULL: Final = 1_000_000
GAP: Final = "…"


class _Step(NamedTuple):
    """How a node was first reached: from which node and root, over how many calls, and how sure the least sure is."""

    back: str
    root: str
    depth: int
    sure: int


class CallGraph:
    """A directed graph with the way to every node that a root reaches."""

    def __init__(self, edges: Iterable[tuple[str, str, int]], roots: Iterable[str]) -> None:
        """Take edges with their confidence in millionths; of one given twice the surer counts."""
        sure: dict[tuple[str, str], int] = {}
        for start, end, given in edges:
            sure[start, end] = max(given, sure.get((start, end), 0))
        self.edges = len(sure)
        calls: dict[str, list[str]] = {}
        for start, end in sorted(sure):
            calls.setdefault(start, []).append(end)
        self._steps = {root: _Step("", root, 0, FULL) for root in sorted(set(roots))}
        open_ = deque(self._steps)
        while open_:
            node = open_.popleft()
            here = self._steps[node]
            for callee in calls.get(node, ()):
                if callee not in self._steps:
                    least = min(here.sure, sure[node, callee])
                    self._steps[callee] = _Step(node, here.root, here.depth + 1, least)
                    open_.append(callee)

    def nearest(self, sinks: Iterable[str]) -> str:
        """Give the sink with the shortest way, the first by id of those; empty when no root reaches any."""
        found = [sink for sink in sorted(set(sinks)) if sink in self._steps]
        return min(found, key=lambda sink: self._steps[sink].depth, default="")

    def way(self, sink: str) -> tuple[str, ...]:
        """Give the way to a sink that is reached, entry first; a long one keeps its entry and its end."""
        steps = [sink]
        while (back := self._steps[steps[-1]].back) and len(steps) < MAX_PATH:
            steps.append(back)
        if back:
            steps[MAX_PATH - 2 :] = [GAP, self._steps[sink].root]
        return tuple(reversed(steps))

    def confidence(self, sink: str) -> int:
        """Give the confidence of the least sure call on the way to a sink that is reached."""
        return self._steps[sink].sure


def shortened(way: tuple[str, ...]) -> tuple[str, ...]:
    """Cut a witness as others tell it: its entry and its end stay."""
    return way if len(way) <= MAX_PATH else (way[0], GAP, *way[-(MAX_PATH - 2) :])
