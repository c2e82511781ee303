"""Deploying what a promotion's decision allows: captured, spent once, applied across the fleet, sealed, or taken back.

``deploy`` (1) captures a Deployment and spends the decision with the entry that moves the promotion to deploying;
(2) renders, observes and plans; (3) applies wave by wave with journaled receipts; (4) seals: stickers, manifest,
checksums, packet; (5) removes what is old, and moves the heads. Whatever fails before (5) is taken back on every
target. ``resume`` goes on after a crash of ours from what the log holds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cas import digest, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.deploy import Deployed, Deployment, Rendered, RenderInput
from cas.records.promotion import Promotion, PromotionStatus
from cas.records.proof import HeadSet
from cas.records.release import Environment, Target
from cas.records.verdict import Decision
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations import attempts, ending
from pipeline.operations.ending import Ended
from pipeline.operations.environments import find_environment
from pipeline.operations.fleet import Fleet
from pipeline.operations.promote import check_current
from pipeline.operations.promotions import PromotionView, view
from pipeline.operations.sealing import SEALED_NAMES, Sealing
from pipeline.operations.work import Work
from pipeline.stages.plan import refuse
from pipeline.stages.render import RENDER
from targets import rollout


class EnvironmentBusy(Problem):
    """Another deployment holds the environment."""

    code = "deploy.environment_busy"
    category = Category.CONFLICT
    title = "Another deployment to this environment is under way"
    remedy = "Wait for it; if its process died, run stella deploy --resume."


class NothingToResume(Problem):
    """No deployment of this environment is under way."""

    code = "deploy.nothing_to_resume"
    category = Category.MISSING
    title = "No deployment is under way there"
    remedy = "See stella status for what runs and what waits; deploy an approved promotion with stella deploy."


class AttemptEnded(NothingToResume):
    """No deployment is under way: the last one failed and was ended, which leaves nothing to go on with."""

    title = "No deployment is under way there: the last one did not end well, but it did end"
    remedy = (
        "Mend what stopped it and ask again: stella promote, then stella deploy; or stella rollback. "
        "stella status says what stopped it and gives the commands."
    )


class PacketUnknown(Problem):
    """Nothing that this instance deployed there has this packet."""

    code = "deploy.packet_unknown"
    category = Category.MISSING
    title = "No deployment of this line there left such a packet"
    remedy = "List what was deployed with stella status --history, and name one of its packets."


class NoTargets(Problem):
    """The environment has no targets."""

    code = "deploy.no_targets"
    category = Category.CONFLICT
    title = "The environment has no targets"
    remedy = "Register one with stella target add, then ask for the promotion again."


@dataclass(frozen=True, slots=True)
class Begun:
    """A deployment under way: its founding record, the status that holds the lease, the configuration."""

    deployment_digest: Digest
    deployment: Deployment
    status: PromotionStatus
    environment: Environment


_under_way: set[str] = set()  # environments that a thread of this process is changing now
_guard = threading.Lock()


def deploy(effects: Effects, caller: Caller, promotion_id: str) -> Ended:
    """Deploy an approved promotion, to the end or back to where it began.

    Raises: promotion.*, deploy.*, plan.*, cas.expectation_failed when somebody was faster: nothing was spent then
    """
    seen = view(effects, promotion_id)
    with _alone(seen.environment.name):
        return _carry_on(effects, caller, _begin(effects, caller, seen))


def resume(effects: Effects, caller: Caller, environment: str) -> Ended:
    """Go on with the deployment that a crash of ours interrupted: same plans, from the first step without a receipt.

    Raises: deploy.nothing_to_resume (what became of the last attempt is among its facts), deploy.environment_busy,
        environment.missing
    """
    holder = effects.log.ref(refs.lease(environment))
    if holder is None:
        raise _nothing_to_resume(effects, environment)
    with _alone(environment):
        return _carry_on(effects, caller, _begun(effects, holder))


def _nothing_to_resume(effects: Effects, environment: str) -> Problem:
    find_environment(effects, environment)
    ended = attempts.failed(effects, environment)
    if not ended:
        return NothingToResume(environment=environment)
    last = max(ended, key=lambda one: effects.log.admitted(one.result_digest) or 0)
    codes = sorted(
        f"{load(effects.store, one.target, Target).name}: {one.code}" for one in last.result.outcomes if one.code
    )
    return AttemptEnded(
        environment=environment,
        release=last.release.name,
        deployment=digest.uuid_of(last.result.deployment),
        result=last.result.result,
        ended_at=last.result.completed_at,
        targets=", ".join(codes),
    )


@contextmanager
def _alone(environment: str) -> Iterator[None]:
    with _guard:
        if environment in _under_way:
            raise EnvironmentBusy(environment=environment)
        _under_way.add(environment)
    try:
        yield
    finally:
        with _guard:
            _under_way.discard(environment)


def _begin(effects: Effects, caller: Caller, seen: PromotionView) -> Begun:
    """(1) Capture the deployment; spend the decision; take the lease."""
    work, name = Work(effects, caller), seen.environment.name
    if work.ref(refs.lease(name)) is not None:
        raise EnvironmentBusy(environment=name)
    work.expect(refs.promotion(seen.id), seen.status_digest)  # what is spent is what was looked at
    decision = check_current(work, seen.id)
    configuration = _configuration(effects, seen, decision)
    environment = load(effects.store, configuration, Environment)
    refuse(decision, environment, work.now, caller.login)
    if not seen.environment.targets:
        raise NoTargets(environment=name)
    for target in seen.environment.targets:
        effects.adapter(load(effects.store, target, Target))  # a kind that is not there spends nothing
    assert seen.status.decision is not None
    deployment = Deployment(
        decision=seen.status.decision,
        promotion=seen.digest,
        release=decision.release,
        environment=configuration,
        targets=seen.environment.targets,
        deployer=caller.actor,
        deployer_login=caller.login,
        started_at=work.now,
        generator=effects.generator,
        generator_version=effects.generator_version,
        previous=ending.deployed_digest(work, name, seen.release.line),
        nonce=effects.entropy.nonce(),
        strategy=environment.strategy,
        batch_size=environment.batch_size,
    )
    founded = work.save(deployment)
    spent = ending.next_status(seen.status, "deploy", deployment=founded)
    spent_digest = work.save(spent)
    work.note(
        "deployment.started",
        founded,
        (
            work.move(refs.promotion(seen.id), spent_digest),
            work.move(refs.lease(name), spent_digest),
            work.move(refs.named(digest.uuid_of(founded)), founded),
        ),
        beside=(spent_digest,),
    )
    work.commit()
    return Begun(founded, deployment, spent, environment)


def _configuration(effects: Effects, seen: PromotionView, decision: Decision) -> Digest:
    """Name the Environment that counts: the decision's; for a rollback, the one its Packet was deployed with."""
    if seen.promotion.rollback_to is None:
        return decision.environment
    found = find_packet(effects, seen.environment.name, seen.release.line, seen.promotion.rollback_to)
    return found.environment


