"""Releases: create, list, show, diff, deprecate, archive."""

from collections.abc import Callable, Sequence

from api import paging
from api.calls import releases as calls
from api.layouts import refuse_layout
from api.names import who
from api.routes.handler import AnyHandler, Handler
from api.routes.verdicts import compared
from api.visit import Visit
from cas import digest
from cas.digest import Digest
from cas.records.release import Release
from pipeline.attest.delta import PREDICATE
from pipeline.effects import Caller, Effects
from pipeline.operations import deltas, release_diff, release_life, releases
from pipeline.operations.capture import CapturedFile
from pipeline.operations.release_state import standing


def create(visit: Visit, ask: calls.CreateRelease) -> calls.ReleaseView:
    """Freeze a release."""
    made = releases.create(
        visit.effects,
        visit.caller,
        ask.name,
        specs_of(visit, ask.components),
        template={item.path: CapturedFile(item.data, item.executable) for item in ask.template} or None,
        compose_files=ask.compose_files,
        platforms=ask.platforms,
        line=ask.line,
        source=dict(ask.source),
        keep_images=ask.keep_images,
    )
    return view(visit, made.digest, made.release, (), existed=made.existed)


def specs_of(visit: Visit, components: Sequence[calls.ComponentAsk]) -> tuple[releases.ComponentSpec, ...]:
    """Read components as asked for.

    Raises: auth.out_of_bounds for a layout that is not the asker's to name
    """
    for item in components:
        refuse_layout(visit, item.reference)
    return tuple(
        releases.ComponentSpec(
            name=item.name,
            reference=item.reference,
            repository=item.repository,
            semver=item.semver,
            role=item.role,
            platforms=item.platforms,
        )
        for item in components
    )


def list_all(visit: Visit, ask: calls.ListReleases) -> calls.ReleasesPage:
    """List releases."""
    found = releases.list_releases(visit.effects, environment=ask.environment, line=ask.line, state=ask.state)
    items, cursor = paging.page(
        ask,
        found,
        lambda one: f"{one.release.created_at} {one.release.name}",
        most=visit.instance.settings.limits.page,
        descending=True,
    )
    views = tuple(view(visit, one.digest, one.release, one.environments) for one in items)
    return calls.ReleasesPage(items=views, next_cursor=cursor)


def show(visit: Visit, ask: calls.ShowRelease) -> calls.ReleaseView:
    """Show a release and where it runs."""
    release, name = releases.find(visit.effects, ask.release)
    running = tuple(sorted(where for where, member in releases.deployed(visit.effects) if member.release == name))
    return view(visit, name, release, running)


def deprecate(visit: Visit, ask: calls.RetireRelease) -> calls.ReleaseView:
    """Let a release go nowhere new."""
    return _retire(visit, ask, release_life.deprecate)


def archive(visit: Visit, ask: calls.RetireRelease) -> calls.ReleaseView:
    """Put a release out of sight."""
    return _retire(visit, ask, release_life.archive)


def _retire(
    visit: Visit, ask: calls.RetireRelease, retire: Callable[[Effects, Caller, str, str], release_life.Retired]
) -> calls.ReleaseView:
    seen, _ = releases.find(visit.effects, ask.release)
    visit.asker.reach(components=tuple(one.name for one in seen.components))
    retire(visit.effects, visit.caller, ask.release, ask.reason)
    return show(visit, calls.ShowRelease(release=ask.release))


def view(
    visit: Visit, name: Digest, release: Release, environments: tuple[str, ...], *, existed: bool = False
) -> calls.ReleaseView:
    """Spell a release with where it runs and how it stands in its life."""
    status = standing(visit.effects, release.name).status
    return calls.ReleaseView(
        id=digest.uuid_of(name),
        digest=name,
        release=release,
        created_by=who(visit.effects, release.created_by),
        environments=environments,
        existed=existed,
        state=status.state if status else "finalized",
        reason=status.reason if status else "",
        changed_by=who(visit.effects, status.by) if status else "",
        changed_at=status.at if status else "",
    )


def diff(visit: Visit, ask: calls.DiffReleases) -> calls.ReleaseDiff:
    """List what differs."""
    old, old_name = releases.find(visit.effects, ask.old)
    new, new_name = releases.find(visit.effects, ask.release)
    changes = tuple(
        calls.ReleaseChange(kind=one.kind, what=one.what, name=one.name, old=one.old, new=one.new)  # type: ignore[arg-type]
        for one in release_diff.diff(visit.effects, old, new)
    )
    verdicts = None
    if ask.environment:
        before, after = (
            release_diff.verdict_of(visit.effects, name, ask.environment, name=release.name)
            for release, name in ((old, old_name), (new, new_name))
        )
        verdicts = compared(visit, before, after)
    return calls.ReleaseDiff(old=old_name, new=new_name, changes=changes, verdicts=verdicts)


def delta(visit: Visit, ask: calls.SignDelta) -> calls.SignedDelta:
    """Sign what changed materially."""
    before, after = (
        release_diff.verdict_of(visit.effects, name, ask.environment, name=release.name)
        for release, name in (releases.find(visit.effects, one) for one in (ask.old, ask.release))
    )
    made = deltas.sign(visit.effects, visit.caller, before, after)
    return calls.SignedDelta(
        digest=made.digest,
        delta=made.delta,
        predicate_type=PREDICATE,
        envelope=made.envelope,
        standing=made.position,
        existed=made.existed,
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.CREATE, create),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.DIFF, diff),
    Handler(calls.DELTA, delta),
    Handler(calls.DEPRECATE, deprecate),
    Handler(calls.ARCHIVE, archive),
)
