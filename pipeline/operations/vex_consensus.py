"""The consensus of verdicts: listed, compared between two rounds, written out as VEX.

What is told is what the verdicts' pictures hold: nothing is weighed again. Reads only; must not judge.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from cas import digest, refs
from cas.digest import Digest
from cas.pictures import picture_of
from cas.problems import Category, Problem
from cas.records.base import Instant
from cas.records.evidence import VexFacts
from cas.records.picture import AnyFinding, AnyPicture
from cas.records.release import Environment, Release, Resolution
from cas.records.verdict import Verdict
from cas.store import load
from pipeline.effects import Effects
from pipeline.facts import facts_of
from pipeline.operations import releases
from pipeline.operations.releases import ReleaseMissing
from pipeline.stages.gather import subjects_of
from pipeline.vex_export import Document, Form, Spoken, write
from policy import claims

_VERDICTS: Final = "verdict/"


class VerdictMissing(Problem):
    """The release was never judged there, so nothing was assessed."""

    code = "vex.verdict_missing"
    category = Category.MISSING
    title = "This release has no verdict there"
    remedy = "Ask the gate first: stella gate evaluate."


def found_in_verdicts(effects: Effects, release: str, environment: str) -> Iterator[tuple[Digest, Verdict, AnyFinding]]:
    """Give the findings of the newest verdicts, of one release or environment or of all."""
    try:
        wanted = releases.find(effects, release)[1] if release else None
    except ReleaseMissing:
        return
    for ref, name in sorted(effects.log.refs(_VERDICTS)):
        judged, _, place = ref.removeprefix(_VERDICTS).partition("/")
        if (wanted is not None and judged != wanted) or (environment and place != environment):
            continue
        verdict = load(effects.store, name, Verdict)
        for one in picture_of(verdict.assessment, effects.store.get).findings:
            yield name, verdict, one


@dataclass(frozen=True, slots=True)
class Agreed:
    """The consensus about one vulnerability in one package, as the newest verdict there found it.

    ``confidence`` is the weight of the heaviest claim of the side that won, in millionths.
    """

    id: str
    release: str
    environment: str
    verdict: Digest
    as_of: Instant
    finding: AnyFinding
    confidence: int
    issuers: tuple[str, ...]
    rationale: str


def consensus(effects: Effects, *, release: str = "", environment: str = "") -> tuple[Agreed, ...]:
    """List the consensus of the newest verdicts, sorted by id; findings without any claim are left out.

    Raises: release.missing
    """
    if release:
        releases.find(effects, release)
    found: dict[str, Agreed] = {}
    for name, verdict, one in found_in_verdicts(effects, release, environment):
        if one.claims:
            agreed = _agreed(effects, name, verdict, one)
            found.setdefault(agreed.id, agreed)
    return tuple(found[key] for key in sorted(found))


def _agreed(effects: Effects, name: Digest, verdict: Verdict, one: AnyFinding) -> Agreed:
    release = load(effects.store, verdict.release, Release).name
    environment = load(effects.store, verdict.environment, Environment).name
    torn = one.vex in {"conflict", "unknown"}
    side = claims.CLOSING if one.vex in claims.CLOSING else frozenset({str(one.vex)})
    winners = [claim for claim in one.claims if torn or claim.status in side]
    return Agreed(
        id=f"{one.vulnerability}@{one.purl}#{release}/{one.component}/{one.platform}/{environment}",
        release=release,
        environment=environment,
        verdict=name,
        as_of=verdict.as_of,
        finding=one,
        confidence=max((claim.score for claim in winners), default=0),
        issuers=tuple(sorted({claim.signer or claim.author or "unsigned" for claim in one.claims})),
        rationale=_rationale(one),
    )


def _rationale(one: AnyFinding) -> str:
    """Name the rule by which the state came about."""
    counted = [claim for claim in one.claims if claim.score]
    if one.vex == "conflict":
        return "both_sides_claimed"
    if one.vex == "affected":
        return "affected_always_counts"
    if one.vex in claims.CLOSING:
        return "all_that_counts_closes" if len(counted) > 1 else "one_claim_closes"
    return "nothing_counts"


def picture_behind(effects: Effects, verdict: Digest) -> AnyPicture:
    """Give the picture that a verdict rests on.

    Raises: cas.object_missing, cas.record_invalid
    """
    return picture_of(load(effects.store, verdict, Verdict).assessment, effects.store.get)


class _Words:
    """Impact and action of statements, out of the facts of the verdicts' VEX evidence."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._facts: dict[Digest, Digest] = {}  # raw document → its facts
        self._said: dict[Digest, dict[str, tuple[str, str]]] = {}

    def learn(self, verdict: Digest) -> None:
        """Take in the evidence that a verdict rests on."""
        rows = picture_behind(self._effects, verdict).evidence
        self._facts.update({row.raw: row.facts for row in rows if row.type == "vex"})

    def of(self, raw: Digest, pointer: str) -> tuple[str, str]:
        """Give the words of the statement at a place; empty where it has none."""
        if raw not in self._said:
            facts = facts_of(self._effects.store.get(self._facts[raw])) if raw in self._facts else None
            statements = facts.statements if isinstance(facts, VexFacts) else ()
            self._said[raw] = {one.pointer: (one.impact, one.action) for one in statements}
        return self._said[raw].get(pointer, ("", ""))


