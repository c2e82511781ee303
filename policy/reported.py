"""Vulnerabilities that scanners reported, joined to those we matched ourselves. Must not know VEX or waivers.

What a scanner reports counts whether or not our feed knows it: it adds, it never takes away. The same vulnerability in
the same package is one finding, found by both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cas.digest import Digest
from cas.records.picture import EvidenceRow2, Match2
from cas.records.report import ReportedFinding, ReportFacts
from policy.products import purl_parts


@dataclass(frozen=True, slots=True)
class Told:
    """A reported vulnerability with the report it stands in."""

    tool: str
    raw: Digest
    facts: Digest
    result: ReportedFinding


def vulnerabilities(reports: Iterable[tuple[EvidenceRow2, ReportFacts]]) -> Iterator[Told]:
    """Give each reported vulnerability that has a name, in the order of the reports."""
    for row, facts in reports:
        for result in facts.results:
            if result.category == "vulnerability" and result.names:
                yield Told(facts.tool, row.raw, row.facts, result)


def package_of(purl: str) -> str:
    """Give a package's identity without version and qualifiers; the text itself when it is no purl."""
    found = purl_parts(purl)
    return f"{found.type}/{found.namespace}/{found.name}" if found else purl


class Join:
    """Tells which reports speak of which match, and what is left over."""

    def __init__(self, told: Iterable[Told]) -> None:
        self._by_name: dict[str, list[Told]] = {}
        self._every = tuple(told)
        self._used: set[int] = set()
        for one in self._every:
            for name in one.result.names:
                self._by_name.setdefault(name, []).append(one)

    def tools(self, match: Match2) -> tuple[str, ...]:
        """Give the scanners that report this match too, sorted."""
        if not self._by_name:
            return ()
        found = set()
        for name in (match.advisory, *match.aliases):
            for one in self._by_name.get(name, ()):
                if _same(one.result, match):
                    self._used.add(id(one))
                    found.add(one.tool)
        return tuple(sorted(found))

    def left(self) -> Iterator[tuple[Told, tuple[str, ...]]]:
        """Give what no match accounts for, once per vulnerability and package, with all scanners that say so."""
        groups: dict[tuple[str, str, str], list[Told]] = {}
        for one in self._every:
            if id(one) not in self._used:
                result = one.result
                groups.setdefault((result.names[0], package_of(result.purl), result.version), []).append(one)
        for key in sorted(groups):
            every = sorted(groups[key], key=lambda one: (one.raw, one.result.pointer))
            worst = min(every, key=lambda one: (_RANK[one.result.severity], one.raw, one.result.pointer))
            yield worst, tuple(sorted({one.tool for one in every}))


_RANK = {label: at for at, label in enumerate(("critical", "high", "unknown", "medium", "low", "negligible"))}


def _same(result: ReportedFinding, match: Match2) -> bool:
    if result.purl:
        return package_of(result.purl) == package_of(match.purl) and _versions(result.version, match)
    name = package_of(match.purl).rpartition("/")[2]
    return result.package in {name, match.name} and _versions(result.version, match)


def _versions(version: str, match: Match2) -> bool:
    return version in {"", match.version, match.version.removeprefix("v"), f"v{match.version}"}
