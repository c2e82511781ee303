"""Retired releases: where they may still go, who is told why, and what is never archived."""

import pytest

from cas import refs
from cas.problems import ExpectationFailed, Problem
from pipeline.operations import promote, release_life, releases
from pipeline.operations.deploy import deploy
from pipeline.operations.release_life import ReasonMissing, ReleaseInUse
from pipeline.operations.release_state import standing
from pipeline.operations.rollback import rollback
from tests.support.judging import Scene, sbom
from tests.support.pretend_shop import delivery, everywhere, release, running
from tests.support.world import ALICE, BOB


def shop(*numbers):
    """Releases deployed one after the other to pretend hosts."""
    fleet, made = delivery()
    for number in numbers:
        made.world.clock.at = f"2026-03-01T12:0{number}:00Z"
        assert made.deploy(release(made, number)).result.result == "deployed"
    return fleet, made


def deprecate(made, number, reason="a better one is out"):
    return release_life.deprecate(made.effects, BOB, f"shop-{number}", reason)


def archive(made, number, reason="long gone"):
    return release_life.archive(made.effects, BOB, f"shop-{number}", reason)


def refused(act, code="release.illegal_move"):
    with pytest.raises(Problem) as problem:
        act()
    assert problem.value.code == code, problem.value
    return problem.value.fields


def judged():
    scene = Scene()
    scene.submit(sbom(("flask", "9.0.0")))
    scene.feed()
    return scene


def test_a_release_is_deprecated_then_archived_each_with_who_when_and_why():
    _, made = shop(1, 2, 3)
    made.world.clock.at = "2026-03-02T00:00:00Z"
    first = deprecate(made, 1)
    second = archive(made, 1)
    assert (first.status.state, first.status.reason, first.status.by) == (
        "deprecated",
        "a better one is out",
        BOB.actor,
    )
    assert second.status.previous == standing_before(made, first)
    assert (second.status.state, second.status.at) == ("archived", "2026-03-02T00:00:00Z")
    assert standing(made.effects, "shop-1").status == second.status
    entries = [entry for _, entry in made.world.log.read()][-2:]
    assert [entry.event for entry in entries] == ["release.deprecated", "release.archived"]
    assert releases.find(made.effects, "shop-1")[1] == first.digest, "the release itself is what it was"


def standing_before(made, retired):
    from cas.store import save

    return save(made.world.store, retired.status)


def test_the_order_is_held():
    _, made = shop(1, 2, 3)
    assert refused(lambda: archive(made, 1))["possible"] == "deprecate, promote, roll_back"
    deprecate(made, 1)
    refused(lambda: deprecate(made, 1))
    archive(made, 1)
    assert refused(lambda: archive(made, 1))["possible"] == "nothing"
    assert refused(lambda: deprecate(made, 1))["state"] == "archived"


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 4_097])
def test_a_reason_is_needed(reason):
    _, made = shop(1)
    with pytest.raises(ReasonMissing):
        deprecate(made, 1, reason)
    assert standing(made.effects, "shop-1").state == "finalized"


def test_a_deprecated_release_goes_nowhere_new_but_may_be_rolled_back_to():
    fleet, made = shop(1, 2)
    deprecate(made, 1)
    before = made.world.log.head()
    fields = refused(lambda: promote.request(made.effects, ALICE, "shop-1", "production", "again"))
    assert (fields["state"], fields["possible"]) == ("deprecated", "archive, roll_back")
    assert made.world.log.head() == before
    done = rollback(made.effects, ALICE, "production")
    assert done.ended.result.result == "deployed"
    assert running(fleet) == everywhere(1)


def test_an_approved_promotion_is_not_deployed_once_its_release_is_deprecated():
    fleet, made = shop(1)
    waiting = made.approve(release(made, 2))
    deprecate(made, 2)
    assert refused(lambda: deploy(made.effects, ALICE, waiting))["event"] == "promote"
    assert running(fleet) == everywhere(1)
    assert made.status(waiting).state == "approved"
    promote.cancel(made.effects, ALICE, waiting)


