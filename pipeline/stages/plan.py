"""plan/1: what is to be done on one target. Pure; reads only the deployment, its decision and what those name.

It refuses, as no answer, a decision past its end or a frozen environment at ``started_at``, and a target whose platform
a component does not list. A target that already is as wanted gets no steps.
"""

import msgspec

from cas.problems import Category, Problem
from cas.records.base import Instant, Slug
from cas.records.deploy import (
    Deployed,
    Deployment,
    DeploymentResult,
    Observation,
    Plan,
    PlanInput,
    Rendered,
)
from cas.records.promotion import Promotion
from cas.records.release import Environment, Release, Resolution, Target
from cas.records.verdict import Decision
from pipeline.stage import Stage, StageIO
from targets import platforms
from targets.catalog import kind_of
from targets.contract import Baseline, Wanted
from targets.problems import PlatformUnlisted


class DecisionExpired(Problem):
    """The decision's time is over, or had not come."""

    code = "plan.decision_expired"
    category = Category.CONFLICT
    title = "The decision no longer holds"
    remedy = "Ask for a new decision: stella promote decide."


class NotApproved(Problem):
    """The decision does not approve this."""

    code = "plan.not_approved"
    category = Category.DENIED
    title = "The decision does not approve this deployment"
    remedy = "See stella explain for what is missing."


class Frozen(Problem):
    """A freeze window covers the moment."""

    code = "plan.frozen"
    category = Category.CONFLICT
    title = "The environment is frozen"
    remedy = "Wait until the window ends, or let somebody deploy who may override it."


class _Named(msgspec.Struct):
    digest: str


class _What(msgspec.Struct):
    environment: _Named
    release: _Named


class _Content(msgspec.Struct):
    what: _What


class _Packet(msgspec.Struct):
    """As much of an evidence packet as a rollback needs."""

    content: _Content


_PACKET = msgspec.json.Decoder(_Packet)


def refuse(decision: Decision, environment: Environment, started_at: Instant, deployer: Slug) -> None:
    """Refuse a moment at which this decision may not be carried out.

    A rollback is never held up by a freeze window: only stop-the-line, or a pack that says so, blocks one.

    Raises: plan.not_approved, plan.decision_expired, plan.frozen
    """
    if decision.outcome != "approved" or decision.purpose == "simulation":
        raise NotApproved(outcome=decision.outcome, purpose=decision.purpose)
    if not decision.as_of <= started_at < decision.valid_until:
        raise DecisionExpired(as_of=decision.as_of, valid_until=decision.valid_until, started_at=started_at)
    if decision.purpose == "rollback":
        return
    for window in environment.freeze_windows:
        if window.start <= started_at < window.end and deployer not in window.exceptions:
            raise Frozen(environment=environment.name, until=window.end)


def check_decided(deployment: Deployment, decision: Decision, io: StageIO) -> None:
    """Refuse a deployment of anything but what was decided; a rollback takes its Packet's release and configuration.

    Raises: plan.not_approved
    """
    promotion = io.load(deployment.promotion, Promotion)
    release, environment = decision.release, decision.environment
    if promotion.rollback_to is not None:
        what = _PACKET.decode(io.read(promotion.rollback_to)).content.what
        release, environment = what.release.digest, what.environment.digest
        if release != decision.release:  # a rollback is not judged: it may lead to nothing but what ran
            raise NotApproved(outcome=decision.outcome, purpose=decision.purpose)
    wanted = (decision.promotion, release, environment)
    if (deployment.promotion, deployment.release, deployment.environment) != wanted:
        raise NotApproved(outcome=decision.outcome, purpose=decision.purpose)


def check_platform(release: Release, target: Target, observation: Observation) -> None:
    """Refuse a target whose platform, declared or observed, some component does not list; unsaid says nothing.

    Raises: target.platform_unlisted
    """
    for platform in filter(None, (target.platform, observation.platform)):
        unlisted = [
            part.name for part in release.components if not any(platforms.fits(one, platform) for one in part.platforms)
        ]
        if unlisted:
            raise PlatformUnlisted(target=target.name, platform=platform, components=", ".join(unlisted))


def baseline(deployment: Deployment, target: Target, io: StageIO) -> Baseline | None:
    """Find what the deployment before left on this target; by name, for a target's record may have been renewed."""
    if deployment.previous is None:
        return None
    deployed = io.load(deployment.previous, Deployed)
    result = io.load(deployed.result, DeploymentResult)
    for outcome in result.outcomes:
        if io.load(outcome.target, Target).name == target.name:
            seen = io.load(outcome.observation, Observation) if outcome.observation else None
            return Baseline(io.load(deployed.rendered, Rendered), seen)
    return None


def plan(question: PlanInput, io: StageIO) -> Plan:
    """Give the steps that lead from the observation to what is wanted.

    Raises: plan.*, target.platform_unlisted, target.service_unsupported, target.variable_unset, target.path_unsafe
    """
    deployment = io.load(question.deployment, Deployment)
    release = io.load(deployment.release, Release)
    environment = io.load(deployment.environment, Environment)
    target = io.load(question.target, Target)
    observation = io.load(question.observation, Observation)
    decision = io.load(deployment.decision, Decision)
    check_decided(deployment, decision, io)
    refuse(decision, environment, deployment.started_at, deployment.deployer_login)
    check_platform(release, target, observation)
    wanted = Wanted(
        deployment=deployment,
        deployment_digest=question.deployment,
        release=release,
        environment=environment,
        target=target,
        target_digest=question.target,
        rendered=io.load(question.rendered, Rendered),
        observation=observation,
        observation_digest=question.observation,
        resolutions=tuple(io.load(part.resolution, Resolution) for part in release.components),
        baseline=baseline(deployment, target, io),
        read=io.read,
        keep=io.keep,
    )
    return Plan(
        deployment=question.deployment,
        target=question.target,
        observation=question.observation,
        steps=kind_of(target.type).plan(wanted),
    )


PLAN = Stage("plan", 1, PlanInput, Plan, plan)
