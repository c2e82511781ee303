"""assess/2: exactly the question's findings, bindings judged anew, VEX and waivers by scope, the baseline's own word."""

import json

import msgspec
import pytest

from cas import refs
from cas.pictures import picture_of
from cas.problems import RecordInvalid
from cas.records.evidence import Admission, Evidence
from cas.records.picture import AssessInput2
from cas.records.proof import HeadSet
from cas.records.verdict import MatchInput, Question
from cas.store import load
from pipeline.operations import asking, policy
from pipeline.operations.work import Work
from pipeline.stages.assess import EvidenceForeign, FindingsIncomplete
from pipeline.stages.assess2 import ASSESS2
from pipeline.stages.gather import GATHER
from pipeline.stages.match2 import MATCH2
from policy.assessing import shown_name
from policy.lines import lines_of
from policy.trust_table import BUILT_IN
from tests.pipeline.test_stage_gather import a_deployed, asked
from tests.support.judging import PACK, Scene, openvex, osv, sbom, signed
from tests.support.world import ALICE

HIGH = osv("CVE-2026-0001", "requests", aliases=["GHSA-aaaa"])
BAD = sbom(("requests", "1.0.0"))


def scene_with(*documents, **more):
    scene = Scene(**more)
    scene.feed(HIGH, osv("CVE-2026-0002", "flask"))
    for document in documents:
        scene.submit(document)
    return scene


def assessment(scene):
    return picture_of(scene.evaluate().verdict.assessment, scene.store.get)


def parts(scene):
    work, question = asked(scene)
    gathered = work.run(GATHER, question)
    names = {name for component in gathered.record.components for name in component.admissions}
    facts = {load(scene.store, name, Admission).facts for name in names}
    found = [work.run(MATCH2, MatchInput(facts=name, feed=gathered.record.feed)).digest for name in sorted(facts)]
    return work, AssessInput2(question=gathered.digest, findings=tuple(sorted(found)), baseline=None, template=None)


def test_findings_carry_the_line_of_the_sbom_and_of_the_feed():
    scene = scene_with(BAD)
    shown = assessment(scene)
    (finding,) = shown.findings
    package, advisory = lines_of(finding, shown)
    raw = json.loads(scene.store.get(package.digest))
    assert package.pointer == "/components/0"
    assert scene.store.has(advisory.digest)
    assert raw["components"][0]["name"] == "requests"
    assert (finding.vulnerability, finding.open, finding.new) == ("CVE-2026-0001", True, True)