def test_a_waiting_promotion_is_not_decided_once_its_release_is_deprecated():
    scene = Scene(required_approvals=1)
    scene.submit(sbom(("flask", "9.0.0")))
    view = scene.request()
    release_life.deprecate(scene.effects, BOB, "app-1", "found wanting")
    refused(lambda: scene.decide(view))
    refused(scene.request)
    assert scene.evaluate().verdict.outcome in {"allow", "deny", "undecided"}, "looking stays possible"


def test_a_release_retired_while_it_is_being_asked_for_is_refused():
    """The append expects the release to stand as it was read, whoever writes in between."""
    from dataclasses import replace

    scene = judged()
    outer = scene.world.log

    class Late:
        def __init__(self):
            self.done = False

        def __getattr__(self, name):
            return getattr(outer, name)

        def append(self, entries, expect=()):
            if not self.done and any(entry.event == "promotion.requested" for entry in entries):
                self.done = True
                release_life.deprecate(scene.effects, BOB, "app-1", "just now")
            return outer.append(entries, expect)

    effects = replace(scene.effects, log=Late())
    refused(lambda: promote.request(effects, ALICE, "app-1", "production", "because"))
    assert outer.refs(refs.promotion("")) == ()


def test_what_runs_is_never_archived():
    _, made = shop(1, 2)
    deprecate(made, 2)
    with pytest.raises(ReleaseInUse) as problem:
        archive(made, 2)
    assert problem.value.fields["where"] == "production runs it"


def test_what_a_rollback_would_return_to_is_never_archived():
    _, made = shop(1, 2)
    deprecate(made, 1)
    with pytest.raises(ReleaseInUse) as problem:
        archive(made, 1)
    assert problem.value.fields["where"] == "production would be rolled back to it"
    made.deploy(release(made, 3))
    assert archive(made, 1).status.state == "archived"
    refused(lambda: rollback(made.effects, ALICE, "production", to="shop-1"))


def test_what_is_on_its_way_is_never_archived():
    fleet, made = shop(1, 2, 3)
    deprecate(made, 1)
    back = promote.request(
        made.effects, ALICE, "shop-1", "production", "back", purpose="rollback", rollback_to=packet_of(made, "shop-1")
    )
    fleet.dying = (len(fleet.asked) + 3, "before")
    from tests.support.fake_target import Killed

    with pytest.raises(Killed):
        deploy(made.effects, ALICE, back.id)
    with pytest.raises(ReleaseInUse) as problem:
        archive(made, 1)
    assert problem.value.fields["where"] == "production is getting it"


def packet_of(made, name):
    from pipeline.operations.drift import history

    wanted = releases.find(made.effects, name)[1]
    return next(one.packet for _, one in history(made.effects, "production", "shop") if one.release == wanted)


def test_a_deployment_that_begins_meanwhile_makes_archiving_fail():
    from dataclasses import replace

    _, made = shop(1, 2, 3)
    deprecate(made, 1)
    outer = made.world.log

    class Late:
        def __getattr__(self, name):
            return getattr(outer, name)

        def append(self, entries, expect=()):
            assert rollback(made.effects, ALICE, "production", to="shop-1").ended.result.result == "deployed"
            return outer.append(entries, expect)

    with pytest.raises(ExpectationFailed):
        release_life.archive(replace(made.effects, log=Late()), BOB, "shop-1", "unused")
    assert standing(made.effects, "shop-1").state == "deprecated"


def test_archived_releases_are_listed_only_when_asked_for():
    _, made = shop(1, 2, 3)
    deprecate(made, 1)
    deprecate(made, 2)
    archive(made, 1)

    def listed(**more):
        return sorted(one.release.name for one in releases.list_releases(made.effects, **more))

    assert listed() == ["shop-2", "shop-3"]
    assert listed(state="all") == ["shop-1", "shop-2", "shop-3"]
    assert [listed(state=one) for one in ("finalized", "deprecated", "archived", "draft")] == [
        ["shop-3"],
        ["shop-2"],
        ["shop-1"],
        [],
    ]
    assert releases.find(made.effects, "shop-1")[0].name == "shop-1"
