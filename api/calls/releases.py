"""Releases: frozen sets of image digests with their deployment template."""

from typing import Annotated, Literal

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from api.calls.verdicts import VerdictsDiff
from cas.digest import Digest
from cas.records.base import Slug
from cas.records.delta import Delta
from cas.records.release import Release, Role
from cas.records.release_life import ReleaseState

FILES_MOST = 2000


class ComponentAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component by reference: ``registry/repository:tag``, ``…@sha256:…``, or ``oci:<layout path>:<tag>``."""

    name: Slug
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    repository: Annotated[str, msgspec.Meta(max_length=255)] = ""
    semver: Annotated[str, msgspec.Meta(max_length=128)] = ""
    role: Role = "primary"
    platforms: Annotated[tuple[str, ...], msgspec.Meta(max_length=32)] = ()


class TemplateFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the deployment template, by its relative POSIX path (base64 in JSON)."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    data: bytes
    executable: bool = False


class CreateRelease(Ask, frozen=True, kw_only=True):
    """Resolve tags once, capture the template, freeze. The same content under the same name gives what is there."""

    name: Slug
    components: Annotated[tuple[ComponentAsk, ...], msgspec.Meta(min_length=1, max_length=256)]
    line: Annotated[str, msgspec.Meta(max_length=128)] = ""
    template: Annotated[tuple[TemplateFile, ...], msgspec.Meta(max_length=FILES_MOST)] = ()
    compose_files: Annotated[tuple[str, ...], msgspec.Meta(max_length=16)] = ()
    platforms: Annotated[tuple[str, ...], msgspec.Meta(max_length=32)] = ()
    source: Annotated[tuple[tuple[str, str], ...], msgspec.Meta(max_length=64)] = ()
    keep_images: bool = False


class ReleaseView(Answer, frozen=True, kw_only=True):
    """A release with its derived facts. ``reason``, by whom and when tell why it is more than finalized."""

    id: str
    digest: Digest
    release: Release
    created_by: str  # login
    environments: tuple[str, ...]  # where its line runs it now
    existed: bool = False
    state: ReleaseState = "finalized"
    reason: str = ""
    changed_by: str = ""  # login
    changed_at: str = ""


class ShowRelease(Ask, frozen=True, kw_only=True):
    """By name, id or digest."""

    release: str


class ListReleases(PageAsk, frozen=True, kw_only=True):
    """Newest first; of an environment: those that run there now."""

    environment: str = ""
    line: str = ""
    state: Literal["", "finalized", "deprecated", "archived", "all"] = ""  # empty: all but archived ones


class RetireRelease(Ask, frozen=True, kw_only=True):
    """Deprecate or archive a release, and say why."""

    release: str
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class ReleasesPage(Answer, frozen=True, kw_only=True):
    """A page of releases."""

    items: tuple[ReleaseView, ...]
    next_cursor: str


class DiffReleases(Ask, frozen=True, kw_only=True):
    """What changed from ``old`` to ``release``? With an environment, also between their verdicts there."""

    release: str
    old: str
    environment: Annotated[str, msgspec.Meta(max_length=128)] = ""


class ReleaseChange(msgspec.Struct, frozen=True, kw_only=True):
    """One difference of a component, template file, package, licence or document of evidence."""

    kind: Literal["added", "removed", "changed"]
    what: str
    name: str
    old: str
    new: str


class ReleaseDiff(Answer, frozen=True, kw_only=True):
    """Differences, sorted within each sort of thing; ``verdicts`` where an environment was named."""

    old: Digest
    new: Digest
    changes: tuple[ReleaseChange, ...]
    verdicts: VerdictsDiff | None = None


class SignDelta(Ask, frozen=True, kw_only=True):
    """Sign what changed materially from ``old`` to ``release``, by their newest verdicts in an environment."""

    release: str
    old: str
    environment: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class SignedDelta(Answer, frozen=True, kw_only=True):
    """A delta and the DSSE envelope over its in-toto statement about the newer release's images (base64 in JSON)."""

    digest: Digest
    delta: Delta
    predicate_type: str
    envelope: bytes
    standing: int | None  # position of the entry that admitted it
    existed: bool = False


CREATE = Call(
    "release.create",
    "POST",
    "/releases",
    CreateRelease,
    ReleaseView,
    "release:write",
    "Freeze a release: tags are resolved to digests once.",
    status=201,
)
LIST = Call("release.list", "GET", "/releases", ListReleases, ReleasesPage, "release:read", "List releases.")
SHOW = Call("release.show", "GET", "/releases/{release}", ShowRelease, ReleaseView, "release:read", "Show a release.")
DIFF = Call(
    "release.diff",
    "GET",
    "/releases/{release}/diff",
    DiffReleases,
    ReleaseDiff,
    "release:read",
    "List what differs between two releases.",
)
DELTA = Call(
    "release.delta",
    "POST",
    "/releases/{release}/delta",
    SignDelta,
    SignedDelta,
    "gate:run",
    "Sign what changed materially between two releases as an in-toto statement, and keep it.",
    status=201,
)
DEPRECATE = Call(
    "release.deprecate",
    "POST",
    "/releases/{release}/deprecate",
    RetireRelease,
    ReleaseView,
    "release:write",
    "Let a release go nowhere new; rolling back to it stays possible.",
)
ARCHIVE = Call(
    "release.archive",
    "POST",
    "/releases/{release}/archive",
    RetireRelease,
    ReleaseView,
    "release:write",
    "Put a deprecated release that nothing uses out of sight.",
)

CALLS = (CREATE, LIST, SHOW, DIFF, DELTA, DEPRECATE, ARCHIVE)
