"""Asking: capture the heads, derive the question, match, assess, judge. Must not know promotions.

The caller picks release, environment and purpose; heads and time are the instance's. Only ``simulate`` lets the caller
choose more, and what it makes says so (``purpose: simulation``), so that decide refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from cas import refs
from cas.digest import Digest, is_digest
from cas.problems import Category, ExpectationFailed, Problem
from cas.records.base import Instant
from cas.records.deploy import Deployed
from cas.records.evidence import Admission
from cas.records.picture import AssessInput2, JudgeInput2
from cas.records.policy_life import ShadowVerdict
from cas.records.proof import HeadSet
from cas.records.release import Environment, ReadTemplateInput, Release, Resolution
from cas.records.verdict import (
    GatherInput,
    Head,
    MatchInput,
    PurposeOfAsking,
    Question,
    Verdict,
)
from cas.store import load
from pipeline import flow
from pipeline.effects import Caller, Effects
from pipeline.operations.attestations import seal_record
from pipeline.operations.rules import ask_rules, rules_of
from pipeline.operations.work import Work
from pipeline.stage import Done
from pipeline.stages.assess2 import ASSESS2
from pipeline.stages.gather import GATHER, head_names
from pipeline.stages.judge2 import JUDGE2
from pipeline.stages.match2 import MATCH2
from pipeline.stages.read_template import READ_TEMPLATE
from policy.packs.view import whole_of

ATTEMPTS: Final = 4


class NotAdmitted(Problem):
    """A release, environment or other record that this instance never admitted."""

    code = "promotion.not_admitted"
    category = Category.MISSING
    title = "Nothing of that name was admitted here"
    remedy = "List releases and environments, and check the name."


class SimulationWrong(Problem):
    """A simulation replaces something that the question does not depend on."""

    code = "promotion.simulation_wrong"
    category = Category.INVALID
    title = "This cannot be replaced in a simulation"
    remedy = "Replace one of the heads that the question names."


@dataclass(frozen=True, slots=True)
class Place:
    """A release on its way to an environment, by digest and value."""

    release_digest: Digest
    release: Release
    environment_digest: Digest
    environment: Environment


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, by digest and value. ``reused``: the newest one still held, so nothing was judged again."""

    digest: Digest
    verdict: Verdict
    place: Place
    reused: bool = False


def place_of(work: Work, release: str, environment: str) -> Place:
    """Find a release (name, id or digest) and the environment of a name, both admitted here.

    Raises: promotion.not_admitted, release.illegal_move for a draft
    """
    release_digest = _find(work, release, refs.release(release))
    environment_digest = work.ref(refs.environment(environment))
    if environment_digest is None:
        raise NotAdmitted(environment=environment[:200])
    store = work.effects.store
    return Place(
        release_digest,
        load(store, release_digest, Release),
        environment_digest,
        load(store, environment_digest, Environment),
    )


def _find(work: Work, text: str, ref: str) -> Digest:
    if is_digest(text):
        if work.effects.log.admitted(text) is None:
            raise NotAdmitted(digest=text)
        return text
    found = work.ref(ref) or work.ref(refs.named(text))
    if found is None and work.ref(refs.release_draft(text)) is not None:
        flow.release_after(text, "draft", "promote")
    if found is None:
        raise NotAdmitted(name=text[:200])
    return found


def subjects(release: Release) -> tuple[tuple[str, Digest], ...]:
    """Give the images that a statement about a release speaks of."""
    return tuple(sorted((component.name, component.digest) for component in release.components))


def as_of(work: Work) -> Instant:
    """Give the instance's time, never earlier than the newest entry."""
    size = work.effects.log.head().size
    newest = max((entry.when for _, entry in work.effects.log.read(max(0, size - 1))), default=work.now)
    return max(work.now, newest)


def capture(work: Work, place: Place) -> tuple[Head, ...]:
    """Capture every head that may sway the answer, as it stands."""
    resolutions = {
        part.resolution: load(work.effects.store, part.resolution, Resolution) for part in place.release.components
    }
    names = head_names(place.release, resolutions, place.environment)
    return tuple(Head(name=name, digest=work.ref(name)) for name in names)


