"""Search over the index: what it finds is read again from the store before it is told."""

from collections.abc import Iterator
from itertools import islice

from api.calls import search as calls
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import digest
from cas.digest import Digest
from cas.found import FindingFound, RunningFound
from cas.index import Index
from cas.records.deploy import Deployment
from cas.records.verdict import Decision, Verdict
from cas.store import load
from pipeline.operations import releases
from pipeline.operations.releases import ReleaseMissing

_PAGE = 1000


def search(visit: Visit, ask: calls.Search) -> calls.SearchView:
    """Find an image, a release or a vulnerability, in this order."""
    index = visit.instance.index()
    kind, release = _understood(visit, ask.q)
    affected: list[calls.AffectedLine] = []
    if kind == "vulnerability":
        found = list(islice(_affected(visit, index, ask.q), ask.limit + 1))
        affected = [line for line, _ in found]
        rows = _unique(row for _, row in _running_of(index, found))
    elif release is not None:
        rows = _unique(row for part in index.components(release) for row in index.running(part.digest))
        rows = [row for row in rows if row.release == release]
    else:
        rows = list(index.running(ask.q))
    seen = [row for row in rows if _within(visit, row.environment_name)]
    return calls.SearchView(
        q=ask.q,
        kind=kind,
        runs=tuple(_line(visit, row) for row in seen[: ask.limit]),
        affected=tuple(affected[: ask.limit]),
        more=len(seen) > ask.limit or len(affected) > ask.limit,
        log_size=index.size(),
    )


def _understood(visit: Visit, q: str) -> tuple[str, Digest | None]:
    """Say what was meant: a release is known by its name, id or digest; another digest is an image's."""
    try:
        return "release", releases.find(visit.effects, q)[1]
    except ReleaseMissing:
        return ("image" if digest.is_digest(q) else "vulnerability"), None


def _within(visit: Visit, environment: str) -> bool:
    """Tell whether the asker's token reaches an environment."""
    token = visit.asker.token
    return token is None or not token.environments or environment in token.environments


def _affected(visit: Visit, index: Index, q: str) -> Iterator[tuple[calls.AffectedLine, FindingFound]]:
    """Go through the findings of what is deployed now."""
    wanted = q.upper()
    names = {(one.release, one.environment_name): one.release_name or "" for one in index.deployed()}
    for (release, environment), name in sorted(names.items(), key=lambda item: (item[0][1], item[1])):
        if not _within(visit, environment):
            continue
        after: int | None = None
        while True:
            page = index.findings(release, after, _PAGE, environment=environment, only_open=False)
            for row in page.rows:
                if row.vulnerability.upper() == wanted:
                    yield _affected_line(row, name), row
            after = page.after
            if after is None:
                break


def _affected_line(row: FindingFound, release: str) -> calls.AffectedLine:
    return calls.AffectedLine(
        vulnerability=row.vulnerability,
        severity=row.severity,
        open=row.open,
        vex=row.vex,
        release=release,
        environment=row.environment_name,
        component=row.component,
        purl=row.purl,
        sbom=row.sbom,
        pointer=row.sbom_pointer,
    )


def _running_of(
    index: Index, found: list[tuple[calls.AffectedLine, FindingFound]]
) -> Iterator[tuple[str, RunningFound]]:
    """Give the targets that run an affected component."""
    for release, environment, component in sorted({(r.release, r.environment_name, r.component) for _, r in found}):
        for part in index.components(release):
            if part.name == component:
                for row in index.running(part.digest):
                    if (row.release, row.environment_name, row.component) == (release, environment, component):
                        yield component, row


def _unique(rows: Iterator[RunningFound]) -> list[RunningFound]:
    return list({(row.environment_name, row.target, row.line, row.component): row for row in rows}.values())


def _line(visit: Visit, row: RunningFound) -> calls.RunsLine:
    store = visit.effects.store
    deployment = load(store, row.deployment, Deployment)
    decision = load(store, deployment.decision, Decision)
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
        verdict=decision.verdict,
        allowed=load(store, decision.verdict, Verdict).outcome,
    )


HANDLERS: tuple[AnyHandler, ...] = (Handler(calls.SEARCH, search),)
