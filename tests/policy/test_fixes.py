"""The shortest fixes: minimal beside every other set, verified by the gates, and no longer than the budget asks."""

from itertools import combinations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.records.picture import Picture
from cas.records.verdict import GateResult, Verdict
from policy import fixes
from policy.gate import finding as gate_finding
from policy.gates import release_aggregate_cve, severity_budget
from tests.support import gate_cases
from tests.support.gate_cases import name

ORDER = {f"{major}.0.0": major for major in range(1, 20)}


def later(_one, first, second):
    """Versions as numbers."""
    return ORDER[second] >= ORDER[first] if first in ORDER and second in ORDER else None


def pictured(*rows):
    documents, found = gate_cases.pictured_findings(
        [
            {
                "vulnerability": f"CVE-2026-{vulnerability:04d}",
                "purl": f"pkg:pypi/{package}@1.0.0",
                "fixed_in": list(fixed),
                "severity": severity,
                "sbom_pointer": f"/components/{vulnerability}",
            }
            for package, vulnerability, fixed, severity in rows
        ]
    )
    return Picture(
        components=(gate_cases.component(),), evidence=(), documents=documents, findings=found, unknowns=(), template=None, trust_table=name("t")
    )  # fmt: skip


def asker(params, gate=severity_budget):
    """Ask one gate about a picture."""

    def ask(picture):
        view = msgspec.structs.replace(gate_cases.fact_view({}), assessment=picture)
        answer = gate.check(params, view)
        return (
            GateResult(
                id="one", gate=gate.GATE.id, enforcement="block", status=answer.status, findings=answer.findings, counted=()
            ),
        )  # fmt: skip

    return ask


def verdict(results):
    return Verdict(
        question=name("q"), assessment=name("a"), release=name("r"), environment=name("e"), policy=name("p"),
        purpose="promotion", as_of="2026-03-01T12:00:00Z", outcome="deny", gates=results, valid_until="2026-03-02T12:00:00Z",
    )  # fmt: skip


def shortest(rows, params, gate=severity_budget):
    picture, ask = pictured(*rows), asker(params, gate)
    return fixes.fixes(verdict(ask(picture)), picture, later, ask), picture, ask


def test_one_upgrade_to_the_earliest_version_that_closes_all_is_enough():
    found, _, _ = shortest(
        [("a", 1, ["2.0.0"], "high"), ("a", 2, ["3.0.0", "2.0.0"], "high"), ("a", 3, ["4.0.0"], "low")],
        severity_budget.Params(),
    )
    (one,) = found.fixes
    assert (one.kind, one.to, one.closes) == ("upgrade", "2.0.0", ("CVE-2026-0001", "CVE-2026-0002"))
    assert (found.minimal, found.verified, found.then) == (True, True, "allow")


def test_what_cannot_be_upgraded_is_accepted_and_a_budget_is_left_its_share():
    rows = [("a", 1, [], "high"), ("b", 2, ["2.0.0"], "high"), ("c", 3, ["2.0.0"], "high"), ("c", 4, ["2.0.0"], "high")]
    found, _, _ = shortest(rows, severity_budget.Params(high=2))
    assert [(one.kind, one.purl) for one in found.fixes] == [("upgrade", "pkg:pypi/c@1.0.0")]
    found, _, _ = shortest(rows, severity_budget.Params(high=0))
    assert [one.kind for one in found.fixes] == ["upgrade", "upgrade", "accept"]
    assert found.then == "allow"


def test_a_limit_of_all_together_takes_the_package_that_closes_most():
    rows = [("a", at, ["2.0.0"], "high") for at in range(1, 4)] + [("b", 9, [], "high"), ("c", 10, ["3.0.0"], "high")]
    found, _, _ = shortest(rows, release_aggregate_cve.Params(max_high=2), release_aggregate_cve)
    assert [(one.kind, one.purl, one.to) for one in found.fixes] == [("upgrade", "pkg:pypi/a@1.0.0", "2.0.0")]
    assert (found.minimal, found.then) == (True, "allow")


def test_versions_that_nobody_can_order_are_not_guessed():
    found, _, _ = shortest([("a", 1, ["x"], "high"), ("a", 2, ["y"], "high")], severity_budget.Params())
    assert sorted(one.kind for one in found.fixes) == ["accept", "upgrade"]
    assert found.then == "allow"


def test_documents_that_are_missing_are_steps_that_nobody_can_verify():
    results = (
        GateResult(id="one", gate="evidence_required/1", enforcement="block", status="fail", counted=(), findings=(
            fixes_finding("sbom"), fixes_finding("vex"))),
    )  # fmt: skip
    found = fixes.fixes(verdict(results), pictured(), later, lambda _: results)
    assert [(one.kind, one.code, one.closes) for one in found.fixes] == [
        ("act", "submit_evidence", ("sbom",)),
        ("act", "submit_evidence", ("vex",)),
    ]
    assert (found.verified, found.then) == (False, "undecided")


def fixes_finding(kind):
    from policy.gate import finding

    return finding("evidence_missing", (("type", kind),), component="web", flips=(("submit_evidence", kind),))


def test_nothing_blocks_nothing_to_fix():
    found, _, _ = shortest([("a", 1, ["2.0.0"], "low")], severity_budget.Params())
    assert found is None


