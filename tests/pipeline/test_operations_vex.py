"""VEX over a real instance: every statement is explained, verdicts are listed and compared, exports come back the same."""

import json

import pytest

from cas import digest
from cas.pictures import picture_of
from cas.problems import Problem
from pipeline.operations import vex, vex_consensus
from policy.vex_delta import delta
from tests.support.judging import Scene, openvex, osv, sbom, signed

NAME = "CVE-2026-0001"
PURL = "pkg:pypi/requests@1.0.0"
OPENVEX = "https://openvex.dev/ns/v0.2.0"


@pytest.fixture
def scene():
    made = Scene()
    made.feed(osv(NAME, "requests"))
    made.submit(sbom(("requests", "1.0.0"), ("flask", "9.0.0")))
    return made


def claim(scene, status="not_affected", product="", login="bob", subject=None, **more):
    """Submit a signed claim about the image."""
    image = scene.manifest()
    document = openvex(NAME, status, product or f"pkg:oci/web@{image}", **more)
    scene.submit(signed(document, image, login), subject=subject)
    return document


def test_every_statement_says_why_it_counts_or_not(scene):
    claim(scene, name="1")
    claim(scene, product="pkg:oci/web?repository_url=registry.test/other", name="2")
    scene.submit(openvex(NAME, "fixed", f"pkg:oci/web@{scene.manifest()}", name="3"))
    elsewhere = digest.of_bytes(b"another image")
    scene.submit(openvex(NAME, "affected", "pkg:oci/other", name="4"), subject=elsewhere)
    scene.submit(openvex("CVE-2026-0002", "fixed", "pkg:oci/web", name="5"))
    scene.evaluate()
    found = vex.explain(scene.effects, "app-1", NAME)
    assert [(one.status, one.why, one.applies) for one in found if one.component] == [
        ("not_affected", "counts", True),
        ("fixed", "unverified", True),
        ("not_affected", "image_other_repository", False),
    ]
    (foreign,) = [one for one in found if not one.component]
    assert (foreign.why, foreign.detail) == ("document_of_another_image", elsewhere)
    first = found[1] if found[0] is foreign else found[0]
    assert (first.purl, first.state, first.source, first.signers) == (PURL, "not_affected", "internal", ("bob",))
    assert first.score > 0
    assert first.detail == scene.manifest()


def test_an_image_is_explained_by_its_digest_and_a_package_by_its_purl(scene):
    claim(scene, subcomponents=["pkg:pypi/requests@1.0.0"])
    (one,) = vex.explain(scene.effects, scene.manifest(), NAME, purl=PURL)
    assert one.why == "counts"
    (other,) = vex.explain(scene.effects, scene.manifest(), NAME, purl="pkg:pypi/requests@2.0.0")
    assert other.why == "package_other_version"
    (nearest,) = vex.explain(scene.effects, scene.manifest(), NAME)  # no verdict: the package it comes nearest to
    assert (nearest.purl, nearest.why) == (PURL, "counts")
    with pytest.raises(Problem) as caught:
        vex.explain(scene.effects, "nothing", NAME)
    assert caught.value.code == "vex.subject_missing"


def test_the_consensus_of_the_newest_verdicts_is_listed_in_order(scene):
    assert vex_consensus.consensus(scene.effects) == ()
    claim(scene)
    scene.evaluate()
    (one,) = vex_consensus.consensus(scene.effects, release="app-1", environment="production")
    assert one.finding.vex == "not_affected"
    assert one.id == f"{NAME}@{PURL}#app-1/web/linux/amd64/production"
    assert (one.issuers, one.rationale) == (("bob",), "one_claim_closes")
    assert one.confidence == one.finding.claims[0].score
    assert vex_consensus.consensus(scene.effects, environment="nowhere") == ()


