"""Environments, their targets and freeze windows."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Pairs, Slug
from cas.records.release import Environment, Target

Number = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Names = Annotated[tuple[str, ...], msgspec.Meta(max_length=256)]
Map = Annotated[Pairs, msgspec.Meta(max_length=1000)]


class SetEnvironment(Ask, frozen=True, kw_only=True):
    """Make an environment, or change what is given of it. Secrets are references (env:NAME, file:/path)."""

    environment: Slug
    order: Number | None = None
    after: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    production: bool | None = None
    required_approvals: Number | None = None
    approver_groups: Names | None = None
    separation_of_duties: bool | None = None
    personal_key_required: bool | None = None
    soak_seconds: Number | None = None
    variables: Map | None = None
    secrets: Map | None = None
    allowed_bind_paths: Names | None = None
    health_timeout_seconds: Number | None = None
    retention_days: Number | None = None


class EnvironmentView(Answer, frozen=True, kw_only=True):
    """An environment with its targets."""

    id: str
    digest: Digest
    environment: Environment
    targets: tuple["TargetView", ...]


class TargetView(Answer, frozen=True, kw_only=True):
    """A target."""

    id: str
    digest: Digest
    target: Target


class ListEnvironments(PageAsk, frozen=True, kw_only=True):
    """In their order."""


class EnvironmentsPage(Answer, frozen=True, kw_only=True):
    """A page of environments."""

    items: tuple[EnvironmentView, ...]
    next_cursor: str


class ShowEnvironment(Ask, frozen=True, kw_only=True):
    """By name or id."""

    environment: str


class AddTarget(Ask, frozen=True, kw_only=True):
    """Add a host, or replace the one of that name. ``settings`` are checked by the kind of target."""

    environment: Slug
    name: Slug
    type: Slug
    platform: Annotated[str, msgspec.Meta(max_length=128)] = ""
    settings: Annotated[Pairs, msgspec.Meta(max_length=64)] = ()


class RemoveTarget(Ask, frozen=True, kw_only=True):
    """Take a host out; its record stays."""

    environment: Slug
    name: Slug


class SetFreeze(Ask, frozen=True, kw_only=True):
    """Add a freeze window; ``start`` is in, ``end`` is out. Times without offset need ``zone`` (IANA)."""

    environment: Slug
    start: Annotated[str, msgspec.Meta(max_length=64)]
    end: Annotated[str, msgspec.Meta(max_length=64)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    exceptions: Names = ()
    zone: Annotated[str, msgspec.Meta(max_length=64)] = ""


class ClearFreeze(Ask, frozen=True, kw_only=True):
    """Take out every window that starts at this instant."""

    environment: Slug
    start: str


SET = Call(
    "environment.set",
    "PUT",
    "/environments/{environment}",
    SetEnvironment,
    EnvironmentView,
    "environment:write",
    "Make an environment, or change it.",
)
LIST = Call(
    "environment.list",
    "GET",
    "/environments",
    ListEnvironments,
    EnvironmentsPage,
    "environment:read",
    "List environments.",
)
SHOW = Call(
    "environment.show",
    "GET",
    "/environments/{environment}",
    ShowEnvironment,
    EnvironmentView,
    "environment:read",
    "Show an environment.",
)
ADD_TARGET = Call(
    "target.add",
    "PUT",
    "/environments/{environment}/targets/{name}",
    AddTarget,
    EnvironmentView,
    "environment:write",
    "Add a host to an environment.",
)
REMOVE_TARGET = Call(
    "target.remove",
    "DELETE",
    "/environments/{environment}/targets/{name}",
    RemoveTarget,
    EnvironmentView,
    "environment:write",
    "Take a host out of an environment.",
)
SET_FREEZE = Call(
    "environment.freeze",
    "POST",
    "/environments/{environment}/freezes",
    SetFreeze,
    EnvironmentView,
    "environment:write",
    "Add a freeze window.",
    status=201,
)
CLEAR_FREEZE = Call(
    "environment.unfreeze",
    "DELETE",
    "/environments/{environment}/freezes/{start}",
    ClearFreeze,
    EnvironmentView,
    "environment:write",
    "Take out a freeze window.",
)

CALLS = (SET, LIST, SHOW, ADD_TARGET, REMOVE_TARGET, SET_FREEZE, CLEAR_FREEZE)
