"""Rolling back over pretend engines: where it leads, what it brings along, what it refuses."""

import pytest

from cas import digest, refs
from cas.problems import Problem
from cas.records.deploy import Deployed
from cas.records.promotion import Promotion
from cas.store import load
from pipeline.operations import rollback as operation
from pipeline.operations.deploy import EnvironmentBusy, deploy
from pipeline.operations.drift import history
from pipeline.operations.promote import request
from pipeline.operations.rollback import rollback
from tests.support.delivery import ALICE
from tests.support.fake_target import Killed
from tests.support.pretend_shop import NAMES, delivery, everywhere, release, running


def deployed(*numbers):
    fleet, made = delivery()
    for number in numbers:
        made.world.clock.at = f"2026-03-01T12:0{number}:00Z"
        assert made.deploy(release(made, number)).result.result == "deployed"
    return fleet, made


def back(made, **more):
    return rollback(made.effects, ALICE, "production", **more)


def test_without_an_argument_it_returns_to_what_ran_before():
    fleet, made = deployed(1, 2)
    done = back(made)
    assert done.ended.result.result == "deployed"
    assert done.promotion.promotion.purpose == "rollback"
    assert running(fleet) == everywhere(1)


def test_its_packet_is_of_type_rollback_and_names_the_earlier_one():
    _, made = deployed(1, 2)
    earlier = history(made.effects, "production", "shop")[-1][1]
    done = back(made)
    assert done.promotion.promotion.rollback_to == earlier.packet
    [head] = made.head()
    assert b'"type": "rollback"' in made.world.store.get(head.packet)


def test_going_back_twice_goes_further_back_and_never_forth():
    fleet, made = deployed(1, 2, 3)
    back(made)
    assert running(fleet) == everywhere(2)
    back(made)
    assert running(fleet) == everywhere(1)
    with pytest.raises(operation.NothingEarlier):
        back(made)
    assert running(fleet) == everywhere(1)


def test_a_repeated_deployment_is_no_way_back():
    fleet, made = deployed(1, 2)
    made.deploy(made.world.log.ref(refs.release("shop-2")))
    back(made)
    assert running(fleet) == everywhere(1)


def test_the_earlier_configuration_comes_along():
    fleet, made = delivery(("alpha",))
    made.deploy(release(made, 1))
    first = dict(fleet.engines["alpha"].containers["shop_production-web-1"])
    made.place(variables=(("GREETING", "changed"),))
    made.deploy(release(made, 2))
    assert "GREETING=changed" in fleet.engines["alpha"].containers["shop_production-web-1"]["values"]
    back(made)
    again = fleet.engines["alpha"].containers["shop_production-web-1"]
    assert {**again, "id": ""} == {**first, "id": ""}


def test_a_configuration_alone_can_be_rolled_back():
    fleet, made = delivery(("alpha",))
    made.deploy(release(made, 1))
    made.place(variables=(("GREETING", "changed"),))
    made.deploy(made.world.log.ref(refs.release("shop-1")))
    back(made)
    assert "GREETING=hello" in fleet.engines["alpha"].containers["shop_production-web-1"]["values"]


@pytest.mark.parametrize("by", ["release", "packet", "deployment"])
def test_it_goes_where_it_is_told(by):
    fleet, made = deployed(1, 2, 3)
    oldest = history(made.effects, "production", "shop")[-1][1]
    to = {"release": "shop-1", "packet": oldest.packet, "deployment": digest.uuid_of(oldest.deployment)}[by]
    back(made, to=to)
    assert running(fleet) == everywhere(1)


def test_an_unknown_goal_and_line_are_refused():
    _, made = deployed(1, 2)
    with pytest.raises(operation.TargetUnclear):
        back(made, to="shop-9")
    with pytest.raises(operation.LineUnclear):
        back(made, line="other")
    with pytest.raises(Problem) as refused:
        rollback(made.effects, ALICE, "nowhere")
    assert refused.value.code == "environment.missing"


def test_where_nothing_runs_it_says_so():
    _, made = delivery()
    with pytest.raises(operation.NothingRuns):
        back(made)


def test_while_another_deployment_holds_the_environment_nothing_is_asked_for():
    fleet, made = deployed(1, 2)
    promotion = made.approve(release(made, 3))
    fleet.failing_once[(NAMES[0], "observe")] = Killed()
    with pytest.raises(Killed):
        deploy(made.effects, ALICE, promotion)
    before = made.world.log.head()
    with pytest.raises(EnvironmentBusy):
        back(made)
    assert made.world.log.head() == before, "no promotion is left behind that nobody wants later"


def test_a_packet_that_does_not_verify_is_refused():
    fleet, made = deployed(1, 2)
    name, first = history(made.effects, "production", "shop")[-1]
    store = made.world.store
    packet = store.get(first.packet)
    for spoilt in (
        packet.replace(b"shop-1", b"shop-9", 1),
        packet.replace(b'"signature": "', b'"signature": "AAAA', 1),
    ):
        forged = Deployed(
            **{key: getattr(first, key) for key in first.__struct_fields__} | {"packet": store.put(spoilt)}
        )
        with pytest.raises(operation.PacketUntrusted):
            operation.verify_packet(made.effects, forged)
    operation.verify_packet(made.effects, first)
    store._objects[first.packet] = packet + b" "
    with pytest.raises(Problem) as refused:
        back(made)
    assert refused.value.code == "cas.object_corrupt"
    assert running(fleet) == everywhere(2)
    assert name


def test_a_failed_deployment_is_no_step_of_the_way():
    fleet, made = deployed(1, 2)
    fleet.bad_images = {"x"}
    from tests.support.fake_target import Refused

    fleet.failing[(NAMES[0], "health.wait")] = Refused()
    made.deploy(release(made, 3))
    fleet.failing.clear()
    assert running(fleet) == everywhere(2)
    back(made)
    assert running(fleet) == everywhere(1)


def test_a_rollback_passes_a_freeze_window():
    from cas.records.release import FreezeWindow

    fleet, made = deployed(1, 2)
    window = FreezeWindow(start="2026-03-01T12:00:00Z", end="2026-03-02T12:00:00Z", reason="x", exceptions=())
    made.place(freeze_windows=(window,))
    done = back(made)
    assert done.ended.result.result == "deployed"
    assert load(made.world.store, done.promotion.digest, Promotion).purpose == "rollback"
    assert running(fleet) == everywhere(1)


def test_no_other_release_travels_under_the_packet_of_a_rollback():
    fleet, made = deployed(1, 2)
    release(made, 3)
    oldest = history(made.effects, "production", "shop")[-1][1]
    for packet in (oldest.packet, digest.of_bytes(b"nothing")):
        with pytest.raises(Problem) as refused:
            request(made.effects, ALICE, "shop-3", "production", "x", purpose="rollback", rollback_to=packet)
        assert refused.value.code == "promotion.packet_foreign"
    assert running(fleet) == everywhere(2)
