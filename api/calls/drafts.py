"""Drafts of releases: put together edit by edit, then frozen. Each edit has a digest, which an edit may insist on."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from api.calls.releases import FILES_MOST, ComponentAsk, ReleaseView, TemplateFile
from cas.digest import Digest
from cas.records.base import Slug
from cas.records.release_life import ReleaseDraft

Components = Annotated[tuple[ComponentAsk, ...], msgspec.Meta(max_length=256)]
Files = Annotated[tuple[TemplateFile, ...], msgspec.Meta(max_length=FILES_MOST)]
Names = Annotated[tuple[str, ...], msgspec.Meta(max_length=32)]
Source = Annotated[tuple[tuple[str, str], ...], msgspec.Meta(max_length=64)]
Line = Annotated[str, msgspec.Meta(max_length=128)]
Expected = Annotated[str, msgspec.Meta(pattern=r"^(|sha256:[0-9a-f]{64})$(?!\n)")]
"""Digest of the draft that the caller looked at; empty: whatever it is now."""


class CreateDraft(Ask, frozen=True, kw_only=True):
    """Begin a draft; components may come later. A tag is resolved when its component comes in, and not again."""

    name: Slug
    components: Components = ()
    line: Line = ""
    template: Files = ()
    compose_files: Names = ()
    platforms: Names = ()
    source: Source = ()
    keep_images: bool = False


class EditDraft(Ask, frozen=True, kw_only=True):
    """Change a draft, all of it or nothing. What is left out stays as it is."""

    draft: str
    components: Components = ()  # come in
    replace: bool = False  # … even where one of the name stands: its tag is resolved anew
    remove: Annotated[tuple[Slug, ...], msgspec.Meta(max_length=256)] = ()
    line: Line = ""
    template: Files = ()
    compose_files: Names = ()
    platforms: Names = ()  # of the components that come in
    source: Source = ()
    keep_images: bool = False
    expect: Expected = ""


class MoveDraft(Ask, frozen=True, kw_only=True):
    """Finalise or discard a draft."""

    draft: str
    expect: Expected = ""


class ShowDraft(Ask, frozen=True, kw_only=True):
    """By the name that the release will have."""

    draft: str


class DraftView(Answer, frozen=True, kw_only=True):
    """A draft as one edit left it."""

    digest: Digest
    draft: ReleaseDraft
    created_by: str  # login
    changed_by: str  # login


class ListDrafts(PageAsk, frozen=True, kw_only=True):
    """Changed last first."""

    line: str = ""


class DraftsPage(Answer, frozen=True, kw_only=True):
    """A page of drafts."""

    items: tuple[DraftView, ...]
    next_cursor: str


CREATE = Call(
    "draft.create",
    "POST",
    "/release-drafts",
    CreateDraft,
    DraftView,
    "release:write",
    "Begin a release that can still be edited.",
    status=201,
)
LIST = Call("draft.list", "GET", "/release-drafts", ListDrafts, DraftsPage, "release:read", "List drafts of releases.")
SHOW = Call("draft.show", "GET", "/release-drafts/{draft}", ShowDraft, DraftView, "release:read", "Show a draft.")
EDIT = Call(
    "draft.edit",
    "POST",
    "/release-drafts/{draft}/edits",
    EditDraft,
    DraftView,
    "release:write",
    "Add, replace, remove components of a draft, or change its template.",
)
FINALIZE = Call(
    "draft.finalize",
    "POST",
    "/release-drafts/{draft}/finalize",
    MoveDraft,
    ReleaseView,
    "release:write",
    "Freeze a draft into a release, as it stands.",
    status=201,
)
DISCARD = Call(
    "draft.discard",
    "POST",
    "/release-drafts/{draft}/discard",
    MoveDraft,
    DraftView,
    "release:write",
    "Give a draft up; its name is free again.",
)

CALLS = (CREATE, LIST, SHOW, EDIT, FINALIZE, DISCARD)
