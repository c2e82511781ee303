"""Storing rules and asking those a pack names: what answers is handed on, what does not is silent."""

import msgspec
import pytest

from cas.closure import admissions
from cas.records.picture import JudgeInput2
from cas.records.proof import Run
from cas.records.rego import RegoAnswer, RegoInput, RegoRule
from cas.store import load, save
from pipeline.operations import policy, rules
from pipeline.operations.work import Work
from pipeline.stage import advance
from pipeline.stages.judge2 import JUDGE2, AnswerForeign
from pipeline.stages.rego import VERSION
from policy.evaluate import ask, judged_gates, outcome_of
from policy.instants import plus
from policy.rego_check import RuleInvalid
from replay import process
from replay.behind import behind
from tests.support import gate_cases
from tests.support import rego as support
from tests.support.judging import SERVER, Scene, osv, sbom
from tests.support.world import ALICE

PACK = """
name: house
version: "1"
gates:
  - gate: rego_rules/1
    with: {rules: [%s]}
overrides:
  - {environment: staging, id: rego_rules, with: {rules: [%s]}}
"""
QUIET = support.HEAD + 'deny contains "never" if input.release.name == "no such release"'
LOUD = (
    support.HEAD
    + 'deny contains sprintf("%s is open", [found.vulnerability]) if { some found in input.findings; found.open }'
)
ERRS = support.HEAD + 'deny contains "x" if { to_number(input.release.name) > 1 }'


@pytest.fixture(scope="module")
def scene():
    return Scene()


def store(scene, source):
    return rules.store_rule(scene.effects, ALICE, source.encode())


def ask_all(work, pack, environment, seen):
    names = rules.rules_of(pack, environment)
    return rules.ask_rules(work, names, release=seen.release, environment=seen.environment, picture=seen.picture)


def asked(scene, pack, environment="production"):
    work = Work(scene.effects, ALICE)
    seen = RegoInput(
        rule=gate_cases.name("any"),
        release=save(scene.store, support.a_release()),
        environment=save(scene.store, gate_cases.environment({"name": environment})),
        picture=save(scene.store, support.a_picture()),
    )
    answers = ask_all(work, pack, environment, seen)
    return seen, tuple(load(scene.store, name, RegoAnswer) for name in answers), work


def outcome(pack, answers, environment="production"):
    view = gate_cases.fact_view({})
    view = msgspec.structs.replace(view, rego_answers=answers)
    return outcome_of(ask(judged_gates(pack, environment), view).results)


def a_pack(scene, production, staging):
    return policy.store_pack(scene.effects, ALICE, (PACK % (production, staging)).encode()).pack


def test_a_rule_is_admitted_once_with_its_source_beside(scene):
    first, again = store(scene, QUIET), store(scene, QUIET)
    assert (first.existed, again.existed, first.digest == again.digest) == (False, True, True)
    [entry] = [entry for _, entry in scene.effects.log.read() if entry.record == first.digest]
    assert (entry.event, entry.beside) == ("rule.stored", (first.rule.source,))
    rule = load(scene.store, first.digest, RegoRule)
    assert (rule.asks, rule.reads) == (("deny",), ("release",))
    assert scene.store.get(rule.source) == QUIET.encode()


def test_what_the_engine_does_not_compile_is_not_stored(scene):
    size = scene.effects.log.head().size
    unfit = support.HEAD + 'a := 1\na := 2 if true\ndefault a := 3\ndefault a := 4\ndeny contains "x" if a == 1'
    with pytest.raises(RuleInvalid):
        store(scene, unfit)
    assert scene.effects.log.head().size == size


def test_a_pack_that_names_an_unknown_rule_is_refused(scene):
    known = store(scene, QUIET).digest
    with pytest.raises(rules.RuleMissing):
        a_pack(scene, "sha256:" + "0" * 64, known)
    with pytest.raises(rules.RuleMissing):
        a_pack(scene, known, "sha256:" + "0" * 64)


