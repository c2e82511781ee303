"""match/1: which advisories of a snapshot speak of an SBOM's packages. Must not know VEX, waivers or policy.

Only branches that may speak of a package are read. What cannot be answered becomes an unknown row, one per package:
no purl, no version, no place in the feed, no order. Withdrawn advisories do not match.
"""

from typing import Final, Literal, NamedTuple

from cas.canon import to_record
from cas.digest import Digest
from cas.records.evidence import Advisory, Package, SbomFacts
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
from pipeline.feeds.branches import bucket, named
from pipeline.feeds.lists import leaf
from pipeline.stage import Stage, StageIO
from pipeline.versions.ecosystem import place_of
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

_NOT_PACKAGES: Final = frozenset(
    {"operating-system", "operating_system", "file", "data", "cryptographic-asset", "device", "platform", "source"}
)


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
        self._packages: dict[tuple[str, str], tuple[Digest, dict[str, Digest]] | None] = {}
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def known(self, ecosystems: tuple[str, ...]) -> tuple[str, ...]:
        """Give those of the candidates that the snapshot knows; ``x::`` stands for every one beginning so."""
        found = self._known.get(ecosystems)
        if found is None:
            names = [
                name
                for wanted in ecosystems
                for name in self._ecosystems
                if name == wanted or (wanted.endswith("::") and name.startswith(wanted))
            ]
            found = self._known[ecosystems] = tuple(names)
        return found

    def package(self, ecosystem: str, name: str) -> "_Found | None":
        """Give what a snapshot says of a package, or None."""
        prefix = bucket(name)
        key = (ecosystem, prefix)
        if key not in self._packages:
            self._packages[key] = self._bucket(ecosystem, prefix)
        held = self._packages[key]
        found = held[1].get(name) if held is not None else None
        if held is None or found is None:
            return None
        return _Found(held[0], found, self._io.derive(found, rules, via=held[0]))

    def advisory(self, found: "_Found", at: int) -> Advisory:
        """Give one advisory of a package in full."""
        return self._io.derive(found.package, _advisories, via=found.bucket)[at]

    def _bucket(self, ecosystem: str, prefix: str) -> tuple[Digest, dict[str, Digest]] | None:
        above = self._ecosystems[ecosystem]
        digest = self._io.derive(above, _buckets, via=self._digest).get(prefix)
        return (digest, self._io.derive(digest, _packages, via=above)) if digest is not None else None


class _Found(NamedTuple):
    """A package of the feed, by the bucket that names it."""

    bucket: Digest
    package: Digest
    rules: Rules


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

    def kev_due(self, names: tuple[str, ...]) -> str:
        """Give the earliest due date under any of the names; empty when none is listed."""
        if self._snapshot.kev is None:
            return ""
        due = self._io.derive(self._snapshot.kev, _due, via=self._digest)
        return min((due[name] for name in names if name in due), default="")

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


def _names(advisory: Advisory) -> tuple[str, ...]:
    """Join every other name of the vulnerability: aliases, upstream, related."""
    return tuple(sorted({*advisory.aliases, *advisory.upstream, *advisory.related} - {advisory.id}))


class _Matcher:
    """Answers for one SBOM."""

    def __init__(self, io: StageIO, question: MatchInput, subjects: frozenset[str]) -> None:
        self.matches: list[Match] = []
        self.unknowns: list[UnknownRow] = []
        self._feed = _Feed(io, question.feed)
        self._facts = question.facts
        self._subjects = subjects
        self._lists = _Lists(io, question.feed, self._feed.snapshot)

    def look(self, package: Package) -> None:
        """Match one package wherever the feed may speak of it, or note why nowhere."""
        if not package.purl:
            if package.type not in _NOT_PACKAGES:
                self._note("package_without_purl", package)
            return
        spoken = place_of(package.purl, package.source)
        if spoken.given in self._subjects:
            return  # the described image itself, not a package in it
        known = self._feed.known(spoken.ecosystems)
        version = spoken.version or package.version
        if spoken.reason or not known:
            self._note(spoken.reason or "ecosystem_not_in_feed", package)
        elif not version:
            self._note("package_without_version", package)
        else:
            for ecosystem in known:
                found = self._feed.package(ecosystem, spoken.name)
                if found is not None:
                    self._ask(package, found, version)

    def _ask(self, package: Package, found: _Found, version: str) -> None:
        scheme = found.rules.scheme
        if scheme is None:
            self._note("ecosystem_not_ordered", package)
            return
        try:
            held = found.rules.holding(version, scheme.sort(version))
        except VersionInvalidError:
            self._note("version_not_ordered", package)
            return
        for at, fixed in held.items():
            self.matches.append(self._match(package, found, at, fixed))
        for at in found.rules.undecided:
            if at not in held:
                row = _unknown("bound_not_ordered", package.purl, f"/advisories/{at}", found.package)
                self.unknowns.append(row)

    def _note(self, code: str, package: Package) -> None:
        self.unknowns.append(_unknown(code, package.purl or package.name, package.pointer, self._facts))

    def _match(self, package: Package, found: _Found, at: int, fixed: tuple[str, ...]) -> Match:
        advisory = self._feed.advisory(found, at)
        names = _names(advisory)
        return Match(
            purl=package.purl,
            name=package.name,
            version=package.version,
            component_pointer=package.pointer,
            advisory=advisory.id,
            aliases=names,
            severity=advisory.severity_label,  # type: ignore[arg-type]  # a label by construction
            score_tenths=advisory.score_tenths,
            fixed_in=fixed,
            package=found.package,
            pointer=f"/advisories/{at}",
            epss=self._lists.epss((advisory.id, *names)),
            kev_due=self._lists.kev_due((advisory.id, *names)),
        )


def match(question: MatchInput, io: StageIO) -> Findings:
    """Give every match and every unknown of an SBOM against a snapshot.

    (1) match package by package, place by place; (2) order totally.

    Raises: cas.object_missing, cas.record_invalid
    """
    facts = io.load(question.facts, SbomFacts)
    matcher = _Matcher(io, question, frozenset(facts.subjects))
    for package in facts.packages:
        matcher.look(package)  # (1)
    unique = {(m.purl, m.advisory, m.component_pointer, m.package, m.pointer): m for m in matcher.matches}
    rows = {(u.code, u.subject, u.pointer, u.evidence or ""): u for u in matcher.unknowns}
    return Findings(  # (2)
        facts=question.facts,
        feed=question.feed,
        packages=len(facts.packages),
        matches=tuple(unique[key] for key in sorted(unique)),
        unknowns=tuple(rows[key] for key in sorted(rows)),
    )


MATCH = Stage("match", 1, MatchInput, Findings, match)
