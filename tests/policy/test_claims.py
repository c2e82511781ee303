"""Claims: the weight of the table, reachability in it, narrower and newer words, carrying over, no order of coming."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.records.evidence import VexFacts, VexProduct, VexStatement
from cas.records.picture import Reach
from policy import claims, consensus
from policy.images import named
from policy.product_identity import Subject
from policy.trust_directory import VECTORS, source
from policy.trust_table import BUILT_IN
from tests.support import gate_cases

AS_OF = "2026-03-01T12:00:00Z"
PURL = "pkg:pypi/requests@1.0.0"
IMAGE = gate_cases.name("image")
SUBJECT = Subject(digests=frozenset({IMAGE}), image=named("registry.test/web:1"), purls=frozenset({PURL}))
NAME = "CVE-2026-0001"
DIGEST = f"pkg:oci/web@{IMAGE}"
FAMILY = "pkg:oci/web?repository_url=registry.test/web"
UNREACHABLE = Reach(state="CU", path=(), confidence=0, evidence=())


def said(status, signer="bob", at=AS_OF, justification="x", product=DIGEST, author="a", doc="", version="1", **more):
    key = f"{status}{signer}{at}{justification}{product}{author}{doc}{version}"
    row = gate_cases.row(
        type="vex",
        verified=bool(signer),
        signers=[signer] if signer else [],
        admission=gate_cases.name(key),
        raw=gate_cases.name(f"raw {key}"),
        admitted_at=AS_OF,
        binding=more.pop("binding", "attested" if signer else "asserted"),
    )
    products = (VexProduct(id=product, identifiers=(), hashes=(), components=()),) if product else ()
    statement = VexStatement(
        vulnerability=more.pop("name", NAME),
        aliases=(),
        status=status,
        justification=justification,
        impact="",
        action="",
        products=products,
        issued_at=at,
        pointer="/statements/0",
    )
    facts = VexFacts(
        format="openvex/0.2.0",
        id=doc,
        author=author,
        role="",
        issued_at=at,
        version=version,
        statements=(statement,),
    )
    return row, facts


def reach(*documents, table=BUILT_IN, purl=PURL, subject=SUBJECT, **more):
    return claims.reach(claims.index(documents), (NAME,), subject, purl=purl, table=table, as_of=AS_OF, **more)


def state(*documents, **more):
    return reach(*documents, **more).state


DOCUMENTS = [
    said(status, signer, at, justification, product)
    for status in ("not_affected", "affected", "fixed", "under_investigation")
    for signer in ("bob", "carol", "")
    for at in ("2026-02-01T00:00:00Z", AS_OF)
    for justification in ("", "x")
    for product in (DIGEST, FAMILY, "pkg:pypi/requests", "pkg:pypi/other")
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(DOCUMENTS), max_size=5, unique_by=lambda one: one[0].admission), st.data())
def test_no_order_of_documents_shows(documents, data):
    shuffled = data.draw(st.permutations(documents))
    assert reach(*documents) == reach(*shuffled)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(DOCUMENTS), max_size=4, unique_by=lambda one: one[0].admission))
def test_a_claim_of_affected_never_closes_anything(documents):
    before = state(*documents)
    after = state(*documents, said("affected", "dave", product=DIGEST))
    assert after in {"affected", "conflict"}
    assert after == "conflict" or before not in claims.CLOSING


@pytest.mark.parametrize("justification", ["", "x"])
@pytest.mark.parametrize("signer", ["bob", ""])
@pytest.mark.parametrize("status", ["not_affected", "affected", "fixed", "under_investigation"])
def test_one_claim_weighs_what_the_first_consensus_made_of_it(status, signer, justification):
    document = said(status, signer, "2026-02-20T00:00:00Z", justification)
    first = consensus.reach(consensus.index([document]), (NAME,), SUBJECT, purl=PURL, table=BUILT_IN, as_of=AS_OF)
    second = reach(document)
    assert (first.state, first.claims, first.changes_at) == (second.state, second.claims, second.changes_at)


def test_reachability_evidence_makes_a_claim_strongest_and_its_opposite_bare():
    document = said("not_affected", justification="vulnerable_code_not_in_execute_path")
    weights = {
        name: reach(document, reachable=msgspec.structs.replace(UNREACHABLE, state=name)).claims[0].score
        for name in ("U", "SU", "RU", "CU", "SR", "RO", "CR", "X")
    }
    assert weights["CU"] == weights["SU"] == weights["RU"] == 895_000
    assert weights["U"] == 716_000
    assert {weights[name] for name in ("SR", "RO", "CR", "X")} == {537_000}
    other = said("not_affected", justification="component_not_present")
    assert reach(other, reachable=UNREACHABLE).claims[0].score == 716_000


def test_a_newer_word_replaces_an_older_one_that_is_no_narrower():
    old, new = "2026-02-01T00:00:00Z", "2026-02-20T00:00:00Z"
    assert state(said("affected", at=old), said("not_affected", at=new)) == "not_affected"
    assert state(said("affected", at=old, product=FAMILY), said("not_affected", at=new)) == "not_affected"
    assert state(said("affected", at=old), said("not_affected", at=new, product=FAMILY)) == "conflict"
    assert state(said("not_affected", at=old), said("affected", at=new, product=FAMILY)) == "conflict"
    assert state(said("affected", at=old), said("not_affected", "carol", at=new)) == "conflict"
    assert state(said("affected", at=new), said("not_affected", at=new)) == "conflict"
    assert state(said("affected", at=old, author="x"), said("not_affected", at=new, author="y")) == "conflict"


def test_a_newer_version_of_a_document_replaces_the_whole():
    first = said("affected", at="2026-02-01T00:00:00Z", doc="urn:1", version="1")
    second = said("not_affected", at="2026-02-10T00:00:00Z", doc="urn:1", version="2", name="CVE-2026-0002")
    found = reach(first, second)
    assert found.state == "unknown"
    assert [claim.score for claim in found.claims] == [0]  # still shown
    forged = said("not_affected", "", at="2026-02-10T00:00:00Z", doc="urn:1", version="9")
    assert state(first, forged) == "affected"
    by_number = said("affected", doc="urn:2", version="9"), said("fixed", doc="urn:2", version="10")
    for order in itertools.permutations(by_number):
        assert state(*order) == "fixed"


def test_an_unverified_claim_closes_nothing_unless_the_table_says_so():
    assert state(said("not_affected", "")) == "unknown"
    open_table = msgspec.structs.replace(BUILT_IN, unverified_counts=True)
    assert state(said("not_affected", ""), table=open_table) == "not_affected"
    assert state(said("affected", "")) == "affected"


def test_a_conflict_keeps_both_sides_and_costs_weight():
    alone = reach(said("not_affected")).claims[0].score
    both = reach(said("not_affected"), said("affected", "carol"))
    assert both.state == "conflict"
    assert {claim.status for claim in both.claims} == {"not_affected", "affected"}
    assert next(claim.score for claim in both.claims if claim.status == "not_affected") == alone * 3 // 4


def test_a_statement_without_products_speaks_of_what_its_signature_covers():
    assert state(said("not_affected", product="")) == "not_affected"
    assert state(said("not_affected", product="", binding="embedded")) == "none"


def test_a_decision_carries_to_the_next_version_while_its_component_is_there():
    decision = said("not_affected", product=FAMILY, justification="vulnerable_code_not_in_execute_path")
    component = msgspec.structs.replace(decision[1].statements[0].products[0], components=("pkg:pypi/requests",))
    statement = msgspec.structs.replace(decision[1].statements[0], products=(component,))
    carried = (decision[0], msgspec.structs.replace(decision[1], statements=(statement,)))
    for number in range(2, 12):
        following = Subject(
            digests=frozenset({gate_cases.name(f"image {number}")}),
            image=named(f"registry.test/web:{number}"),
            purls=frozenset({f"pkg:pypi/requests@1.0.{number}"}),
        )
        assert state(carried, subject=following, purl=f"pkg:pypi/requests@1.0.{number}") == "not_affected"
    assert state(carried, purl="pkg:pypi/urllib3@1.0") == "none"  # the component was exchanged
    reached = msgspec.structs.replace(UNREACHABLE, state="SR")
    table = msgspec.structs.replace(BUILT_IN, minimum_score=600_000)
    assert state(carried, table=table) == "not_affected"
    assert state(carried, table=table, reachable=reached) == "unknown"  # the justification no longer holds


def test_everything_about_the_vulnerability_is_explained():
    documents = [
        said("not_affected"),
        said("not_affected", product="pkg:oci/other?repository_url=registry.test/other"),
        said("affected", at="2026-02-01T00:00:00Z"),
        said("fixed", "", at="2026-02-02T00:00:00Z"),
        said("fixed", "eve", at="2025-01-01T00:00:00Z"),
    ]
    state_, weighed = claims.weigh(claims.index(documents), (NAME,), SUBJECT, purl=PURL, table=BUILT_IN, as_of=AS_OF)
    assert state_ == "not_affected"
    assert {(one.statement.statement.status, one.why) for one in weighed} == {
        ("not_affected", "counts"),
        ("not_affected", "image_other_repository"),
        ("affected", "replaced"),
        ("fixed", "unverified"),
        ("fixed", "too_light"),
    }


def with_sources(*sources):
    return msgspec.structs.replace(BUILT_IN, sources=(*sources, *BUILT_IN.sources))


@pytest.mark.parametrize(
    ("pattern", "signer", "author", "expected"),
    [
        ("sigstore:*#*@redhat.com", "sigstore:https://sso#psirt@redhat.com", "x", "vendor"),
        ("sigstore:*#*@redhat.com", "sigstore:https://sso#psirt@evil.com", "x", "internal"),
        ("author:Red Hat*", "bob", "Red Hat Product Security", "vendor"),
        ("author:Red Hat*", "bob", "Somebody", "internal"),
        ("author:Red Hat*", "", "Red Hat Product Security", "unverified"),
        ("ci author:Red Hat*", "ci", "Red Hat Product Security", "vendor"),
        ("ci author:Red Hat*", "bob", "Red Hat Product Security", "internal"),
        ("unverified author:Red Hat*", "", "Red Hat Product Security", "vendor"),
        ("unverified author:Red Hat*", "", "Somebody", "unverified"),
        ("unverified author:Red Hat*", "bob", "Red Hat Product Security", "internal"),
    ],
)
def test_an_issuer_is_known_by_signer_and_author(pattern, signer, author, expected):
    document = said("not_affected", signer, author=author)
    (one,) = claims.index([document])[NAME]
    assert claims.source_of(one, with_sources(source("vendor", (pattern,)))).source_class == expected


def test_the_built_in_table_has_the_vectors_of_its_classes():
    for one in BUILT_IN.sources:
        assert one == source(one.source_class, one.signers)
    assert set(VECTORS) == {"attestation", "distro", "hub", "internal", "unverified", "vendor"}