def test_each_environment_asks_the_rules_it_names(scene):
    quiet, loud = store(scene, QUIET).digest, store(scene, LOUD).digest
    pack = a_pack(scene, quiet, loud)
    assert rules.rules_of(pack, "production") == (quiet,)
    assert rules.rules_of(pack, "staging") == (loud,)
    assert outcome(pack, asked(scene, pack)[1]) == "allow"
    assert outcome(pack, asked(scene, pack, "staging")[1], "staging") == "deny"


def test_a_rule_that_errs_takes_no_other_with_it_and_nothing_is_allowed(scene):
    quiet, errs = store(scene, QUIET).digest, store(scene, ERRS).digest
    pack = a_pack(scene, f"{quiet}, {errs}", quiet)
    _, answers, _ = asked(scene, pack)
    assert [one.rule for one in answers] == [quiet]
    assert outcome(pack, answers) == "undecided"


def test_without_the_engine_nothing_is_allowed(scene):
    pack = a_pack(scene, store(scene, QUIET).digest, store(scene, QUIET).digest)
    work = Work(scene.world.effects(server=SERVER, engines={}), ALICE)
    seen = asked(scene, pack)[0]
    other = msgspec.structs.replace(seen, picture=save(scene.store, support.a_picture(findings=[])))
    assert ask_all(work, pack, "production", other) == ()
    assert outcome(pack, ()) == "undecided"


def judged(*rules_by_source):
    """Judge a release with one open finding under a pack of rules."""
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"))
    scene.submit(sbom(("requests", "1.0.0")), subject=scene.manifest())
    named = ", ".join(store(scene, source).digest for source in rules_by_source)
    scene.activate(f'name: t\nversion: "1"\ngates: [{{gate: rego_rules/1, with: {{rules: [{named}]}}}}]\n')
    return scene, scene.evaluate()


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ((QUIET,), "allow"),
        ((LOUD,), "deny"),
        ((QUIET, LOUD), "deny"),
        ((ERRS,), "undecided"),
        ((QUIET, ERRS), "undecided"),
    ],
)
def test_a_verdict_hangs_on_the_rules_of_its_pack(sources, expected):
    assert judged(*sources)[1].verdict.outcome == expected


def test_a_verdict_with_rules_replays_equal_and_names_the_engine():
    scene, answer = judged(LOUD, QUIET)
    [gate] = answer.verdict.gates
    [denial] = gate.findings
    assert dict(denial.arguments)["message"] == "CVE-2026-0001 is open"
    assert [ref.digest for ref in denial.evidence] == [dict(denial.arguments)["rule"]]
    found = behind([answer.digest], scene.store, admissions(scene.effects.log))
    assert [run.engines for _, run in found.runs if run.stage == "rego"] == [(("regopy", VERSION),)] * 2
    report = process.replay(scene.store, admissions(scene.effects.log), answer.digest)
    assert (report.result, report.differences, report.absent) == ("equal", (), ())


def test_a_silent_rule_is_asked_again_a_little_later():
    _, answer = judged(ERRS)
    assert answer.verdict.valid_until == plus(answer.verdict.as_of, 300)


def test_an_answer_about_another_picture_is_refused():
    scene, answer = judged(QUIET)
    run = load(scene.store, scene.effects.log.run_of(answer.digest).run, Run)
    question = load(scene.store, run.input, JudgeInput2)
    [name] = question.answers
    foreign = msgspec.structs.replace(load(scene.store, name, RegoAnswer), picture=gate_cases.name("another"))
    wrong = msgspec.structs.replace(question, answers=(save(scene.store, foreign),))
    with pytest.raises(AnswerForeign):
        advance(JUDGE2, save(scene.store, wrong), scene.store)


def test_an_answer_is_computed_once_for_a_picture(scene):
    pack = a_pack(scene, store(scene, LOUD).digest, store(scene, QUIET).digest)
    _, first, work = asked(scene, pack)
    work.note("rule.asked", None)
    work.commit()
    silent = scene.world.effects(server=SERVER, engines={})
    again = Work(silent, ALICE)
    seen = asked(scene, pack)[0]
    assert [load(scene.store, name, RegoAnswer) for name in ask_all(again, pack, "production", seen)] == [*first]