def evaluate(effects: Effects, caller: Caller, release: str, environment: str) -> Judged:
    """Judge a release for an environment, and make the verdict the newest one there.

    When the newest verdict rests on the heads as they stand and still holds, it is the answer. When a head moves
    meanwhile, the question is derived again.

    Raises: promotion.not_admitted, gather.*, assess.*, judge.*, policy.*, cas.expectation_failed
    """
    for attempt in range(ATTEMPTS):
        work = Work(effects, caller)
        judged = judge_in(work, place_of(work, release, environment))
        if judged.reused and not _shade_again(work, judged):
            return judged
        try:
            work.commit()
        except ExpectationFailed:
            if attempt == ATTEMPTS - 1:
                raise
            continue
        return judged
    raise AssertionError("the last attempt returns or raises")


def judge_in(work: Work, place: Place, purpose: PurposeOfAsking = "promotion") -> Judged:
    """Do what ``evaluate`` does, inside a work that its caller commits.

    The append expects every head to stand as captured, so nothing can be admitted in between and left out.
    """
    heads = capture(work, place)
    now = as_of(work)
    known = newest(work, place, purpose)
    if known is not None and holds(work, known, heads, now):
        return known
    done = _run(work, place, purpose, heads, now)
    for head in heads:
        work.expect(head.name, head.digest)
    ref = refs.verdict(place.release_digest, place.environment.name)
    sealed = seal_record(work.effects, "verdict", done.digest, subjects(place.release))
    work.note("verdict.judged", done.digest, (work.move(ref, done.digest),), envelopes=(sealed,))
    _shade(work, place, done.digest, heads, now)
    return Judged(done.digest, done.record, place)


def _shade(work: Work, place: Place, verdict: Digest, heads: tuple[Head, ...], now: Instant) -> None:
    """Judge the environment's shadow pack beside a verdict. It never counts, and its failing keeps nothing back."""
    pack = work.ref(refs.policy_shadow(place.environment.name))
    if pack is None:
        return
    try:
        done = _run(work, place, "simulation", _under(heads, place, pack), now)
    except Problem:
        return
    made = work.save(ShadowVerdict(verdict=verdict, pack=pack, shadow=done.digest))
    ref = refs.shadow(place.release_digest, place.environment.name)
    work.note("verdict.shadow", made, (work.move(ref, made),), beside=(done.digest,))


def _shade_again(work: Work, judged: Judged) -> bool:
    """Judge the shadow beside a verdict that still holds, unless that shadow has spoken of it; tell whether it did."""
    place = judged.place
    pack = work.ref(refs.policy_shadow(place.environment.name))
    known = work.ref(refs.shadow(place.release_digest, place.environment.name)) if pack else None
    if pack is None:
        return False
    if known is not None:
        said = load(work.effects.store, known, ShadowVerdict)
        if (said.verdict, said.pack) == (judged.digest, pack):
            return False
    question = load(work.effects.store, judged.verdict.question, Question)
    _shade(work, place, judged.digest, question.heads, judged.verdict.as_of)
    return work.noted


def _under(heads: tuple[Head, ...], place: Place, pack: Digest) -> tuple[Head, ...]:
    """Give the heads as they would be with another pack active."""
    ref = refs.policy(place.environment.name)
    return tuple(Head(name=head.name, digest=pack if head.name == ref else head.digest) for head in heads)


def judge_again(work: Work, verdict: Verdict, pack: Digest) -> Done[Verdict]:
    """Judge the question of a verdict under another pack, at its own time; only a simulation, its caller notes it.

    Raises: gather.*, assess.*, judge.*, policy.*, cas.object_missing
    """
    store = work.effects.store
    question = load(store, verdict.question, Question)
    place = Place(
        question.release,
        load(store, question.release, Release),
        question.environment,
        load(store, question.environment, Environment),
    )
    return _run(work, place, "simulation", _under(question.heads, place, pack), question.as_of)


def newest(work: Work, place: Place, purpose: PurposeOfAsking = "promotion") -> Judged | None:
    """Give the newest verdict of a release in an environment, if it is of this purpose."""
    digest = work.ref(refs.verdict(place.release_digest, place.environment.name))
    if digest is None:
        return None
    verdict = load(work.effects.store, digest, Verdict)
    return Judged(digest, verdict, place, reused=True) if verdict.purpose == purpose else None