def export(
    effects: Effects, release: str, form: Form, *, environment: str = "", author: str = "", namespace: str = ""
) -> tuple[tuple[str, bytes], ...]:
    """Write the consensus about a release as VEX: what the newest verdict found, both sides of a conflict.

    Raises: release.missing, vex.verdict_missing
    """
    found, name = releases.find(effects, release)
    parts = {part.name: part for part in found.components}
    newest: tuple[Instant, Digest] = ("", "")
    spoken: list[Spoken] = []
    words, learned = _Words(effects), set[Digest]()
    for verdict, judged, one in found_in_verdicts(effects, release, environment):
        newest = max(newest, (judged.as_of, verdict))
        if verdict not in learned:
            words.learn(verdict)
            learned.add(verdict)
        part = parts[one.component]
        image = subjects_of(load(effects.store, part.resolution, Resolution), one.platform)[0] or part.digest
        spoken += _spoken(words, image, part.repository, one)
    if not newest[1]:
        newest = _newest(effects, name, environment)
    about = Document(
        author=author or "stella",
        namespace=namespace or "https://stella-ops.org",
        serial=digest.uuid_of(digest.of_bytes(f"{newest[1]} {form}".encode())),
        issued_at=newest[0],
    )
    return write(form, spoken, about)


def _newest(effects: Effects, release: Digest, environment: str) -> tuple[Instant, Digest]:
    names = [
        name
        for ref, name in effects.log.refs(f"{_VERDICTS}{release}/")
        if not environment or ref == refs.verdict(release, environment)
    ]
    if not names:
        raise VerdictMissing(release=release, environment=environment)
    return max((load(effects.store, name, Verdict).as_of, name) for name in names)


def _spoken(words: _Words, image: Digest, repository: str, one: AnyFinding) -> Iterable[Spoken]:
    """Say the state of a finding: its winning side in the words of its heaviest claim."""
    base = Spoken(
        vulnerability=one.vulnerability,
        image=image,
        repository=repository,
        purl=one.purl,
        status="under_investigation",
        aliases=tuple(sorted({one.advisory, *one.aliases} - {one.vulnerability})),
    )
    if one.vex == "unknown":
        yield base
    wanted: list[str] = [one.vex] if one.vex in {"fixed", "not_affected", "affected"} else []
    if one.vex == "conflict":
        wanted = ["affected", *sorted({claim.status for claim in one.claims if claim.status in claims.CLOSING})]
    for status in wanted:
        said = next((claim for claim in one.claims if claim.status == status), None)
        if said is None:
            continue
        impact, action = words.of(said.evidence, said.pointer)
        yield replace(base, status=said.status, justification=said.justification, impact=impact, action=action)
