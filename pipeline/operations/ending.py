"""How a deployment ends: the result record, the promotion's last state, heads and lease, in one append."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from cas import digest, refs
from cas.digest import Digest
from cas.problems import Problem
from cas.records.deploy import Deployed, DeploymentResult, Observation, Outcome, Rendered
from cas.records.promotion import PromotionStatus
from cas.records.proof import RefMove
from cas.records.release import Environment, Release
from cas.records.verdict import Decision, Verdict
from cas.store import load
from pipeline import flow
from pipeline.operations import attempts
from pipeline.operations.attestations import seal_record
from pipeline.operations.fleet import Fleet, Host
from pipeline.operations.sealing import SEALED_NAMES, Finished, Sealing
from pipeline.operations.work import Work
from targets import rollout
from targets.drift import of_containers


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went: the result by digest and value, and what the environment's head names when all went well."""

    deployment: Digest
    result_digest: Digest
    result: DeploymentResult
    deployed: Digest | None


def deployed_digest(work: Work, environment: str, line: str) -> Digest | None:
    """Give what a release line runs in an environment, as a Deployed."""
    for name in work.members(refs.deployed(environment)):
        if load(work.effects.store, name, Deployed).line == line:
            return name
    return None


def next_status(status: PromotionStatus, event: flow.Event, **changed: Digest | None) -> PromotionStatus:
    """Give the status after an event of the table."""
    return msgspec.structs.replace(status, state=flow.after(status.state, event), **changed)


def succeed(
    fleet: Fleet, status: PromotionStatus, environment: Environment, sealing: Sealing, sealed: Finished
) -> Ended:
    """Append that it is deployed: promotion, heads and history move, the lease is given back."""
    work, deployment = sealing.work, fleet.deployment
    seen = look_again(fleet, sealing.rendered_digest)
    result = DeploymentResult(
        deployment=fleet.deployment_digest,
        result="deployed",
        completed_at=sealed.completed_at,
        outcomes=outcomes(fleet, seen, sealed.stickers),
    )
    result_digest = work.save(result)
    packet = sealing.packet(sealed, result_digest)
    release = load(work.effects.store, deployment.release, Release)
    decision = load(work.effects.store, deployment.decision, Decision)
    deployed = work.save(
        Deployed(
            line=release.line,
            release=deployment.release,
            environment=deployment.environment,
            deployment=fleet.deployment_digest,
            result=result_digest,
            rendered=sealing.rendered_digest,
            manifest=sealed.manifest,
            packet=packet,
            assessment=load(work.effects.store, decision.verdict, Verdict).assessment,
            completed_at=sealed.completed_at,
        )
    )
    ended = work.save(next_status(status, "succeed", deployment=fleet.deployment_digest, packet=packet))
    before = (deployment.previous,) if deployment.previous else ()
    envelope = seal_record(work.effects, "deployment", result_digest, sealing.images)
    work.note(
        "deployment.ended",
        result_digest,
        (
            *_ending_moves(work, status, environment, ended),
            work.add(refs.deployed(environment.name), deployed, without=before),
            work.add(refs.history(environment.name, release.line), deployed),
            work.move(attempts.ref_of(environment.name, release.line), result_digest),
            *_left_moves(work, fleet, release, seen),
        ),
        envelopes=(envelope, *sealed.envelopes),
        beside=sorted({ended, deployed, *sealed.beside, *seen.values()}),
    )
    work.commit()
    return Ended(fleet.deployment_digest, result_digest, result, deployed)


def _ending_moves(
    work: Work, status: PromotionStatus, environment: Environment, ended: Digest
) -> tuple[RefMove, RefMove]:
    return (
        work.move(refs.promotion(digest.uuid_of(status.promotion)), ended),
        work.move(refs.lease(environment.name), None),
    )


def _left_moves(work: Work, fleet: Fleet, release: Release, seen: Mapping[Digest, Digest]) -> list[RefMove]:
    return [
        work.move(refs.left(host.digest, release.line), seen[host.digest])
        for host in fleet.hosts
        if host.digest in seen
    ]


