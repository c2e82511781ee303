"""Drift and status: what should be on each target, what is there, what runs where."""

from dataclasses import dataclass

from cas import digest, refs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.base import Instant, Pairs, pairs
from cas.records.deploy import Deployed, Deployment, DeploymentResult, DriftInput, DriftReport, Outcome, Rendered
from cas.records.proof import HeadSet
from cas.records.release import Environment, Release, Target
from cas.store import load
from pipeline.effects import Caller, Effects
from pipeline.operations.attestations import seal_record
from pipeline.operations.deploy import delivered_paths
from pipeline.operations.environments import find_environment
from pipeline.operations.fleet import OutsideWorld
from pipeline.operations.work import Work
from pipeline.stages.drift import DRIFT
from targets.receipts import told


class LineMissing(Problem):
    """The release line that was named is not deployed in the environment."""

    code = "drift.line_missing"
    category = Category.MISSING
    title = "No release of this line is deployed there"
    remedy = "See stella status for what runs where, and check the line's name."


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer for one target: a report, or the code of what kept us from looking. ``release`` should run there."""

    target: Target
    target_digest: Digest
    line: str
    release: Digest
    report: DriftReport | None
    report_digest: Digest | None
    problem: str = ""
    facts: Pairs = ()  # of the problem


@dataclass(frozen=True, slots=True)
class Running:
    """What a line runs on one target."""

    environment: str
    line: str
    release: str
    release_id: str
    target: str
    target_digest: Digest
    result: str
    sticker: Digest | None
    deployment_id: str
    packet: Digest
    completed_at: Instant


def check(effects: Effects, caller: Caller, environment: str, line: str | None = None) -> tuple[Checked, ...]:
    """Observe every target of what runs there, and report each difference; all reports are one append, each signed.

    A target that does not answer is listed with its problem's code: that is no drift, and no all-clear either.

    Raises: environment.missing, drift.line_missing, cas.expectation_failed
    """
    find_environment(effects, environment)
    work = Work(effects, caller)
    found: list[Checked] = []
    for name in work.members(refs.deployed(environment)):
        deployed = load(effects.store, name, Deployed)
        if line in {None, deployed.line}:
            result = load(effects.store, deployed.result, DeploymentResult)
            found += [_check(work, name, deployed, outcome) for outcome in result.outcomes]
    if line is not None and not found:
        raise LineMissing(environment=environment, line=line)
    if any(one.report for one in found):
        work.commit()
    return tuple(sorted(found, key=lambda one: (one.line, one.target.name)))


def _check(work: Work, name: Digest, deployed: Deployed, outcome: Outcome) -> Checked:
    effects, target = work.effects, load(work.effects.store, outcome.target, Target)
    rendered = load(effects.store, deployed.rendered, Rendered)
    previous = load(effects.store, deployed.deployment, Deployment).previous
    paths = delivered_paths(effects, rendered, previous)
    try:
        adapter = effects.adapter(target)
        seen = adapter.observe(target, outcome.target, rendered.project, paths, OutsideWorld(effects))
    except Problem as problem:
        return Checked(
            target, outcome.target, deployed.line, deployed.release, None, None, problem.code, pairs(told(problem))
        )
    done = work.run(
        DRIFT,
        DriftInput(
            deployed=name,
            target=outcome.target,
            observation=work.save(seen),
            left=work.ref(refs.left(outcome.target, deployed.line)),
        ),
    )
    sealed = seal_record(effects, "drift", done.digest, (("sticker", done.record.expected_sticker),))
    work.note("drift.checked", done.digest, envelopes=(sealed,))
    return Checked(target, outcome.target, deployed.line, deployed.release, done.record, done.digest)


def status(effects: Effects, environment: str | None = None) -> tuple[Running, ...]:
    """List what runs where, by environment, line and target, from the heads."""
    prefix = refs.deployed("")
    found = [
        running
        for ref, head in effects.log.refs(prefix)
        if environment in {None, ref.removeprefix(prefix)}
        for name in load(effects.store, head, HeadSet).members
        for running in _running(effects, load(effects.store, name, Deployed))
    ]
    return tuple(sorted(found, key=lambda one: (one.environment, one.line, one.target)))


def _running(effects: Effects, deployed: Deployed) -> list[Running]:
    store = effects.store
    release = load(store, deployed.release, Release)
    return [
        Running(
            environment=load(store, deployed.environment, Environment).name,
            line=deployed.line,
            release=release.name,
            release_id=digest.uuid_of(deployed.release),
            target=load(store, outcome.target, Target).name,
            target_digest=outcome.target,
            result=outcome.result,
            sticker=outcome.sticker,
            deployment_id=digest.uuid_of(deployed.deployment),
            packet=deployed.packet,
            completed_at=deployed.completed_at,
        )
        for outcome in load(store, deployed.result, DeploymentResult).outcomes
    ]


def history(effects: Effects, environment: str, line: str) -> tuple[tuple[Digest, Deployed], ...]:
    """List what a line ran there, newest first: what rollback may return to."""
    head = effects.log.ref(refs.history(environment, line))
    found = [
        (name, load(effects.store, name, Deployed))
        for name in (load(effects.store, head, HeadSet).members if head else ())
    ]
    # by the log, not the clock: two deployments may end within one second
    return tuple(sorted(found, key=lambda one: (effects.log.admitted(one[1].deployment) or 0, one[0]), reverse=True))
