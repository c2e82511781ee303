"""Policy packs and custom rules."""

from typing import Annotated

import msgspec

from api.calls.call import Answer, Ask, Call, PageAsk
from cas.digest import Digest
from cas.records.base import Slug
from cas.records.policy import PolicyPack
from cas.records.policy_life import PolicyPack2
from cas.records.rego import RegoRule


class StorePolicy(Ask, frozen=True, kw_only=True):
    """A pack as YAML; parameters are checked by their gates now. Or the name of a starter pack."""

    yaml: Annotated[str, msgspec.Meta(max_length=1 << 20)] = ""
    starter: Annotated[str, msgspec.Meta(max_length=64)] = ""


class PolicyView(Answer, frozen=True, kw_only=True):
    """A pack as stored, what it asks with its includes taken in, where it is active or a shadow.

    ``published`` is the digest of the record that published it, or empty.
    """

    digest: Digest
    pack: PolicyPack | PolicyPack2
    asks: PolicyPack
    active_in: tuple[str, ...]
    shadow_in: tuple[str, ...] = ()
    published: str = ""
    existed: bool = False


class ActivatePolicy(Ask, frozen=True, kw_only=True):
    """Make a stored pack (name or digest) the one that judges an environment."""

    policy: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    environment: Slug
    reason: Annotated[str, msgspec.Meta(max_length=65_536)] = ""


class ShowPolicy(Ask, frozen=True, kw_only=True):
    """By name (its newest) or digest."""

    policy: str


class ListPolicies(PageAsk, frozen=True, kw_only=True):
    """The newest pack of each name."""


class PoliciesPage(Answer, frozen=True, kw_only=True):
    """A page of packs."""

    items: tuple[PolicyView, ...]
    next_cursor: str


class CheckRule(Ask, frozen=True, kw_only=True):
    """A custom rule as Rego; the same request checks and stores."""

    source: Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 16)]


class RuleCheckView(Answer, frozen=True, kw_only=True):
    """A rule that may be stored: its package, and the sets of findings that it defines."""

    package: str
    asks: tuple[str, ...]


class RuleView(Answer, frozen=True, kw_only=True):
    """A stored rule; packs name ``digest``."""

    digest: Digest
    rule: RegoRule
    existed: bool = False


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
CHECK_RULE = Call(
    "policy.rule.check",
    "POST",
    "/policy-rules/check",
    CheckRule,
    RuleCheckView,
    "policy:read",
    "Check a custom rule in Rego; nothing is stored.",
)
STORE_RULE = Call(
    "policy.rule.store",
    "POST",
    "/policy-rules",
    CheckRule,
    RuleView,
    "policy:write",
    "Check and store a custom rule in Rego.",
    status=201,
)
CALLS = (STORE, LIST, SHOW, ACTIVATE, CHECK_RULE, STORE_RULE)