def test_leaving_a_scan_s_findings_out_is_refused():
    scene = scene_with(BAD, sbom(("flask", "9.9.9"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b80"))
    work, question = parts(scene)
    work.run(ASSESS2, question)
    for fewer in (question.findings[:1], question.findings[1:], ()):
        with pytest.raises(FindingsIncomplete):
            work.run(ASSESS2, msgspec.structs.replace(question, findings=fewer))


def test_findings_of_another_feed_are_refused():
    scene = scene_with(BAD)
    old = parts(scene)[1].findings
    scene.feed(osv("CVE-2026-0007", "django"))
    work, question = parts(scene)
    with pytest.raises(FindingsIncomplete):
        work.run(ASSESS2, msgspec.structs.replace(question, findings=old))


def test_a_record_of_another_kind_is_no_findings():
    scene = scene_with(BAD)
    work, question = parts(scene)
    with pytest.raises(RecordInvalid):
        work.run(ASSESS2, msgspec.structs.replace(question, findings=(question.question,)))


def test_an_invented_baseline_is_refused():
    scene = scene_with(BAD)
    before = scene.evaluate().verdict.assessment
    work, question = parts(scene)
    with pytest.raises(FindingsIncomplete):
        work.run(ASSESS2, msgspec.structs.replace(question, baseline=before))


def test_what_was_open_in_the_deployed_release_is_not_new():
    scene = scene_with(BAD)
    before = scene.evaluate().verdict.assessment
    deployed = a_deployed(scene, assessment=before)
    work = Work(scene.effects, ALICE)
    head = work.save(HeadSet(members=(deployed,)))
    work.note("deployment.ended", deployed, (work.move(refs.deployed("production"), head),))
    work.commit()
    scene.submit(
        sbom(("requests", "1.1.0"), ("flask", "1.0.0"), serial="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b80")
    )
    new = {finding.purl: finding.new for finding in assessment(scene).findings}
    assert new == {"pkg:pypi/requests@1.0.0": False, "pkg:pypi/requests@1.1.0": False, "pkg:pypi/flask@1.0.0": True}


def test_a_binding_is_what_the_signature_shows_not_what_the_record_says():
    scene = scene_with()
    receipt = scene.submit(BAD).receipts[0]
    work = Work(scene.effects, ALICE)
    evidence = load(scene.store, receipt.evidence, Evidence)
    forged = work.save(msgspec.structs.replace(evidence, binding="attested"))
    admission = load(scene.store, receipt.admission, Admission)
    claimed = work.save(msgspec.structs.replace(admission, evidence=forged, binding="attested"))
    work.note("evidence.admitted", claimed, (work.add(refs.evidence(scene.manifest()), claimed),))
    work.commit()
    assert {row.binding for row in assessment(scene).evidence} == {"asserted"}


def test_a_signed_sbom_is_attested_by_its_signer():
    scene = scene_with(signed(BAD, Scene().manifest(), predicate_type="https://cyclonedx.org/bom"))
    (row,) = assessment(scene).evidence
    assert (row.type, row.binding, row.verified, row.signers) == ("sbom", "attested", True, ("bob",))


def test_a_signature_over_another_image_attests_nothing():
    scene = scene_with()
    scene.submit(
        signed(BAD, "sha256:" + "8" * 64, predicate_type="https://cyclonedx.org/bom"), subject=scene.manifest()
    )
    rows = assessment(scene).evidence
    assert all((row.binding, row.verified) == ("asserted", False) for row in rows)


def test_an_admission_about_another_image_in_a_head_is_refused():
    scene = scene_with()
    receipt = scene.submit(BAD, subject="sha256:" + "8" * 64).receipts[0]
    work = Work(scene.effects, ALICE)
    work.note("evidence.admitted", receipt.admission, (work.add(refs.evidence(scene.manifest()), receipt.admission),))
    work.commit()
    with pytest.raises(EvidenceForeign):
        scene.evaluate()


def test_a_signed_statement_about_the_product_closes_and_about_another_does_not():
    scene = scene_with(BAD)
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", "pkg:oci/web@sha256:" + "8" * 64), scene.manifest()))
    assert assessment(scene).findings[0].vex == "none"
    scene.submit(
        signed(openvex("GHSA-aaaa", "not_affected", f"pkg:oci/web@{scene.manifest()}", name="2"), scene.manifest())
    )
    (finding,) = assessment(scene).findings
    assert (finding.vex, finding.open, finding.claims[0].signer) == ("not_affected", False, "bob")


def test_an_unsigned_statement_is_shown_and_closes_nothing():
    scene = scene_with(BAD)
    scene.submit(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{scene.manifest()}"))
    (finding,) = assessment(scene).findings
    assert (finding.vex, finding.open, len(finding.claims)) == ("unknown", True, 1)


def test_a_statement_about_one_component_leaves_the_others_open():
    scene = scene_with(sbom(("requests", "1.0.0"), ("flask", "1.0.0")))
    product = f"pkg:oci/web@{scene.manifest()}"
    scene.submit(
        signed(openvex("CVE-2026-0001", "not_affected", product, subcomponents=["pkg:pypi/flask"]), scene.manifest())
    )
    assert {finding.vex for finding in assessment(scene).findings} == {"none"}
    scene.submit(
        signed(
            openvex("CVE-2026-0001", "not_affected", product, subcomponents=["pkg:pypi/requests"], name="2"),
            scene.manifest(),
        )
    )
    assert {f.purl: f.vex for f in assessment(scene).findings} == {
        "pkg:pypi/requests@1.0.0": "not_affected",
        "pkg:pypi/flask@1.0.0": "none",
    }


def test_two_signers_who_contradict_each_other_are_a_conflict_that_stays_open():
    scene = scene_with(BAD)
    product = f"pkg:oci/web@{scene.manifest()}"
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", product), scene.manifest()))
    scene.submit(signed(openvex("CVE-2026-0001", "affected", product, name="2"), scene.manifest(), login="carol"))
    found = assessment(scene)
    (finding,) = found.findings
    assert (finding.vex, finding.open) == ("conflict", True)
    assert {claim.signer for claim in finding.claims} == {"bob", "carol"}
    assert "VexConflict" in {row.reason for row in found.unknowns}


def test_a_statement_about_a_sibling_platform_does_not_close_here():
    scene = Scene(platforms=("linux/amd64", "linux/arm64"))
    scene.feed(HIGH)
    scene.submit(BAD, subject=scene.resolution.root)
    arm = scene.manifest("linux/arm64")
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{arm}"), arm), subject=arm)
    assert {f.platform: f.open for f in assessment(scene).findings} == {"linux/amd64": True, "linux/arm64": False}


def test_a_table_the_pack_names_is_the_one_that_counts():
    scene = scene_with(BAD)
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", f"pkg:oci/web@{scene.manifest()}"), scene.manifest()))
    assert assessment(scene).findings[0].vex == "not_affected"
    table = msgspec.structs.replace(BUILT_IN, name="narrow", minimum_score=900_000)
    name = policy.store_trust_table(scene.effects, ALICE, msgspec.json.encode(table, order="sorted"))
    scene.activate(PACK % {"binding": "asserted"} + f'trust_table: "{name}"\n')
    found = assessment(scene)
    assert (found.findings[0].vex, found.trust_table) == ("unknown", name)


def test_without_a_feed_everything_is_unknown_and_says_so():
    scene = Scene()
    scene.submit(BAD)
    found = assessment(scene)
    assert found.findings == ()
    assert ("FeedGap", "feed_missing") in {(row.reason, row.code) for row in found.unknowns}


def test_the_same_scan_of_root_and_manifest_is_told_once():
    scene = scene_with(BAD)
    scene.submit(BAD, subject=scene.resolution.root)
    found = assessment(scene)
    assert len(found.findings) == 1
    assert len(found.evidence) == 2


def test_the_name_people_see_is_the_cve():
    assert shown_name(["GHSA-z", "PYSEC-1", "CVE-2026-2", "CVE-2026-1"]) == "CVE-2026-1"
    assert shown_name(["PYSEC-1", "GHSA-z"]) == "GHSA-z"
    assert shown_name(["ZZZ", "PYSEC-1"]) == "PYSEC-1"


def test_the_question_of_a_judged_release_names_the_active_policy():
    scene = scene_with(BAD)
    verdict = asking.evaluate(scene.effects, ALICE, "app-1", "production").verdict
    assert scene.load(verdict.question, Question).policy == verdict.policy


def test_what_closes_another_vulnerability_does_not_close_this_one():
    """An advisory that only mentions CVE-2026-0001 is not closed by a word, or a waiver, about that one."""
    document = json.loads(osv("CVE-2026-0002", "requests"))
    document["related"] = ["CVE-2026-0001"]
    scene = Scene()
    scene.feed(HIGH, json.dumps(document).encode())
    scene.submit(BAD)
    image = scene.manifest()
    product = f"pkg:oci/web@{image.replace(':', '%3A')}"
    scene.submit(signed(openvex("CVE-2026-0001", "not_affected", product), image), subject=image)
    scene.waive(environment="production")
    found = {
        one.vulnerability: one.open for one in picture_of(scene.evaluate().verdict.assessment, scene.store.get).findings
    }
    assert found == {"CVE-2026-0001": False, "CVE-2026-0002": True}
