"""How the newest attempt on each environment and release line ended: what status tells beside what runs.

What runs is a head that only success moves; this ref moves whenever a deployment ends, so a failure stays in view
until one succeeds. Knows records and one ref; must not know doors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cas import refs
from cas.digest import Digest
from cas.records.deploy import Deployed, Deployment, DeploymentResult, Receipt
from cas.records.promotion import Promotion
from cas.records.proof import HeadSet
from cas.records.release import Environment, Release
from cas.store import Store, load
from pipeline.effects import Effects

_PREFIX: Final = "attempt/"


def ref_of(environment: str, line: str) -> str:
    """Name the ref of the newest DeploymentResult of a line there, good or not."""
    return f"{_PREFIX}{environment}/{line}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A deployment that ended. ``runs`` is what its line runs there since, in spite of it; None: nothing."""

    result_digest: Digest
    result: DeploymentResult
    deployment: Deployment
    promotion: Promotion
    release: Release
    environment: Environment
    runs: Digest | None


def failed(effects: Effects, environment: str | None = None) -> tuple[Attempt, ...]:
    """Give the newest attempt of each environment and line that did not end well, by environment and line.

    What a later deployment of the line put right is not among them.
    """
    start = _PREFIX if environment is None else ref_of(environment, "")
    return tuple(_failed(effects, start))


def _failed(effects: Effects, start: str) -> Iterator[Attempt]:
    for _, name in sorted(effects.log.refs(start)):
        result = load(effects.store, name, DeploymentResult)
        if result.result != "deployed":
            yield _attempt(effects, name, result)


def _attempt(effects: Effects, name: Digest, result: DeploymentResult) -> Attempt:
    store = effects.store
    deployment = load(store, result.deployment, Deployment)
    release = load(store, deployment.release, Release)
    environment = load(store, deployment.environment, Environment)
    return Attempt(
        result_digest=name,
        result=result,
        deployment=deployment,
        promotion=load(store, deployment.promotion, Promotion),
        release=release,
        environment=environment,
        runs=running(effects, environment.name, release.line),
    )


def running(effects: Effects, environment: str, line: str) -> Digest | None:
    """Give what a release line runs in an environment, as a Deployed."""
    head = effects.log.ref(refs.deployed(environment))
    members = load(effects.store, head, HeadSet).members if head else ()
    return next((name for name in members if load(effects.store, name, Deployed).line == line), None)


def cause(store: Store, receipts: tuple[Digest, ...], code: str) -> Receipt | None:
    """Give the receipt of the step that stopped a target with this code: its facts and its log; None: no step did."""
    found = (load(store, name, Receipt) for name in receipts)
    return next((one for one in found if one.result == "failed" and one.code == code), None)
