"""Which verdicts a new snapshot may turn: those whose SBOMs name a package that changed. Pure; must not know policies.

A verdict rests on findings, each the answer of match/2 about one SBOM against one snapshot. Against another snapshot
the answer can differ only where a package that the SBOM names differs, where an ecosystem came or went, or where KEV or
EPSS say something else of what was found.
"""

from collections.abc import Iterable

from cas.digest import Digest
from cas.records.feed import AnySnapshot
from cas.store import Reader
from pipeline.feeds.branches import named
from pipeline.feeds.diff import PackageChange, feed_diff, lists_changed
from pipeline.feeds.places_asked import spoken
from pipeline.versions.places import feed_name, fits


class Touching:
    """What changed between two snapshots, ready to be held against many SBOMs."""

    def __init__(self, reader: Reader, old: AnySnapshot, new: AnySnapshot) -> None:
        """Compare two snapshots.

        Raises: cas.object_missing, cas.record_invalid
        """
        self._reader = reader
        self.changes: tuple[PackageChange, ...] = feed_diff(reader, old, new)
        self.lists = lists_changed(old, new)
        self._ecosystems = sorted({*named(old.ecosystems), *named(new.ecosystems)})
        self._came = set(named(old.ecosystems)) ^ set(named(new.ecosystems))
        self._changed = {(change.ecosystem, change.name) for change in self.changes}
        self._names = {change.name for change in self.changes}
        self._seen: dict[Digest, tuple[tuple[str, str], ...]] = {}

    def packages(self, facts: Digest) -> tuple[tuple[str, str], ...]:
        """Give the changed (ecosystem, package) pairs that an SBOM names, sorted; of a new ecosystem its name alone.

        Raises: cas.object_missing, cas.record_invalid
        """
        found = self._seen.get(facts)
        if found is None:
            found = self._seen[facts] = tuple(sorted(set(self._asked(facts))))
        return found

    def _asked(self, facts: Digest) -> Iterable[tuple[str, str]]:
        for wanted, rows in spoken(self._reader.get(facts)).rows.items():
            known = [name for name in self._ecosystems if any(fits(one, name) for one in wanted)]
            for ecosystem in known:
                if ecosystem in self._came:
                    yield ecosystem, ""
                for name, _, _ in rows:
                    key = feed_name(ecosystem, name)
                    if key in self._names and (ecosystem, key) in self._changed:
                        yield ecosystem, key
