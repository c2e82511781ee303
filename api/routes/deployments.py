"""Deployments: deploy, resume, roll back, drift, artifacts, status."""

from collections.abc import Iterator

import msgspec

from api import paging
from api.calls import deployments as calls
from api.names import who
from api.routes.handler import AnyHandler, Handler
from api.routes.promotions import reach
from api.visit import Visit
from cas import digest, refs
from cas.digest import Digest
from cas.records.deploy import Deployed, Deployment, DeploymentResult
from cas.records.release import Environment, Release, Target
from cas.store import load
from pipeline.feeds.reading import snapshot
from pipeline.operations import artifacts, deploy, drift, promote, rollback

_OPEN = ("requested", "pending_gate", "pending_approval", "approved", "deploying")


def start(visit: Visit, ask: calls.Deploy) -> calls.DeploymentView:
    """Deploy an approved promotion."""
    reach(visit, ask.promotion)
    _can_sign(visit)
    return _named(visit, deploy.deploy(visit.effects, visit.caller, ask.promotion).deployment)


def resume(visit: Visit, ask: calls.Resume) -> calls.DeploymentView:
    """Go on with an interrupted deployment."""
    _can_sign(visit)
    return _named(visit, deploy.resume(visit.effects, visit.caller, ask.environment).deployment)


def roll_back(visit: Visit, ask: calls.RollBack) -> calls.RolledBackView:
    """Return to an earlier packet."""
    _can_sign(visit)
    made = rollback.rollback(
        visit.effects,
        visit.caller,
        ask.environment,
        line=ask.line or None,
        to=ask.to or None,
        reason=ask.reason or "rollback",
    )
    earlier = load(visit.effects.store, made.back_to, Deployed)
    return calls.RolledBackView(
        promotion=made.promotion.id,
        state=made.promotion.status.state,
        back_to=load(visit.effects.store, earlier.release, Release).name,
        deployment=_named(visit, made.ended.deployment) if made.ended else None,
    )


def _can_sign(visit: Visit) -> None:
    """Have the stickers' key at hand before any host changes, not after.

    Raises: keys.file_invalid
    """
    _ = visit.effects.sticker.key


def list_all(visit: Visit, ask: calls.ListDeployments) -> calls.DeploymentsPage:
    """List deployments, newest first."""
    items, cursor = paging.page(
        ask,
        _started(visit, ask),
        lambda item: f"{item[0]:016d}",
        most=visit.instance.settings.limits.page,
        descending=True,
    )
    return calls.DeploymentsPage(items=tuple(_named(visit, name) for _, name in items), next_cursor=cursor)


def _started(visit: Visit, ask: calls.ListDeployments) -> Iterator[tuple[int, Digest]]:
    """Walk the log back from where the cursor stands."""
    log, store = visit.effects.log, visit.effects.store
    last = paging.after(ask)
    stop = int(last) if last else log.head().size
    while stop > 0:
        begin = max(0, stop - 256)
        for at, entry in reversed(list(log.read(begin, stop))):
            if entry.event == "deployment.started" and entry.record is not None:
                deployment = load(store, entry.record, Deployment)
                environment = load(store, deployment.environment, Environment).name
                if not ask.environment or environment == ask.environment:
                    yield at, entry.record
        stop = begin


def show(visit: Visit, ask: calls.ShowDeployment) -> calls.DeploymentView:
    """Show a deployment."""
    return _named(visit, artifacts.files_of(visit.effects, ask.id).deployment)


def _named(visit: Visit, name: Digest) -> calls.DeploymentView:
    store = visit.effects.store
    deployment = load(store, name, Deployment)
    ended = _result_of(visit, name)
    left = artifacts.files_of(visit.effects, name).deployed
    return calls.DeploymentView(
        id=digest.uuid_of(name),
        digest=name,
        promotion=digest.uuid_of(deployment.promotion),
        release=load(store, deployment.release, Release).name,
        environment=load(store, deployment.environment, Environment).name,
        deployer=deployment.deployer_login,
        started_at=deployment.started_at,
        completed_at=ended[1].completed_at if ended else "",
        result=ended[1].result if ended else "",
        result_digest=ended[0] if ended else None,
        manifest=left.manifest if left else None,
        packet=left.packet if left else None,
        outcomes=_outcomes(visit, ended[1]) if ended else (),
    )