row = st.tuples(
    st.sampled_from("abcd"),
    st.integers(1, 7),
    st.lists(st.sampled_from(["2.0.0", "3.0.0", "4.0.0"]), max_size=2, unique=True),
    st.sampled_from(["critical", "high", "medium"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=7, unique_by=lambda one: one[:2]), st.integers(0, 2), st.integers(0, 2))
def test_the_set_turns_the_verdict_and_no_smaller_one_does(rows, critical, high):
    params = severity_budget.Params(critical=critical, high=high)
    found, picture, ask = shortest(rows, params)
    if found is None:
        assert ask(picture)[0].status == "pass"
        return
    assert found.minimal
    assert ask(fixes.after(picture, found.fixes, later))[0].status == "pass"
    upgrades = {(one.purl, version) for one in picture.findings for version in one.fixed_in}
    possible = [
        *(fixes.Fix(kind="upgrade", component="web", purl=purl, to=to, code="", gate="", closes=()) for purl, to in upgrades),
        *(
            fixes.Fix(kind="accept", component="web", purl=one.purl, to="", code="", gate="", closes=(one.vulnerability,))
            for one in picture.findings
            if not one.fixed_in
        ),
    ]  # fmt: skip
    price = cost(found.fixes)
    for size in range(len(found.fixes)):
        for chosen in combinations(possible, size):
            if cost(chosen) < price:
                assert ask(fixes.after(picture, chosen, later))[0].status != "pass", chosen


def cost(chosen):
    return sum(2 if one.kind == "accept" else 1 for one in chosen)


def test_very_many_findings_end_in_bounded_work():
    rows = [(f"p{at % 97}", at, ["2.0.0"] if at % 3 else [], "high") for at in range(1, 400)]
    found, _, _ = shortest(rows, severity_budget.Params(high=50))
    assert found.then == "allow"
    found, _, _ = shortest([(f"p{at}", at, ["2.0.0"], "high") for at in range(1, 1500)], severity_budget.Params())
    assert (len(found.fixes), found.minimal, found.then) == (1499, True, "allow")


RULE = "sha256:" + "a" * 64


def ruler(satisfied):
    """Ask a budget and a custom rule that denies, by its own word, until ``satisfied``."""
    budget = asker(severity_budget.Params())

    def ask(picture):
        denied = tuple(gate_finding("denied", (("message", "no"), ("rule", RULE)), flips=(("satisfy_rule", RULE),), **where)
                       for where in satisfied(picture))  # fmt: skip
        status = "fail" if denied else "pass"
        return (
            *budget(picture),
            GateResult(id="two", gate="rego_rules/1", enforcement="block", status=status, findings=denied, counted=()),
        )

    return ask


def ruled(rows, satisfied):
    picture, ask = pictured(*rows), ruler(satisfied)
    return fixes.fixes(verdict(ask(picture)), picture, later, ask)


def while_open(picture, *, package, **named):
    return [named] if any(one.open and package in one.purl for one in picture.findings) else []


def test_what_turns_the_gates_and_thereby_a_custom_rule_is_enough_alone():
    found = ruled(
        [("a", 1, ["2.0.0"], "high"), ("b", 2, ["2.0.0"], "low")],
        lambda picture: while_open(picture, package="/a@", component="web"),
    )
    assert [(one.kind, one.purl) for one in found.fixes] == [("upgrade", "pkg:pypi/a@1.0.0")]
    assert (found.minimal, found.verified, found.then) == (True, True, "allow")


def test_what_a_rule_names_is_closed_where_the_other_gates_do_not_ask_it():
    found = ruled(
        [("a", 1, ["2.0.0"], "high"), ("b", 2, [], "low"), ("b", 3, ["2.0.0"], "low")],
        lambda picture: while_open(picture, package="/b@", component="web", purl="pkg:pypi/b@1.0.0"),
    )
    assert [(one.kind, one.purl, one.closes) for one in found.fixes] == [
        ("upgrade", "pkg:pypi/a@1.0.0", ("CVE-2026-0001",)),
        ("upgrade", "pkg:pypi/b@1.0.0", ("CVE-2026-0003",)),
        ("accept", "pkg:pypi/b@1.0.0", ("CVE-2026-0002",)),
    ]
    assert (found.minimal, found.verified, found.then) == (False, True, "allow")


def test_a_rule_that_closing_does_not_satisfy_is_a_step_of_its_own_and_nothing_is_promised():
    found = ruled([("a", 1, ["2.0.0"], "high")], lambda _: [{"component": "web", "vulnerability": "CVE-2026-0001"}])
    assert [(one.kind, one.code, one.closes) for one in found.fixes] == [
        ("upgrade", "", ("CVE-2026-0001",)),
        ("act", "satisfy_rule", (RULE,)),
    ]
    assert (found.verified, found.then) == (False, "undecided")


def test_what_a_rule_names_and_nobody_found_is_no_package_to_upgrade():
    found = ruled([], lambda _: [{"component": "web", "purl": "pkg:pypi/x@1", "vulnerability": "CVE-1"}])
    assert [(one.kind, one.component, one.closes) for one in found.fixes] == [("act", "web", (RULE,))]
