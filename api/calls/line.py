"""The stop-line: whether it is stopped, stopping it, lifting it."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call
from cas.digest import Digest
from cas.records.base import Slug

Environments = Annotated[tuple[Slug, ...], msgspec.Meta(max_length=256)]


class ShowLine(Ask, frozen=True, kw_only=True):
    """Whether the line is stopped, and where."""


class StopTheLine(Ask, frozen=True, kw_only=True):
    """Let nothing more be decided or deployed to these environments; none means all, those to come included."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    environments: Environments = ()


class LiftTheLine(Ask, frozen=True, kw_only=True):
    """Lift the stop for these environments; none means the whole of it."""

    environments: Environments = ()


class LineView(Answer, frozen=True, kw_only=True):
    """Where the line is stopped; ``environments`` is empty when it is stopped everywhere."""

    stopped: bool
    everywhere: bool = False
    environments: tuple[str, ...] = ()
    reason: str = ""
    by: str = ""
    at: str = ""
    digest: Digest | None = None


SHOW = Call(
    "line.show", "GET", "/stop-line", ShowLine, LineView, "deployment:read", "Show whether the line is stopped."
)
STOP = Call(
    "line.stop",
    "POST",
    "/stop-line",
    StopTheLine,
    LineView,
    "deployment:write",
    "Stop the line.",
    status=201,
    person=True,
)
LIFT = Call(
    "line.lift",
    "POST",
    "/stop-line/lift",
    LiftTheLine,
    LineView,
    "deployment:write",
    "Lift the stop.",
    person=True,
)

CALLS = (SHOW, STOP, LIFT)
