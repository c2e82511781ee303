"""Deploying over a fleet of pretend engines: the order, what fails, what is taken back, what goes on after a crash."""

import base64
import json
import threading

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cas import digest, refs
from cas.problems import Problem
from cas.records.deploy import Deployment, PlanInput, Receipt
from cas.records.promotion import StopLine
from cas.records.release import FreezeWindow, SecretReference, Target
from cas.records.verdict import Decision
from cas.store import load, save
from pipeline.operations import deploy as operation
from pipeline.operations.deploy import deploy, resume
from pipeline.operations.promote import decide
from pipeline.operations.work import Work
from pipeline.stage import advance
from pipeline.stages.plan import PLAN
from targets.problems import ImageMissing
from tests.support.delivery import ALICE, Image
from tests.support.fake_target import Killed, Refused
from tests.support.images import Layout, two_platforms
from tests.support.pretend_shop import IMAGES, NAMES, delivery, everywhere, release, running


def results(made, ended):
    return {load(made.world.store, one.target, Target).name: one for one in ended.result.outcomes}


def test_a_deployment_runs_the_pinned_images_on_every_target_and_moves_the_heads():
    fleet, made = delivery()
    wanted = release(made, 1)
    ended = made.deploy(wanted)
    assert ended.result.result == "deployed"
    assert running(fleet) == everywhere(1)
    [head] = made.head()
    assert (head.release, head.result) == (wanted, ended.result_digest)
    log = made.world.log
    assert log.ref(refs.lease("production")) is None
    assert log.ref(refs.named(digest.uuid_of(ended.deployment))) == ended.deployment
    founded = load(made.world.store, ended.deployment, Deployment)
    assert made.status(digest.uuid_of(founded.promotion)).state == "deployed"
    assert made.status(digest.uuid_of(founded.promotion)).packet == head.packet


