"""match/2: which advisories of a snapshot speak of an SBOM's packages. Must not know VEX, waivers or policy.

Beside match/1 it knows the order of every ecosystem that has one, asks for what is installed and for its source, joins
what several advisories say of one vulnerability, and names who said how bad it is. Only branches that may speak of a
package are read. What cannot be answered becomes an unknown row: no purl, no version, no place in the feed, no order,
commits instead of versions. Withdrawn advisories do not match.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, Literal

from cas.digest import Digest
from cas.records.feed import FeedRules
from cas.records.picture import Findings2, Match2
from cas.records.verdict import MatchInput, UnknownRow
from pipeline.feeds.places_asked import Asking, Row, spoken
from pipeline.feeds.reading import Feed, Found
from pipeline.feeds.rules import as_listed, holding
from pipeline.stage import Stage, StageIO
from pipeline.versions.orders import order_of
from pipeline.versions.scheme import Scheme, VersionInvalidError

Reason = Literal["Identity", "FeedGap"]
CODES: Final[dict[str, tuple[Reason, int]]] = {
    "package_without_purl": ("Identity", 1_000_000),
    "package_without_version": ("Identity", 1_000_000),
    "distro_missing": ("Identity", 900_000),
    "version_not_ordered": ("Identity", 700_000),
    "type_without_feed": ("FeedGap", 800_000),
    "ecosystem_not_in_feed": ("FeedGap", 800_000),
    "ecosystem_not_ordered": ("FeedGap", 700_000),
    "bound_not_ordered": ("FeedGap", 600_000),
    "commits_only": ("FeedGap", 600_000),
}
"""Unknown codes: reason, and how much we do not know, in millionths."""

_Key = tuple[str, str, str]
"""purl, advisory, pointer of the component: one vulnerability in one package, however many ranges hold it."""


def _unknown(code: str, subject: str, pointer: str, evidence: Digest | None) -> UnknownRow:
    reason, entropy = CODES[code]
    return UnknownRow(reason=reason, code=code, subject=subject, entropy=entropy, evidence=evidence, pointer=pointer)


def _holding(rules: FeedRules, order: Scheme | None, version: str) -> dict[int, tuple[str, ...]] | None:
    """Give what holds a version, with the fixes; None when it has no place in the order and nothing lists it."""
    try:
        if order is not None:
            return holding(rules, order, version, order.sort(version))
    except VersionInvalidError:
        pass
    return dict.fromkeys(as_listed(rules, version), ()) or None


def _speaking(rows: list[Row], said: dict[str, Found], order: Scheme | None) -> Iterator[tuple[Row, Found]]:
    """Give the rows of which the feed may say something: most lie outside every span, which is told here at once."""
    find = said.get
    for row in rows:
        name, version, _ = row
        found = find(name)
        if found is None or not version:
            continue
        bounds = found.bounds
        if bounds is not None and order is not None:
            try:
                if not bisect_right(bounds, order.sort(version)) & 1:
                    continue
            except VersionInvalidError:
                pass
        yield row, found


class _Matcher:
    """Answers for one SBOM."""

    def __init__(self, io: StageIO, question: MatchInput) -> None:
        self.matches: dict[_Key, Match2] = {}
        self.unknowns: dict[tuple[str, str, str, str], UnknownRow] = {}
        self._feed = Feed(io, question.feed)
        self._facts = question.facts

    def look(self, ecosystems: tuple[str, ...], rows: list[Row]) -> None:
        """Match packages wherever the feed may speak of them, or note why nowhere."""
        known = self._feed.known(ecosystems)
        if not known:
            for row in rows:
                self.note("ecosystem_not_in_feed", row[2])
            return
        names = {row[0] for row in rows}
        for row in rows:
            if not row[1]:
                self.note("package_without_version", row[2])
        for ecosystem in known:
            order = order_of(ecosystem)
            said = self._feed.rules(ecosystem, names)
            for row, found in _speaking(rows, said, order):
                self._ask(row, found, order, ecosystem)

    def _ask(self, row: Row, found: Found, order: Scheme | None, ecosystem: str) -> None:
        _, version, package = row
        rules = found.rules
        held = _holding(rules, order, version)
        if held is None:
            self.note("ecosystem_not_ordered" if order is None else "version_not_ordered", package)
            return
        for at, fixed in held.items():
            self._match(package, found, at, fixed, ecosystem)
        for at, code in rules.undecided:
            if at not in held:
                self._add(_unknown(code, package.purl, f"/advisories/{at}", rules.package))

    def note(self, code: str, package: Asking) -> None:
        """Note what cannot be answered of a package."""
        self._add(_unknown(code, package.purl or package.name, package.pointer, self._facts))

    def _add(self, row: UnknownRow) -> None:
        self.unknowns[row.code, row.subject, row.pointer, row.evidence or ""] = row

    def _match(self, package: Asking, found: Found, at: int, fixed: tuple[str, ...], ecosystem: str) -> None:
        """Note a match; of several that differ in the range alone the first counts, with the fixes of all."""
        advisory = self._feed.advisory(found, at)
        key = (package.purl, advisory.id, package.pointer)
        before = self.matches.get(key)
        if before is not None:
            fixed = (*before.fixed_in, *(each for each in fixed if each not in before.fixed_in))
            place = min((before.package, before.pointer), (found.rules.package, f"/advisories/{at}"))
        else:
            place = (found.rules.package, f"/advisories/{at}")
        every = (advisory.id, *advisory.aliases, *advisory.related)
        due, listed = self._feed.lists.kev(every)
        self.matches[key] = Match2(
            purl=package.purl,
            name=package.name,
            version=package.version,
            component_pointer=package.pointer,
            ecosystem=ecosystem,
            advisory=advisory.id,
            aliases=advisory.aliases,
            related=advisory.related,
            published=advisory.published,
            severity=advisory.severity,  # type: ignore[arg-type]  # a label by construction
            severity_source=advisory.severity_source,
            score_tenths=advisory.score_tenths,
            fixed_in=fixed,
            package=place[0],
            pointer=place[1],
            epss=self._feed.lists.epss(every),
            kev=listed,
            kev_due=due,
        )


def match(question: MatchInput, io: StageIO) -> Findings2:
    """Give every match and every unknown of an SBOM against a snapshot.

    (1) match ecosystem by ecosystem, package by package; (2) order totally.

    Raises: cas.object_missing, cas.record_invalid
    """
    asked = io.derive(question.facts, spoken, via=question.facts)
    matcher = _Matcher(io, question)
    for ecosystems, rows in asked.rows.items():
        matcher.look(ecosystems, rows)  # (1)
    for code, package in asked.unplaced:
        matcher.note(code, package)
    return Findings2(  # (2)
        facts=question.facts,
        feed=question.feed,
        packages=asked.packages,
        matches=tuple(matcher.matches[key] for key in sorted(matcher.matches)),
        unknowns=tuple(matcher.unknowns[key] for key in sorted(matcher.unknowns)),
    )


MATCH2 = Stage("match", 2, MatchInput, Findings2, match)