def test_two_rounds_differ_by_claims_and_states(scene):
    claim(scene, name="1")
    first = scene.evaluate()
    claim(scene, "affected", login="carol", name="2")
    second = scene.evaluate()
    before, after = (vex_consensus.picture_behind(scene.effects, one.digest) for one in (first, second))
    changes = delta(before, after)
    assert {(one.kind, one.old.split(" ")[0], one.new.split(" ")[0]) for one in changes} == {
        ("claim_appeared", "", "affected"),
        ("weight_changed", "not_affected", "not_affected"),  # the penalty of a conflict
        ("state_flipped", "not_affected", "conflict"),
    }
    flipped = next(one for one in changes if one.kind == "state_flipped")
    assert flipped.reasons == ("claim_appeared", "weight_changed")
    back = {(one.kind, one.old, one.new) for one in delta(after, before)}
    assert ("state_flipped", "conflict", "not_affected") in back
    assert delta(before, before) == ()


def test_weights_that_fall_with_time_are_a_change(scene):
    claim(scene)
    first = scene.evaluate()
    scene.at("2026-03-05T12:00:00Z")
    second = scene.evaluate()
    before, after = (vex_consensus.picture_behind(scene.effects, one.digest) for one in (first, second))
    (change,) = delta(before, after)
    assert change.kind == "weight_changed"
    assert int(change.new.split(" ")[1]) < int(change.old.split(" ")[1])


@pytest.mark.parametrize("form", ["openvex", "csaf", "cyclonedx"])
@pytest.mark.parametrize("statuses", [("not_affected",), ("fixed",), ("affected",), ("not_affected", "affected")])
def test_an_export_submitted_elsewhere_gives_the_same_state(form, statuses):
    def an_instance():
        made = Scene()
        made.feed(osv(NAME, "requests"))
        made.submit(sbom(("requests", "1.0.0")))
        return made

    here, there = an_instance(), an_instance()
    for status, login in zip(statuses, ("bob", "carol"), strict=False):
        claim(here, status, login=login, name=status)
    here.evaluate()
    for _, data in vex_consensus.export(here.effects, "app-1", form, author="Us", namespace="https://us.example"):
        there.submit(signed(data, there.manifest(), predicate_type="https://example.test/vex"))
    states = []
    for scene in (here, there):
        judged = scene.evaluate()
        states.append([(one.purl, one.vex) for one in picture_of(judged.verdict.assessment, scene.store.get).findings])
    assert states[0] == states[1]
    assert states[0][0][1] in {statuses[0], "conflict"}


def test_the_words_of_a_claim_travel_with_it(scene):
    claim(scene, "affected")
    scene.evaluate()
    ((_, data),) = vex_consensus.export(scene.effects, "app-1", "openvex")
    (statement,) = json.loads(data)["statements"]
    assert statement["action_statement"] == "upgrade"
    assert statement["products"] == [
        {
            "@id": f"pkg:oci/web@{scene.manifest().replace(':', '%3A')}?repository_url=registry.test/web",
            "subcomponents": [{"@id": PURL}],
        }
    ]
    assert vex_consensus.export(scene.effects, "app-1", "openvex") == ((_, data),)


def test_a_release_that_was_never_judged_exports_nothing(scene):
    with pytest.raises(Problem) as caught:
        vex_consensus.export(scene.effects, "app-1", "openvex")
    assert caught.value.code == "vex.verdict_missing"


def test_reachability_reaches_the_verdict_with_its_witness(scene):
    from pipeline.formats.reachability import graph_hash

    document = {
        "schema": "https://stella-ops.org/attestations/reachability/v1",
        "analyzer": {"name": "pycg", "version": "1"},
        "createdAt": "2026-03-01T11:00:00Z",
        "method": "static",
        "complete": True,
        "nodes": [{"id": "a", "symbol": "app.main"}, {"id": "b", "symbol": "requests.get", "purl": PURL}],
        "roots": ["a"],
        "bundles": [{"edges": [["a", "b"]]}],
        "sinks": [{"vulnerability": NAME, "purl": PURL, "symbol": "requests.get"}],
    }
    document["graphHash"] = graph_hash(document)
    kind = "https://stella-ops.org/attestations/reachability/v1"
    scene.submit(signed(json.dumps(document).encode(), scene.manifest(), predicate_type=kind))
    judged = scene.evaluate()
    (found,) = picture_of(judged.verdict.assessment, scene.store.get).findings
    assert found.reach.state == "SR"
    assert found.reach.path == (PURL, "requests.get", "app.main")
    (ref,) = found.reach.evidence
    assert json.loads(scene.store.get(ref.digest)) == document
