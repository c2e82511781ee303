"""diff(A, B) applied to A gives B, map by map; over real releases with evidence, and over any maps at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas.problems import Problem
from cas.records.release import Release
from pipeline.operations import release_diff
from tests.support.judging import Scene, a_resolution, openvex, osv, sbom

MAPS = st.dictionaries(st.text(min_size=1, max_size=4), st.text(min_size=1, max_size=4), max_size=6)


@given(MAPS, MAPS)
def test_a_difference_applied_to_the_old_gives_the_new(before, after):
    done = tuple(release_diff.changes("x", before, after))
    assert release_diff.applied(before, done) == after
    assert (not done) == (before == after)
    assert [one.name for one in done] == sorted(one.name for one in done)


@pytest.fixture(scope="module")
def scene():
    """Two releases of one line with other images and other evidence, both judged."""
    scene = Scene()
    scene.feed(osv("CVE-2026-0001", "requests"), osv("CVE-2026-0002", "flask"))
    scene.submit(sbom(("flask", "1.0.0"), ("left", "1.0.0"), ("requests", "2.0.0")))
    scene.evaluate()
    scene.second = scene.add_release("app-2", a_resolution("api"), ("linux/amd64",))
    scene.submit(sbom(("flask", "2.0.0"), ("requests", "1.0.0")), openvex("CVE-2026-0009", "fixed", "pkg:oci/x"))
    from pipeline.operations import promote
    from tests.support.world import ALICE

    promote.evaluate(scene.effects, ALICE, "app-2", "production")
    return scene


def test_components_packages_and_evidence_of_two_releases(scene):
    old, new = (scene.load(each, Release) for each in (scene.release, scene.second))
    done = release_diff.diff(scene.effects, old, new)
    assert [(one.kind, one.what, one.name, one.old, one.new) for one in done if one.what == "package"] == [
        ("changed", "package", "web pkg:pypi/flask", "1.0.0", "2.0.0"),
        ("removed", "package", "web pkg:pypi/left", "1.0.0", ""),
        ("changed", "package", "web pkg:pypi/requests", "2.0.0", "1.0.0"),
    ]
    assert {one.what for one in done} == {"component", "package", "evidence"}
    before, after = (release_diff.contents(scene.effects, each) for each in (old, new))
    for what, held in before.items():
        assert release_diff.applied(held, [one for one in done if one.what == what]) == after[what]


def test_verdicts_are_compared_with_their_gates_and_evidence(scene):
    verdicts = [
        release_diff.verdict_of(scene.effects, each, "production", name="x") for each in (scene.release, scene.second)
    ]
    found = release_diff.compare(scene.store, *verdicts)
    assert [(one.rule, one.code, one.vulnerability, one.gates) for one in found.changes] == [
        ("R3", "left", "CVE-2026-0002", ("severity_budget",)),
        ("R3", "entered", "CVE-2026-0001", ("severity_budget",)),
    ]
    assert {one.type for one in found.evidence} == {"sbom", "vex"}
    assert release_diff.compare(scene.store, verdicts[0], verdicts[0]).changes == ()
    with pytest.raises(Problem) as refused:
        release_diff.verdict_of(scene.effects, scene.release, "nowhere", name="app-1")
    assert refused.value.code == "release.not_judged"