def test_the_sticker_on_each_target_is_signed_and_its_checksums_hold():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    public = load_der_public_key(base64.b64decode(made.sticker.key.spki))
    for name, engine in fleet.engines.items():
        sticker = json.loads(engine.files["stella.version.json"])
        signature = base64.b64decode(sticker.pop("signature"))
        signed = json.dumps(sticker, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        assert sticker["deployment"]["targetName"] == name
        assert sticker["signatureAlgorithm"] == "RS256"
        listed = dict(reversed(line.split("  ")) for line in engine.files["checksums.sha256"].decode().splitlines())
        assert {"stella.version.json", "compose.stella.lock.yml", "manifest.json"} <= listed.keys()
        for path, stated in listed.items():
            assert digest.of_bytes(engine.files[path])[7:] == stated


def test_everything_is_prepared_on_every_target_before_anything_is_stopped_on_any():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    fleet.asked.clear()
    made.deploy(release(made, 2))
    steps = fleet.steps()
    first_swap = next(at for at, (_, step) in enumerate(steps) if step.startswith("swap"))
    prepared = {(host, step) for host, step in steps[:first_swap]}
    for name in NAMES:
        assert (name, "pull-0") in prepared
        assert (name, "create-shop_production-web-1") in prepared


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("action", ["image.pull", "container.create", "volume.create"])
def test_a_failure_while_preparing_stops_nothing_on_any_target(index, action):
    fleet, made = delivery()
    template = TEMPLATE_WITH_VOLUME
    made.deploy(release(made, 1, template=template))
    before = {name: engine.ids() for name, engine in fleet.engines.items()}
    fleet.asked.clear()
    fleet.failing[(NAMES[index], action)] = ImageMissing(image="x")
    ended = made.deploy(release(made, 2, template=template))
    assert ended.result.result == "failed"
    assert {name: engine.ids() for name, engine in fleet.engines.items()} == before
    assert running(fleet) == everywhere(1)
    assert not [step for _, step in fleet.steps() if step.startswith("swap")]
    found = results(made, ended)
    assert found[NAMES[index]].code == "target.image_missing"
    assert {one.result for one in found.values()} == {"not_reached"}
    assert [head.release for head in made.head()] == [made.world.log.ref(refs.release("shop-1"))]


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("action", ["container.swap", "health.wait", "container.verify"])
def test_a_failure_after_the_switch_restores_the_old_containers_on_all_targets(index, action):
    fleet, made = delivery()
    made.deploy(release(made, 1))
    before = {name: engine.ids() for name, engine in fleet.engines.items()}
    files = {name: dict(engine.files) for name, engine in fleet.engines.items()}
    fleet.failing[(NAMES[index], action)] = Refused()
    ended = made.deploy(release(made, 2))
    assert ended.result.result == "rolled_back"
    assert {name: engine.ids() for name, engine in fleet.engines.items()} == before
    assert {name: dict(engine.files) for name, engine in fleet.engines.items()} == files
    assert all(len(engine.containers) == 1 for engine in fleet.engines.values()), "no leftovers"
    found = results(made, ended)
    assert found[NAMES[index]].code == "target.engine_refused"
    assert {one.result for one in found.values()} == {"restored"}
    fleet.failing.clear()
    promotion = load(made.world.store, ended.deployment, Deployment).promotion
    assert made.status(digest.uuid_of(promotion)).state == "rolled_back"
    assert made.world.log.ref(refs.lease("production")) is None


def test_a_first_deployment_that_fails_leaves_nothing_behind():
    fleet, made = delivery()
    fleet.failing[("beta", "health.wait")] = Refused()
    ended = made.deploy(release(made, 1))
    assert ended.result.result == "rolled_back"
    assert all(not engine.containers and not engine.files for engine in fleet.engines.values())


@pytest.mark.parametrize("index", range(3))
def test_a_crash_looping_image_restores_all_targets(index):
    fleet, made = delivery()
    made.deploy(release(made, 1))
    before = {name: engine.ids() for name, engine in fleet.engines.items()}
    fleet.failing[(NAMES[index], "health.wait")] = Refused()
    fleet.bad_images = {IMAGES[2]["digest"]}
    ended = made.deploy(release(made, 2))
    assert ended.result.result == "rolled_back"
    assert {name: engine.ids() for name, engine in fleet.engines.items()} == before


@pytest.mark.parametrize("index", range(3))
def test_a_target_that_does_not_take_its_sticker_restores_all_and_their_old_files(index):
    fleet, made = delivery()
    made.deploy(release(made, 1))
    files = {name: dict(engine.files) for name, engine in fleet.engines.items()}
    fleet.failing_once[(NAMES[index], "finish")] = Refused()
    ended = made.deploy(release(made, 2))
    assert ended.result.result == "rolled_back"
    assert running(fleet) == everywhere(1)
    assert {name: dict(engine.files) for name, engine in fleet.engines.items()} == files


TEMPLATE_WITH_VOLUME = b"""services:
  web:
    image: %s
    volumes: ["data:/data"]
volumes: {data: {}}
"""


def test_rolling_switches_batch_by_batch_and_never_reaches_the_next_after_a_failure():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    made.place(strategy="rolling", batch_size=1)
    order = [
        load(made.world.store, name, Target).name for name in sorted(save(made.world.store, t) for t in made.targets)
    ]
    fleet.failing[(order[1], "health.wait")] = Refused()
    fleet.asked.clear()
    ended = made.deploy(release(made, 2))
    assert ended.result.result == "rolled_back"
    assert running(fleet) == everywhere(1)
    found = results(made, ended)
    assert [found[name].result for name in order] == ["restored", "restored", "not_reached"]
    swapped = [host for host, step in fleet.steps() if step.startswith("swap")]
    assert swapped == order[:2]


def test_rolling_awaits_each_batch_before_the_next():
    fleet, made = delivery()
    made.place(strategy="rolling", batch_size=2)
    ended = made.deploy(release(made, 1))
    assert ended.result.result == "deployed"
    steps = [(host, step.split("-")[0]) for host, step in fleet.steps()]
    order = [
        load(made.world.store, name, Target).name for name in sorted(save(made.world.store, t) for t in made.targets)
    ]
    waits = [at for at, (host, step) in enumerate(steps) if step == "health" and host in order[:2]]
    last = next(at for at, one in enumerate(steps) if one == (order[2], "swap"))
    assert max(waits) < last


@pytest.mark.parametrize("name", NAMES)
def test_an_unlisted_platform_on_any_target_stops_nothing(name):
    fleet, made = delivery()
    made.deploy(release(made, 1))
    before = {one: engine.ids() for one, engine in fleet.engines.items()}
    fleet.engines[name].platform = "linux/s390x"  # what the engine says, whatever its record declared
    fleet.asked.clear()
    ended = made.deploy(release(made, 2))
    assert ended.result.result == "failed"
    assert results(made, ended)[name].code == "target.platform_unlisted"
    assert not fleet.asked
    assert {one: engine.ids() for one, engine in fleet.engines.items()} == before


def test_an_attestation_manifest_is_never_what_runs():
    layout = Layout()
    index = two_platforms(layout)
    fleet, made = delivery(("alpha",))
    image = Image("registry.example/web", "v1", layout, index, platforms=("linux/amd64", "linux/arm64"))
    made.deploy(made.release("shop-1", {"web": image}))
    [container] = fleet.engines["alpha"].containers.values()
    amd = json.loads(layout.blobs[index["digest"]])["manifests"][0]["digest"]
    assert container["labels"]["stella.platform.digest"] == amd
    assert container["digest"] == index["digest"]


def test_an_unreachable_target_fails_before_anything_is_done():
    fleet, made = delivery()
    release_ = release(made, 1)
    fleet.failing[("gamma", "observe")] = Refused()
    ended = made.deploy(release_)
    assert ended.result.result == "failed"
    assert results(made, ended)["gamma"].code == "target.engine_refused"
    assert not fleet.asked


CALLS = 24


def test_a_deployment_asks_fewer_calls_than_the_crashes_below_try():
    fleet, made = delivery(("alpha", "beta"))
    made.deploy(release(made, 1))
    fleet.asked.clear()
    made.deploy(release(made, 2))
    assert 12 < len(fleet.asked) < CALLS


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, CALLS))
def test_a_crash_of_ours_at_any_step_is_resumed_to_the_same_end(number, when):
    fleet, made = delivery(("alpha", "beta"))
    made.deploy(release(made, 1))
    promotion = made.approve(release(made, 2))
    fleet.asked.clear()
    fleet.dying = (number, when)
    try:
        deploy(made.effects, ALICE, promotion)
        died = False
    except Killed:
        died = True
    fleet.dying = ()
    if died:
        assert made.status(promotion).state == "deploying"
        with pytest.raises(Problem) as refused:
            deploy(made.effects, ALICE, promotion)
        assert refused.value.code in {"deploy.environment_busy", "promotion.illegal_move"}
        ended = resume(made.effects, ALICE, "production")
        assert ended.result.result == "deployed"
    assert running(fleet) == everywhere(2, ("alpha", "beta"))
    assert all(len(engine.containers) == 1 for engine in fleet.engines.values())
    assert made.status(promotion).state == "deployed"
    done = [step for host, step in fleet.steps() if host == "alpha"]
    assert len(done) - len(set(done)) <= 1, "at most the step that was under way is done again"


