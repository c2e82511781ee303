"""Matching one package: what matches it, and why one advisory does or does not."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from cas.digest import Digest
from cas.records.base import Instant

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class MatchPurl(Ask, frozen=True, kw_only=True):
    """A package by purl, against the current snapshot."""

    purl: Text


class ExplainMatch(Ask, frozen=True, kw_only=True):
    """A package by purl and a vulnerability by any of its names, against the current snapshot."""

    purl: Text
    vulnerability: Text


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what came of it: a code, its sentence, and the range that decided."""

    code: str
    said: str
    ecosystem: str
    name: str
    version: str
    advisory: str
    introduced: str
    end: str
    bound: str
    detail: str
    package: Digest | None
    pointer: str


class RatingLine(msgspec.Struct, frozen=True, kw_only=True):
    """How bad somebody says it is; the first counts."""

    source: str
    by: str
    word: str
    vector: str
    score_tenths: int | None


class MatchLine(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory that matches."""

    advisory: str
    aliases: tuple[str, ...]
    related: tuple[str, ...]
    ecosystem: str
    severity: str
    severity_source: str
    score_tenths: int | None
    fixed_in: tuple[str, ...]
    published: str
    ratings: tuple[RatingLine, ...]
    package: Digest
    pointer: str
    because: tuple[StepLine, ...]


class MatchesView(Answer, frozen=True, kw_only=True):
    """What matches a purl, and what could not be answered."""

    purl: str
    feed: Digest
    captured_at: Instant
    matches: tuple[MatchLine, ...]
    unanswered: tuple[StepLine, ...]


class ExplainedView(Answer, frozen=True, kw_only=True):
    """Whether an advisory matches a purl, and what decided."""

    purl: str
    vulnerability: str
    feed: Digest
    captured_at: Instant
    matched: bool
    steps: tuple[StepLine, ...]


PURL = Call("match.purl", "GET", "/matches", MatchPurl, MatchesView, "feed:read", "List what matches a package.")
EXPLAIN = Call(
    "match.explain",
    "GET",
    "/matches/explain",
    ExplainMatch,
    ExplainedView,
    "feed:read",
    "Say why an advisory matches a package, or why not.",
)

CALLS = (PURL, EXPLAIN)
