"""The newest attempt of each environment and line: in view while it failed, gone when one succeeds."""

from pipeline.operations import attempts
from pipeline.operations.rollback import rollback
from targets.problems import ImageMissing
from tests.support.delivery import ALICE
from tests.support.fake_target import Refused
from tests.support.pretend_shop import delivery, release


def failed(made):
    return attempts.failed(made.effects)


def test_a_failure_is_in_view_until_a_deployment_succeeds():
    fleet, made = delivery()
    assert failed(made) == ()
    made.deploy(release(made, 1))
    assert failed(made) == ()
    running = attempts.running(made.effects, "production", "shop")
    fleet.failing[("beta", "container.swap")] = Refused()
    ended = made.deploy(release(made, 2))
    [one] = failed(made)
    assert (one.result_digest, one.result) == (ended.result_digest, ended.result)
    assert (one.release.name, one.environment.name, one.runs) == ("shop-2", "production", running)
    assert attempts.failed(made.effects, "production") == (one,)
    assert attempts.failed(made.effects, "produc") == (), "an environment is named whole"
    fleet.failing.clear()
    made.deploy(made.world.log.ref("release/shop-2"))
    assert failed(made) == ()


def test_a_rollback_that_failed_is_an_attempt_and_takes_the_place_of_the_one_before():
    fleet, made = delivery()
    for number in (1, 2):
        made.world.clock.at = f"2026-03-01T12:0{number}:00Z"
        made.deploy(release(made, number))
    fleet.failing[("alpha", "observe")] = Refused()
    first = made.deploy(release(made, 3))
    back = rollback(made.effects, ALICE, "production")
    [one] = failed(made)
    assert first.result.result == "failed"
    assert one.result_digest == back.ended.result_digest
    assert one.promotion.purpose == "rollback"
    fleet.failing.clear()
    again = rollback(made.effects, ALICE, "production")
    assert again.ended.result.result == "deployed"
    assert failed(made) == ()


def test_the_step_that_stopped_a_target_is_found_with_its_facts():
    fleet, made = delivery()
    fleet.failing[("beta", "image.pull")] = ImageMissing(reference="registry.example/web")
    ended = made.deploy(release(made, 1))
    store = made.world.store
    found = {one.code: attempts.cause(store, one.receipts, one.code) for one in ended.result.outcomes if one.code}
    assert dict(found["target.image_missing"].outputs) == {"reference": "registry.example/web"}