def fleet_calls_until_undo():
    fleet, made = delivery(("alpha",))
    made.deploy(release(made, 1))
    fleet.failing[("alpha", "health.wait")] = Refused()
    fleet.asked.clear()
    made.deploy(release(made, 2))
    return [verb for _, verb, _ in fleet.asked].index("undo")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_crash_while_taking_back_is_resumed_to_the_old_containers(number):
    fleet, made = delivery(("alpha",))
    made.deploy(release(made, 1))
    before = fleet.engines["alpha"].ids()
    promotion = made.approve(release(made, 2))
    fleet.failing[("alpha", "health.wait")] = Refused()
    fleet.asked.clear()
    fleet.dying = (fleet_calls_until_undo() + number, "after")
    with pytest.raises(Killed):
        deploy(made.effects, ALICE, promotion)
    fleet.dying = ()
    ended = resume(made.effects, ALICE, "production")
    assert ended.result.result == "rolled_back"
    assert fleet.engines["alpha"].ids() == before


def test_a_crash_before_planning_is_resumed():
    fleet, made = delivery(("alpha",))
    promotion = made.approve(release(made, 1))
    fleet.failing_once[("alpha", "observe")] = Killed()
    with pytest.raises(Killed):
        deploy(made.effects, ALICE, promotion)
    assert resume(made.effects, ALICE, "production").result.result == "deployed"
    assert running(fleet) == everywhere(1, ("alpha",))


