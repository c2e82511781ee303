"""A deployment as it is told: how every target ended, why, and what can be done next. Decides nothing."""

import shlex
from collections.abc import Iterator

from api.calls import deployments as calls
from api.problem_words import Words, words_of
from api.visit import Visit
from cas import digest, refs
from cas.digest import Digest
from cas.records.deploy import Deployed, Deployment, DeploymentResult, Outcome
from cas.records.promotion import Promotion, PromotionStatus
from cas.records.release import Environment, Release, Target
from cas.store import load
from pipeline.operations import attempts
from pipeline.operations.deploy import find_packet


def told(
    visit: Visit, name: Digest, ended: tuple[Digest, DeploymentResult] | None, left: Deployed | None
) -> calls.DeploymentView:
    """Tell of a deployment, of its result when it has ended, of what it left when it ended well."""
    store = visit.effects.store
    deployment = load(store, name, Deployment)
    release = load(store, deployment.release, Release)
    environment = load(store, deployment.environment, Environment).name
    result = ended[1] if ended else None
    return calls.DeploymentView(
        id=digest.uuid_of(name),
        digest=name,
        promotion=digest.uuid_of(deployment.promotion),
        release=release.name,
        environment=environment,
        deployer=deployment.deployer_login,
        started_at=deployment.started_at,
        completed_at=result.completed_at if result else "",
        result=result.result if result else "",
        result_digest=ended[0] if ended else None,
        manifest=left.manifest if left else None,
        packet=left.packet if left else None,
        outcomes=tuple(_outcome(visit, one) for one in result.outcomes) if result else (),
        line=release.line,
        purpose=load(store, deployment.promotion, Promotion).purpose,
        next=tuple(_next(visit, deployment, release, environment, result)),
    )


def failed(visit: Visit) -> tuple[calls.DeploymentView, ...]:
    """Tell of the newest attempt of each environment and line that did not end well."""
    return tuple(
        told(visit, one.result.deployment, (one.result_digest, one.result), None)
        for one in attempts.failed(visit.effects)
    )


def under_way(visit: Visit) -> tuple[calls.DeploymentView, ...]:
    """Tell of the deployments that hold an environment, by environment."""
    store = visit.effects.store
    held = (load(store, name, PromotionStatus).deployment for _, name in visit.effects.log.refs(refs.lease("")))
    return tuple(told(visit, name, None, None) for name in held if name is not None)


def _outcome(visit: Visit, one: Outcome) -> calls.TargetOutcome:
    store = visit.effects.store
    target = load(store, one.target, Target)
    receipt = attempts.cause(store, one.receipts, one.code) if one.code else None
    words = words_of(one.code) if one.code else Words("", "")
    return calls.TargetOutcome(
        target=target.name,
        result=one.result,
        code=one.code,
        receipts=one.receipts,
        sticker=one.sticker,
        type=target.type,
        at=dict(target.settings).get("directory" if target.type == "directory" else "url", ""),
        title=words.title,
        remedy=words.remedy,
        step=receipt.step if receipt else "",
        facts=receipt.outputs if receipt else (),
        log=receipt.log if receipt else None,
    )


def _next(
    visit: Visit, deployment: Deployment, release: Release, environment: str, result: DeploymentResult | None
) -> Iterator[calls.NextStep]:
    """Say what can be done about a deployment that is under way, or that did not end well."""
    there = f"--environment {shlex.quote(environment)} --line {shlex.quote(release.line)}"
    if result is None:
        yield calls.NextStep(
            command=f"stella deploy --resume {shlex.quote(environment)}",
            why="if the process that deploys there has died, go on from its last step",
        )
        return
    if result.result == "deployed":
        return
    back = load(visit.effects.store, deployment.promotion, Promotion).rollback_to
    if back is not None:
        earlier = find_packet(visit.effects, environment, release.line, back)
        yield calls.NextStep(
            command=f"stella rollback {there} --to {digest.uuid_of(earlier.deployment)}",
            why="when that is mended, roll back again",
        )
    else:
        yield calls.NextStep(
            command=f"stella promote {shlex.quote(release.name)} --to {shlex.quote(environment)}",
            why="when that is mended, ask again (a promotion is deployed once)",
        )
    runs = attempts.running(visit.effects, environment, release.line)
    if runs is not None and any(one.result == "failed" for one in result.outcomes):
        current = load(visit.effects.store, runs, Deployed)
        yield calls.NextStep(
            command=f"stella rollback {there} --to {digest.uuid_of(current.deployment)}",
            why=f"or put back {load(visit.effects.store, current.release, Release).name}, which should run there",
        )
