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


SETTLING = [path for path in CASES if path.parent.name in {"determinization", "stability_damping", "sbom_drift"}]


def worse(case):
    """Facts that are one by one worse: evidence lost, weaker, unsigned, older; claims torn; no feed, no SBOM."""
    rows, findings = case.get("evidence", []), case.get("findings", [])
    claimed = {claim["evidence"] for one in findings for claim in one.get("claims", [])}
    history = (
        case["of"] == "stability_damping"
    )  # there an older word is a better one, and an unsigned one closes nothing
    for at, row in enumerate(rows):
        odd_one = case["of"] == "sbom_drift" and len(rows) > 2  # of three, the one that disagrees may go
        if not odd_one and (not history or row["raw"] in claimed):
            yield case | {"evidence": [*rows[:at], *rows[at + 1 :]]}
    if not history:
        yield case | {"evidence": [row | {"binding": "asserted", "verified": False} for row in rows]}
        long_ago = {"created_at": "2020-01-01T00:00:00Z", "admitted_at": "2020-01-01T00:00:00Z", "verified": False}
        yield case | {"evidence": [row | long_ago for row in rows]}
        yield case | {"findings": [one | {"vex": "conflict", "open": True} for one in findings]}
        yield case | {"findings": [*findings, {"vulnerability": "CVE-2026-9999", "severity": "critical"}]}
    yield case | {"question": {"feed": None}}
    yield case | {"components": [*case.get("components", [{}]), {"platform": "linux/s390x", "sboms": 0}]}
    yield case | {"environment": {"production": True}}


@pytest.mark.parametrize("path", SETTLING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_worse_fact_never_lets_through_what_was_held_back(path):
    case = gate_cases.read(path) | {"of": path.parent.name}
    picture = case.get("picture", True)
    params = case.get("params", {})
    if params.get("single") == "not_applicable":
        case |= {"params": params | {"single": "unknown"}}  # else losing an SBOM is what the pack says does not matter
    before = gate_cases.answer(asked_of(path), case, picture=picture)[1].status
    for harder in worse(case):
        after = gate_cases.answer(asked_of(path), harder, picture=picture)[1].status
        assert before not in {"fail", "unknown"} or after in {"fail", "unknown"}, harder
