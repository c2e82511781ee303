"""Search over the index: what it finds is read again from the store before it is told."""

import re
from typing import Final

from api.calls import search as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest
from cas.digest import Digest
from cas.found import AffectedFound, RunningFound, Sought
from cas.records.deploy import Deployment
from cas.records.verdict import Decision, Verdict
from cas.store import load
from pipeline.operations import releases
from pipeline.operations.releases import ReleaseMissing

_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}", re.ASCII | re.IGNORECASE)


def search(visit: Visit, ask: calls.Search) -> calls.SearchView:
    """Find where something runs now, and by which verdict."""
    index = visit.instance.index()
    kind, what = _understood(visit, ask.q)
    token = visit.asker.token
    within = token.environments if token is not None else ()
    runs = index.where(kind, what, within, ask.limit + 1)
    affected = index.affected(what, within, ask.limit + 1) if kind == "vulnerability" else ()
    by: dict[Digest, _By] = {}
    return calls.SearchView(
        q=ask.q,
        kind=kind,
        runs=tuple(_line(visit, row, by) for row in runs[: ask.limit]),
        affected=tuple(map(_affected, affected[: ask.limit])),
        more=len(runs) > ask.limit or len(affected) > ask.limit,
        log_size=index.size(),
    )


def _understood(visit: Visit, q: str) -> tuple[Sought, str]:
    """Say what was meant, in this order: a release by its name, id or digest; another digest is an image's; a package's
    purl; a host's name; a commit, or the beginning of one; anything else is a vulnerability's name.
    """
    try:
        return "release", releases.find(visit.effects, q)[1]
    except ReleaseMissing:
        pass
    if digest.is_digest(q):
        return "image", q
    if q.startswith("pkg:"):
        return "package", q
    if visit.instance.index().has_host(q):
        return "host", q
    return ("commit" if _COMMIT.fullmatch(q) else "vulnerability"), q


def _affected(row: AffectedFound) -> calls.AffectedLine:
    return calls.AffectedLine(
        vulnerability=row.vulnerability,
        severity=row.severity,
        open=row.open,
        vex=row.vex,
        release=row.release_name or row.release,
        environment=row.environment_name,
        component=row.component,
        purl=row.purl,
        sbom=row.sbom,
        pointer=row.sbom_pointer,
        verdict=row.verdict,
    )


_By = tuple[Deployment, Digest, str]
"""A deployment, the verdict it went by, and what that said."""


def _line(visit: Visit, row: RunningFound, by: dict[Digest, _By]) -> calls.RunsLine:
    if row.deployment not in by:
        by[row.deployment] = _read(visit, row.deployment)
    deployment, verdict, outcome = by[row.deployment]
    return calls.RunsLine(
        environment=row.environment_name,
        target=row.target_name or row.target,
        release=row.release_name or row.release,
        component=row.component,
        digest=row.digest,
        since=row.completed_at,
        outcome=row.outcome,
        deployment=digest.uuid_of(row.deployment),
        promotion=digest.uuid_of(deployment.promotion),
        verdict=verdict,
        allowed=outcome,
    )


def _read(visit: Visit, name: Digest) -> _By:
    store = visit.effects.store
    deployment = load(store, name, Deployment)
    verdict = load(store, deployment.decision, Decision).verdict
    return deployment, verdict, load(store, verdict, Verdict).outcome


HANDLERS: tuple[AnyHandler, ...] = (Handler(calls.SEARCH, search),)
