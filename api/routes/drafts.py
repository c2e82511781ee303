"""Drafts of releases: create, list, show, edit, finalise, discard."""

from collections.abc import Sequence

from api import paging
from api.calls import drafts as calls
from api.calls.releases import ReleaseView, TemplateFile
from api.names import who
from api.routes import releases as of_releases
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from pipeline.operations import drafts
from pipeline.operations.capture import CapturedFile


def create(visit: Visit, ask: calls.CreateDraft) -> calls.DraftView:
    """Begin a draft."""
    edit = drafts.Edit(
        add=of_releases.specs_of(visit, ask.components),
        template=_files(ask.template),
        compose_files=ask.compose_files,
        platforms=ask.platforms,
        line=ask.line,
        source=dict(ask.source),
        keep_images=ask.keep_images,
    )
    return _view(visit, drafts.start(visit.effects, visit.caller, ask.name, edit))


def edit_one(visit: Visit, ask: calls.EditDraft) -> calls.DraftView:
    """Change a draft."""
    visit.asker.reach(components=ask.remove)
    edit = drafts.Edit(
        add=of_releases.specs_of(visit, ask.components),
        remove=ask.remove,
        replace=ask.replace,
        template=_files(ask.template),
        compose_files=ask.compose_files or None,
        platforms=ask.platforms,
        line=ask.line,
        source=dict(ask.source) or None,
        keep_images=ask.keep_images,
    )
    return _view(visit, drafts.change(visit.effects, visit.caller, ask.draft, edit, expect=ask.expect))


def _files(template: Sequence[TemplateFile]) -> dict[str, CapturedFile] | None:
    return {item.path: CapturedFile(item.data, item.executable) for item in template} or None


def list_all(visit: Visit, ask: calls.ListDrafts) -> calls.DraftsPage:
    """List drafts."""
    items, cursor = paging.page(
        ask,
        drafts.listed(visit.effects, line=ask.line),
        lambda one: f"{one.draft.changed_at} {one.draft.name}",
        most=visit.instance.settings.limits.page,
        descending=True,
    )
    return calls.DraftsPage(items=tuple(_view(visit, one) for one in items), next_cursor=cursor)


def show(visit: Visit, ask: calls.ShowDraft) -> calls.DraftView:
    """Show a draft."""
    return _view(visit, drafts.find(visit.effects, ask.draft))


def finalize(visit: Visit, ask: calls.MoveDraft) -> ReleaseView:
    """Freeze a draft."""
    _reach_all(visit, ask)
    made = drafts.finalize(visit.effects, visit.caller, ask.draft, expect=ask.expect)
    return of_releases.view(visit, made.digest, made.release, ())


def discard(visit: Visit, ask: calls.MoveDraft) -> calls.DraftView:
    """Give a draft up."""
    _reach_all(visit, ask)
    return _view(visit, drafts.discard(visit.effects, visit.caller, ask.draft, expect=ask.expect))


def _reach_all(visit: Visit, ask: calls.MoveDraft) -> None:
    """Hold a token to its components: whoever may not touch one of them may not move the whole."""
    seen = drafts.find(visit.effects, ask.draft)
    visit.asker.reach(components=tuple(one.name for one in seen.draft.components))


def _view(visit: Visit, one: drafts.Drafted) -> calls.DraftView:
    return calls.DraftView(
        digest=one.digest,
        draft=one.draft,
        created_by=who(visit.effects, one.draft.created_by),
        changed_by=who(visit.effects, one.draft.changed_by),
    )


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.CREATE, create),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.EDIT, edit_one),
    Handler(calls.FINALIZE, finalize),
    Handler(calls.DISCARD, discard),
)
