"""Replay: run again, elsewhere, what led to a record; and what bundles of others claim."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from cas.digest import Digest
from cas.records.proof import ReplayDifference


class Replay(Ask, frozen=True, kw_only=True):
    """A verdict, decision, packet, result or other record by digest or id; or an imported bundle's claim."""

    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class ReplayView(Answer, frozen=True, kw_only=True):
    """Equal, different (with the first differing paths), or cannot rerun (with the engines that are missing)."""

    subject: Digest
    result: str
    runs: int
    engines_missing: tuple[str, ...]
    differences: tuple[ReplayDifference, ...]


REPLAY = Call(
    "replay.run",
    "POST",
    "/replays",
    Replay,
    ReplayView,
    "replay:run",
    "Run again in a fresh process, over a sealed store, every stage that led to a record.",
)

CALLS = (REPLAY,)
