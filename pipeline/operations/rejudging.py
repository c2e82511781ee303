"""A new snapshot turns verdicts without a new scan: only those whose packages changed are judged again.

Old verdicts stay as they are; a new one becomes the newest of its release and environment. Must not know gates.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cas import canon, digest, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.evidence import Admission
from cas.records.picture import Findings2, Match2
from cas.records.release import Release
from cas.records.verdict import MatchInput, Outcome, Question, Verdict
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.feeds.reading import Feed, Lists, snapshot
from pipeline.feeds.touching import Touching
from pipeline.operations import asking, drift
from pipeline.stage import StageIO
from pipeline.stages.match2 import MATCH2

MAX_PACKAGES: Final = 50


class FeedMissing(Problem):
    """Nothing can be judged against a snapshot that was never imported."""

    code = "feed.missing"
    category = Category.MISSING
    title = "No advisory feed has been imported"
    remedy = "Import one: stella feed import."


@dataclass(frozen=True, slots=True)
class Touched:
    """A verdict that rests on another snapshot, and the packages of its SBOMs that changed since."""

    verdict: Digest
    value: Verdict
    release: Release
    environment: str
    old_feed: Digest | None
    packages: tuple[tuple[str, str], ...]
    lists: bool  # KEV or EPSS say something else of what was found


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A verdict judged again: what it said, what it says now, the gates that turned, where the release runs."""

    touched: Touched
    verdict: Digest
    outcome: Outcome
    turned: tuple[tuple[str, str, str], ...]  # (gate, status before, status now), sorted
    running: tuple[str, ...]  # targets, sorted

    @property
    def flipped(self) -> bool:
        """Tell whether the outcome is another."""
        return self.outcome != self.touched.value.outcome


@dataclass(frozen=True, slots=True)
class Rejudgement:
    """What a snapshot made of the verdicts that stood."""

    feed: Digest
    seen: int
    touched: int
    rejudged: tuple[Rejudged, ...]


def _silent(_what: str, _count: int) -> None:
    """Tell nobody."""


def rejudge(
    effects: Effects,
    caller: Caller,
    *,
    deployed_only: bool = True,
    within: Callable[[str], bool] = lambda _: True,
    told: Callable[[str, int], None] = _silent,
) -> Rejudgement:
    """Judge again what the current snapshot may turn.

    (1) the newest verdict of each release and environment, of those deployed or of all; (2) those whose SBOMs name a
    package that changed since their snapshot; (3) each judged anew, as anybody asking would.

    Raises: feed.missing, and as asking
    """
    feed = effects.log.ref(refs.FEED)
    if feed is None:
        raise FeedMissing
    running = _running(effects)
    stood = [
        one for one in _newest(effects) if within(one[2]) and (not deployed_only or (one[1], one[2]) in running)
    ]  # (1)
    found = list(touched(effects, stood, feed))  # (2)
    out = []
    for at, one in enumerate(found):  # (3)
        told("judging", at)
        judged = asking.evaluate(effects, caller, one.value.release, one.environment)
        hosts = running.get((one.value.release, one.environment), ())
        turned = tuple(_turned(one.value, judged.verdict))
        out.append(Rejudged(one, judged.digest, judged.verdict.outcome, turned, tuple(sorted(hosts))))
    out.sort(key=lambda one: (not one.flipped, one.touched.environment, one.touched.release.name))
    return Rejudgement(feed, len(stood), len(found), tuple(out))


def _running(effects: Effects) -> dict[tuple[Digest, str], list[str]]:
    """Give the targets by (release, environment) that run it now."""
    found: dict[tuple[Digest, str], list[str]] = {}
    for one in drift.status(effects):
        release = effects.log.ref(refs.release(one.release))
        if release is not None:
            found.setdefault((release, one.environment), []).append(one.target)
    return found


def _newest(effects: Effects) -> Iterator[tuple[Digest, Digest, str]]:
    """Give (verdict, release, environment) of every newest verdict."""
    for name, verdict in effects.log.refs(refs.verdict("", "").rstrip("/")):
        _, release, environment = name.split("/", 2)
        yield verdict, release, environment


def touched(effects: Effects, verdicts: Iterable[tuple[Digest, Digest, str]], feed: Digest) -> Iterator[Touched]:
    """Give those verdicts that may say something else against a snapshot; simulations do not count.

    Raises: cas.object_missing, cas.record_invalid
    """
    store = effects.store
    new = snapshot(store.get(feed))
    compared: dict[Digest, Touching] = {}
    for name, _, environment in verdicts:
        verdict = load(store, name, Verdict)
        question = load(store, verdict.question, Question)
        if question.feed == feed or verdict.purpose == "simulation":
            continue
        release = load(store, verdict.release, Release)
        if question.feed is None:
            yield Touched(name, verdict, release, environment, None, (), lists=True)
            continue
        if question.feed not in compared:
            compared[question.feed] = Touching(store, snapshot(store.get(question.feed)), new)
        held = compared[question.feed]
        facts = _sbom_facts(effects, question)
        packages = tuple(sorted({pair for one in facts for pair in held.packages(one)}))
        lists = held.lists and any(_listed_otherwise(effects, one, question.feed, feed) for one in facts)
        if packages or lists:
            yield Touched(name, verdict, release, environment, question.feed, packages[:MAX_PACKAGES], lists)


def _sbom_facts(effects: Effects, question: Question) -> tuple[Digest, ...]:
    names = sorted({name for component in question.components for name in component.admissions})
    admissions = (load(effects.store, name, Admission) for name in names)
    return tuple(sorted({one.facts for one in admissions if one.type == "sbom"}))


def _listed_otherwise(effects: Effects, facts: Digest, old: Digest, new: Digest) -> bool:
    """Tell whether KEV or EPSS say something else of what was found; yes, when what was found is not known."""
    asked = digest.of_bytes(_input(facts, old))
    note = effects.log.ran(MATCH2.name, MATCH2.version, asked)
    if note is None:
        return True
    lists = Feed(StageIO(effects.store, digest.of_bytes, new.encode("ascii")), new).lists
    return any(_differs(one, lists) for one in load(effects.store, note.output, Findings2).matches)


def _input(facts: Digest, feed: Digest) -> bytes:
    return canon.of_record(MatchInput(facts=facts, feed=feed))


def _differs(match: Match2, lists: Lists) -> bool:
    every = (match.advisory, *match.aliases, *match.related)
    due, listed = lists.kev(every)
    return (match.kev, match.kev_due, match.epss) != (listed, due, lists.epss(every))


def _turned(before: Verdict, now: Verdict) -> Iterator[tuple[str, str, str]]:
    """Give the gates whose status is another, sorted."""
    was = {one.id: one.status for one in before.gates}
    is_now = {one.id: one.status for one in now.gates}
    for gate in sorted(was.keys() | is_now.keys()):
        if was.get(gate) != is_now.get(gate):
            yield gate, was.get(gate, ""), is_now.get(gate, "")
