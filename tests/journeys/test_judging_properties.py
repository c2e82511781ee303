"""What must hold of every verdict, whatever the evidence: over a real instance, through the real doors, by judge/2."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas import canon, refs
from cas.digest import of_bytes
from cas.pictures import picture_of
from cas.records.verdict import Verdict
from pipeline.operations import policy
from tests.support.judging import Scene, openvex, osv, sbom, signed
from tests.support.world import ALICE

PACK = """
name: house
version: "%d"
gates:
  - gate: evidence_required/1
    with: {types: [sbom], binding: asserted}
  - gate: severity_budget/1
    with: {critical: 0, high: %d, medium: 0, low: %d}
  - gate: unknowns_budget/2
    with: {max_count: %d}
"""
NAMES = ("alpha", "beta", "gamma", "delta")
CVE = {name: f"CVE-2026-000{at}" for at, name in enumerate(NAMES, 1)}
SEVERITY = {"alpha": "CRITICAL", "beta": "HIGH", "gamma": "HIGH", "delta": "LOW"}
RANK = {"allow": 0, "undecided": 1, "deny": 2}
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def founded(pack=PACK % (1, 0, 0, 0)):
    scene = Scene(pack=pack)
    scene.feed(*(osv(CVE[name], name, SEVERITY[name]) for name in NAMES))
    return scene


def an_sbom(names, serial=1, version="1.0.0"):
    return sbom(*((name, version) for name in names), serial=f"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b{serial:02}")


def a_claim(scene, name, status="not_affected", login="bob"):
    document = openvex(CVE[name], status, f"pkg:oci/web@{scene.manifest()}", name=f"{name}-{status}-{login}")
    return signed(document, scene.manifest(), login)


def findings(scene, judged):
    return picture_of(judged.verdict.assessment, scene.store.get).findings


PACKAGES = st.sets(st.sampled_from(NAMES), min_size=0)
CLAIMS = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(["not_affected", "affected", "fixed"])), max_size=4)


def judged(packages, claims, **pack):
    scene = founded()
    if pack:
        given = {"high": 0, "low": 0, "unknowns": 0} | pack
        scene.activate(PACK % (2, given["high"], given["low"], given["unknowns"]))
    scene.submit(an_sbom(sorted(packages | {"other"})))
    for name, status in sorted(claims):
        scene.submit(a_claim(scene, name, status))
    return scene, scene.evaluate()


@QUICK
@given(PACKAGES, CLAIMS, st.randoms(use_true_random=False))
def test_the_same_evidence_in_any_order_gives_the_same_verdict_bytes(packages, claims, random):
    def documents(scene):
        return [
            an_sbom(sorted(packages | {"other"}), 1),
            an_sbom(["other", "more"], 2),
            *(a_claim(scene, *claim) for claim in sorted(claims)),
        ]

    seen = []
    for shuffle in (False, True):
        scene = founded()
        given_ = documents(scene)
        if shuffle:
            random.shuffle(given_)
        for document in given_:
            scene.submit(document)
        seen.append(scene.evaluate())
    assert seen[0].digest == seen[1].digest
    assert canon.of_record(seen[0].verdict) == canon.of_record(seen[1].verdict)


@QUICK
@given(PACKAGES, PACKAGES, CLAIMS)
def test_a_worse_fact_never_turns_a_denial_into_an_allow(packages, more, claims):
    before = judged(packages, claims)[1].verdict.outcome
    affected = {(name, "affected") for name in packages}
    for worse in (judged(packages | more, claims), judged(packages, claims | affected), judged(packages, set())):
        if worse[1].verdict.outcome == "allow":
            assert before == "allow"


@QUICK
@given(PACKAGES, CLAIMS, st.sampled_from(NAMES))
def test_a_claim_of_not_affected_never_adds_a_finding(packages, claims, name):
    def told(found, *, only_open):
        return {(one.purl, one.vulnerability) for one in found if one.open or not only_open}

    before = findings(*judged(packages, claims))
    after = findings(*judged(packages, claims | {(name, "not_affected")}))
    assert told(after, only_open=False) == told(before, only_open=False)
    assert told(after, only_open=True) <= told(before, only_open=True)


@QUICK
@given(PACKAGES, CLAIMS, st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
def test_lowering_a_budget_never_allows_more(packages, claims, high, low, less_high, less_low):
    generous = judged(packages, claims, high=high + less_high, low=low + less_low)[1].verdict.outcome
    tight = judged(packages, claims, high=high, low=low)[1].verdict.outcome
    assert RANK[tight] >= RANK[generous]


def unreadable():
    """A document without a purl: nobody knows what the package is."""
    document = json.loads(an_sbom(["alpha"]))
    for one in document["components"]:
        del one["purl"]
        one["bom-ref"] = one["name"]
    return json.dumps(document).encode()


@pytest.mark.parametrize("case", ["no evidence", "no feed", "empty", "no purl", "claims only", "no pack"])
def test_what_is_not_known_never_allows(case):
    scene = (
        Scene(pack=None if case == "no pack" else PACK % (1, 99, 99, 0))
        if case in {"no feed", "no pack"}
        else founded()
    )
    documents = {
        "no feed": [an_sbom(["other"])],
        "empty": [an_sbom([])],
        "no purl": [unreadable()],
        "claims only": [a_claim(scene, "alpha")],
        "no pack": [an_sbom(["other"])],
    }
    for document in documents.get(case, ()):
        scene.submit(document)
    assert scene.evaluate().verdict.outcome != "allow"


def test_a_verdict_is_reused_only_while_every_input_stands():
    scene = founded()
    scene.submit(an_sbom(["beta", "other"]))
    changes = {
        "evidence": lambda: scene.submit(a_claim(scene, "beta")),
        "waiver": lambda: scene.waive(CVE["beta"]),
        "feed": lambda: scene.feed(osv(CVE["alpha"], "alpha")),
        "policy": lambda: scene.activate(PACK % (7, 5, 5, 5)),
        "environment": lambda: scene.set_environment("production", allowed_bind_paths=("/srv",)),
        "time": lambda: scene.at("2026-03-09T12:00:00Z"),
    }
    last = scene.evaluate()
    for what, change in changes.items():
        assert scene.evaluate().reused, what
        assert scene.evaluate().digest == last.digest
        change()
        now = scene.evaluate()
        assert not now.reused, what
        assert now.verdict.question != last.verdict.question, what
        last = now


def at(document, pointer):
    value = json.loads(document)
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part.replace("~1", "/").replace("~0", "~")]
    return value


@pytest.mark.parametrize(
    ("packages", "fix"),
    list(itertools.product([{"alpha"}, {"beta", "delta"}, set(NAMES)], ["upgrade", "file_vex", "grant_waiver"])),
)
def test_every_denial_names_its_line_and_each_suggested_fix_flips_it(packages, fix):
    scene, denied = judged(packages, set())
    assert denied.verdict.outcome == "deny"
    told = [one for gate in denied.verdict.gates if gate.status == "fail" for one in gate.findings]
    assert {one.vulnerability for one in told} == {CVE[name] for name in packages}
    for one in told:
        lines = {ref.digest: at(scene.store.get(ref.digest), ref.pointer) for ref in one.evidence}
        assert any(line.get("purl") == one.purl for line in lines.values())
        assert any(line.get("id") == one.vulnerability for line in lines.values())
        assert fix in {code for code, _ in one.flips}
    if fix == "upgrade":
        versions = {argument for one in told for code, argument in one.flips if code == "upgrade"}
        assert versions == {"2.0.0"}
        scene = founded()
        scene.submit(an_sbom(sorted(packages | {"other"}), version="2.0.0"))
    for one in told:
        name = next(name for name in packages if CVE[name] == one.vulnerability)
        if fix == "file_vex":
            scene.submit(a_claim(scene, name))
        if fix == "grant_waiver":
            scene.waive(one.vulnerability)
    assert scene.evaluate().verdict.outcome == "allow"


def test_a_verdict_names_its_pack_and_nothing_is_judged_by_a_pack_that_was_not_asked():
    scene, first = judged({"beta"}, set())
    pack = scene.effects.log.ref(refs.policy("production"))
    assert first.verdict.policy == pack == of_bytes(scene.store.get(pack))
    other = policy.store_pack(scene.effects, ALICE, (PACK % (9, 9, 9, 9)).encode())
    assert scene.evaluate().reused  # storing changes nothing that is active
    assert isinstance(scene.load(first.digest, Verdict), Verdict)
    assert other.digest != pack
