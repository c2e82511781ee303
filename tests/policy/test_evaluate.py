"""Folding and monotony: nothing allows by being absent, unknown, or in another order."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.records.policy import GateUse, Param, PolicyPack
from cas.records.verdict import GateResult
from pipeline.operations.policy import STARTERS, starter
from policy import counting, evaluate
from policy.packs.reading import read_pack, read_written
from tests.support import gate_cases

STATUSES = ("pass", "warn", "fail", "unknown", "not_applicable")
STRICT = b"""name: strict
version: "1"
description: Signed evidence for every platform, nothing serious open, little unknown, two people approve.
verdict_ttl_seconds: 86400
decision_ttl_seconds: 3600
gates:
  - id: sbom
    gate: evidence_required/1
    with:
      types: [sbom]
      binding: attested
  - id: provenance
    gate: evidence_required/1
    with:
      types: [provenance]
      binding: attested
  - gate: signed_by/1
    with:
      types: [sbom, provenance]
      signers: ["*"]
  - gate: feed_age/1
    with:
      max_hours: 72
  - gate: evidence_age/1
    with:
      types: [sbom]
      max_days: 90
  - gate: severity_budget/1
    with:
      critical: 0
      high: 0
  - gate: kev_blocker/1
    enforcement: warn
  - gate: vex_trust/1
    with:
      minimum_score: 300000
  - gate: unknowns_budget/1
    with:
      max_count: 25
      reason_limits: ["VexConflict=0"]
  - gate: template_safety/1
moment:
  - gate: approvals/1
    with:
      minimum: 2
      separation_of_duties: true
      personal_key: true
  - gate: freeze_window/1
  - gate: stop_line/1