def _result_of(visit: Visit, deployment: Digest) -> tuple[Digest, DeploymentResult] | None:
    """Find how a deployment ended; None while it is under way."""
    for _, entry in visit.effects.log.read(visit.effects.log.admitted(deployment) or 0):
        if entry.event == "deployment.ended" and entry.record is not None:
            result = load(visit.effects.store, entry.record, DeploymentResult)
            if result.deployment == deployment:
                return entry.record, result
    return None


def _outcomes(visit: Visit, result: DeploymentResult) -> tuple[calls.TargetOutcome, ...]:
    return tuple(
        calls.TargetOutcome(
            target=load(visit.effects.store, one.target, Target).name,
            result=one.result,
            code=one.code,
            receipts=one.receipts,
            sticker=one.sticker,
        )
        for one in result.outcomes
    )


def list_artifacts(visit: Visit, ask: calls.ShowDeployment) -> calls.ArtifactsView:
    """List a deployment's files."""
    found = artifacts.files_of(visit.effects, ask.id)
    return calls.ArtifactsView(
        deployment=found.id,
        artifacts=tuple(
            calls.ArtifactLine(name=one.name, type=one.type, size=one.size, sha256=one.digest.removeprefix("sha256:"))
            for one in found.files
        ),
        total_size=sum(one.size for one in found.files),
    )


def verify(visit: Visit, ask: calls.VerifyArtifact) -> calls.ArtifactVerified:
    """Check a file's checksum and signature."""
    found = artifacts.verify(visit.effects, artifacts.files_of(visit.effects, ask.id), ask.name, ask.data)
    return calls.ArtifactVerified(
        valid=found.valid,
        checksum=msgspec.convert(found.checksum, calls.ChecksumView),
        signature=msgspec.convert(found.signature, calls.SignatureView),
    )


def check_drift(visit: Visit, ask: calls.CheckDrift) -> calls.DriftReports:
    """Compare what runs with what should."""
    found = drift.check(visit.effects, visit.caller, ask.environment, ask.line or None)
    reports = tuple(
        calls.DriftView(
            target=one.target.name,
            target_digest=one.target_digest,
            line=one.line,
            expected_sticker=one.report.expected_sticker if one.report else None,
            actual_sticker=one.report.actual_sticker if one.report else None,
            drifted=one.report.drifted if one.report else False,
            drifts=one.report.drifts if one.report else (),
            report=one.report_digest,
            problem=one.problem,
        )
        for one in found
    )
    return calls.DriftReports(
        environment=ask.environment,
        drifted=any(one.drifted for one in reports),
        all_seen=all(not one.problem for one in reports),
        reports=reports,
    )


def status(visit: Visit, _ask: calls.Status) -> calls.StatusView:
    """Tell what runs where, and what waits."""
    log, store = visit.effects.log, visit.effects.store
    feed = log.ref(refs.FEED)
    mine = {one.id for one in promote.waiting_for(visit.effects, visit.caller.login)}
    return calls.StatusView(
        origin=visit.instance.origin,
        log_size=log.head().size,
        feed=snapshot(store.get(feed)).captured_at if feed else "",
        stopped=log.ref(refs.STOP_LINE) is not None,
        running=tuple(
            calls.RunningLine(
                environment=one.environment,
                line=one.line,
                release=one.release,
                target=one.target,
                result=one.result,
                deployment=one.deployment_id,
                packet=one.packet,
                completed_at=one.completed_at,
            )
            for one in drift.status(visit.effects)
        ),
        waiting=tuple(
            calls.WaitingLine(
                id=one.id,
                state=one.status.state,
                release=one.release.name,
                environment=one.environment.name,
                requested_by=who(visit.effects, one.promotion.requested_by),
                for_me=one.id in mine,
            )
            for one in promote.listed(visit.effects)
            if one.status.state in _OPEN
        ),
        under_way=tuple(name.removeprefix(refs.lease("")) for name, _ in log.refs(refs.lease(""))),
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.DEPLOY, start),
    Handler(calls.RESUME, resume),
    Handler(calls.ROLL_BACK, roll_back),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.ARTIFACTS, list_artifacts),
    Handler(calls.VERIFY, verify),
    Handler(calls.DRIFT, check_drift),
    Handler(calls.STATUS, status),
)
