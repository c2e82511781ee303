"""Every JSON case of every gate: inputs in, status and finding codes out. A new case is a new file."""

from pathlib import Path

import pytest

from policy.evaluate import in_order
from policy.gates.catalog import GATES
from tests.support import gate_cases

ROOT = Path(__file__).parent.parent / "cases" / "gates"
CASES = sorted(ROOT.glob("*/*.json"))


def asked_of(path):
    """Give the gate that a case is of: that of its folder, in its first version unless it says so."""
    return gate_cases.read(path).get("gate", f"{path.parent.name}/1")


@pytest.mark.parametrize("picture", [None, True], ids=["as_it_is", "as_a_picture"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_case_gives_the_status_codes_and_ends_it_says(path, picture):
    case = gate_cases.read(path)
    picture = False if case.get("picture") is False else picture
    asked, answer = gate_cases.answer(asked_of(path), case, picture=picture)
    assert answer.status == case["status"]
    assert sorted(finding.code for finding in answer.findings) == sorted(case.get("codes", []))
    if "ends" in case:
        assert sorted(answer.ends) == case["ends"]
    known, flips = dict(asked.sentences), dict(asked.flips)
    for finding in answer.findings:
        assert finding.code in known
        assert all(code in flips for code, _ in finding.flips)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.id)
def test_every_gate_has_cases_that_pass_and_that_do_not(gate):
    statuses = {gate_cases.read(path)["status"] for path in CASES if asked_of(path) == gate.id}
    assert statuses & {"pass", "not_applicable"}
    assert statuses & {"fail", "unknown", "warn"}


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.id)
def test_every_sentence_names_only_arguments_its_findings_carry(gate):
    """A slot that no case ever filled would be shown as a dash to people."""
    import re

    slots = {code: set(re.findall(r"\{([a-z_]+)\}", text)) for code, text in gate.sentences}
    for path in CASES:
        if asked_of(path) != gate.id:
            continue
        _, answer = gate_cases.answer(gate.id, gate_cases.read(path))
        for finding in answer.findings:
            own = {"severity", "component", "purl", "vulnerability"} | {name for name, _ in finding.arguments}
            assert slots[finding.code] <= own, finding.code


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_order_of_facts_changes_no_answer(path):
    case = gate_cases.read(path)
    picture = False if case.get("picture") is False else None
    turned = case | {
        key: case[key][::-1] for key in ("findings", "evidence", "unknowns", "components", "votes") if case.get(key)
    }
    first, second = (gate_cases.answer(asked_of(path), each, picture=picture)[1] for each in (case, turned))
    assert (in_order(first.findings), first.status, sorted(first.counted), sorted(first.ends)) == (
        in_order(second.findings), second.status, sorted(second.counted), sorted(second.ends),
    )  # fmt: skip
