"""Gates that look at the history and agreement of evidence, on their whole way: submitted, assessed, judged."""

import pytest

from tests.support.judging import Scene, openvex, osv, sbom, signed

PACK = """
name: settled
version: "1"
gates:
  - gate: determinization/1
  - gate: stability_damping/1
    with: {max_flips: 1, minimum_age_days: 0}
  - gate: sbom_drift/1
    with: {binding: asserted}
"""
SECOND = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b80"


@pytest.fixture
def scene():
    made = Scene(pack=PACK)
    made.feed(osv("CVE-2026-0001", "requests"))
    made.submit(sbom(("requests", "1.0.0")))
    return made


def answers(scene):
    return {one.gate.partition("/")[0]: one for one in scene.evaluate().verdict.gates}


def say(scene, status, at):
    document = openvex("CVE-2026-0001", status, f"pkg:oci/web@{scene.manifest()}", at=at, name=f"{status}-{at}")
    scene.submit(signed(document, scene.manifest()))


def test_what_nobody_asked_about_is_pending_and_a_fresh_word_determines_it(scene):
    (told,) = answers(scene)["determinization"].findings
    assert told.code == "pending_determination"
    assert "vex not_queried, reachability not_queried" in dict(told.arguments)["signals"]
    say(scene, "not_affected", "2026-03-01T11:00:00Z")
    scene.feed(osv("CVE-2026-0001", "requests"), epss=b"cve,epss,percentile\nCVE-2026-0001,0.00001,0.1\n")
    settled = answers(scene)["determinization"]
    assert (settled.status, dict(settled.counted)["determined"]) == ("pass", 1)


def test_a_word_that_fades_ends_the_verdict_and_is_pending_later(scene):
    say(scene, "not_affected", "2026-03-01T11:00:00Z")
    scene.feed(osv("CVE-2026-0001", "requests"), epss=b"cve,epss,percentile\nCVE-2026-0001,0.00001,0.1\n")
    assert scene.evaluate().verdict.valid_until == "2026-03-02T11:00:00Z"
    scene.at("2026-04-01T12:00:00Z")
    assert answers(scene)["determinization"].status == "fail"


def test_one_who_changes_his_mind_again_and_again_closes_nothing(scene):
    for day, status in enumerate(("not_affected", "affected", "not_affected"), 1):
        say(scene, status, f"2026-02-{day:02}T00:00:00Z")
        before = answers(scene)["stability_damping"]
        assert before.status == ("fail" if day == 3 else "pass")
    (told,) = before.findings
    assert (told.code, dict(told.arguments)["flips"]) == ("flapping", "2")
    assert len(told.evidence) == 5  # the package, the advisory and the three words
    scene.at("2026-05-03T00:00:01Z")
    assert answers(scene)["stability_damping"].status == "pass"


def test_sboms_of_one_image_that_disagree_are_told_by_package_with_both_lines(scene):
    assert answers(scene)["sbom_drift"].status == "unknown"
    scene.submit(sbom(("requests", "1.0.0"), serial=SECOND))
    assert answers(scene)["sbom_drift"].status == "pass"
    scene.submit(sbom(("requests", "1.1.0"), ("flask", "3.0.0"), serial=SECOND))
    drift = answers(scene)["sbom_drift"]
    assert drift.status == "fail"
    changed = next(one for one in drift.findings if one.code == "package_changed")
    assert [ref.pointer for ref in changed.evidence] == ["/components/0"] * 2
    assert {dict(changed.arguments)[name] for name in ("before", "after")} == {"1.0.0", "1.1.0"}