def _as_before(work: Work, fleet: Fleet, release: Release, seen: Mapping[Digest, Digest]) -> dict[Digest, Digest]:
    """Pick the targets whose containers were made anew as they had been, so that new ids are no drift.

    One that had drifted before, or that differs in more than its containers' ids, is left out: its drift stays visible.
    """
    kept = {}
    for host in fleet.hosts:
        known = work.ref(refs.left(host.digest, release.line))
        if known is None or host.digest not in seen or host.observation is None:
            continue
        before, after = (load(work.effects.store, name, Observation) for name in (known, seen[host.digest]))
        drifted = any(of_containers((), before, host.observation))
        changed = [one for one in of_containers((), host.observation, after) if not one.field.endswith("/id")]
        if not drifted and not changed:
            kept[host.digest] = seen[host.digest]
    return kept


def fail(fleet: Fleet, status: PromotionStatus, environment: Environment, rendered: Digest | None) -> Ended:
    """Append that it failed, with exactly who runs what; heads stay where they were, the lease is given back."""
    work = Work(fleet.effects, fleet.caller)
    seen = look_again(fleet, rendered)
    touched = any(host.plan and rollout.switched(host.plan, host.last) for host in fleet.hosts)
    result = DeploymentResult(
        deployment=fleet.deployment_digest,
        result="rolled_back" if touched else "failed",
        completed_at=work.now,
        outcomes=outcomes(fleet, seen, {}),
    )
    result_digest = work.save(result)
    ended = work.save(next_status(status, "roll_back" if touched else "fail", deployment=fleet.deployment_digest))
    release = load(fleet.effects.store, fleet.deployment.release, Release)
    images = tuple((component.name, component.digest) for component in release.components)
    work.note(
        "deployment.ended",
        result_digest,
        (
            *_ending_moves(work, status, environment, ended),
            work.move(attempts.ref_of(environment.name, release.line), result_digest),
            *_left_moves(work, fleet, release, _as_before(work, fleet, release, seen)),
        ),
        envelopes=(seal_record(fleet.effects, "deployment", result_digest, images),),
        beside=sorted({ended, *seen.values()}),
    )
    work.commit()
    return Ended(fleet.deployment_digest, result_digest, result, None)


def look_again(fleet: Fleet, rendered: Digest | None) -> dict[Digest, Digest]:
    """Capture every target that answers as it was left, by target."""
    if rendered is None:
        return {}
    lock = load(fleet.effects.store, rendered, Rendered)
    paths = sorted({artifact.name for artifact in lock.artifacts} | set(SEALED_NAMES))
    seen: dict[Digest, Digest] = {}
    for host in fleet.hosts:
        try:
            seen[host.digest] = _observe(fleet, host, lock.project, tuple(paths))
        except Problem as problem:
            host.problem = host.problem or problem.code
    return seen


def _observe(fleet: Fleet, host: Host, project: str, paths: tuple[str, ...]) -> Digest:
    found: Observation = host.adapter.observe(host.target, host.digest, project, paths, fleet.world)
    return Work(fleet.effects, fleet.caller).save(found)


def outcomes(fleet: Fleet, seen: Mapping[Digest, Digest], stickers: Mapping[Digest, Digest]) -> tuple[Outcome, ...]:
    """Say of every target how it ended, sorted by target."""
    return tuple(
        Outcome(
            target=host.digest,
            result=_result(host, sealed=host.digest in stickers),
            plan=host.plan_digest,
            receipts=tuple(host.receipts),
            sticker=stickers.get(host.digest),
            code=host.problem,
            observation=seen.get(host.digest),
        )
        for host in sorted(fleet.hosts, key=lambda host: host.digest)
    )


def _result(host: Host, *, sealed: bool) -> Literal["deployed", "unchanged", "restored", "failed", "not_reached"]:
    if sealed:
        return "deployed" if host.plan and host.plan.steps else "unchanged"
    if host.plan is None or not rollout.switched(host.plan, host.last):
        return "not_reached"
    switched = [host.last[step.id] for step in host.plan.steps if step.phase == "switch" and step.id in host.last]
    return "restored" if all(receipt.result == "undone" for receipt in switched) else "failed"
