"""drift/1: what was left on a target against what is there now. Pure."""

from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.deploy import (
    Deployed,
    DeploymentResult,
    DriftInput,
    DriftReport,
    Observation,
    Outcome,
    Receipt,
    Rendered,
)
from pipeline.stage import Stage, StageIO
from targets import drift as compare

SEALED_STEP = "sealed-files"
"""The receipt that lists, as outputs, every sealed file written to a target."""


class NotDeployed(Problem):
    """The deployment left nothing on this target."""

    code = "drift.not_deployed"
    category = Category.MISSING
    title = "Nothing was deployed to this target"
    remedy = "Deploy to it first; stella status lists what runs where."


def outcome_of(result: DeploymentResult, target: Digest) -> Outcome:
    """Give how a target ended.

    Raises: drift.not_deployed
    """
    for outcome in result.outcomes:
        if outcome.target == target and outcome.sticker is not None:
            return outcome
    raise NotDeployed(target=target)


def expected_files(outcome: Outcome, rendered: Rendered, io: StageIO) -> dict[str, Digest]:
    """List every delivered file of a target: the lock's artifacts, and the sealed ones that its receipt names."""
    files = {artifact.name: artifact.digest for artifact in rendered.artifacts}
    for name in outcome.receipts:
        receipt = io.load(name, Receipt)
        if receipt.step == SEALED_STEP and receipt.result in {"done", "unchanged"}:
            files |= dict(receipt.outputs)
    return files


def drift(question: DriftInput, io: StageIO) -> DriftReport:
    """Name every difference.

    Raises: drift.not_deployed
    """
    deployed = io.load(question.deployed, Deployed)
    outcome = outcome_of(io.load(deployed.result, DeploymentResult), question.target)
    assert outcome.sticker is not None
    rendered = io.load(deployed.rendered, Rendered)
    now = io.load(question.observation, Observation)
    actual = next((file.digest for file in now.files if file.path == compare.STICKER), None)
    drifts = [
        *compare.of_sticker(io.read(outcome.sticker), io.read(actual) if actual else None),
        *compare.of_files(expected_files(outcome, rendered, io), now),
    ]
    left = question.left or outcome.observation
    if left is not None:
        before = io.load(left, Observation)
        drifts += compare.of_containers(rendered.services, before, now)
    drifts.sort(key=lambda one: (one.component, one.field, one.type, one.expected, one.actual))
    return DriftReport(
        target=question.target,
        expected_sticker=outcome.sticker,
        actual_sticker=actual,
        drifted=bool(drifts),
        drifts=tuple(drifts),
        detail="",
    )


DRIFT = Stage("drift", 1, DriftInput, DriftReport, drift)
