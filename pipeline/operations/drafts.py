"""Drafts: releases being put together. Every edit is an entry; what two changed at once is refused, never merged.

A tag is resolved when its component comes in, once, and kept beside the digest: what was looked at is what is frozen.
To take a tag that has moved since, replace the component.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cas import refs
from cas.digest import Digest
from cas.problems import Category, ExpectationFailed, Fault, Problem
from cas.records.base import pairs
from cas.records.release import Component, Release, Tree
from cas.records.release_life import ReleaseDraft
from cas.store import load
from pipeline import flow
from pipeline.effects import Caller, Effects
from pipeline.operations import releases
from pipeline.operations.capture import CapturedFile
from pipeline.operations.release_state import standing_in
from pipeline.operations.releases import ComponentSpec, Created, ReleaseInvalid, ReleaseNameTaken
from pipeline.operations.work import Work


class DraftMissing(Problem):
    """There is no draft of this name."""

    code = "release.draft_missing"
    category = Category.MISSING
    title = "No such draft"
    remedy = "List the drafts with stella release list --state draft, and check the name."


class DraftExists(Problem):
    """A draft of this name is being put together already."""

    code = "release.draft_exists"
    category = Category.CONFLICT
    title = "There is a draft of this name"
    remedy = "Edit it (stella release add-component), or discard it first (stella release discard)."


class DraftMoved(Problem):
    """The draft is no longer as the caller saw it."""

    code = "release.draft_moved"
    category = Category.CONFLICT
    title = "Somebody changed the draft meanwhile"
    remedy = "Look at the draft as it is now (stella release show), then do again what is still wanted."


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft by digest and value. The digest is that of this very edit."""

    digest: Digest
    draft: ReleaseDraft


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to change: components that come in and go, and whatever else is given. Nothing given: nothing changes."""

    add: tuple[ComponentSpec, ...] = ()
    remove: tuple[str, ...] = ()
    replace: bool = False  # components that come in may stand already
    template: Path | Mapping[str, CapturedFile] | None = None
    compose_files: tuple[str, ...] | None = None
    platforms: tuple[str, ...] = ()
    line: str = ""
    source: Mapping[str, str] | None = None
    keep_images: bool = False


def start(effects: Effects, caller: Caller, name: str, edit: Edit) -> Drafted:
    """Begin a draft with what is given, perhaps no component yet.

    Raises: release.invalid, release.name_taken, release.draft_exists, compose.*, template.*, image.*, registry.*
    """
    work = Work(effects, caller)
    releases.check_names(name, edit.line, edit.add, least=0)
    stands = standing_in(work, name)
    if stands.state == "draft":
        raise DraftExists(release=name)
    if stands.state != "absent":
        raise ReleaseNameTaken(release=name, state=stands.state)
    flow.release_after(name, stands.state, "draft")
    empty = ReleaseDraft(
        name=name,
        line=edit.line or releases.line_of(name),
        components=(),
        template=None,
        compose_files=(),
        source=(),
        previous=None,
        created_at=work.now,
        created_by=caller.actor,
        changed_at=work.now,
        changed_by=caller.actor,
        nonce=effects.entropy.nonce(),
    )
    made = _edited(work, empty, edit)
    return _committed(work, "release.drafted", msgspec.structs.replace(made, previous=None))


def change(effects: Effects, caller: Caller, name: str, edit: Edit, *, expect: Digest = "") -> Drafted:
    """Edit a draft: all of the edit or nothing. ``expect`` is the draft that the caller looked at.

    Raises: release.draft_missing, release.draft_moved, release.invalid, compose.*, template.*, image.*, registry.*
    """
    work = Work(effects, caller)
    before = _open(work, name, "edit", expect)
    _check_edit(before.draft, edit)
    made = _edited(work, before.draft, edit)
    after = msgspec.structs.replace(made, previous=before.digest, changed_at=work.now, changed_by=caller.actor)
    return _committed(work, "release.edited", after)


def finalize(effects: Effects, caller: Caller, name: str, *, expect: Digest = "") -> Created:
    """Freeze a draft as it stands into a release; no tag is asked for again.

    Raises: release.draft_missing, release.draft_moved, release.illegal_move, release.invalid, compose.*
    """
    work = Work(effects, caller)
    draft = _open(work, name, "finalize", expect).draft
    if not draft.components:
        count = Fault("/components", "release.components_count", f"1 to {releases.MAX_COMPONENTS} components")
        raise ReleaseInvalid(release=name, faults=(count,))
    release = Release(
        name=draft.name,
        line=draft.line,
        components=draft.components,
        template=draft.template,
        compose=releases.read_project(work, draft.template, draft.compose_files, draft.components),
        source=draft.source,
        created_at=work.now,
        created_by=caller.actor,
        nonce=effects.entropy.nonce(),
    )
    created = releases.freeze(work, release, work.move(refs.release_draft(name), None))
    _commit(work, name)
    return created


def discard(effects: Effects, caller: Caller, name: str, *, expect: Digest = "") -> Drafted:
    """Give a draft up; its name is free again. The log keeps every edit.

    Raises: release.draft_missing, release.draft_moved, release.illegal_move
    """
    work = Work(effects, caller)
    before = _open(work, name, "discard", expect)
    work.note("release.discarded", before.digest, (work.move(refs.release_draft(name), None),))
    _commit(work, name)
    return before


def find(effects: Effects, name: str) -> Drafted:
    """Give the draft of a name.

    Raises: release.draft_missing
    """
    found = effects.log.ref(refs.release_draft(name)) if len(name) <= 128 else None
    if found is None:
        raise DraftMissing(release=name[:128])
    return Drafted(found, load(effects.store, found, ReleaseDraft))


def listed(effects: Effects, *, line: str = "") -> tuple[Drafted, ...]:
    """List drafts, changed last first."""
    found = [Drafted(named, load(effects.store, named, ReleaseDraft)) for _, named in _heads(effects)]
    kept = (one for one in found if not line or one.draft.line == line)
    return tuple(sorted(kept, key=lambda one: (one.draft.changed_at, one.draft.name), reverse=True))


def _heads(effects: Effects) -> tuple[tuple[str, Digest], ...]:
    return effects.log.refs(refs.release_draft(""))


def _open(work: Work, name: str, event: flow.ReleaseEvent, expect: Digest) -> Drafted:
    """Give the draft that is to be moved; the append expects the release's whole standing to be as it was read."""
    stands = standing_in(work, name) if len(name) <= 128 else None
    if stands is None or stands.state == "absent":
        raise DraftMissing(release=name[:128])
    flow.release_after(name, stands.state, event)
    found = work.ref(refs.release_draft(name))
    assert found is not None
    if expect and expect != found:
        raise DraftMoved(release=name, expected=expect, found=found)
    return Drafted(found, load(work.effects.store, found, ReleaseDraft))


