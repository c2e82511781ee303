"""judge/2: the answer for the evidence, from a picture. Knows how a pack is asked; must not know any gate.

As judge/1, but the picture is decoded once for all questions that share it, and gates may look into the facts of each
piece of evidence (reports, tests, SBOMs) by digest.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cas import canon
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.base import Instant, Record
from cas.records.picture import Assessment2, JudgeInput2, Picture
from cas.records.policy import PolicyPack
from cas.records.rego import RegoAnswer
from cas.records.release import Environment, Release, TemplateFacts
from cas.records.verdict import Question, SeverityLabel, Verdict
from pipeline.facts import facts_of
from pipeline.feeds.reading import snapshot
from pipeline.stage import Stage, StageIO
from pipeline.stages.judge import DEFAULT_TTL, AssessmentForeign
from policy.counting import distinct, severities
from policy.evaluate import Asked, ask, judged_gates, outcome_of
from policy.gate import FactView, Groups
from policy.instants import earliest_after, plus
from policy.packs.view import flattened, pack_of

MAX_PACKS: Final = 256


class AnswerForeign(Problem):
    """An answer of a custom rule speaks of another picture, release or environment."""

    code = "judge.answer_foreign"
    category = Category.INVALID
    title = "A custom rule's answer belongs to another question"
    remedy = "Ask through the instance, which asks the rules about the picture it judges."


_PACKS: Final[dict[tuple[Digest, str], tuple[Asked, ...]]] = {}


def _compiled(name: Digest, pack: PolicyPack, environment: str) -> tuple[Asked, ...]:
    """Bind a pack's gates once per digest and environment; forgetting costs time only."""
    gates = _PACKS.get((name, environment))
    if gates is None:
        gates = judged_gates(pack, environment)
        if len(_PACKS) >= MAX_PACKS:
            _PACKS.clear()
        _PACKS[name, environment] = gates
    return gates


# One maker per kind: what is judged again and again is decoded once per digest and store.


def _question(data: bytes) -> Question:
    return canon.to_record(data, Question)


class _Prepared(NamedTuple):
    """A picture, and what is open in it: grouped and counted once for every gate and question."""

    picture: Picture
    groups: Groups
    counts: tuple[tuple[SeverityLabel, int], ...]
    chosen: dict[Callable[..., Any], Groups]


def _picture(data: bytes) -> _Prepared:
    picture = canon.to_record(data, Picture)
    groups = distinct([one for one in picture.findings if one.open])
    return _Prepared(picture, groups, severities(groups), {})


def _release(data: bytes) -> Release:
    return canon.to_record(data, Release)


def _environment(data: bytes) -> Environment:
    return canon.to_record(data, Environment)


def _template(data: bytes) -> TemplateFacts:
    return canon.to_record(data, TemplateFacts)


def _answer(data: bytes) -> RegoAnswer:
    return canon.to_record(data, RegoAnswer)


def judge(asked: JudgeInput2, io: StageIO) -> Verdict:
    """Ask every gate of the active pack about the picture.

    Without a pack, or with one that asks nothing, the answer is deny. ``valid_until`` is the earliest of every time
    relied on: the pack's verdict_ttl, waiver ends and weights of claims, and what the gates name.

    Raises: judge.assessment_foreign, judge.answer_foreign, policy.gate_unknown, policy.params_invalid,
        policy.pack_unresolved
    """
    question = io.derive(asked.question, _question, via=asked.question)
    assessment = io.load(asked.assessment, Assessment2)
    if assessment.question != asked.question:
        raise AssessmentForeign(question=asked.question, assessment=asked.assessment)
    prepared = io.derive(assessment.picture, _picture, via=asked.assessment)
    picture = prepared.picture
    environment = io.derive(question.environment, _environment, via=asked.question)
    view = FactView(
        question=question,
        release=io.derive(question.release, _release, via=asked.question),
        environment=environment,
        assessment=picture,
        template=io.derive(picture.template, _template, via=assessment.picture) if picture.template else None,
        feed=io.derive(question.feed, snapshot, via=asked.question) if question.feed else None,
        facts=_facts(io, assessment.picture),
        open_groups=prepared.groups,
        open_counts=prepared.counts,
        open_chosen=prepared.chosen,
        rego_answers=_answers(asked, question, assessment.picture, io),
    )
    ttl = DEFAULT_TTL
    gates: tuple[Asked, ...] = ()
    if question.policy:
        whole = io.derive(question.policy, pack_of, via=asked.question)
        pack = flattened(whole, question.policy, lambda name, via: io.derive(name, pack_of, via=via))
        ttl, gates = pack.verdict_ttl_seconds, _compiled(question.policy, pack, environment.name)
    evaluated = ask(gates, view)
    last = plus(question.as_of, ttl)
    return Verdict(
        question=asked.question,
        assessment=asked.assessment,
        release=question.release,
        environment=question.environment,
        policy=question.policy,
        purpose=question.purpose,
        as_of=question.as_of,
        outcome=outcome_of(evaluated.results),
        gates=evaluated.results,
        valid_until=_end(question.as_of, last, assessment.valid_until, evaluated.ends),
    )


def _answers(asked: JudgeInput2, question: Question, picture: Digest, io: StageIO) -> tuple[RegoAnswer, ...]:
    if not asked.answers:
        return ()
    answers = tuple(io.derive(name, _answer, via=name) for name in asked.answers)
    for name, answer in zip(asked.answers, answers, strict=True):
        if (answer.release, answer.environment, answer.picture) != (question.release, question.environment, picture):
            raise AnswerForeign(question=asked.question, answer=name)
    return answers


def _facts(io: StageIO, picture: Digest) -> Callable[[Digest], Record]:
    return lambda name: io.derive(name, facts_of, via=picture)


def _end(as_of: Instant, last: Instant, change: Instant | None, ends: tuple[Instant, ...]) -> Instant:
    return min(last, earliest_after(as_of, change, *ends) or last)


JUDGE2 = Stage("judge", 2, JudgeInput2, Verdict, judge)
