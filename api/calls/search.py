"""Search: where an image, a package, a vulnerability, a commit is now, since when, and by which verdict."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from cas.digest import Digest
from cas.found import Sought
from cas.records.base import Instant


class Search(Ask, frozen=True, kw_only=True):
    """A digest (index, platform manifest, config or release), a release's name or id, a package's purl (with its
    version or without), a host's name, a commit (seven digits suffice), a vulnerability by any of its names.
    """

    q: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


class RunsLine(msgspec.Struct, frozen=True, kw_only=True):
    """A component on a target, by our last deployment there; ``outcome`` failed means: only an observation tells."""

    environment: str
    target: str
    release: str
    component: str
    digest: Digest
    since: Instant
    outcome: str
    deployment: str
    promotion: str
    verdict: Digest | None  # by which it went there
    allowed: str  # what that verdict said


class AffectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability in a component of a release, as the newest verdict there was told."""

    vulnerability: str
    severity: str
    open: bool
    vex: str
    release: str
    environment: str
    component: str
    purl: str
    sbom: Digest
    pointer: str
    verdict: Digest  # the newest of this release there


class SearchView(Answer, frozen=True, kw_only=True):
    """What was found. ``kind``: as the question was understood."""

    q: str
    kind: Sought
    runs: tuple[RunsLine, ...]
    affected: tuple[AffectedLine, ...]
    more: bool  # there is more than the limit
    log_size: int  # how much of the log the answer knows: all there was when it was asked


SEARCH = Call(
    "search",
    "GET",
    "/search",
    Search,
    SearchView,
    "deployment:read",
    "Find where an image, a package, a vulnerability, a commit or a release runs now, since when, by which verdict.",
)

CALLS = (SEARCH,)
