"""Material changes R1 to R4: each flip is named, what does not flip is not; what other tools read of it is golden."""

import json
import os
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from api import why
from api.calls.verdicts import EvidenceChangeLine, VerdictsDiff
from api.reports import delta
from cas.records.picture import Picture
from pipeline.attest import delta as attested
from pipeline.attest import statements
from policy import diff
from tests.support import gate_cases
from tests.support.gate_cases import name

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT.parent / "pipeline" / "formats" / "schemas" / "sarif-schema-2.1.0.json"
PURL = "pkg:pypi/requests@1.0.0"


def picture(*findings, rows=()):
    documents, made = gate_cases.pictured_findings([{"purl": PURL, **one} for one in findings])
    return Picture(
        components=(), evidence=tuple(gate_cases.pictured_row(**one) for one in rows), documents=documents,
        findings=made, unknowns=(),
        template=None, trust_table=name("table"),
    )  # fmt: skip


def reach(state):
    return {"reach": {"state": state}}


FLIPS = [
    ("R1", "reach", reach("SU"), reach("CR"), True),
    ("R1", "reach", reach("U"), reach("RO"), True),
    ("R1", "reach", reach("SR"), reach("CU"), False),
    ("R2", "vex", {"vex": "not_affected", "open": False}, {"vex": "affected"}, True),
    ("R2", "vex", {"vex": "none"}, {"vex": "fixed", "open": False}, False),
    ("R2", "vex", {"vex": "not_affected", "open": False}, {"vex": "conflict"}, True),
    ("R4", "kev", {}, {"kev_due": "2026-03-10"}, True),
    ("R4", "severity", {"severity": "low"}, {"severity": "critical"}, True),
    ("R4", "severity", {"severity": "high"}, {"severity": "medium"}, False),
    ("R4", "epss", {"epss": 100_000}, {"epss": 300_000}, True),
    ("R4", "closed", {}, {"waived_by": name("w"), "open": False}, False),
    ("R4", "opened", {"waived_by": name("w"), "open": False}, {}, True),
]


@pytest.mark.parametrize(("rule", "code", "before", "after", "bad"), FLIPS)
def test_a_flip_is_named_by_its_rule_and_goes_one_way(rule, code, before, after, bad):
    (one,) = diff.material(picture(before), picture(after))
    assert (one.rule, one.code, one.package) == (rule, code, "pkg:pypi/requests")
    assert delta.worse(why.material_line(one)) is bad


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        (reach("SR"), reach("CR")),
        (reach("SU"), reach("CU")),
        (reach("SR"), reach("X")),
        ({"epss": 110_000}, {"epss": 190_000}),
    ],
)
def test_what_stays_on_its_side_is_not_material(before, after):
    assert diff.material(picture(before), picture(after)) == ()


def test_a_range_entered_and_one_left():
    one, two = {"vulnerability": "CVE-2026-0001"}, {"vulnerability": "CVE-2026-0002", "version": "1.0.0"}
    found = diff.material(picture(one), picture(two))
    assert [(each.rule, each.code, each.vulnerability) for each in found] == [
        ("R3", "left", "CVE-2026-0001"),
        ("R3", "entered", "CVE-2026-0002"),
    ]


def every_flip():
    """Two pictures between which each rule fires, and what a gate made of it."""
    names = [f"CVE-2026-{at:04d}" for at in range(len(FLIPS))]
    old = picture(
        *({"vulnerability": each, **flip[2]} for each, flip in zip(names, FLIPS, strict=True)),
        {"vulnerability": "CVE-2025-0001"},
        rows=({"raw": name("old sbom")},),
    )
    new = picture(
        *({"vulnerability": each, **flip[3]} for each, flip in zip(names, FLIPS, strict=True)),
        {"vulnerability": "CVE-2025-0002"},
        rows=({"raw": name("new sbom"), "binding": "asserted"},),
    )
    came = gate_cases.gate_finding("over_budget", component="web", purl=PURL, vulnerability="CVE-2026-0000")
    gates = (diff.GateChange(id="budget", before="pass", after="fail", appeared=(came,), gone=()),)
    difference = diff.Difference(before="allow", after="deny", inputs=(("release", name("a"), name("b")),), gates=gates)
    return difference, diff.with_impact(diff.material(old, new), difference), diff.evidence(old, new)


def answered():
    difference, changes, evidence = every_flip()
    return VerdictsDiff(
        old=name("before"),
        new=name("after"),
        before=difference.before,
        after=difference.after,
        old_release="shop-v1",
        new_release="shop-v2",
        environment="production",
        inputs=difference.inputs,
        gates=(),
        changes=tuple(map(why.material_line, changes)),
        evidence=tuple(EvidenceChangeLine(**msgspec.structs.asdict(one)) for one in evidence),
    )


def test_the_gate_that_answers_otherwise_stands_at_the_change_and_is_one_itself():
    _, changes, _ = every_flip()
    assert [(one.rule, one.code, one.gates) for one in changes if one.gates] == [
        ("R1", "reach", ("budget",)),
        ("R4", "decision", ("budget",)),
    ]
    assert {one.rule for one in changes} == {"R1", "R2", "R3", "R4"}


@pytest.mark.parametrize("form", ["sarif", "statement", "markdown"])
def test_what_others_read_of_it_is_golden(form):
    found = answered()
    made = {
        "sarif": lambda: delta.delta_sarif(found).encode(),
        "statement": lambda: delta.statement(found, (("web", name("image")),)) + b"\n",
        "markdown": lambda: delta.delta_markdown(found).encode(),
    }[form]()
    path = (
        ROOT
        / "golden"
        / "delta"
        / {"sarif": "delta.sarif", "statement": "statement.json", "markdown": "delta.md"}[form]
    )
    if os.environ.get("GOLDEN") == "write":
        path.write_bytes(made)
    assert path.read_bytes() == made, f"{path.name} changed: review the diff, then GOLDEN=write"


def test_the_log_is_valid_and_holds_each_rule_once_at_its_level():
    log = json.loads(delta.delta_sarif(answered()))
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()), validate_formats=True).validate(log)
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["SDIFF001", "SDIFF002", "SDIFF003", "SDIFF004"]
    assert all(run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    assert [one["level"] for one in run["results"] if one["properties"]["gates"]] == ["error", "error"]
    prints = [one["partialFingerprints"]["stellaChange/v1"] for one in run["results"]]
    assert len(prints) == len(set(prints))


def test_the_predicate_is_a_statement_about_the_newer_images():
    read = statements.parse(delta.statement(answered(), (("web", name("image")),)))
    assert (read.predicate_type, read.subjects) == (attested.PREDICATE, (("web", name("image")),))
    assert attested.PREDICATE == "https://stella-ops.org/attestations/delta/v1"
    _, found = attested.read(read)
    assert [one.rule for one in found.changes].count("R4") >= 4
