"""One finding assessed: reports join matches and only add; waivers close, lower or wait for a control; one of them wins."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.records.picture import Match2, Reach
from cas.records.policy import Waiver, Waiver2
from policy import accepted, unknowns
from policy.accepted import Accepted, Spoken
from policy.assessing import Context, Listed, Piece, findings
from policy.images import named
from policy.products import Subject
from policy.trust_table import BUILT_IN
from tests.support.gate_cases import ACTORS, AS_OF, facts_record, filled, name, pictured_row

IMAGE = name("image")
SUBJECT = Subject(digests=frozenset({IMAGE}), image=named("registry.test/web:1"), purls=frozenset())
NONE = Reach(state="U", path=(), confidence=0, evidence=())


def match(purl="pkg:pypi/requests@1.0.0", advisory="GHSA-aaaa", aliases=("CVE-2026-0001",), **more):
    version = purl.rpartition("@")[2]
    given = {"purl": purl, "name": "requests", "version": version, "advisory": advisory, "aliases": list(aliases)}
    return filled(given | {"severity": "high", "score_tenths": 75, "component_pointer": "/components/0"} | more, Match2)


def report(*results, tool="trivy", complete=True):
    base = {"category": "vulnerability", "severity": "high", "version": "1.0.0", "purl": "pkg:pypi/requests@1.0.0"}
    listed = [base | {"pointer": f"/r/{at}"} | one for at, one in enumerate(results)]
    facts = facts_record({"kind": "report_facts/1", "tool": tool, "complete": complete, "results": listed})
    return pictured_row(type="findings", raw=name(f"{tool} {results}"), facts=name(tool)), facts


def waiver(effect="suppress", **more):
    fields = {
        "effect": effect,
        "severity": "unknown",
        "control": "",
        "vulnerability": "CVE-2026-0001",
        "component": "*",
        "subject": None,
        "environment": "",
        "line": "",
        "while_version": "",
        "while_reach": (),
        "reason": "because",
        "ticket": "T-1",
        "requested_by": ACTORS["alice"],
        "approved_by": ACTORS["bob"],
        "expires_at": "2026-04-01T00:00:00Z",
        "nonce": "0" * 32,
    } | more
    return Accepted(name(f"{sorted(fields.items(), key=str)}"), msgspec.convert(fields, Waiver2))


DOCUMENTS = []


def place_of(document):
    """Give the place of a document, each under its own."""
    if document not in DOCUMENTS:
        DOCUMENTS.append(document)
    return DOCUMENTS.index(document)


def assessed(*matches, reports=(), granted=(), controls=(), known=None):
    piece = Piece(
        component="web",
        platform="linux/amd64",
        subject=SUBJECT,
        statements={},
        matches=((pictured_row(), tuple(matches)),),
        reports=tuple(reports),
        reach=(),
        controls=frozenset(controls),
    )
    context = Context(
        AS_OF,
        BUILT_IN,
        accepted.in_force(granted, "production", "app", AS_OF),
        known,
        lambda _names: Listed("2026-05-01", "CVE-2026-0009", 900_000),
        place_of,
    )
    return [one.finding for one in findings(piece, context)]


def test_what_a_scanner_reports_too_is_one_finding_found_by_both():
    (one,) = assessed(
        match(), reports=[report({"names": ["CVE-2026-0001"]}), report({"names": ["GHSA-aaaa"]}, tool="grype")]
    )
    assert (one.origin, one.reported_by, one.vulnerability) == ("both", ("grype", "trivy"), "CVE-2026-0001")


def test_what_only_a_scanner_reports_counts_with_the_line_of_its_report():
    row, facts = report({"names": ["CVE-2026-0009"], "fixed_in": ["2.0"]})
    first, second = assessed(match(), reports=[(row, facts)])
    assert (first.origin, second.origin) == ("matched", "reported")
    assert (second.open, DOCUMENTS[second.sbom], second.sbom_pointer, second.fixed_in) == (
        True,
        row.raw,
        "/r/0",
        ("2.0",),
    )
    assert (second.kev_due, second.kev, second.epss) == ("2026-05-01", "CVE-2026-0009", 900_000)


@pytest.mark.parametrize(
    "other",
    [
        {"purl": "pkg:pypi/flask@1.0.0"},
        {"version": "9.9.9", "purl": "pkg:pypi/requests@9.9.9"},
        {"purl": "", "package": "flask"},
    ],
)
def test_the_same_vulnerability_elsewhere_is_another_finding(other):
    found = assessed(match(), reports=[report({"names": ["CVE-2026-0001"]} | other)])
    assert [one.origin for one in found] == ["matched", "reported"]


def test_two_scanners_that_agree_are_one_finding_at_the_worse_severity():
    reports = [
        report({"names": ["CVE-1"], "severity": "low"}),
        report({"names": ["CVE-1"], "severity": "critical"}, tool="grype"),
    ]
    for order in itertools.permutations(reports):
        (one,) = assessed(reports=order)
        assert (one.severity, one.reported_by) == ("critical", ("grype", "trivy"))


def test_code_findings_and_nameless_results_are_no_vulnerabilities():
    assert assessed(reports=[report({"names": [], "rule": "x"}, {"names": ["CVE-1"], "category": "code"})]) == []


def test_a_tool_s_own_suppression_closes_nothing():
    (one,) = assessed(reports=[report({"names": ["CVE-1"], "suppressed": "ignored by the tool"})])
    assert one.open


@pytest.mark.parametrize("effect", ["suppress", "defer"])
def test_a_waiver_closes_until_its_end(effect):
    (one,) = assessed(match(), granted=[waiver(effect)])
    assert (one.open, one.waiver_effect, one.waiver_until) == (False, effect, "2026-04-01T00:00:00Z")
    (after,) = assessed(match(), granted=[waiver(effect, expires_at=AS_OF)])
    assert (after.open, after.waived_by) == (True, None)


def test_a_downgrade_lowers_severity_and_score_and_shows_what_they_were():
    (one,) = assessed(match(), granted=[waiver("downgrade", severity="low")])
    assert (one.open, one.severity, one.score_tenths, one.raw_severity, one.raw_score_tenths) == (
        True,
        "low",
        39,
        "high",
        75,
    )


@pytest.mark.parametrize("severity", ["critical", "high", "unknown"])
def test_a_downgrade_never_raises(severity):
    (one,) = assessed(match(), granted=[waiver("downgrade", severity=severity)])
    assert (one.severity, one.score_tenths) == ("high", 75)


def test_a_required_control_closes_only_while_evidence_attests_it():
    granted = [waiver("require_control", control="https://example.test/waf")]
    (without,) = assessed(match(), granted=granted)
    (with_it,) = assessed(match(), granted=granted, controls=["https://example.test/waf"])
    assert (without.open, without.control) == (True, "https://example.test/waf")
    assert not with_it.open


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        ({"subject": IMAGE}, True),
        ({"subject": name("other")}, False),
        ({"component": "pkg:pypi/requests@*"}, True),
        ({"component": "pkg:pypi/flask@*"}, False),
        ({"environment": "production"}, True),
        ({"environment": "staging"}, False),
        ({"line": "app"}, True),
        ({"line": "other"}, False),
        ({"while_version": "1.0.0"}, True),
        ({"while_version": "1.0.1"}, False),
        ({"while_reach": ("U", "SU")}, True),
        ({"while_reach": ("SU", "CU")}, False),
        ({"vulnerability": "GHSA-aaaa"}, True),
        ({"vulnerability": "CVE-2026-0002"}, False),
    ],
)
def test_a_waiver_counts_inside_its_scope_and_conditions_only(scope, covers):
    (one,) = assessed(match(), granted=[waiver(**scope)])
    assert one.open is not covers


def test_the_narrowest_waiver_wins_whatever_the_order():
    wide, narrow = (
        waiver("suppress", expires_at="2026-05-01T00:00:00Z"),
        waiver("downgrade", severity="low", subject=IMAGE),
    )
    for order in ([wide, narrow], [narrow, wide]):
        (one,) = assessed(match(), granted=order)
        assert (one.waived_by, one.waiver_effect) == (narrow.digest, "downgrade")


def test_a_waiver_of_the_first_kind_still_suppresses():
    old = Waiver(
        vulnerability="CVE-2026-0001",
        component="*",
        subject=None,
        environment="production",
        reason="r",
        ticket="",
        approved_by=ACTORS["bob"],
        expires_at="2026-04-01T00:00:00Z",
        nonce="0" * 32,
    )
    (one,) = assessed(match(), granted=[Accepted(name("old"), old)])
    assert (one.open, one.waiver_effect) == (False, "suppress")


NAMES = st.sampled_from(["CVE-1", "CVE-2", "GHSA-aaaa", "CVE-2026-0001"])
RESULTS = st.builds(
    lambda names, package, severity: {
        "names": sorted(set(names)),
        "purl": f"pkg:pypi/{package}@1.0.0",
        "severity": severity,
    },
    st.lists(NAMES, min_size=1, max_size=2),
    st.sampled_from(["requests", "flask"]),
    st.sampled_from(["critical", "high", "low", "unknown"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RESULTS, max_size=5), RESULTS)
def test_one_more_report_never_closes_or_removes_a_finding(results, more):
    before = assessed(match(), reports=[report(*results)] if results else [])
    after = assessed(match(), reports=[report(*results, more)])
    for one in before:
        names = {one.vulnerability, one.advisory, *one.aliases}
        kept = [each for each in after if each.purl == one.purl and names & {each.vulnerability, *each.aliases}]
        assert any(each.open for each in kept)


def test_tiers_and_bands_are_those_of_the_table():
    assert [unknowns.tier(entropy) for entropy in (700_000, 699_999, 400_000, 399_999, 100_000, 99_999)] == [
        "T1", "T2", "T2", "T3", "T3", "T4",
    ]  # fmt: skip
    assert [unknowns.band(unknowns.rank(*pair)) for pair in ((1_000_000, 500_000), (1_000_000, 0), (500_000, 0), (0, 0))] == [
        "HOT", "WARM", "COLD", "NEGLIGIBLE",
    ]  # fmt: skip


def test_a_spoken_finding_needs_one_of_the_names():
    spoken = Spoken(frozenset({"CVE-9"}), "pkg:pypi/requests@1.0.0", "1.0.0", frozenset({IMAGE}), NONE)
    assert accepted.winner(accepted.in_force([waiver()], "production", "app", AS_OF), spoken) is None