def _begun(effects: Effects, status_digest: Digest) -> Begun:
    status = load(effects.store, status_digest, PromotionStatus)
    assert status.deployment is not None
    deployment = load(effects.store, status.deployment, Deployment)
    return Begun(status.deployment, deployment, status, load(effects.store, deployment.environment, Environment))


def _carry_on(effects: Effects, caller: Caller, begun: Begun) -> Ended:
    """(2) to (5), from wherever the log says that we are."""
    fleet = Fleet(effects, caller, begun.deployment_digest, begun.deployment)
    try:
        planned = fleet.recall() or _plan(effects, caller, begun, fleet)
    except Problem as problem:
        return _fail(fleet, begun, None, problem.code)
    if any(rollout.halted(host.last) for host in fleet.hosts):
        return _take_back(fleet, begun, planned)
    rendered = load(effects.store, planned, Rendered)
    for wave in rollout.waves(begun.deployment.strategy, begun.deployment.batch_size, len(fleet.hosts)):
        if not fleet.run(wave, rendered.project):
            return _take_back(fleet, begun, planned)
    promotion = load(effects.store, begun.deployment.promotion, Promotion)
    sealing = Sealing(Work(effects, caller), fleet, promotion, planned)
    try:
        sealed = sealing.seal()
    except Problem as problem:
        return _take_back(fleet, begun, planned, problem.code)
    fleet.run(rollout.finishing(len(fleet.hosts)), rendered.project)
    return ending.succeed(fleet, begun.status, begun.environment, sealing, sealed)


def _plan(effects: Effects, caller: Caller, begun: Begun, fleet: Fleet) -> Digest:
    """(2) Render, observe, plan."""
    work = Work(effects, caller)
    rendered = work.run(RENDER, RenderInput(deployment=begun.deployment_digest))
    paths = delivered_paths(effects, rendered.record, begun.deployment.previous)
    fleet.plan(work, rendered.digest, fleet.observe(rendered.record.project, paths))
    return rendered.digest


def delivered_paths(effects: Effects, rendered: Rendered, previous: Digest | None) -> tuple[str, ...]:
    """List the files to look at on a target: those of this lock, of the one before, and the sealed ones."""
    names = {artifact.name for artifact in rendered.artifacts} | set(SEALED_NAMES)
    if previous is not None:
        before = load(effects.store, load(effects.store, previous, Deployed).rendered, Rendered)
        names |= {artifact.name for artifact in before.artifacts}
    return tuple(sorted(names))


def _take_back(fleet: Fleet, begun: Begun, rendered: Digest, code: str = "") -> Ended:
    fleet.undo(load(fleet.effects.store, rendered, Rendered).project, SEALED_NAMES)
    return _fail(fleet, begun, rendered, code)


def _fail(fleet: Fleet, begun: Begun, rendered: Digest | None, code: str) -> Ended:
    if code and not any(host.problem for host in fleet.hosts):
        for host in fleet.hosts:
            host.problem = code
    return ending.fail(fleet, begun.status, begun.environment, rendered)


def find_packet(effects: Effects, environment: str, line: str, packet: Digest) -> Deployed:
    """Find what was deployed with a packet, among what this instance deployed there.

    Raises: deploy.packet_unknown
    """
    history = effects.log.ref(refs.history(environment, line))
    for name in load(effects.store, history, HeadSet).members if history else ():
        found = load(effects.store, name, Deployed)
        if found.packet == packet:
            return found
    raise PacketUnknown(packet=packet, environment=environment, line=line)