def test_nothing_is_resumed_where_nothing_is_under_way():
    _, made = delivery()
    with pytest.raises(operation.NothingToResume):
        resume(made.effects, ALICE, "production")


def test_what_failed_and_was_ended_is_not_resumed_but_named():
    fleet, made = delivery()
    made.deploy(release(made, 1))
    fleet.failing[("beta", "container.swap")] = Refused()
    ended = made.deploy(release(made, 2))
    with pytest.raises(operation.NothingToResume) as told:
        resume(made.effects, ALICE, "production")
    problem = told.value
    assert problem.code == "deploy.nothing_to_resume"
    assert problem.fields == {
        "environment": "production",
        "release": "shop-2",
        "deployment": digest.uuid_of(ended.deployment),
        "result": "rolled_back",
        "ended_at": ended.result.completed_at,
        "targets": "beta: target.engine_refused",
    }
    assert "stella promote" in problem.remedy
    assert "stella rollback" in problem.remedy
    with pytest.raises(Problem) as nowhere:
        resume(made.effects, ALICE, "nowhere")
    assert nowhere.value.code == "environment.missing"


def test_a_decision_is_spent_once():
    _, made = delivery()
    promotion = made.approve(release(made, 1))
    deploy(made.effects, ALICE, promotion)
    with pytest.raises(Problem) as refused:
        deploy(made.effects, ALICE, promotion)
    assert refused.value.code == "promotion.illegal_move"


def test_two_at_once_and_one_of_them_is_told_that_the_environment_is_busy():
    fleet, made = delivery(("alpha",))
    first, second = made.approve(release(made, 1)), made.approve(release(made, 2))
    reached, go = threading.Event(), threading.Event()
    inner = fleet.adapter

    def slow(where):
        reached.set()
        assert go.wait(20)
        return inner(where)

    made.adapter = slow
    effects = made.effects
    ended = []
    thread = threading.Thread(target=lambda: ended.append(deploy(effects, ALICE, first)))
    thread.start()
    assert reached.wait(20)
    with pytest.raises(operation.EnvironmentBusy):
        deploy(effects, ALICE, second)
    go.set()
    thread.join()
    assert ended[0].result.result == "deployed"


def test_a_decision_past_its_end_is_refused_and_not_spent():
    fleet, made = delivery()
    promotion = made.approve(release(made, 1))
    made.world.clock.at = "2027-03-01T12:00:00Z"
    with pytest.raises(Problem) as refused:
        deploy(made.effects, ALICE, promotion)
    assert refused.value.code in {"plan.decision_expired", "promotion.decision_stale"}
    assert made.status(promotion).state == "approved"
    assert not fleet.asked


def test_an_environment_frozen_at_the_start_is_refused_but_for_those_who_may_override():
    fleet, made = delivery()
    window = FreezeWindow(start="2026-03-01T13:00:00Z", end="2026-03-01T14:00:00Z", reason="audit", exceptions=("bob",))
    made.place(freeze_windows=(window,))
    promotion = made.approve(release(made, 1))
    made.world.clock.at = "2026-03-01T13:30:00Z"
    with pytest.raises(Problem) as refused:
        deploy(made.effects, ALICE, promotion)
    assert refused.value.code in {"plan.frozen", "promotion.decision_stale"}
    assert not fleet.asked
    assert made.status(promotion).state == "approved"


