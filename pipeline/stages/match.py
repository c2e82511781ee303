"""match/1: which advisories of a snapshot speak of an SBOM's packages. Must not know VEX, waivers or policy.

Only branches that may speak of a package are read. What cannot be answered becomes an unknown row, one per package:
no purl, no version, no place in the feed, no order. Withdrawn advisories do not match.
"""

from collections.abc import Iterator
from typing import Final, Literal

from cas.canon import to_record
from cas.digest import Digest
from cas.records.evidence import Advisory, Package
from cas.records.feed import (
    EpssList,
    EpssTree,
    FeedBucket,
    FeedEcosystem,
    FeedPackage,
    FeedSnapshot,
    KevList,
)
from cas.records.verdict import Findings, Match, MatchInput, UnknownRow
from pipeline.feeds.affects import Rules, rules
from pipeline.feeds.asked import Row, asked
from pipeline.feeds.branches import named
from pipeline.feeds.lists import leaf
from pipeline.stage import Stage, StageIO
from pipeline.versions.scheme import VersionInvalidError

Reason = Literal["Identity", "FeedGap"]
_CODES: Final[dict[str, tuple[Reason, int]]] = {
    "package_without_purl": ("Identity", 1_000_000),
    "package_without_version": ("Identity", 1_000_000),
    "distro_missing": ("Identity", 900_000),
    "version_not_ordered": ("Identity", 700_000),
    "type_without_feed": ("FeedGap", 800_000),
    "ecosystem_not_in_feed": ("FeedGap", 800_000),
    "ecosystem_not_ordered": ("FeedGap", 700_000),
    "bound_not_ordered": ("FeedGap", 600_000),
}
"""Unknown codes: reason, and how much we do not know, in millionths."""


def _unknown(code: str, subject: str, pointer: str, evidence: Digest | None) -> UnknownRow:
    reason, entropy = _CODES[code]
    return UnknownRow(reason=reason, code=code, subject=subject, entropy=entropy, evidence=evidence, pointer=pointer)


class _Feed:
    """Reads a snapshot's branches once each; what many questions share is decoded once per store."""

    def __init__(self, io: StageIO, digest: Digest) -> None:
        self._io = io
        self._digest = digest
        self.snapshot = io.load(digest, FeedSnapshot)
        self._ecosystems = named(self.snapshot.ecosystems)

    def known(self, ecosystems: tuple[str, ...]) -> tuple[str, ...]:
        """Give those of the candidates that the snapshot knows; ``x::`` stands for every one beginning so."""
        return tuple(
            name
            for wanted in ecosystems
            for name in self._ecosystems
            if name == wanted or (wanted.endswith("::") and name.startswith(wanted))
        )

    def packages(self, ecosystem: str, rows: list[Row]) -> "Iterator[tuple[Row, tuple[Digest, Digest], Rules]]":
        """Give what a snapshot says of those packages it knows: row, object and the bucket that names it, rules."""
        above = self._ecosystems[ecosystem]
        buckets = self._io.derive(above, _buckets, via=self._digest)
        wanted = sorted({row[0] for row in rows} & buckets.keys())
        read = self._io.derive_each([(buckets[prefix], above) for prefix in wanted], _packages)
        packages = {prefix: (found, buckets[prefix]) for prefix, found in zip(wanted, read, strict=True)}
        known: list[Row] = []
        objects: list[tuple[Digest, Digest]] = []
        nothing: tuple[dict[str, Digest], Digest] = ({}, "")
        for row in rows:
            held, bucket = packages.get(row[0], nothing)
            found = held.get(row[1])
            if found is not None:
                known.append(row)
                objects.append((found, bucket))
        return zip(known, objects, self._io.derive_each(objects, rules), strict=True)

    def advisory(self, found: tuple[Digest, Digest], at: int) -> Advisory:
        """Give one advisory of a package in full."""
        return self._io.derive(found[0], _advisories, via=found[1])[at]


def _buckets(data: bytes) -> dict[str, Digest]:
    return named(to_record(data, FeedEcosystem).buckets)


def _packages(data: bytes) -> dict[str, Digest]:
    return named(to_record(data, FeedBucket).packages)


def _advisories(data: bytes) -> tuple[Advisory, ...]:
    return to_record(data, FeedPackage).advisories


def _due(data: bytes) -> dict[str, str]:
    return {entry.cve: entry.due for entry in to_record(data, KevList).entries}


def _leaves(data: bytes) -> dict[str, Digest]:
    return named(to_record(data, EpssTree).leaves)


def _scores(data: bytes) -> dict[str, int]:
    return dict(to_record(data, EpssList).scores)


