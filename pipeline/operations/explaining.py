"""Explaining a verdict from what it rests on: its picture, the shortest fixes, what its gates would say of another one.

Must not judge: what is asked here leaves no record. Custom rules are asked again, in their own process.
"""

from dataclasses import dataclass, replace

import msgspec

from cas.digest import Digest
from cas.pictures import picture_of
from cas.records.base import Record
from cas.records.feed import AnySnapshot
from cas.records.picture import AnyFinding, AnyPicture, Picture
from cas.records.policy import PolicyPack
from cas.records.rego import RegoAnswer
from cas.records.release import Environment, Release, TemplateFacts
from cas.records.verdict import GateResult, Question, Verdict
from cas.store import Reader, load
from pipeline.effects import Caller, Effects
from pipeline.facts import facts_of
from pipeline.feeds.reading import snapshot
from pipeline.operations.rules import ask_rules, rules_of
from pipeline.operations.staging import Staging
from pipeline.operations.work import Work
from pipeline.versions.orders import order_of
from pipeline.versions.scheme import VersionInvalidError
from policy.evaluate import ask, judged_gates
from policy.fixes import Fixes, fixes
from policy.gate import FactView
from policy.packs.view import whole_of


@dataclass(frozen=True, slots=True)
class Shortest:
    """The shortest fixes, if any are known. ``unasked``: custom rules that gave no answer when asked again, sorted."""

    found: Fixes | None
    unasked: tuple[Digest, ...]


def shortest(effects: Effects, caller: Caller, verdict: Verdict) -> Shortest:
    """Give the shortest set of steps that turns a verdict, each verified by asking its gates and custom rules again.

    A set about which a rule gave no answer is not verified.
    """
    reader = effects.store
    if verdict.policy is None:
        return Shortest(None, ())
    asked = _Asked(effects, caller, verdict, whole_of(reader.get(verdict.policy), reader.get))
    found = fixes(verdict, picture_of(verdict.assessment, reader.get), later, asked.gates)
    if found is not None and asked.unasked:
        found = msgspec.structs.replace(found, verified=False, then="undecided")
    return Shortest(found, tuple(sorted(asked.unasked)))


class _Asked:
    """A verdict's pack, asked about other pictures. What is made for it is held apart and thrown away."""

    def __init__(self, effects: Effects, caller: Caller, verdict: Verdict, pack: PolicyPack) -> None:
        self._work = Work(replace(effects, store=Staging(effects.store)), caller)
        self._verdict = verdict
        self._pack = pack
        self._environment = load(effects.store, verdict.environment, Environment)
        self.unasked: frozenset[Digest] = frozenset()

    def gates(self, picture: AnyPicture) -> tuple[GateResult, ...]:
        """Ask the gates, and the rules that they ask."""
        rules = rules_of(self._pack, self._environment.name)
        answers = self._answers(rules, picture) if rules and isinstance(picture, Picture) else ()
        self.unasked = frozenset(rules) - {one.rule for one in answers}
        return _gates_about(self._work.effects.store, self._verdict, self._pack, picture, answers)

    def _answers(self, rules: tuple[Digest, ...], picture: Picture) -> tuple[RegoAnswer, ...]:
        asked = self._verdict
        names = ask_rules(
            self._work,
            rules,
            release=asked.release,
            environment=asked.environment,
            picture=self._work.save(picture),
        )
        return tuple(load(self._work.effects.store, name, RegoAnswer) for name in names)


def later(one: AnyFinding, first: str, second: str) -> bool | None:
    """Tell whether ``second`` is ``first`` or later in the order of the finding's ecosystem."""
    if first == second:
        return True
    order = order_of(getattr(one, "ecosystem", "") or "")
    if order is None:
        return None
    try:
        return not order.sort(second) < order.sort(first)
    except VersionInvalidError:
        return None


def _gates_about(
    reader: Reader, verdict: Verdict, pack: PolicyPack, picture: AnyPicture, answers: tuple[RegoAnswer, ...]
) -> tuple[GateResult, ...]:
    environment = load(reader, verdict.environment, Environment)
    question = load(reader, verdict.question, Question)
    view = FactView(
        question=question,
        release=load(reader, verdict.release, Release),
        environment=environment,
        assessment=picture,
        template=load(reader, picture.template, TemplateFacts) if picture.template else None,
        feed=_feed(reader, question.feed),
        facts=lambda name: _facts(reader, name),
        rego_answers=answers,
    )
    return ask(judged_gates(pack, environment.name), view).results


def _feed(reader: Reader, name: Digest | None) -> AnySnapshot | None:
    return snapshot(reader.get(name)) if name else None


def _facts(reader: Reader, name: Digest) -> Record:
    return facts_of(reader.get(name))
