"""Starter packs: from observe to strict, the same evidence is never judged more mildly."""

import functools
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.operations.policy import STARTERS, starter
from policy.evaluate import ask, judged_gates, outcome_of
from policy.packs.cases import Case, CaseEvidence, CaseFinding, CaseUnknown, Expected, Given
from policy.packs.reading import read_written
from policy.packs.trying import view_of

RANK = {"allow": 0, "undecided": 1, "deny": 2}
BINDING = st.sampled_from(["attested", "embedded", "asserted"])
PACKAGES = [{"purl": "pkg:pypi/a@1", "name": "a", "version": "1", "licenses": ["MIT"]}]


@functools.cache
def pack(name):
    return read_written(starter(name)).flat


def outcomes(given_, **more):
    view = view_of(Case(name="story", given=given_, expect=Expected(outcome="deny"), **more))
    return [outcome_of(ask(judged_gates(pack(name), "production"), view).results) for name in STARTERS]


def an_sbom(binding, packages, admitted_at):
    facts = {"kind": "sbom_facts/1", "packages": packages}
    return CaseEvidence(type="sbom", binding=binding, facts=facts, admitted_at=admitted_at)


EVIDENCE = st.lists(
    st.one_of(
        st.builds(
            an_sbom,
            BINDING,
            st.sampled_from([[], PACKAGES]),
            st.sampled_from(["2026-02-28T00:00:00Z", "2025-12-15T00:00:00Z", "2025-06-01T00:00:00Z"]),
        ),
        st.builds(CaseEvidence, type=st.just("provenance"), binding=BINDING),
    ),
    max_size=3,
)
FINDING = st.builds(
    CaseFinding,
    vulnerability=st.sampled_from([f"CVE-2026-000{n}" for n in range(8)]),
    severity=st.sampled_from(["critical", "high", "medium", "low", "unknown"]),
    vex=st.sampled_from(["none", "none", "not_affected", "fixed", "affected", "conflict"]),
    new=st.booleans(),
    epss=st.sampled_from([None, 1000, 400_000, 900_000]),
    kev_due=st.sampled_from(["", "", "2026-02-01", "2026-03-20"]),
    reach=st.sampled_from(["U", "SR", "SU", "CU", "X"]),
)
UNKNOWNS = st.lists(
    st.builds(
        CaseUnknown,
        entropy=st.sampled_from([50_000, 300_000, 500_000, 900_000]),
        subject=st.integers(0, 150).map(lambda n: f"pkg:pypi/u{n}@1"),
        reason=st.sampled_from(["FeedGap", "VexConflict"]),
    ),
    max_size=130,
)


@settings(max_examples=120, deadline=None)
@given(EVIDENCE, st.lists(FINDING, max_size=8), UNKNOWNS)
def test_outcomes_never_get_milder_as_strictness_rises(evidence, findings, unknowns):
    ranks = [RANK[one] for one in outcomes(Given(evidence=evidence, findings=findings, unknowns=unknowns))]
    assert ranks == sorted(ranks)


STORIES = {
    "all in order and signed": (
        Given(evidence=[an_sbom("attested", PACKAGES, None), CaseEvidence(type="provenance")]),
        ["allow"] * 5,
    ),
    "only asserted": (Given(evidence=[an_sbom("asserted", PACKAGES, None)]), ["allow"] * 3 + ["deny"] * 2),
    "ten high ones": (
        Given(
            evidence=[an_sbom("attested", PACKAGES, None), CaseEvidence(type="provenance")],
            findings=[CaseFinding(vulnerability=f"CVE-2026-{n:04}", new=False) for n in range(10)],
        ),
        ["allow", "allow", "deny", "deny", "deny"],
    ),
    "one critical": (
        Given(evidence=[an_sbom("attested", PACKAGES, None)], findings=[CaseFinding(severity="critical")]),
        ["allow"] + ["deny"] * 4,
    ),
    "twenty medium ones": (
        Given(
            evidence=[an_sbom("attested", PACKAGES, None), CaseEvidence(type="provenance")],
            findings=[CaseFinding(vulnerability=f"CVE-2026-{n:04}", severity="medium", new=False) for n in range(20)],
        ),
        ["allow"] * 4 + ["deny"],
    ),
    "nothing known": (Given(components=(), feed=None), ["allow"] + ["deny"] * 4),
}


@pytest.mark.parametrize("story", STORIES)
def test_the_same_story_through_all_five(story):
    given_, expected = STORIES[story]
    assert outcomes(given_) == expected


def test_what_one_blocks_every_stricter_one_blocks():
    blocking = [{use.gate for use in pack(name).gates if use.enforcement == "block"} for name in STARTERS]
    for mild, hard in itertools.pairwise(blocking):
        assert mild <= hard
    assert blocking[0] == set()