def _check_edit(draft: ReleaseDraft, edit: Edit) -> None:
    standing = {one.name for one in draft.components}
    faults = [
        Fault(f"/remove/{at}", "release.component_absent", f"{name[:100]} is not in the draft")
        for at, name in enumerate(edit.remove)
        if name not in standing
    ]
    if not edit.replace:
        faults += [
            Fault(
                f"/components/{at}/name", "release.component_twice", f"{spec.name[:100]} is in the draft; say replace"
            )
            for at, spec in enumerate(edit.add)
            if spec.name in standing - set(edit.remove)
        ]
    if faults:
        raise ReleaseInvalid(release=draft.name, faults=tuple(faults))
    gone = standing - set(edit.remove) - {spec.name for spec in edit.add}
    kept = [ComponentSpec(name, "") for name in sorted(gone)]
    releases.check_names(draft.name, edit.line, [*edit.add, *kept], least=0)


def _edited(work: Work, draft: ReleaseDraft, edit: Edit) -> ReleaseDraft:
    """Do an edit: first look at all that is given, then keep it."""
    chosen = edit.compose_files if edit.compose_files is not None else draft.compose_files
    files = releases.template_files(edit.template, chosen)
    if files is None and edit.compose_files is not None:
        releases.template_files(_files_of(work, draft), chosen)
    came = [releases.component_of(work.effects, spec, edit.platforms, edit.keep_images) for spec in edit.add]
    gone = {*edit.remove, *(one.name for one in came)}
    stay: list[Component] = [one for one in draft.components if one.name not in gone]
    return msgspec.structs.replace(
        draft,
        line=edit.line or draft.line,
        components=tuple(sorted([*stay, *came], key=releases.by_name)),
        template=releases.keep_tree(work, files) or draft.template,
        compose_files=tuple(chosen),
        source=draft.source if edit.source is None else pairs(dict(edit.source)),
    )


def _files_of(work: Work, draft: ReleaseDraft) -> Mapping[str, CapturedFile] | None:
    if draft.template is None:
        return None
    store = work.effects.store
    entries = load(store, draft.template, Tree).entries
    return {one.path: CapturedFile(store.get(one.digest), one.executable) for one in entries}


def _committed(work: Work, event: str, draft: ReleaseDraft) -> Drafted:
    named = work.save(draft)
    beside = {one.resolution for one in draft.components} | {one for one in (draft.template,) if one}
    work.note(event, named, (work.move(refs.release_draft(draft.name), named),), beside=sorted(beside))
    _commit(work, draft.name)
    return Drafted(named, draft)


def _commit(work: Work, name: str) -> None:
    try:
        work.commit()
    except ExpectationFailed as error:
        raise DraftMoved(release=name) from error
