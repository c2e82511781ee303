"""VEX consensus: weights to the millionth, four values, verified closing only, newer words of an issuer."""

from decimal import ROUND_HALF_EVEN, Decimal, getcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas.records.evidence import VexFacts, VexProduct, VexStatement
from policy import consensus
from policy.images import named
from policy.products import Subject
from policy.trust_table import BUILT_IN, FRESHNESS
from tests.support import gate_cases

AS_OF = "2026-03-01T12:00:00Z"
PURL = "pkg:pypi/requests@1.0.0"
IMAGE = gate_cases.name("image")
SUBJECT = Subject(digests=frozenset({IMAGE}), image=named("registry.test/web:1"), purls=frozenset({PURL}))


def said(
    status, signer="bob", at="2026-03-01T12:00:00Z", justification="x", name="CVE-2026-0001", pointer="/statements/0"
):
    row = gate_cases.row(
        type="vex",
        verified=bool(signer),
        signers=[signer] if signer else [],
        admission=gate_cases.name(f"{status}{signer}{at}{justification}{name}"),
        raw=gate_cases.name(f"raw {status}{signer}{at}"),
        admitted_at="2026-03-01T12:00:00Z",
    )
    product = VexProduct(id=f"pkg:oci/web@{IMAGE}", identifiers=(), hashes=(), components=())
    statement = VexStatement(
        vulnerability=name,
        aliases=(),
        status=status,
        justification=justification,
        impact="",
        action="",
        products=(product,),
        issued_at=at,
        pointer=pointer,
    )
    return row, VexFacts(
        format="openvex", id="", author="a", role="", issued_at=at, version="1", statements=(statement,)
    )


def reach(*documents, table=BUILT_IN, as_of=AS_OF, names=("CVE-2026-0001",)):
    return consensus.reach(consensus.index(documents), names, SUBJECT, purl=PURL, table=table, as_of=as_of)


def test_the_freshness_table_is_the_half_life_of_fourteen_days():
    getcontext().prec = 60
    for days, millionths in enumerate(FRESHNESS):
        exact = Decimal(10**6) * Decimal(2) ** (-Decimal(days) / 14)
        assert millionths == exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert FRESHNESS[14] == 500_000
    assert (Decimal(10**6) * Decimal(2) ** (-Decimal(len(FRESHNESS)) / 14)) < Decimal("0.5")


def test_a_score_is_the_formula_taken_in_full_and_divided_once():
    (claim,) = reach(said("not_affected")).claims
    base = 450_000 * 850_000 + 350_000 * 950_000 + 200_000 * 900_000
    assert claim.score == base * 800_000 * 1_000_000 // 10**18 == 716_000
    (claim,) = reach(said("fixed", at="2026-02-28T11:00:00Z")).claims
    assert claim.score == base * 600_000 * 951_695 // 10**18
    (claim,) = reach(said("under_investigation")).claims
    assert claim.score == base * 400_000 * 1_000_000 // 10**18


@pytest.mark.parametrize(
    ("documents", "state"),
    [
        ([], "none"),
        ([said("not_affected")], "not_affected"),
        ([said("fixed")], "fixed"),
        ([said("affected")], "affected"),
        ([said("under_investigation")], "unknown"),
        ([said("not_affected"), said("affected", "carol")], "conflict"),
        ([said("fixed"), said("affected", "carol")], "conflict"),
        ([said("not_affected"), said("fixed", "carol")], "not_affected"),
        ([said("not_affected", "")], "unknown"),
        ([said("not_affected"), said("affected", "")], "conflict"),
        ([said("under_investigation"), said("not_affected", "carol")], "not_affected"),
    ],
)
def test_claims_add_up_in_any_order(documents, state):
    assert reach(*documents).state == state
    assert reach(*reversed(documents)) == reach(*documents)


def test_a_conflict_keeps_both_sides_with_reduced_weights():
    found = reach(said("not_affected"), said("affected", "carol"))
    assert {(claim.status, claim.signer) for claim in found.claims} == {("not_affected", "bob"), ("affected", "carol")}
    assert {claim.status: claim.score for claim in found.claims} == {"not_affected": 537_000, "affected": 402_750}


def test_an_unverified_claim_is_shown_but_closes_nothing():
    found = reach(said("not_affected", ""))
    assert found.state == "unknown"
    assert [claim.verified for claim in found.claims] == [False]
    loose = msgspec.structs.replace(BUILT_IN, unverified_counts=True)
    assert reach(said("not_affected", ""), table=loose).state == "not_affected"


def test_a_newer_word_of_a_verified_issuer_replaces_the_older_which_stays_listed_without_weight():
    old, new = said("affected", at="2026-02-01T00:00:00Z"), said("fixed", at="2026-02-20T00:00:00Z")
    found = reach(old, new)
    assert found.state == "fixed"
    assert {claim.status: claim.score > 0 for claim in found.claims} == {"fixed": True, "affected": False}
    assert reach(new, said("affected", at="2026-02-21T00:00:00Z")).state == "affected"


def test_nobody_unverified_replaces_anything():
    found = reach(said("affected", "", at="2026-02-01T00:00:00Z"), said("not_affected", "", at="2026-02-20T00:00:00Z"))
    assert found.state == "affected"


def test_a_claim_too_old_to_weigh_closes_nothing_and_a_date_to_come_is_not_believed():
    assert reach(said("not_affected", at="2026-01-25T00:00:00Z")).state == "not_affected"
    assert reach(said("not_affected", at="2025-12-01T00:00:00Z")).state == "unknown"
    later = "2026-03-05T12:00:00Z"
    (claim,) = reach(said("not_affected", at="2030-01-01T00:00:00Z"), as_of=later).claims
    assert claim.score == 716_000 * FRESHNESS[4] // 10**6


def test_the_next_change_of_a_weight_is_the_next_whole_day():
    assert reach(said("not_affected", at="2026-02-27T10:00:00Z")).changes_at == "2026-03-02T10:00:00Z"
    assert reach(said("not_affected")).changes_at == "2026-03-02T12:00:00Z"


def test_another_vulnerability_does_not_apply_but_an_alias_does():
    assert reach(said("not_affected", name="CVE-2026-0002")).state == "none"
    assert reach(said("not_affected", name="GHSA-x"), names=("CVE-2026-0001", "GHSA-x")).state == "not_affected"


def test_a_signer_outside_the_table_weighs_nothing():
    narrow = msgspec.structs.replace(
        BUILT_IN, sources=tuple(msgspec.structs.replace(one, signers=("vendor-*",)) for one in BUILT_IN.sources[1:2])
    )
    assert reach(said("not_affected"), table=narrow).state == "unknown"
    assert reach(said("not_affected", "vendor-x"), table=narrow).state == "not_affected"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["not_affected", "fixed", "affected", "under_investigation"]),
            st.sampled_from(["bob", "carol", "", "dave"]),
        )
    )
)
def test_one_more_affected_claim_never_closes_a_finding(claims):
    documents = [said(status, signer) for status, signer in claims]
    before = reach(*documents).state
    after = reach(*documents, said("affected", "eve")).state
    assert after not in consensus.CLOSING
    assert before in {"none", "affected", "unknown", "conflict", *consensus.CLOSING}
