"""The packages of one ecosystem in buckets: reading those that are asked for, hanging changed ones, keeping the branch.

How many buckets there are follows from how many packages, so a branch does not tell in which steps it grew.
"""

from cas.digest import Digest
from cas.records.feed import FeedBucket2, FeedEcosystem2, FeedRules
from pipeline.feeds.branches import branch, named
from pipeline.feeds.names import digits_for, hashed
from pipeline.stage import StageIO


class Hung:
    """A branch that is being changed."""

    def __init__(self, io: StageIO, ecosystem: str, held: Digest | None) -> None:
        self._io = io
        self._ecosystem = ecosystem
        before = io.load(held, FeedEcosystem2) if held else None
        self._buckets = named(before.buckets) if before else {}
        self._digits = before.digits if before else 0
        self._count = before.packages if before else 0
        self._read: dict[str, dict[str, FeedRules]] = {}
        self._changed: set[str] = set()

    def _bucket(self, prefix: str) -> dict[str, FeedRules]:
        found = self._read.get(prefix)
        if found is None:
            held = self._buckets.get(prefix)
            packages = self._io.load(held, FeedBucket2).packages if held else ()
            found = self._read[prefix] = {each.name: each for each in packages}
        return found

    def get(self, name: str) -> FeedRules | None:
        """Give what hangs under a name."""
        return self._bucket(hashed(name)[: self._digits]).get(name)

    def put(self, name: str, rules: FeedRules | None) -> None:
        """Hang rules under a name, or nothing any more."""
        prefix = hashed(name)[: self._digits]
        bucket = self._bucket(prefix)
        self._count += (rules is not None) - (name in bucket)
        self._changed.add(prefix)
        if rules is not None:
            bucket[name] = rules
        else:
            bucket.pop(name, None)

    def keep(self) -> Digest | None:
        """Keep what changed; None when nothing hangs here any more."""
        if not self._count:
            return None
        digits = digits_for(self._count)
        if digits != self._digits:
            self._hang_anew(digits)
        for prefix in sorted(self._changed):
            held = self._bucket(prefix)
            if held:
                self._buckets[prefix] = self._io.keep(FeedBucket2(packages=tuple(held[name] for name in sorted(held))))
            else:
                self._buckets.pop(prefix, None)
        record = FeedEcosystem2(
            ecosystem=self._ecosystem, packages=self._count, digits=self._digits, buckets=branch(self._buckets)
        )
        return self._io.keep(record)

    def _hang_anew(self, digits: int) -> None:
        """Give every name another bucket."""
        every = [rules for prefix in {*self._buckets, *self._read} for rules in self._bucket(prefix).values()]
        self._digits, self._buckets, self._read = digits, {}, {}
        for rules in every:
            self._read.setdefault(hashed(rules.name)[:digits], {})[rules.name] = rules
        self._changed = set(self._read)
