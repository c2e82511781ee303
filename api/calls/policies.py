"""Policy packs."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Slug
from cas.records.policy import PolicyPack


class StorePolicy(Ask, frozen=True, kw_only=True):
    """A pack as YAML; parameters are checked by their gates now. Or the name of a starter pack."""

    yaml: Annotated[str, msgspec.Meta(max_length=1 << 20)] = ""
    starter: Annotated[str, msgspec.Meta(max_length=64)] = ""


class PolicyView(Answer, frozen=True, kw_only=True):
    """A pack, and where it is active."""

    digest: Digest
    pack: PolicyPack
    active_in: tuple[str, ...]
    existed: bool = False


class ActivatePolicy(Ask, frozen=True, kw_only=True):
    """Make a stored pack (name or digest) the one that judges an environment."""

    policy: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    environment: Slug


class ShowPolicy(Ask, frozen=True, kw_only=True):
    """By name (its newest) or digest."""

    policy: str


class ListPolicies(PageAsk, frozen=True, kw_only=True):
    """The newest pack of each name."""


class PoliciesPage(Answer, frozen=True, kw_only=True):
    """A page of packs."""

    items: tuple[PolicyView, ...]
    next_cursor: str


STORE = Call(
    "policy.store",
    "POST",
    "/policies",
    StorePolicy,
    PolicyView,
    "policy:write",
    "Check and store a policy pack.",
    status=201,
)
LIST = Call("policy.list", "GET", "/policies", ListPolicies, PoliciesPage, "policy:read", "List policy packs.")
SHOW = Call("policy.show", "GET", "/policies/{policy}", ShowPolicy, PolicyView, "policy:read", "Show a policy pack.")
ACTIVATE = Call(
    "policy.activate",
    "POST",
    "/policies/{policy}/activate",
    ActivatePolicy,
    PolicyView,
    "policy:write",
    "Let a pack judge an environment.",
)
CALLS = (STORE, LIST, SHOW, ACTIVATE)
