"""rego/1: a record with the engine's version; the same everywhere; without the engine, replay cannot rerun it."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas.records.policy import GateUse, Param
from cas.records.proof import Run
from cas.records.rego import RegoInput
from cas.store import load, save
from pipeline.adapters.rego_child import Limits, RegoChild, RegoStopped
from pipeline.engines import EngineAbsent
from pipeline.stage import advance
from pipeline.stages import rego as stage
from policy import rego
from policy.evaluate import ask, bind, outcome_of
from policy.rego_check import check
from replay import rerun as rerun_module
from replay.rerun import engine_missing, rerun
from tests.support import gate_cases
from tests.support import rego as support

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "examples" / "policy" / "rules" / "house.rego").read_text().split("import rego.v1\n", 1)[1]
FINDINGS = [support.a_finding(severity="critical", purl=f"pkg:pypi/p{n}@1.0.0") for n in range(20)]


class Says:
    """An engine that answers what it was given, or raises it."""

    def __init__(self, reply):
        self.reply = reply
        self.asked = []

    def answer(self, request):
        self.asked.append(request)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def reply(**changes):
    said = {"version": stage.VERSION, "fault": "", "answers": [["deny", []]]} | changes
    return {"regopy": Says(msgspec.json.encode(said))}


def test_a_rule_leaves_an_answer_and_a_run_that_names_the_engine():
    store, done = support.run(SOURCE, asks=("deny", "warn"), findings=FINDINGS)
    assert done.record.status == "fail"
    assert len(done.record.deny) == 21
    assert (done.record.engine, done.record.engine_version) == ("regopy", stage.VERSION)
    assert load(store, done.note.run, Run).engines == (("regopy", stage.VERSION),)


def test_the_same_question_gives_the_same_bytes_whatever_the_order_and_hash_seed():
    first = support.run(SOURCE, asks=("deny", "warn"), findings=FINDINGS)[1]
    turned = support.run(SOURCE, asks=("deny", "warn"), findings=FINDINGS[::-1])[1]
    assert (first.record.deny, first.record.warn) == (turned.record.deny, turned.record.warn)
    script = (
        "from tests.pipeline.test_stage_rego import FINDINGS, SOURCE, support\n"
        "print(support.run(SOURCE, asks=('deny', 'warn'), findings=FINDINGS)[1].digest)"
    )
    environment = {"PYTHONHASHSEED": "4242", "PYTHONPATH": str(ROOT), "TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert done.stdout.decode().strip() == first.digest


def test_replay_finds_the_run_equal():
    store, done = support.run('deny contains "no"')
    outcome = rerun(done.note.run, load(store, done.note.run, Run), store)
    assert (outcome.missing, outcome.difference) == ("", None)


def test_a_forged_answer_is_different():
    store, done = support.run('deny contains "no"')
    forged = msgspec.structs.replace(done.record, deny=(), status="pass")
    run = msgspec.structs.replace(load(store, done.note.run, Run), output=save(store, forged))
    assert rerun(save(store, run), run, store).difference.pointer.startswith("/deny")


@pytest.mark.parametrize("version", ["1.5.1", "99"])
def test_another_version_of_the_engine_is_cannot_rerun(version):
    store, done = support.run('deny contains "no"')
    run = msgspec.structs.replace(load(store, done.note.run, Run), engines=(("regopy", version),))
    assert engine_missing(run) == f"regopy {version}"
    assert rerun(save(store, run), run, store).missing == f"regopy {version}"


@pytest.mark.parametrize("problem", [EngineAbsent(engine="regopy"), RegoStopped(limit="memory")])
def test_an_engine_that_cannot_be_asked_is_cannot_rerun_never_different(monkeypatch, problem):
    store, done = support.run('deny contains "no"')
    monkeypatch.setattr(rerun_module, "ENGINES", {"regopy": Says(problem)})
    outcome = rerun(done.note.run, load(store, done.note.run, Run), store)
    assert outcome.missing.startswith(f"regopy {stage.VERSION}")
    assert outcome.difference is None


def test_without_engines_a_stage_asks_nobody():
    with pytest.raises(EngineAbsent):
        support.run('deny contains "no"', engines={})


def test_an_engine_that_calls_itself_by_another_version_is_absent():
    with pytest.raises(EngineAbsent):
        support.run('deny contains "no"', engines=reply(version="0.0"))


def test_a_rule_is_shown_only_the_sections_it_reads_and_no_instant():
    fit = check((support.HEAD + 'deny contains "x" if count(input.findings) > 0').encode())
    assert fit.reads == ("findings",)
    shown = msgspec.json.decode(support.seen(reads=fit.reads))
    assert list(shown) == ["findings"]
    assert "as_of" not in msgspec.json.encode(msgspec.json.decode(support.seen())).decode()
    assert not {"as_of", "question", "when"} & set(RegoInput.__struct_fields__)


@pytest.mark.parametrize("fault", ["refused", "compile", "evaluate"])
def test_a_fault_of_the_engine_leaves_no_record(fault):
    with pytest.raises(rego.NoAnswer):
        support.run('deny contains "no"', engines=reply(fault=fault, answers=[]))


def test_a_set_that_is_missing_undefined_or_too_many_is_no_answer():
    for answers in ([], [["warn", []]], [["deny", None]], [["deny", []], ["warn", []]]):
        with pytest.raises(rego.NoAnswer):
            support.run('deny contains "no"', engines=reply(answers=answers))


def test_more_findings_than_can_be_looked_at_are_no_answer():
    with pytest.raises(rego.AnswerInvalid):
        support.run('deny contains "no"', engines=reply(answers=[["deny", [str(n) for n in range(1001)]]]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BROKEN = st.one_of(
    st.sampled_from([EngineAbsent(engine="regopy"), RegoStopped(limit="cpu"), RegoStopped(limit="crash")]),
    st.fixed_dictionaries({"fault": st.sampled_from(["refused", "compile", "evaluate"]), "answers": st.just([])}),
    st.fixed_dictionaries({"answers": st.lists(st.tuples(st.sampled_from(["deny", "warn"]), JSON), max_size=2)}),
)
RULE = "sha256:" + "a" * 64


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BROKEN)
def test_a_rule_that_errs_never_lets_anything_through(said):
    """Whatever an engine says that is not an empty set of denials: no verdict allows because of it."""
    engines = {"regopy": Says(said)} if isinstance(said, Exception) else reply(**said)
    try:
        _, done = support.run('deny contains "no"', engines=engines)
        answers = (msgspec.structs.replace(done.record, rule=RULE),)
    except (rego.NoAnswer, rego.AnswerInvalid, EngineAbsent, RegoStopped):
        answers = ()
    honest = not isinstance(said, Exception) and not said.get("fault") and list(said["answers"]) == [("deny", [])]
    assert (outcome(answers) == "allow") == honest


def outcome(answers):
    use = GateUse(id="house", gate="rego_rules/1", params=(Param(name="rules", value=(RULE,)),), enforcement="block")
    view = gate_cases.fact_view({})
    return outcome_of(ask(bind((use,), (), "production"), msgspec.structs.replace(view, rego_answers=answers)).results)


def test_limits_are_no_part_of_the_answer():
    store, asked = support.a_question('deny contains "no"')
    wide = advance(stage.REGO, asked, store, engines={"regopy": RegoChild(Limits(cpu_seconds=9))})
    assert wide.digest == advance(stage.REGO, asked, store, engines={"regopy": RegoChild()}).digest
