"""A release before it is frozen, and after: drafts, and what became of frozen ones. A release itself never changes."""

from typing import Literal

from cas.digest import Digest
from cas.records.base import ActorId, Instant, Name, Nonce, Pairs, Record, Slug, Text
from cas.records.release import Component

ReleaseState = Literal["draft", "finalized", "deprecated", "archived"]


class ReleaseDraft(Record, frozen=True, kw_only=True, tag="release_draft/1"):
    """What the ref ``release_draft/<name>`` names: a release being put together. Each edit names the draft before it.

    A component's tag was resolved when the component came in, and is not asked for again.
    """

    name: Slug
    line: Slug
    components: tuple[Component, ...]  # sorted by name; may still be empty
    template: Digest | None  # Tree: the author's files
    compose_files: tuple[Name, ...]
    source: Pairs
    previous: Digest | None  # ReleaseDraft before this edit
    created_at: Instant
    created_by: ActorId
    changed_at: Instant
    changed_by: ActorId
    nonce: Nonce


class ReleaseStatus(Record, frozen=True, kw_only=True, tag="release_status/1"):
    """What the ref ``release_state/<name>`` names once a release is more than finalized: since when, by whom, why."""

    release: Digest
    state: ReleaseState
    reason: Text
    by: ActorId
    at: Instant
    previous: Digest | None  # ReleaseStatus before