def holds(work: Work, judged: Judged, heads: tuple[Head, ...], now: Instant) -> bool:
    """Tell whether a verdict rests on these heads and this environment, and its time is not over."""
    question = load(work.effects.store, judged.verdict.question, Question)
    before = load(work.effects.store, question.environment, Environment)
    return (
        question.heads == heads
        and _for_judging(before) == _for_judging(judged.place.environment)
        and judged.verdict.as_of <= now < judged.verdict.valid_until
    )


def _for_judging(environment: Environment) -> Environment:
    """Leave out what only decide and deploying look at: a new freeze window makes no verdict void."""
    return msgspec.structs.replace(
        environment,
        required_approvals=0,
        approver_groups=(),
        separation_of_duties=False,
        personal_key_required=False,
        freeze_windows=(),
        soak_seconds=0,
        targets=(),
        health_timeout_seconds=0,
        retention_days=0,
        created_by="system:" + "0" * 32,
    )


def simulate(
    effects: Effects,
    caller: Caller,
    release: str,
    environment: str,
    *,
    at: Instant | None = None,
    policy: Digest | None = None,
    feed: Digest | None = None,
    heads: Mapping[str, Digest | None] | None = None,
) -> Judged:
    """Judge with inputs of the caller's choice: another time, policy, feed or head. Moves no ref; never decided on.

    Raises: promotion.simulation_wrong, promotion.not_admitted, as ``evaluate``
    """
    work = Work(effects, caller)
    place = place_of(work, release, environment)
    chosen = dict(heads or {})
    if policy is not None:
        chosen[refs.policy(place.environment.name)] = policy
    if feed is not None:
        chosen[refs.FEED] = feed
    captured = capture(work, place)
    unasked = sorted(set(chosen) - {head.name for head in captured})
    if unasked:
        raise SimulationWrong(heads=", ".join(unasked)[:400])
    replaced = tuple(Head(name=head.name, digest=chosen.get(head.name, head.digest)) for head in captured)
    done = _run(work, place, "simulation", replaced, at or as_of(work))
    work.note("verdict.simulated", done.digest)
    work.commit()
    return Judged(done.digest, done.record, place)


def _run(work: Work, place: Place, purpose: PurposeOfAsking, heads: tuple[Head, ...], now: Instant) -> Done[Verdict]:
    """Run gather, match (per SBOM), read_template, assess and judge."""
    log = work.effects.log.head()
    gathered = work.run(
        GATHER,
        GatherInput(
            release=place.release_digest,
            environment=place.environment_digest,
            purpose=purpose,
            heads=heads,
            log_size=log.size,
            log_root=log.root,
            as_of=now,
        ),
    )
    question = gathered.record
    facts = _sbom_facts(work, question) if question.feed else ()
    findings = [work.run(MATCH2, MatchInput(facts=name, feed=question.feed)).digest for name in facts if question.feed]
    template = None
    if place.release.compose is not None:
        template = work.run(READ_TEMPLATE, ReadTemplateInput(release=place.release_digest)).digest
    assessed = work.run(
        ASSESS2,
        AssessInput2(
            question=gathered.digest,
            findings=tuple(sorted(findings)),
            baseline=_baseline(work, question, place),
            template=template,
        ),
    )
    answers = _answers(work, question, place, assessed.record.picture)
    return work.run(JUDGE2, JudgeInput2(question=gathered.digest, assessment=assessed.digest, answers=answers))


def _answers(work: Work, question: Question, place: Place, picture: Digest) -> tuple[Digest, ...]:
    """Ask the custom rules of the question's pack about the picture."""
    if question.policy is None:
        return ()
    store = work.effects.store
    pack = whole_of(store.get(question.policy), store.get)
    return ask_rules(
        work,
        rules_of(pack, place.environment.name),
        release=place.release_digest,
        environment=place.environment_digest,
        picture=picture,
    )


def _sbom_facts(work: Work, question: Question) -> tuple[Digest, ...]:
    admissions = sorted({name for component in question.components for name in component.admissions})
    loaded = (load(work.effects.store, name, Admission) for name in admissions)
    return tuple(sorted({admission.facts for admission in loaded if admission.type == "sbom"}))


def _baseline(work: Work, question: Question, place: Place) -> Digest | None:
    heads = {head.name: head.digest for head in question.heads}
    head = heads[refs.deployed(place.environment.name)]
    for member in load(work.effects.store, head, HeadSet).members if head else ():
        deployed = load(work.effects.store, member, Deployed)
        if deployed.line == place.release.line:
            return deployed.assessment
    return None
