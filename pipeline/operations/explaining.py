"""Explaining a verdict from what it rests on: its picture, the shortest fixes, what its gates would say of another one.

Reads only; must not judge: what is asked here leaves no record.
"""

from cas.digest import Digest
from cas.pictures import picture_of
from cas.records.base import Record
from cas.records.feed import AnySnapshot
from cas.records.picture import AnyFinding, AnyPicture
from cas.records.release import Environment, Release, TemplateFacts
from cas.records.verdict import GateResult, Question, Verdict
from cas.store import Reader, load
from pipeline.facts import facts_of
from pipeline.feeds.reading import snapshot
from pipeline.versions.orders import order_of
from pipeline.versions.scheme import VersionInvalidError
from policy.evaluate import ask, judged_gates
from policy.fixes import Fixes, fixes
from policy.gate import FactView
from policy.packs.view import whole_of


def shortest(reader: Reader, verdict: Verdict) -> Fixes | None:
    """Give the shortest set of steps that turns a verdict, each verified by asking its gates again."""
    picture = picture_of(verdict.assessment, reader.get)
    return fixes(verdict, picture, later, lambda other: gates_about(reader, verdict, other))


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


def gates_about(reader: Reader, verdict: Verdict, picture: AnyPicture) -> tuple[GateResult, ...]:
    """Ask the gates of a verdict's pack about another picture. Custom rules are not asked: they give no answer here."""
    if verdict.policy is None:
        return ()
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
    )
    return ask(judged_gates(whole_of(reader.get(verdict.policy), reader.get), environment.name), view).results


def _feed(reader: Reader, name: Digest | None) -> AnySnapshot | None:
    return snapshot(reader.get(name)) if name else None


def _facts(reader: Reader, name: Digest) -> Record:
    return facts_of(reader.get(name))
