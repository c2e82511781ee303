"""Deployments: deploy, resume, roll back, drift, artifacts, status."""

from typing import Final

import msgspec

from api import paging
from api.calls import deployments as calls
from api.names import who
from api.problem_words import words_of
from api.routes.deployment_told import failed, told, under_way
from api.routes.handler import AnyHandler, Handler
from api.routes.promotions import reach
from api.visit import Visit
from cas import refs
from cas.digest import Digest
from cas.found import MAX_LIMIT, DeploymentFound
from cas.records.deploy import Deployed, DeploymentResult
from cas.records.promotion import PromotionState
from cas.records.release import Release
from cas.store import load
from pipeline.feeds.reading import snapshot
from pipeline.operations import artifacts, deploy, drift, promote, rollback
from pipeline.operations.promotions import PromotionView

_OPEN: Final[tuple[PromotionState, ...]] = ("requested", "pending_gate", "pending_approval", "approved", "deploying")


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
    found = visit.instance.index().deployments(
        paging.place(ask),
        paging.limit(ask, visit.instance.settings.limits.page),
        environment=ask.environment or None,
    )
    return calls.DeploymentsPage(
        items=tuple(_listed(visit, row) for row in found.rows), next_cursor=paging.cursor(ask, found.after)
    )


def _listed(visit: Visit, row: DeploymentFound) -> calls.DeploymentView:
    """Give a deployment that the index found: its result and its files are read by digest."""
    store = visit.effects.store
    ended = (row.result, load(store, row.result, DeploymentResult)) if row.result else None
    return told(visit, row.deployment, ended, load(store, row.deployed, Deployed) if row.deployed else None)


def show(visit: Visit, ask: calls.ShowDeployment) -> calls.DeploymentView:
    """Show a deployment."""
    return _named(visit, artifacts.files_of(visit.effects, ask.id).deployment)


def _named(visit: Visit, name: Digest) -> calls.DeploymentView:
    return told(visit, name, _result_of(visit, name), artifacts.files_of(visit.effects, name).deployed)


def _result_of(visit: Visit, deployment: Digest) -> tuple[Digest, DeploymentResult] | None:
    """Find how a deployment ended; None while it is under way."""
    for _, entry in visit.effects.log.read(visit.effects.log.admitted(deployment) or 0):
        if entry.event == "deployment.ended" and entry.record is not None:
            result = load(visit.effects.store, entry.record, DeploymentResult)
            if result.deployment == deployment:
                return entry.record, result
    return None


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
            title=words_of(one.problem).title if one.problem else "",
            remedy=words_of(one.problem).remedy if one.problem else "",
            facts=one.facts,
            release=load(visit.effects.store, one.release, Release).name,
        )
        for one in found
    )
    return calls.DriftReports(
        environment=ask.environment,
        drifted=any(one.drifted for one in reports),
        all_seen=all(not one.problem for one in reports),
        reports=reports,
    )


def _open(visit: Visit) -> tuple[PromotionView, ...]:
    """Give the promotions that still wait for something; an open index finds them, each is read as it stands."""
    if not visit.instance.indexed:
        return tuple(one for one in promote.listed(visit.effects) if one.status.state in _OPEN)
    index = visit.instance.index()
    ids: list[str] = []
    after: int | None = None
    while True:
        page = index.promotions(after, MAX_LIMIT, states=_OPEN)
        ids += [row.id for row in page.rows]
        after = page.after
        if after is None:
            break
    found = [promote.view(visit.effects, one) for one in ids]
    return tuple(one for one in found if one.status.state in _OPEN)


def status(visit: Visit, _ask: calls.Status) -> calls.StatusView:
    """Tell what runs where, what failed last, and what waits."""
    log, store = visit.effects.log, visit.effects.store
    feed = log.ref(refs.FEED)
    open_now = _open(visit)
    mine = {one.id for one in promote.waiting_for(visit.effects, visit.caller.login, open_now)}
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
            for one in open_now
        ),
        under_way=tuple(name.removeprefix(refs.lease("")) for name, _ in log.refs(refs.lease(""))),
        deploying=under_way(visit),
        failed=failed(visit),
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