"""
PACK = read_written(STRICT).flat
ASKED = evaluate.judged_gates(PACK, "production")


def result(status, enforcement="block"):
    return GateResult(id="x", gate="severity_budget/1", enforcement=enforcement, status=status, findings=(), counted=())


def outcome(case):
    return evaluate.outcome_of(evaluate.ask(ASKED, gate_cases.fact_view(case)).results)


def test_empty_policy_denies():
    assert evaluate.outcome_of(()) == "deny"


def test_unknown_never_allows_when_it_blocks():
    for others in itertools.product(STATUSES, repeat=2):
        results = (result("unknown"), *(result(status) for status in others))
        assert evaluate.outcome_of(results) in {"deny", "undecided"}


def test_a_failed_gate_that_blocks_denies_whatever_the_others():
    for others in itertools.product(STATUSES, ("block", "warn", "observe")):
        assert evaluate.outcome_of((result(*others), result("fail"))) == "deny"


def test_gates_that_only_warn_or_observe_do_not_block():
    assert evaluate.outcome_of((result("fail", "warn"), result("unknown", "observe"))) == "allow"


def test_gates_that_all_had_nothing_to_say_decide_nothing():
    assert evaluate.outcome_of((result("not_applicable"), result("not_applicable", "observe"))) == "undecided"


def test_an_override_changes_its_environment_only():
    pack = read_pack(
        b'name: x\nversion: "1"\ngates:\n  - gate: severity_budget/1\n    with: {high: 0}\n'
        b"overrides:\n  - {environment: dev, id: severity_budget, enforcement: warn, with: {high: 9}}\n"
    )
    (dev,), (production,) = evaluate.judged_gates(pack, "dev"), evaluate.judged_gates(pack, "production")
    assert (dev.enforcement, dev.params.high) == ("warn", 9)
    assert (production.enforcement, production.params.high) == ("block", 0)


def test_a_gate_that_is_not_here_is_no_answer():
    pack = msgspec.structs.replace(PACK, gates=(GateUse(id="x", gate="future/9", params=(), enforcement="block"),))
    with pytest.raises(evaluate.GateUnknown):
        evaluate.judged_gates(pack, "production")


GOOD = {
    "evidence": [{}, {"type": "provenance", "admission": "sha256:" + "2" * 64}],
    "findings": [{"severity": "low", "score_tenths": 10}],
}


def test_the_strict_pack_allows_what_is_in_order():
    assert outcome(GOOD) == "allow"


def worse(case):
    """Every single way in which one fact may be worse."""
    yield case | {"evidence": case["evidence"][1:]}
    yield case | {"evidence": case["evidence"][:1]}
    yield case | {"evidence": [row | {"binding": "asserted"} for row in case["evidence"]]}
    yield case | {"evidence": [row | {"verified": False} for row in case["evidence"]]}
    yield case | {"evidence": [row | {"admitted_at": "2020-01-01T00:00:00Z"} for row in case["evidence"]]}
    yield case | {"findings": [*case["findings"], {"severity": "critical", "advisory": "new"}]}
    yield case | {"findings": [one | {"severity": "high"} for one in case["findings"]]}
    yield case | {"findings": [*case["findings"], {"open": False, "vex": "not_affected", "claims": [{"score": 5}]}]}
    yield case | {"unknowns": [{"subject": f"pkg:cran/x{at}"} for at in range(26)]}
    yield case | {"unknowns": [{"reason": "VexConflict"}]}
    yield case | {"components": [{}, {"platform": "linux/arm64"}]}
    yield case | {"components": []}
    yield case | {"components": [{"sboms": 0}]}
    yield case | {"question": {"feed": None}}
    yield case | {"feed": {"captured_at": "2026-01-01T00:00:00Z"}}
    yield case | {"services": [{"privileged": True}]}
    yield case | {"services": [{"unclear": ["extends"]}]}
    yield case | {"services": None}


def test_each_single_worse_fact_keeps_the_strict_pack_from_allowing():
    for at, case in enumerate(worse(GOOD)):
        assert outcome(case) in {"deny", "undecided"}, at


RANK = {"allow": 0, "undecided": 1, "deny": 2}
BAD_FINDING = st.fixed_dictionaries(
    {
        "severity": st.sampled_from(["critical", "high", "medium", "low", "unknown"]),
        "vulnerability": st.sampled_from(["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"]),
        "advisory": st.sampled_from(["A", "B"]),
        "open": st.just(True),
    }
)
UNKNOWN = st.fixed_dictionaries({"subject": st.text("abc", min_size=1, max_size=3), "entropy": st.integers(0, 10**6)})
CASE = st.fixed_dictionaries(
    {
        "evidence": st.lists(
            st.fixed_dictionaries(
                {
                    "type": st.sampled_from(["sbom", "provenance"]),
                    "binding": st.sampled_from(["attested", "embedded", "asserted"]),
                }
            ),
            max_size=4,
        ),
        "findings": st.lists(BAD_FINDING, max_size=4),
        "unknowns": st.lists(UNKNOWN, max_size=30),
    }
)


@settings(max_examples=150, deadline=None)
@given(CASE, st.lists(BAD_FINDING, max_size=3), st.lists(UNKNOWN, max_size=5), st.booleans())
def test_a_worse_fact_never_turns_a_denial_into_an_allow(case, findings, unknowns, lose):
    harder = {
        "evidence": case["evidence"][:-1] if lose else case["evidence"],
        "findings": case["findings"] + findings,
        "unknowns": case["unknowns"] + unknowns,
    }
    assert RANK[outcome(harder)] >= RANK[outcome(case)]


@settings(max_examples=100, deadline=None)
@given(CASE, st.randoms(use_true_random=False))
def test_the_order_of_facts_never_changes_the_results(case, random):
    shuffled = {key: random.sample(value, len(value)) for key, value in case.items()}
    results = [evaluate.ask(ASKED, gate_cases.fact_view(each)) for each in (case, shuffled)]
    assert results[0] == results[1]


def test_every_starter_pack_is_read_and_observe_blocks_nothing():
    packs = {name: read_written(starter(name)).flat for name in STARTERS}
    assert all(isinstance(pack, PolicyPack) for pack in packs.values())
    assert {use.enforcement for use in packs["observe"].gates} == {"observe"}
    assert any(
        use.gate == "approvals/1" and Param(name="minimum", value=2) in use.params for use in packs["strict"].moment
    )
    assert (
        evaluate.outcome_of(
            evaluate.ask(evaluate.judged_gates(packs["observe"], "dev"), gate_cases.fact_view({})).results
        )
        == "allow"
    )


def test_findings_are_in_one_order_and_once_whatever_order_a_gate_gives():
    from policy.gate import finding

    given = [finding(code, component=where) for code in ("b", "a") for where in ("web", "api")]
    assert evaluate.in_order(given) == evaluate.in_order(reversed(given * 2))
    assert [(one.component, one.code) for one in evaluate.in_order(given)] == [
        ("api", "a"),
        ("api", "b"),
        ("web", "a"),
        ("web", "b"),
    ]


@pytest.mark.parametrize(("gate", "params"), [("kev_blocker/1", {}), ("severity_budget/1", {"fixable_only": True})])
def test_what_a_field_chooses_is_chosen_once_per_picture_and_every_question_is_answered(gate, params):
    listed = [
        {"vulnerability": f"CVE-{at}", "kev_due": "2026-02-01" if at == 2 else "", "fixed_in": ["2"] * (at == 1)}
        for at in range(4)
    ]
    plain = gate_cases.fact_view({"findings": listed, "evidence": [{}]}, picture=True)
    groups = counting.distinct(one for one in plain.assessment.findings if one.open)
    counts, chosen = counting.severities(groups), {}
    use = GateUse(
        id="g", gate=gate, enforcement="block", params=tuple(Param(name=name, value=params[name]) for name in params)
    )
    asked = evaluate.bind((use,), (), "production")
    for question in (plain.question, msgspec.structs.replace(plain.question, feed=None), plain.question):
        view = msgspec.structs.replace(plain, question=question)
        prepared = msgspec.structs.replace(view, open_groups=groups, open_counts=counts, open_chosen=chosen)
        assert evaluate.ask(asked, prepared) == evaluate.ask(asked, view)
        assert [len(found) for found in chosen.values()] == [1]
    assert evaluate.ask(asked, prepared).results[0].status == "fail"


def test_what_a_function_chooses_is_never_remembered():
    plain = gate_cases.fact_view({"findings": [{}], "evidence": [{}]}, picture=True)
    prepared = msgspec.structs.replace(plain, open_groups=counting.open_groups(plain), open_chosen={})
    assert len(counting.open_groups(prepared, lambda _: True)) == 1
    assert counting.open_groups(prepared, lambda _: False) == ()
    assert prepared.open_chosen == {}
