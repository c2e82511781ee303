"""judge/1: the answer for the evidence. Knows how a pack is asked; must not know any gate.

The moment (approvals, windows, the line) is decide's: nothing of it enters here.
"""

from typing import Final

from cas import canon
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.base import Instant
from cas.records.feed import FeedSnapshot
from cas.records.policy import PolicyPack
from cas.records.release import Environment, Release, TemplateFacts
from cas.records.verdict import Assessment, JudgeInput, Question, Verdict
from pipeline.stage import Stage, StageIO
from policy.evaluate import Asked, ask, judged_gates, outcome_of
from policy.gate import FactView
from policy.instants import earliest_after, plus

DEFAULT_TTL: Final = 86_400
MAX_PACKS: Final = 256


class AssessmentForeign(Problem):
    """The assessment answers another question."""

    code = "judge.assessment_foreign"
    category = Category.INVALID
    title = "The assessment belongs to another question"
    remedy = "Ask through the instance, which assesses the question it judges."


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


def _assessment(data: bytes) -> Assessment:
    return canon.to_record(data, Assessment)


def _release(data: bytes) -> Release:
    return canon.to_record(data, Release)


def _environment(data: bytes) -> Environment:
    return canon.to_record(data, Environment)


def _pack(data: bytes) -> PolicyPack:
    return canon.to_record(data, PolicyPack)


def _feed(data: bytes) -> FeedSnapshot:
    return canon.to_record(data, FeedSnapshot)


def _template(data: bytes) -> TemplateFacts:
    return canon.to_record(data, TemplateFacts)


def judge(asked: JudgeInput, io: StageIO) -> Verdict:
    """Ask every gate of the active pack about the assessment.

    Without a pack, or with one that asks nothing, the answer is deny. ``valid_until`` is the earliest of every time
    relied on: the pack's verdict_ttl, waiver ends and weights of claims, and what the gates name.

    Raises: judge.assessment_foreign, policy.gate_unknown, policy.params_invalid
    """
    question = io.derive(asked.question, _question, via=asked.question)
    assessment = io.derive(asked.assessment, _assessment, via=asked.assessment)
    if assessment.question != asked.question:
        raise AssessmentForeign(question=asked.question, assessment=asked.assessment)
    environment = io.derive(question.environment, _environment, via=asked.question)
    template = assessment.template
    view = FactView(
        question=question,
        release=io.derive(question.release, _release, via=asked.question),
        environment=environment,
        assessment=assessment,
        template=io.derive(template, _template, via=asked.assessment) if template else None,
        feed=io.derive(question.feed, _feed, via=asked.question) if question.feed else None,
    )
    ttl = DEFAULT_TTL
    gates: tuple[Asked, ...] = ()
    if question.policy:
        pack = io.derive(question.policy, _pack, via=asked.question)
        ttl, gates = pack.verdict_ttl_seconds, _compiled(question.policy, pack, environment.name)
    evaluated = ask(gates, view)
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
        valid_until=_end(question.as_of, ttl, assessment.valid_until, evaluated.ends),
    )


def _end(as_of: Instant, ttl: int, change: Instant | None, ends: tuple[Instant, ...]) -> Instant:
    last = plus(as_of, ttl)
    return min(last, earliest_after(as_of, change, *ends) or last)


JUDGE = Stage("judge", 1, JudgeInput, Verdict, judge)
