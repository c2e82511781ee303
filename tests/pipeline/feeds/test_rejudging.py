"""A new snapshot judges again only what it may turn; old verdicts stay, and where it runs is told."""

import pytest

from cas import refs
from cas.records.deploy import Deployed
from cas.records.verdict import Verdict
from pipeline.feeds.reading import snapshot
from pipeline.feeds.touching import Touching
from pipeline.operations.rejudging import FeedMissing, rejudge
from tests.support.judging import Scene, osv, sbom
from tests.support.world import ALICE

OTHER = osv("CVE-2026-0009", "unrelated")


def ready():
    scene = Scene()
    scene.feed(OTHER)
    scene.submit(sbom(("flask", "1.0.0")))
    return scene, scene.evaluate()


def again(scene, **more):
    return rejudge(scene.effects, ALICE, deployed_only=False, **more)


def test_without_a_feed_there_is_nothing_to_judge_against():
    with pytest.raises(FeedMissing):
        again(Scene())


def test_a_snapshot_without_a_change_to_its_packages_leaves_a_verdict_alone():
    scene, judged = ready()
    scene.feed(osv("CVE-2026-0010", "something-else"))
    made = again(scene)
    assert (made.seen, made.touched, made.rejudged) == (1, 0, ())
    assert scene.effects.log.ref(refs.verdict(judged.verdict.release, "production")) == judged.digest


def test_an_advisory_about_one_of_its_packages_turns_it_and_the_old_verdict_stays():
    scene, judged = ready()
    scene.feed(osv("CVE-2026-0011", "flask", "CRITICAL"))
    made = again(scene)
    (one,) = made.rejudged
    assert (one.touched.value.outcome, one.outcome, one.flipped) == ("allow", "deny", True)
    assert one.touched.packages == (("PyPI", "flask"),)
    assert [gate for gate, was, now in one.turned if (was, now) == ("pass", "fail")]
    assert scene.load(judged.digest, Verdict) == judged.verdict
    assert scene.effects.log.ref(refs.verdict(judged.verdict.release, "production")) == one.verdict
    assert again(scene).touched == 0  # it rests on the current snapshot now


def test_a_rating_that_comes_under_another_name_touches_it_too():
    scene, _ = ready()
    scene.feed(osv("PYSEC-1", "flask", "LOW", aliases=["CVE-2026-0012"]))
    assert again(scene).touched == 1
    scene.feed(osv("CVE-2026-0012", "nothing-we-have", "CRITICAL"))
    assert [one.touched.packages for one in again(scene).rejudged] == [(("PyPI", "flask"),)]


def test_only_what_runs_is_judged_again_unless_everything_is_asked():
    scene, _ = ready()
    scene.feed(osv("CVE-2026-0011", "flask", "CRITICAL"))
    made = rejudge(scene.effects, ALICE)
    assert (made.seen, made.touched) == (0, 0)
    assert Deployed
    assert again(scene, within=lambda name: name != "production").seen == 0


def test_an_ecosystem_that_comes_touches_every_sbom_that_asks_for_it():
    scene = Scene()
    scene.feed(osv("CVE-2026-0009", "unrelated", ecosystem="npm"))
    scene.submit(sbom(("flask", "1.0.0")))
    scene.evaluate()
    old = snapshot(scene.store.get(scene.effects.log.ref(refs.FEED)))
    scene.feed(osv("CVE-2026-0010", "something-else"))
    new = snapshot(scene.store.get(scene.effects.log.ref(refs.FEED)))
    assert Touching(scene.store, old, new).changes[0].name == "something-else"
    (one,) = again(scene).rejudged  # "no such ecosystem" was a gap; now it is an answer
    assert one.touched.packages == (("PyPI", ""),)


def test_kev_naming_what_was_found_touches_it():
    scene, _ = ready()
    scene.feed(osv("GHSA-1", "flask", "LOW", aliases=["CVE-2026-0012"]))
    again(scene)
    epss = b"#model_version:v1,score_date:2026-03-01\ncve,epss,percentile\nCVE-2026-0012,0.9,0.9\n"
    scene.feed(OTHER, epss=epss)
    (one,) = again(scene).rejudged
    assert (one.touched.lists, one.touched.packages) == (True, ())
    scene.feed(OTHER, epss=epss.replace(b"0012", b"0013").replace(b"0.9,", b"0.8,") + b"CVE-2026-0012,0.9,0.9\n")
    assert again(scene).touched == 0  # others' scores changed