def test_what_the_environment_is_when_it_is_decided_is_what_is_deployed():
    fleet, made = delivery(("alpha",))
    promotion = made.approve(release(made, 1))
    made.place(variables=(("GREETING", "of today"),))
    with pytest.raises(Problem) as refused:
        deploy(made.effects, ALICE, promotion)
    assert refused.value.code == "promotion.decision_stale", "the decision was for the environment before"
    decide(made.effects, ALICE, promotion)
    ended = deploy(made.effects, ALICE, promotion)
    assert ended.result.result == "deployed"
    [container] = fleet.engines["alpha"].containers.values()
    assert "GREETING=of today" in container["values"]
    founded = load(made.world.store, ended.deployment, Deployment)
    assert founded.environment == load(made.world.store, founded.decision, Decision).environment == made.placed


def test_a_stopped_line_is_refused():
    fleet, made = delivery()
    promotion = made.approve(release(made, 1))
    work = Work(made.effects, ALICE)
    stop = work.save(StopLine(environments=(), reason="x", by=ALICE.actor, at=work.now, nonce="0" * 32))
    work.note("line.stopped", stop, (work.move(refs.STOP_LINE, stop),))
    work.commit()
    with pytest.raises(Problem):
        deploy(made.effects, ALICE, promotion)
    assert not fleet.asked


def test_deploying_the_same_release_again_touches_no_container():
    fleet, made = delivery()
    wanted = release(made, 1)
    made.deploy(wanted)
    before = {name: dict(engine.containers) for name, engine in fleet.engines.items()}
    fleet.asked.clear()
    ended = made.deploy(wanted)
    assert ended.result.result == "deployed"
    assert {name: dict(engine.containers) for name, engine in fleet.engines.items()} == before
    assert {step.split("-")[0] for _, step in fleet.steps()} == {"file"}, "the lock tells of the new deployment"


def test_deploying_again_replaces_a_container_that_was_altered_behind_our_back():
    fleet, made = delivery()
    wanted = release(made, 1)
    made.deploy(wanted)
    before = {name: engine.ids() for name, engine in fleet.engines.items()}
    fleet.engines["beta"].containers["shop_production-web-1"]["environment"] = ["LD_PRELOAD"]
    assert made.deploy(wanted).result.result == "deployed"
    after = {name: engine.ids() for name, engine in fleet.engines.items()}
    assert [name for name in NAMES if after[name] != before[name]] == ["beta"]


def test_a_kind_of_target_that_is_not_there_spends_nothing():
    _, made = delivery()
    promotion = made.approve(release(made, 1))

    def missing(_):
        raise Refused

    made.adapter = missing
    with pytest.raises(Refused):
        deploy(made.effects, ALICE, promotion)
    assert made.status(promotion).state == "approved"
    assert made.world.log.ref(refs.lease("production")) is None


def test_planning_after_apply_yields_no_steps():
    _, made = delivery()
    ended = made.deploy(release(made, 1))
    [head] = made.head()
    for outcome in ended.result.outcomes:
        question = PlanInput(
            deployment=ended.deployment,
            target=outcome.target,
            rendered=head.rendered,
            observation=outcome.observation,
        )
        planned = advance(PLAN, save(made.world.store, question), made.world.store)
        assert planned.record.steps == ()


def test_a_secret_reaches_the_container_and_no_object():
    fleet, made = delivery(("alpha",), changes={"secrets": (SecretReference(name="DB_URL", source="env:DB"),)})
    made.outside["secret"] = {"env:DB": "very-s3cret-value"}.__getitem__
    template = b"services: {web: {image: %s, environment: {DATABASE: '${DB_URL}', PRICE: '5$$'}}}"
    made.deploy(release(made, 1, template=template))
    [container] = fleet.engines["alpha"].containers.values()
    assert "DATABASE=very-s3cret-value" in container["values"]
    assert "PRICE=5$" in container["values"]
    store = made.world.store
    assert not [name for name in store.digests() if b"very-s3cret-value" in store.get(name)]


def test_every_receipt_is_in_the_log_before_the_next_step_begins():
    _, made = delivery(("alpha",))
    ended = made.deploy(release(made, 1))
    entries = [entry for _, entry in made.world.log.read() if entry.event == "step.applied"]
    journaled = [load(made.world.store, entry.record, Receipt).step for entry in entries]
    [outcome] = ended.result.outcomes
    assert journaled == [load(made.world.store, name, Receipt).step for name in outcome.receipts]