class _Lists:
    """KEV and EPSS by the names of a vulnerability; read when the first match asks."""

    def __init__(self, io: StageIO, digest: Digest, snapshot: FeedSnapshot) -> None:
        self._io = io
        self._digest = digest
        self._snapshot = snapshot

    def kev(self, names: tuple[str, ...]) -> tuple[str, str]:
        """Give the earliest due date under any of the names, and the name listed; empty when none is."""
        if self._snapshot.kev is None:
            return "", ""
        due = self._io.derive(self._snapshot.kev, _due, via=self._digest)
        return min(((due[name], name) for name in names if name in due), default=("", ""))

    def epss(self, names: tuple[str, ...]) -> int | None:
        """Give the highest score under any of the names."""
        tree = self._snapshot.epss
        if tree is None:
            return None
        leaves = self._io.derive(tree, _leaves, via=self._digest)
        found = (self._score(tree, leaves.get(leaf(name)), name) for name in names if name.startswith("CVE-"))
        return max((score for score in found if score is not None), default=None)

    def _score(self, tree: Digest, held: Digest | None, name: str) -> int | None:
        return self._io.derive(held, _scores, via=tree).get(name) if held is not None else None


def _names(advisory: Advisory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give every other name of this vulnerability, and the names of others that the advisory joins to it.

    An advisory over one upstream vulnerability speaks of that one; over several, it is none of them alone.
    """
    same = {advisory.id, *advisory.aliases}
    if len(set(advisory.upstream)) == 1:
        same |= set(advisory.upstream)
    joined = {*advisory.upstream, *advisory.related} - same
    return tuple(sorted(same - {advisory.id})), tuple(sorted(joined))


class _Matcher:
    """Answers for one SBOM."""

    def __init__(self, io: StageIO, question: MatchInput) -> None:
        self.matches: list[Match] = []
        self.unknowns: list[UnknownRow] = []
        self._feed = _Feed(io, question.feed)
        self._facts = question.facts
        self._lists = _Lists(io, question.feed, self._feed.snapshot)

    def look(self, ecosystems: tuple[str, ...], rows: list[Row]) -> None:
        """Match packages wherever the feed may speak of them, or note why nowhere."""
        known = self._feed.known(ecosystems)
        if not known:
            for row in rows:
                self.note("ecosystem_not_in_feed", row[3])
            return
        for row in rows:
            if not row[2]:
                self.note("package_without_version", row[3])
        for ecosystem in known:
            for row, found, said in self._feed.packages(ecosystem, rows):
                if row[2]:
                    self._ask(row, found, said)

    def _ask(self, row: Row, found: tuple[Digest, Digest], said: Rules) -> None:
        version, package = row[2:]
        if said.scheme is None:
            self.note("ecosystem_not_ordered", package)
            return
        try:
            held = said.holding(version, said.scheme.sort(version))
        except VersionInvalidError:
            self.note("version_not_ordered", package)
            return
        for at, fixed in held.items():
            self.matches.append(self._match(package, found, at, fixed))
        for at in said.undecided:
            if at not in held:
                pointer = f"/advisories/{at}"
                self.unknowns.append(_unknown("bound_not_ordered", package.purl, pointer, found[0]))

    def note(self, code: str, package: Package) -> None:
        """Note what cannot be answered of a package."""
        self.unknowns.append(_unknown(code, package.purl or package.name, package.pointer, self._facts))

    def _match(self, package: Package, found: tuple[Digest, Digest], at: int, fixed: tuple[str, ...]) -> Match:
        advisory = self._feed.advisory(found, at)
        same, joined = _names(advisory)
        every = (advisory.id, *same, *joined)
        due, listed = self._lists.kev(every)
        return Match(
            purl=package.purl,
            name=package.name,
            version=package.version,
            component_pointer=package.pointer,
            advisory=advisory.id,
            aliases=same,
            related=joined,
            severity=advisory.severity_label,  # type: ignore[arg-type]  # a label by construction
            score_tenths=advisory.score_tenths,
            fixed_in=fixed,
            package=found[0],
            pointer=f"/advisories/{at}",
            epss=self._lists.epss(every),
            kev=listed,
            kev_due=due,
        )


def match(question: MatchInput, io: StageIO) -> Findings:
    """Give every match and every unknown of an SBOM against a snapshot.

    (1) match place by place, package by package; (2) order totally.

    Raises: cas.object_missing, cas.record_invalid
    """
    spoken = io.derive(question.facts, asked, via=question.facts)
    matcher = _Matcher(io, question)
    for ecosystems, rows in spoken.rows.items():
        matcher.look(ecosystems, rows)  # (1)
    for code, package in spoken.unplaced:
        matcher.note(code, package)
    unique = {(m.purl, m.advisory, m.component_pointer, m.package, m.pointer): m for m in matcher.matches}
    unknowns = {(u.code, u.subject, u.pointer, u.evidence or ""): u for u in matcher.unknowns}
    return Findings(  # (2)
        facts=question.facts,
        feed=question.feed,
        packages=spoken.packages,
        matches=tuple(unique[key] for key in sorted(unique)),
        unknowns=tuple(unknowns[key] for key in sorted(unknowns)),
    )


MATCH = Stage("match", 1, MatchInput, Findings, match)
