"""Policy packs and custom rules."""

from api import paging
from api.calls import policies as calls
from api.problems import RequestInvalid
from api.routes.handler import AnyHandler, Handler
from api.visit import Visit
from cas import refs
from cas.digest import Digest
from cas.problems import Fault
from pipeline.operations import policy, rules
from policy.packs.view import pack_of, whole_of

_PACKS = refs.policy_pack("")
_ACTIVE = refs.policy("")
_SHADOW = refs.policy_shadow("")


def store(visit: Visit, ask: calls.StorePolicy) -> calls.PolicyView:
    """Check and store a pack."""
    if bool(ask.yaml) == bool(ask.starter):
        raise RequestInvalid(call="policy.store", faults=(Fault("/yaml", "policy.source", "either yaml or starter"),))
    stored = policy.store_pack(
        visit.effects, visit.caller, policy.starter(ask.starter) if ask.starter else ask.yaml.encode()
    )
    return view(visit, stored.digest, existed=stored.existed)


def list_all(visit: Visit, ask: calls.ListPolicies) -> calls.PoliciesPage:
    """List the newest pack of each name."""
    items, cursor = paging.page(
        ask, visit.effects.log.refs(_PACKS), lambda item: item[0], most=visit.instance.settings.limits.page
    )
    return calls.PoliciesPage(items=tuple(view(visit, at) for _, at in items), next_cursor=cursor)


def show(visit: Visit, ask: calls.ShowPolicy) -> calls.PolicyView:
    """Show a pack."""
    return view(visit, policy.find_pack(visit.effects, ask.policy))


def activate(visit: Visit, ask: calls.ActivatePolicy) -> calls.PolicyView:
    """Let a pack judge an environment."""
    return view(visit, policy.activate(visit.effects, visit.caller, ask.policy, ask.environment, ask.reason))


def view(visit: Visit, name: Digest, *, existed: bool = False) -> calls.PolicyView:
    """Give a pack, what it asks in the end, where it is active or a shadow, whether it was published."""
    active = tuple(ref.removeprefix(_ACTIVE) for ref, at in visit.effects.log.refs(_ACTIVE) if at == name)
    shadows = tuple(ref.removeprefix(_SHADOW) for ref, at in visit.effects.log.refs(_SHADOW) if at == name)
    store = visit.effects.store
    data = store.get(name)
    return calls.PolicyView(
        digest=name,
        pack=pack_of(data),
        asks=whole_of(data, store.get),
        active_in=active,
        shadow_in=shadows,
        published=visit.effects.log.ref(refs.policy_published(name)) or "",
        existed=existed,
    )


def check_rule(visit: Visit, ask: calls.CheckRule) -> calls.RuleCheckView:
    """Check a custom rule."""
    fit = rules.check_rule(visit.effects, ask.source.encode())
    return calls.RuleCheckView(package=fit.package, asks=fit.asks)


def store_rule(visit: Visit, ask: calls.CheckRule) -> calls.RuleView:
    """Check and store a custom rule."""
    stored = rules.store_rule(visit.effects, visit.caller, ask.source.encode())
    return calls.RuleView(digest=stored.digest, rule=stored.rule, existed=stored.existed)


HANDLERS: tuple[AnyHandler, ...] = (
    Handler(calls.STORE, store),
    Handler(calls.LIST, list_all),
    Handler(calls.SHOW, show),
    Handler(calls.ACTIVATE, activate),
    Handler(calls.CHECK_RULE, check_rule),
    Handler(calls.STORE_RULE, store_rule),
)
